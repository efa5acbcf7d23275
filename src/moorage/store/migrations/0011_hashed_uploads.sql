-- The digest of the first bytes of a session, and how many: a replica that closes an
-- upload which others received need not read it again. Who moves a session on without
-- saying so, as earlier releases do, leaves a number that is not the offset.
ALTER TABLE upload ADD COLUMN hashed {{text}};
ALTER TABLE upload ADD COLUMN hashed_bytes {{int}};
