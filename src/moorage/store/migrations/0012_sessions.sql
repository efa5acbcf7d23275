-- Who signed in with a password and goes on with a cookie; the secret is in that alone.
CREATE TABLE session (
    id {{id}},
    secret_hash {{text}} NOT NULL UNIQUE,
    account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    expires_at_us {{int}} NOT NULL,
    created_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_expiry ON session (expires_at_us);
