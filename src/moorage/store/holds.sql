-- A hold counts until it expires, whether or not collection has ended it yet.

-- name: lock_repository
-- Against a deletion that begins at the same time.
SELECT status FROM repository
 WHERE id = :repository_id AND deleted_at_us IS NULL
{{for_update}};

-- name: lock_tag
SELECT (SELECT manifest.digest FROM manifest WHERE manifest.id = tag.manifest_id)
           AS digest
  FROM tag
 WHERE tag.repository_id = :repository_id AND tag.name = :tag
{{for_update}};

-- name: lock_manifest
-- Against its collection: one under way is waited for, and has removed the row then.
SELECT id FROM manifest
 WHERE repository_id = :repository_id AND digest = :digest AND deleted_at_us IS NULL
{{for_update}};

-- name: create
INSERT INTO hold (repository_id, tag, digest, reason, actor, expires_at_us,
                  created_at_us)
VALUES (:repository_id, :tag, :digest, :reason, :actor, :expires_at_us, :now_us)
RETURNING id;

-- name: list_page
-- Served by hold_repository. OFFSET because the GitLab API promises page numbers.
SELECT id, tag, digest, reason, actor, expires_at_us, created_at_us
  FROM hold
 WHERE repository_id = :repository_id
   AND (expires_at_us IS NULL OR expires_at_us > :now_us)
 ORDER BY id
 LIMIT :limit OFFSET :offset;

-- name: count
SELECT COUNT(*) AS total
  FROM hold
 WHERE repository_id = :repository_id
   AND (expires_at_us IS NULL OR expires_at_us > :now_us);

-- name: list_of_digests
-- Served by hold_digest.
SELECT id, tag, digest, reason, actor, expires_at_us, created_at_us
  FROM hold
 WHERE repository_id = :repository_id AND digest IN ({{texts:digests}})
   AND (expires_at_us IS NULL OR expires_at_us > :now_us)
 ORDER BY id
 LIMIT :limit;

-- name: list_of_tags
-- Served by hold_tag.
SELECT id, tag, digest, reason, actor, expires_at_us, created_at_us
  FROM hold
 WHERE repository_id = :repository_id AND tag IN ({{texts:names}})
   AND (expires_at_us IS NULL OR expires_at_us > :now_us)
 ORDER BY id;

-- name: list_held_tags
-- Served by hold_tag.
SELECT tag, reason
  FROM hold
 WHERE repository_id = :repository_id AND tag IS NOT NULL
   AND (expires_at_us IS NULL OR expires_at_us > :now_us)
 ORDER BY tag, id DESC;

-- name: delete
DELETE FROM hold
 WHERE id = :id AND repository_id = :repository_id
   AND (expires_at_us IS NULL OR expires_at_us > :now_us)
RETURNING repository_id, digest;

-- name: end
-- Served by hold_expiry.
DELETE FROM hold
 WHERE id IN (SELECT id FROM hold
               WHERE expires_at_us <= :now_us
               ORDER BY expires_at_us LIMIT :limit
              {{skip_locked}})
RETURNING repository_id, digest;

-- name: wake
-- Collection parked it as held: it is looked at again. The row is locked in any case,
-- so that a look that is under way is waited for and its parking undone.
UPDATE manifest SET lease_until_us = COALESCE(lease_until_us, :now_us)
 WHERE repository_id = :repository_id AND digest = :digest;
