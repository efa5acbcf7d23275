-- A look takes rows whose lease has run out, decides what still reaches them, parks
-- those that are reached (lease_until_us becomes null) and removes the others. What a
-- removed row reached is looked at next. The rows are locked first and looked at in a
-- statement of its own: by then whoever held them has committed, and is seen.

-- name: due_manifests
SELECT id FROM manifest
 WHERE lease_until_us <= :now_us
 ORDER BY lease_until_us LIMIT :limit
{{skip_locked}};

-- name: reached_manifests
-- By a tag, by an index, by a subject that it was not deleted apart from, or by a hold.
SELECT m.id
  FROM manifest m
 WHERE m.id IN ({{ints:ids}})
   AND (EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
        OR EXISTS (SELECT 1 FROM manifest_child c
                    WHERE c.repository_id = m.repository_id AND c.digest = m.digest)
        OR EXISTS (SELECT 1 FROM manifest s
                    WHERE m.deleted_at_us IS NULL
                      AND s.repository_id = m.repository_id
                      AND s.digest = m.subject_digest)
        OR EXISTS (SELECT 1 FROM hold h
                    WHERE h.repository_id = m.repository_id AND h.digest = m.digest
                      AND (h.expires_at_us IS NULL OR h.expires_at_us > :now_us)));

-- name: park_manifests
-- Those that only a hold may keep are looked at again when it ends.
UPDATE manifest
   SET lease_until_us = (SELECT max(h.expires_at_us) FROM hold h
                          WHERE h.repository_id = manifest.repository_id
                            AND h.digest = manifest.digest
                            AND h.expires_at_us > :now_us)
 WHERE id IN ({{ints:ids}});

-- name: wake_children
UPDATE manifest SET lease_until_us = :now_us
 WHERE lease_until_us IS NULL
   AND id IN (SELECT child.id
                FROM manifest_child c
                JOIN manifest child ON child.repository_id = c.repository_id
                                   AND child.digest = c.digest
               WHERE c.manifest_id IN ({{ints:ids}}));

-- name: wake_referrers
UPDATE manifest SET lease_until_us = :now_us
 WHERE lease_until_us IS NULL
   AND id IN (SELECT referrer.id
                FROM manifest m
                JOIN manifest referrer ON referrer.repository_id = m.repository_id
                                      AND referrer.subject_digest = m.digest
               WHERE m.id IN ({{ints:ids}}));

-- name: wake_links
UPDATE link SET lease_until_us = :now_us
 WHERE lease_until_us IS NULL
   AND id IN (SELECT l.id
                FROM manifest_blob mb
                JOIN link l ON l.repository_id = mb.repository_id
                           AND l.blob_id = mb.blob_id
               WHERE mb.manifest_id IN ({{ints:ids}}));

-- name: drop_manifests
DELETE FROM manifest WHERE id IN ({{ints:ids}});

-- name: due_links
SELECT id FROM link
 WHERE lease_until_us <= :now_us
 ORDER BY lease_until_us LIMIT :limit
{{skip_locked}};

-- name: reached_links
-- By any manifest of the repository, deleted ones included while they can come back.
SELECT l.id
  FROM link l
 WHERE l.id IN ({{ints:ids}})
   AND EXISTS (SELECT 1 FROM manifest_blob mb
                WHERE mb.blob_id = l.blob_id AND mb.repository_id = l.repository_id);

-- name: park_links
UPDATE link SET lease_until_us = NULL WHERE id IN ({{ints:ids}});

-- name: wake_blobs
UPDATE blob SET lease_until_us = :now_us
 WHERE lease_until_us IS NULL AND deleted_at_us IS NULL
   AND id IN (SELECT blob_id FROM link WHERE id IN ({{ints:ids}}));

-- name: drop_links
DELETE FROM link WHERE id IN ({{ints:ids}});

-- name: due_blobs
SELECT id FROM blob
 WHERE lease_until_us <= :now_us
 ORDER BY lease_until_us LIMIT :limit
{{skip_locked}};

-- name: reached_blobs
SELECT b.id
  FROM blob b
 WHERE b.id IN ({{ints:ids}})
   AND EXISTS (SELECT 1 FROM link l WHERE l.blob_id = b.id);

-- name: park_blobs
UPDATE blob SET lease_until_us = NULL WHERE id IN ({{ints:ids}});

-- name: entomb_blobs
UPDATE blob SET deleted_at_us = :now_us, lease_until_us = NULL
 WHERE id IN ({{ints:ids}})
RETURNING id, digest, generation, size_bytes;

-- name: claim_tombstones
-- Those that somebody began with and did not finish: moving the time on claims them.
-- scan: tombstones are few, and gone a moment later.
UPDATE blob SET deleted_at_us = :now_us
 WHERE id IN (SELECT id FROM blob
               WHERE deleted_at_us IS NOT NULL AND deleted_at_us <= :before_us
               LIMIT :limit
              {{skip_locked}})
RETURNING id, digest, generation, size_bytes;

-- name: drop_blobs
DELETE FROM blob WHERE id IN ({{ints:ids}}) AND deleted_at_us IS NOT NULL;

-- name: count
INSERT INTO garbage_hour (hour_us, manifests, links, blobs, freed_bytes, errors,
                          last_error)
VALUES (:hour_us, :manifests, :links, :blobs, :freed_bytes, :errors, :last_error)
    ON CONFLICT (hour_us) DO UPDATE
   SET manifests = garbage_hour.manifests + excluded.manifests,
       links = garbage_hour.links + excluded.links,
       blobs = garbage_hour.blobs + excluded.blobs,
       freed_bytes = garbage_hour.freed_bytes + excluded.freed_bytes,
       errors = garbage_hour.errors + excluded.errors,
       last_error = coalesce(excluded.last_error, garbage_hour.last_error);

-- name: paused
SELECT paused_at_us FROM garbage_pause WHERE one = 1;

-- name: pause
INSERT INTO garbage_pause (one, paused_at_us, actor)
VALUES (1, :now_us, :actor)
    ON CONFLICT (one) DO NOTHING;

-- name: resume
DELETE FROM garbage_pause WHERE one = 1;
