-- What the repositories under a quota take up, each for itself, as far as usage_sum knows:
-- a push does not add them up. Null is to be added up, once the quota is made and again
-- when projects came or went.
ALTER TABLE quota ADD COLUMN listed_bytes {{int}};
ALTER TABLE quota ADD COLUMN unique_bytes {{int}};
CREATE INDEX quota_uncounted ON quota (unique_bytes) WHERE unique_bytes IS NULL;
