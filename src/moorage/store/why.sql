-- Upwards from a digest: one statement per kind of step, for all that was found before.

-- name: manifest
SELECT id, digest, media_type, size_bytes, lease_until_us, deleted_at_us
  FROM manifest
 WHERE repository_id = :repository_id AND digest = :digest;

-- name: blob
-- Hidden links count: their bytes are there still.
SELECT b.id, b.digest, b.size_bytes, b.lease_until_us AS blob_lease_us,
       l.lease_until_us, l.deleted_at_us
  FROM blob b
  JOIN link l ON l.blob_id = b.id AND l.repository_id = :repository_id
 WHERE b.digest = :digest AND b.deleted_at_us IS NULL;

-- name: users
-- By manifest_blob_blob.
SELECT m.id, m.digest, m.media_type, m.lease_until_us, mb.role AS relation,
       mb.blob_id AS below_id
  FROM manifest_blob mb
  JOIN manifest m ON m.id = mb.manifest_id
 WHERE mb.blob_id = :blob_id AND mb.repository_id = :repository_id
 ORDER BY m.id, mb.role
 LIMIT :limit;

-- name: indexes
-- By manifest_child_digest.
SELECT parent.id, parent.digest, parent.media_type, parent.lease_until_us,
       'child' AS relation, m.id AS below_id
  FROM manifest m
  JOIN manifest_child c ON c.repository_id = m.repository_id AND c.digest = m.digest
  JOIN manifest parent ON parent.id = c.manifest_id
 WHERE m.id IN ({{ints:ids}})
 ORDER BY parent.id
 LIMIT :limit;

-- name: subjects
-- What was deleted apart from its subject is not kept by it.
SELECT s.id, s.digest, s.media_type, s.lease_until_us, 'referrer' AS relation,
       m.id AS below_id
  FROM manifest m
  JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.subject_digest
 WHERE m.id IN ({{ints:ids}}) AND m.deleted_at_us IS NULL
 ORDER BY s.id
 LIMIT :limit;

-- name: tags
-- By tag_manifest.
SELECT tag.manifest_id, tag.name
  FROM tag
 WHERE tag.manifest_id IN ({{ints:ids}})
 ORDER BY tag.manifest_id, tag.name
 LIMIT :limit;

-- name: holds
-- By hold_digest.
SELECT m.id AS manifest_id, h.reason, h.expires_at_us
  FROM manifest m
  JOIN hold h ON h.repository_id = m.repository_id AND h.digest = m.digest
 WHERE m.id IN ({{ints:ids}})
   AND (h.expires_at_us IS NULL OR h.expires_at_us > :now_us)
 ORDER BY h.id
 LIMIT :limit;

-- name: uploads
-- Sessions that are about to end with these bytes, by upload_repository.
SELECT id
  FROM upload
 WHERE repository_id = :repository_id AND digest = :digest
 ORDER BY id
 LIMIT :limit;

-- name: count_elsewhere
-- Other repositories that hold the blob, by link_blob.
SELECT COUNT(*) AS total
  FROM blob b
  JOIN link l ON l.blob_id = b.id AND l.repository_id <> :repository_id
 WHERE b.digest = :digest AND b.deleted_at_us IS NULL;
