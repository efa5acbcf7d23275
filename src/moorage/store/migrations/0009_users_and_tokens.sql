-- An administrator's lists of everybody's tokens, and of users by their names.
CREATE INDEX token_kind ON token (kind, id);
CREATE INDEX account_name ON account (LOWER(name), id);

-- What an administrator did to an account that is not let in; null is 'blocked'.
ALTER TABLE account ADD COLUMN blocked_as {{text}}
    CHECK (blocked_as IN ('blocked', 'deactivated', 'banned'));
