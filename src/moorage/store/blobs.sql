-- name: find
-- Served by repository_path, blob_digest and the primary key of link.
SELECT b.id, b.digest, b.generation, b.size_bytes, l.lease_until_us,
       r.id AS repository_id
  FROM repository r
  JOIN blob b ON b.digest = :digest AND b.deleted_at_us IS NULL
  JOIN link l ON l.repository_id = r.id AND l.blob_id = b.id
              AND l.deleted_at_us IS NULL
 WHERE r.path = :path AND r.deleted_at_us IS NULL;

-- name: put
-- The first upload of some bytes wins; a later one renews the lease of what is there.
INSERT INTO blob (digest, generation, size_bytes, lease_until_us, created_at_us)
VALUES (:digest, :generation, :size_bytes, :lease_until_us, :now_us)
    ON CONFLICT (digest) WHERE deleted_at_us IS NULL DO UPDATE
   SET lease_until_us = excluded.lease_until_us
RETURNING id, generation;

-- name: leave_to_collection
-- Never a blob, it begins as one that was deleted.
INSERT INTO blob (digest, generation, size_bytes, created_at_us, deleted_at_us,
                  retry_at_us)
VALUES (:digest, :generation, :size_bytes, :now_us, :now_us, :now_us);

-- name: is_stored
-- Served by blob_digest.
SELECT 1 AS found FROM blob WHERE digest = :digest AND deleted_at_us IS NULL;

-- name: renew
-- Changes the row, so that a collection that waits for its lock checks again.
UPDATE blob SET lease_until_us = :lease_until_us
 WHERE digest = :digest AND deleted_at_us IS NULL
RETURNING id;

-- name: link
INSERT INTO link (repository_id, blob_id, lease_until_us, created_at_us)
VALUES (:repository_id, :blob_id, :lease_until_us, :now_us)
    ON CONFLICT (repository_id, blob_id) DO NOTHING;

-- name: relink
-- Finds nothing where collection, which was waited for, just removed the row.
UPDATE link SET lease_until_us = :lease_until_us, deleted_at_us = NULL
 WHERE repository_id = :repository_id AND blob_id = :blob_id;

-- name: renew_link
-- Touches the row in any case: that it was there to be touched is the answer.
UPDATE link
   SET lease_until_us = CASE WHEN lease_until_us > :lease_until_us
                             THEN lease_until_us ELSE :lease_until_us END
 WHERE repository_id = :repository_id AND blob_id = :blob_id
   AND deleted_at_us IS NULL;

-- name: renew_links
-- Locks the links that a manifest is about to use, against their collection; in order,
-- so that two pushes of the same layers wait for one another and no more.
UPDATE link SET lease_until_us = :lease_until_us
 WHERE id IN (SELECT id FROM link
               WHERE repository_id = :repository_id AND deleted_at_us IS NULL
                 AND blob_id IN (SELECT id FROM blob
                                  WHERE digest IN ({{texts:digests}})
                                    AND deleted_at_us IS NULL)
               ORDER BY id
              {{for_update}})
RETURNING (SELECT digest FROM blob WHERE blob.id = link.blob_id) AS digest;

-- name: unlink
UPDATE link SET deleted_at_us = :now_us
 WHERE repository_id = :repository_id AND blob_id = :blob_id
   AND deleted_at_us IS NULL;

-- name: users
-- One living manifest of the repository that uses the blob, by manifest_blob_blob.
SELECT m.digest
  FROM manifest_blob mb
  JOIN manifest m ON m.id = mb.manifest_id
 WHERE mb.blob_id = :blob_id AND mb.repository_id = :repository_id
   AND m.deleted_at_us IS NULL
 LIMIT 1;

-- name: holders
-- Repositories that hold a blob, a bounded number of them.
SELECT r.path, r.project_id
  FROM blob b
  JOIN link l ON l.blob_id = b.id AND l.deleted_at_us IS NULL
  JOIN repository r ON r.id = l.repository_id AND r.deleted_at_us IS NULL
 WHERE b.digest = :digest AND b.deleted_at_us IS NULL
 LIMIT :limit;

-- name: generation_exists
-- Two branches, for the two partial indexes.
SELECT 1 AS found FROM blob
 WHERE digest = :digest AND generation = :generation AND deleted_at_us IS NULL
UNION ALL
SELECT 1 FROM blob
 WHERE digest = :digest AND generation = :generation AND deleted_at_us IS NOT NULL;
