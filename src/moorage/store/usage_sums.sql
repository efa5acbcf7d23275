-- Listed and unique bytes of repositories, kept by the writes that change them.

-- name: note
INSERT INTO usage_change (repository_id, listed_bytes, unique_bytes)
VALUES (:repository_id, :listed_bytes, :unique_bytes);

-- name: note_link
INSERT INTO usage_change (repository_id, listed_bytes, unique_bytes)
SELECT CAST(:repository_id AS BIGINT), 0, blob.size_bytes
  FROM blob WHERE blob.id = :blob_id;

-- name: note_links_of
-- Those of a repository that was just made.
INSERT INTO usage_change (repository_id, listed_bytes, unique_bytes)
SELECT link.repository_id, 0, CAST(SUM(blob.size_bytes) AS BIGINT)
  FROM link JOIN blob ON blob.id = link.blob_id
 WHERE link.repository_id = :repository_id
 GROUP BY link.repository_id;

-- name: note_unlinked
-- Before they go.
INSERT INTO usage_change (repository_id, listed_bytes, unique_bytes)
SELECT link.repository_id, 0, CAST(-SUM(blob.size_bytes) AS BIGINT)
  FROM link JOIN blob ON blob.id = link.blob_id
 WHERE link.id IN ({{ints:ids}})
 GROUP BY link.repository_id;

-- name: any_change
-- scan: ends at its first row.
SELECT id FROM usage_change ORDER BY id LIMIT 1;

-- name: take
-- scan: ends at the limit.
DELETE FROM usage_change
 WHERE id IN (SELECT id FROM usage_change ORDER BY id LIMIT :limit)
RETURNING repository_id, listed_bytes, unique_bytes;

-- name: list_changed
-- scan: what was noted since changes were last folded.
SELECT DISTINCT repository_id FROM usage_change LIMIT :limit;

-- name: add
INSERT INTO usage_sum (repository_id, listed_bytes, unique_bytes)
SELECT a.repository_id, a.listed_bytes, a.unique_bytes
  FROM ({{rows:added(repository_id int, listed_bytes int, unique_bytes int)}}) AS a
 WHERE 1 = 1
 ORDER BY a.repository_id
    ON CONFLICT (repository_id) DO UPDATE
   SET listed_bytes = usage_sum.listed_bytes + excluded.listed_bytes,
       unique_bytes = usage_sum.unique_bytes + excluded.unique_bytes;

-- name: list_sums
SELECT repository_id, listed_bytes, unique_bytes
  FROM usage_sum
 WHERE repository_id IN ({{ints:ids}})
 UNION ALL
SELECT repository_id, listed_bytes, unique_bytes
  FROM usage_change
 WHERE repository_id IN ({{ints:ids}});

-- name: recount
SELECT r.value AS repository_id,
       (SELECT CAST(COALESCE(SUM(tag.total_bytes), 0) AS BIGINT)
          FROM tag WHERE tag.repository_id = r.value) AS listed_bytes,
       (SELECT CAST(COALESCE(SUM(blob.size_bytes), 0) AS BIGINT)
          FROM link JOIN blob ON blob.id = link.blob_id
         WHERE link.repository_id = r.value) AS unique_bytes
  FROM ({{ints:ids}}) AS r;

-- name: list_repositories
SELECT id FROM repository WHERE id > :after ORDER BY id LIMIT :limit;
