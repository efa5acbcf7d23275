-- The digest of the first bytes of a session, and how many: a replica that closes an
-- upload which others received need not read it again. Who moves a session on without
-- saying so, as earlier releases do, leaves a number that is not the offset.
ALTER TABLE upload ADD COLUMN hashed {{text}};
ALTER TABLE upload ADD COLUMN hashed_bytes {{int}};

-- A session that a blob ended which was there already. It goes on no more, nothing of it
-- is left to remove; its closing request may come again.
ALTER TABLE upload ADD COLUMN fulfilled_by {{text}};
