-- name: create
INSERT INTO upload (id, repository_id, algorithm, offset_bytes, created_at_us,
                    updated_at_us)
VALUES (:id, :repository_id, :algorithm, 0, :now_us, :now_us);

-- name: find
SELECT id, repository_id, algorithm, offset_bytes, digest, state, hashed, hashed_bytes
  FROM upload
 WHERE id = :id AND ended_at_us IS NULL;

-- name: advance
-- Only from the offset that the writer started at: of two writers one is told.
UPDATE upload
   SET offset_bytes = :offset_bytes, state = :state, hashed = :hashed,
       hashed_bytes = :offset_bytes, updated_at_us = :now_us
 WHERE id = :id AND offset_bytes = :old_offset_bytes AND digest IS NULL
   AND ended_at_us IS NULL;

-- name: close
UPDATE upload
   SET offset_bytes = :offset_bytes, state = :state, digest = :digest,
       updated_at_us = :now_us
 WHERE id = :id AND offset_bytes = :old_offset_bytes
   AND (digest IS NULL OR digest = :digest) AND ended_at_us IS NULL;

-- name: finish
DELETE FROM upload WHERE id = :id AND ended_at_us IS NULL;

-- name: fulfil
UPDATE upload
   SET fulfilled_by = :digest, updated_at_us = :now_us, ended_at_us = :now_us
 WHERE id = :id AND ended_at_us IS NULL;

-- name: fulfilment
SELECT fulfilled_by FROM upload WHERE id = :id AND fulfilled_by IS NOT NULL;

-- name: forget_fulfilled
DELETE FROM upload WHERE updated_at_us < :before_us AND fulfilled_by IS NOT NULL;

-- name: end
-- From here on nobody advances, closes or finishes it: its bytes may go.
UPDATE upload SET ended_at_us = COALESCE(ended_at_us, :now_us) WHERE id = :id
RETURNING id, repository_id, algorithm, offset_bytes, digest, state, hashed,
          hashed_bytes;

-- name: delete
DELETE FROM upload WHERE id = :id;

-- name: stale
SELECT id, repository_id, algorithm, offset_bytes, digest, state, hashed, hashed_bytes
  FROM upload
 WHERE updated_at_us < :before_us AND fulfilled_by IS NULL
 ORDER BY updated_at_us LIMIT :limit;

-- name: is_stale
SELECT 1 AS found FROM upload WHERE id = :id AND updated_at_us < :before_us;

-- name: living
SELECT id FROM upload WHERE id IN ({{texts:ids}}) AND fulfilled_by IS NULL;
