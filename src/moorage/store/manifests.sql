-- name: find_by_tag
-- The hot path of every pull: repository_path, then two primary keys.
SELECT m.id, m.digest, m.media_type, m.size_bytes, m.lease_until_us,
       m.repository_id, p.content
  FROM repository r
  JOIN tag t ON t.repository_id = r.id AND t.name = :tag
  JOIN manifest m ON m.id = t.manifest_id
  JOIN manifest_payload p ON p.manifest_id = m.id
 WHERE r.path = :path AND r.deleted_at_us IS NULL;

-- name: find_by_digest
SELECT m.id, m.digest, m.media_type, m.size_bytes, m.lease_until_us,
       m.repository_id, p.content
  FROM repository r
  JOIN manifest m ON m.repository_id = r.id AND m.digest = :digest
                  AND m.deleted_at_us IS NULL
  JOIN manifest_payload p ON p.manifest_id = m.id
 WHERE r.path = :path AND r.deleted_at_us IS NULL;

-- name: put
-- A manifest that is pushed again keeps the time of its first push, and what the undo
-- window holds it for.
INSERT INTO manifest (repository_id, digest, media_type, size_bytes, config_digest,
                      subject_digest, artifact_type, total_bytes, platforms,
                      created_at_us, pushed_at_us, lease_until_us)
VALUES (:repository_id, :digest, :media_type, :size_bytes, :config_digest,
        :subject_digest, :artifact_type, :total_bytes, :platforms,
        :created_at_us, :now_us, :lease_until_us)
    ON CONFLICT (repository_id, digest) DO UPDATE
   SET lease_until_us = CASE WHEN manifest.lease_until_us > excluded.lease_until_us
                             THEN manifest.lease_until_us
                             ELSE excluded.lease_until_us END,
       deleted_at_us = NULL
RETURNING id, total_bytes, created_at_us, pushed_at_us;

-- name: lock_facts
-- Hidden or not; against its collection: one under way is waited for.
SELECT id, total_bytes, created_at_us, pushed_at_us
  FROM manifest
 WHERE repository_id = :repository_id AND digest = :digest
{{for_update}};

-- name: show
-- What hidden indexes list is shown with them: it may have been deleted after them.
WITH RECURSIVE hidden (id) AS (
    SELECT id FROM manifest
     WHERE id IN ({{ints:ids}}) AND deleted_at_us IS NOT NULL
     UNION
    SELECT child.id
      FROM hidden
      {{each:manifest_child AS c(c.manifest_id = hidden.id)}}
      {{each:manifest AS child(child.repository_id = c.repository_id
                               AND child.digest = c.digest)}}
)
UPDATE manifest SET deleted_at_us = NULL
 WHERE id IN (SELECT id FROM hidden) AND deleted_at_us IS NOT NULL;

-- name: put_payload
INSERT INTO manifest_payload (manifest_id, content)
VALUES (:manifest_id, :content)
    ON CONFLICT (manifest_id) DO NOTHING;

-- name: put_blobs
-- Those that the repository holds: layers that lie elsewhere may be pushed or not. CROSS
-- JOIN, so that SQLite goes through these few and not through all that it holds.
INSERT INTO manifest_blob (manifest_id, repository_id, blob_id, role)
SELECT CAST(:manifest_id AS BIGINT), CAST(:repository_id AS BIGINT), b.id, n.role
  FROM ({{rows:named(digest text, role text)}}) AS n
 CROSS JOIN blob b
 CROSS JOIN link l
 WHERE b.digest = n.digest AND b.deleted_at_us IS NULL
   AND l.repository_id = :repository_id AND l.blob_id = b.id
   AND l.deleted_at_us IS NULL
    ON CONFLICT (manifest_id, blob_id, role) DO NOTHING;

-- name: await_blobs
INSERT INTO awaited_blob (manifest_id, repository_id, digest, role)
SELECT CAST(:manifest_id AS BIGINT), CAST(:repository_id AS BIGINT), n.digest, n.role
  FROM ({{rows:named(digest text, role text)}}) AS n
 WHERE 1 = 1
    ON CONFLICT (manifest_id, digest, role) DO NOTHING;

-- name: put_children
INSERT INTO manifest_child (manifest_id, repository_id, digest)
SELECT :manifest_id, :repository_id, digests.value
  FROM ({{texts:digests}}) AS digests
 WHERE 1 = 1
    ON CONFLICT (manifest_id, digest) DO NOTHING;

-- name: renew
-- Locks the children that an index is about to list, against their collection; in order,
-- so that two pushes of the same children wait for one another and no more.
UPDATE manifest
   SET lease_until_us = CASE WHEN lease_until_us > :lease_until_us
                             THEN lease_until_us ELSE :lease_until_us END
 WHERE id IN (SELECT id FROM manifest
               WHERE repository_id = :repository_id
                 AND digest IN ({{texts:digests}}) AND deleted_at_us IS NULL
               ORDER BY id
              {{for_update}})
RETURNING digest, total_bytes, created_at_us;

-- name: renew_one
-- Touches the row in any case: that it was there to be touched is the answer.
UPDATE manifest
   SET lease_until_us = CASE WHEN lease_until_us > :lease_until_us
                             THEN lease_until_us ELSE :lease_until_us END
 WHERE id = :id AND deleted_at_us IS NULL;

-- name: parent
-- One living index of the repository that lists the manifest.
SELECT p.digest
  FROM manifest_child c
  JOIN manifest p ON p.id = c.manifest_id AND p.deleted_at_us IS NULL
 WHERE c.repository_id = :repository_id AND c.digest = :digest
 LIMIT 1;

-- name: delete
UPDATE manifest
   SET deleted_at_us = :now_us,
       lease_until_us = CASE WHEN lease_until_us > :held_until_us
                             THEN lease_until_us ELSE :held_until_us END
 WHERE id = :id AND deleted_at_us IS NULL;

-- name: referrers
SELECT m.digest, m.media_type, m.size_bytes, m.artifact_type, p.content
  FROM repository r
  JOIN manifest m ON m.repository_id = r.id AND m.subject_digest = :subject
                  AND m.deleted_at_us IS NULL
  JOIN manifest_payload p ON p.manifest_id = m.id
 WHERE r.path = :path AND r.deleted_at_us IS NULL AND m.digest > :after
   AND (CAST(:artifact_type AS TEXT) IS NULL
        OR m.artifact_type = CAST(:artifact_type AS TEXT))
 ORDER BY m.digest LIMIT :limit;

-- name: keepers
-- What keeps manifests, one step up: indexes, and subjects that they were not deleted
-- apart from.
SELECT c.manifest_id AS keeper, m.id AS kept
  FROM manifest m
  JOIN manifest_child c ON c.repository_id = m.repository_id AND c.digest = m.digest
 WHERE m.id IN ({{ints:ids}})
 UNION
SELECT s.id, m.id
  FROM manifest m
  JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.subject_digest
 WHERE m.id IN ({{ints:ids}}) AND m.deleted_at_us IS NULL;
