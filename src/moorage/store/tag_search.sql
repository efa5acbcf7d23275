-- Beginnings of names, by which a search finds tags. Kept up to date behind the writes:
-- a name has up to a hundred beginnings, scattered over the whole index.

-- name: note
-- No conflict is looked for: a row that is there may be about to be taken by somebody
-- who does not see this transaction's tag.
INSERT INTO tag_change (repository_id, name, changed_at_us)
SELECT CAST(:repository_id AS BIGINT), n.value, CAST(:now_us AS BIGINT)
  FROM ({{texts:names}}) AS n;

-- name: oldest
-- scan: ends at its first row.
SELECT changed_at_us FROM tag_change ORDER BY id LIMIT 1;

-- name: take
-- scan: ends at the limit.
DELETE FROM tag_change
 WHERE id IN (SELECT id
                FROM (SELECT id, changed_at_us FROM tag_change ORDER BY id LIMIT :limit)
                     AS first
               WHERE changed_at_us <= :before_us)
RETURNING repository_id, name;

-- name: list_there
SELECT name
  FROM tag
 WHERE repository_id = :repository_id AND name IN ({{texts:names}});

-- name: list_neighbours
-- The tags on both sides of where names are, or were.
SELECT n.value AS name,
       (SELECT MAX(tag.name) FROM tag
         WHERE tag.repository_id = :repository_id AND tag.name < n.value) AS before,
       (SELECT MIN(tag.name) FROM tag
         WHERE tag.repository_id = :repository_id AND tag.name > n.value) AS behind
  FROM ({{texts:names}}) AS n;

-- name: add
INSERT INTO tag_beginning (repository_id, backwards)
SELECT CAST(:repository_id AS BIGINT), b.value
  FROM ({{texts:beginnings}}) AS b
 WHERE 1 = 1
    ON CONFLICT (repository_id, backwards) DO NOTHING;

-- name: drop
DELETE FROM tag_beginning
 WHERE repository_id = :repository_id AND backwards IN ({{texts:beginnings}});

-- name: list_beginnings
-- Of names, those that end as wanted; spelt backwards.
SELECT backwards
  FROM tag_beginning
 WHERE repository_id = :repository_id
   AND backwards >= :low AND backwards < :high
 ORDER BY backwards
 LIMIT :limit;

-- name: count_beginnings
SELECT COUNT(*) AS total
  FROM (SELECT 1
          FROM tag_beginning
         WHERE repository_id = :repository_id
           AND backwards >= :low AND backwards < :high
         LIMIT :limit) AS counted;

-- name: list_changed
-- What is there and may not be sorted in yet, as beginnings are.
SELECT DISTINCT c.name
  FROM tag_change c
  JOIN tag ON tag.repository_id = c.repository_id AND tag.name = c.name
 WHERE c.repository_id = :repository_id AND {{has:c.name(:part)}}
 LIMIT :limit;
