-- A look takes rows whose lease has run out, decides what still reaches them, parks
-- those that are reached (lease_until_us becomes null) and removes the others. What a
-- removed row reached is looked at next. The rows are locked first and looked at in a
-- statement of its own: by then whoever held them has committed, and is seen. To wake is
-- to lock as well, whether or not a row is parked: else one that another process looks
-- at meanwhile, and still finds reached, would be parked for ever.

-- name: due
-- The first of each kind, from the partial index of each.
SELECT (SELECT MIN(expires_at_us) FROM hold WHERE expires_at_us IS NOT NULL)
           AS holds_us,
       (SELECT MIN(lease_until_us) FROM manifest WHERE lease_until_us IS NOT NULL)
           AS manifests_us,
       (SELECT MIN(lease_until_us) FROM link WHERE lease_until_us IS NOT NULL)
           AS links_us,
       (SELECT MIN(lease_until_us) FROM blob WHERE lease_until_us IS NOT NULL)
           AS blobs_us,
       (SELECT MIN(retry_at_us) FROM blob WHERE retry_at_us IS NOT NULL)
           AS tombstones_us;

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
                    WHERE h.repository_id = m.repository_id AND h.digest = m.digest));

-- name: lock_manifests
-- Those that somebody else is about are left out: whoever misses one tries again later.
SELECT id FROM manifest
 WHERE id IN ({{ints:ids}})
 ORDER BY id
{{skip_locked}};

-- name: rooted_manifests
-- Of these, those kept for a while at least by something that is no manifest.
SELECT m.id
  FROM manifest m
 WHERE m.id IN ({{ints:ids}})
   AND (m.lease_until_us > :now_us
        OR EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
        OR EXISTS (SELECT 1 FROM hold h
                    WHERE h.repository_id = m.repository_id AND h.digest = m.digest));

-- name: park_manifests
-- The end of a hold wakes what it kept: see store/holds.
UPDATE manifest SET lease_until_us = NULL WHERE id IN ({{ints:ids}});

-- name: wake_children
UPDATE manifest SET lease_until_us = COALESCE(lease_until_us, :now_us)
 WHERE id IN (SELECT child.id
                FROM manifest_child c
                JOIN manifest child ON child.repository_id = c.repository_id
                                   AND child.digest = c.digest
               WHERE c.manifest_id IN ({{ints:ids}}));

-- name: wake_referrers
UPDATE manifest SET lease_until_us = COALESCE(lease_until_us, :now_us)
 WHERE id IN (SELECT referrer.id
                FROM manifest m
                JOIN manifest referrer ON referrer.repository_id = m.repository_id
                                      AND referrer.subject_digest = m.digest
               WHERE m.id IN ({{ints:ids}}));

-- name: wake_links
UPDATE link SET lease_until_us = COALESCE(lease_until_us, :now_us)
 WHERE id IN (SELECT l.id
                FROM manifest_blob mb
                JOIN link l ON l.repository_id = mb.repository_id
                           AND l.blob_id = mb.blob_id
               WHERE mb.manifest_id IN ({{ints:ids}}));

-- name: drop_manifests
-- None that a tag points to, whoever decided so: no foreign key would keep it.
DELETE FROM manifest
 WHERE id IN ({{ints:ids}})
   AND NOT EXISTS (SELECT 1 FROM tag WHERE tag.manifest_id = manifest.id);

-- name: due_links
SELECT id FROM link
 WHERE lease_until_us <= :now_us
 ORDER BY lease_until_us LIMIT :limit
{{skip_locked}};

-- name: adopt
-- Blobs that came after a manifest that names them are in use from now on.
INSERT INTO manifest_blob (manifest_id, repository_id, blob_id, role)
SELECT a.manifest_id, a.repository_id, l.blob_id, a.role
  FROM link l
  JOIN blob b ON b.id = l.blob_id
  JOIN awaited_blob a ON a.repository_id = l.repository_id AND a.digest = b.digest
 WHERE l.id IN ({{ints:ids}}) AND l.deleted_at_us IS NULL
    ON CONFLICT (manifest_id, blob_id, role) DO NOTHING;

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
UPDATE blob SET lease_until_us = COALESCE(lease_until_us, :now_us)
 WHERE deleted_at_us IS NULL
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
-- Whoever does this deletes the object next; until retry_at_us nobody else does.
UPDATE blob
   SET deleted_at_us = :now_us, retry_at_us = :retry_at_us, lease_until_us = NULL
 WHERE id IN ({{ints:ids}})
RETURNING id, digest, generation, size_bytes, failures;

-- name: claim_tombstones
-- Those that somebody began with and did not finish, or could not: moving the time on
-- claims them. Served by blob_retry.
UPDATE blob SET retry_at_us = :retry_at_us
 WHERE id IN (SELECT id FROM blob
               WHERE retry_at_us <= :now_us
               ORDER BY retry_at_us LIMIT :limit
              {{skip_locked}})
RETURNING id, digest, generation, size_bytes, failures;

-- name: postpone
UPDATE blob SET failures = failures + 1, retry_at_us = :retry_at_us
 WHERE id = :id AND deleted_at_us IS NOT NULL;

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
SELECT paused_at_us, actor FROM garbage_pause WHERE one = 1;

-- name: pause
INSERT INTO garbage_pause (one, paused_at_us, actor)
VALUES (1, :now_us, :actor)
    ON CONFLICT (one) DO NOTHING;

-- name: resume
DELETE FROM garbage_pause WHERE one = 1;
