-- The record of tags' moves. Later means written later: the greater id.

-- name: list_of_tag
-- Served by tag_event_tag. OFFSET because the GitLab API promises page numbers.
SELECT tag, action, digest, previous_digest, at_us, actor, job_id
  FROM tag_event
 WHERE repository_id = :repository_id AND tag = :tag
 ORDER BY id DESC
 LIMIT :limit OFFSET :offset;

-- name: count_of_tag
SELECT COUNT(*) AS total
  FROM (SELECT 1 FROM tag_event
         WHERE repository_id = :repository_id AND tag = :tag
         LIMIT :limit) AS counted;

-- name: list_of_repository
-- Served by tag_event_repository: asked for more than ids, PostgreSQL would go back through
-- the moves of all repositories where this one has most of them.
SELECT tag, action, digest, previous_digest, at_us, actor, job_id
  FROM tag_event
 WHERE id IN (SELECT page.id
                FROM (SELECT id
                        FROM tag_event
                       WHERE repository_id = :repository_id
                       ORDER BY id DESC
                       LIMIT :limit OFFSET :offset) AS page)
 ORDER BY id DESC;

-- name: count_of_repository
SELECT COUNT(*) AS total
  FROM (SELECT 1 FROM tag_event
         WHERE repository_id = :repository_id
         LIMIT :limit) AS counted;

-- name: pointed
-- Served by tag_event_tag.
SELECT 1 AS found
  FROM tag_event
 WHERE repository_id = :repository_id AND tag = :tag
   AND (digest = :digest OR previous_digest = :digest)
 LIMIT 1;

-- name: tags_at
-- Of each tag the last move up to then, if that was no removal. Read along
-- tag_event_tag, in the order of names. OFFSET has PostgreSQL look for later moves event
-- by event, and not among those of all tags first.
SELECT e.tag, e.digest, e.at_us
  FROM tag_event e
 WHERE e.repository_id = :repository_id AND e.at_us <= :at_us AND e.digest IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM tag_event later
                    WHERE later.repository_id = e.repository_id
                      AND later.tag = e.tag AND later.id > e.id
                      AND later.at_us <= :at_us
                    LIMIT 1 OFFSET 0)
 ORDER BY e.tag
 LIMIT :limit OFFSET :offset;

-- name: count_tags_at
-- Likewise; without an order PostgreSQL would read the moves of all repositories.
SELECT COUNT(*) AS total
  FROM (SELECT 1
          FROM tag_event e
         WHERE e.repository_id = :repository_id AND e.at_us <= :at_us
           AND e.digest IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM tag_event later
                            WHERE later.repository_id = e.repository_id
                              AND later.tag = e.tag AND later.id > e.id
                              AND later.at_us <= :at_us
                            LIMIT 1 OFFSET 0)
         ORDER BY e.tag
         LIMIT :limit) AS counted;

-- name: removed_by
-- What a job removed, in the order in which it did. Served by tag_event_job.
SELECT tag, previous_digest AS digest
  FROM tag_event
 WHERE job_id = :job_id AND job_id IS NOT NULL
   AND repository_id = :repository_id AND action = 'delete'
 ORDER BY id;

-- name: removed_since
-- What was removed since a time and is not there again.
SELECT e.tag, e.previous_digest AS digest
  FROM tag_event e
 WHERE e.repository_id = :repository_id AND e.action = 'delete' AND e.at_us >= :since_us
   AND NOT EXISTS (SELECT 1 FROM tag_event later
                    WHERE later.repository_id = e.repository_id
                      AND later.tag = e.tag AND later.id > e.id)
 ORDER BY e.tag;

-- name: missing
-- What was there at a time and is not there now.
SELECT e.tag, e.digest
  FROM tag_event e
 WHERE e.repository_id = :repository_id AND e.at_us <= :at_us AND e.digest IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM tag_event later
                    WHERE later.repository_id = e.repository_id
                      AND later.tag = e.tag AND later.id > e.id
                      AND later.at_us <= :at_us)
   AND NOT EXISTS (SELECT 1 FROM tag
                    WHERE tag.repository_id = e.repository_id AND tag.name = e.tag)
 ORDER BY e.tag;

-- name: left_manifests
-- What tags left, or what was deleted itself, and is kept for a while. By
-- manifest's key of repository and digest, then tag_event_repository.
SELECT m.id
  FROM manifest m
 WHERE m.repository_id = :repository_id AND m.lease_until_us > :now_us
   AND (m.deleted_at_us IS NOT NULL
        OR m.digest IN (SELECT e.previous_digest FROM tag_event e
                         WHERE e.repository_id = :repository_id
                           AND e.previous_digest IS NOT NULL));

-- name: lock_manifests
SELECT id FROM manifest WHERE id IN ({{ints:ids}}) ORDER BY id {{for_update}};

-- name: let_go
-- Looked at now, and hidden until then: nobody is told any more that it is there. What
-- something shown reaches again by now stays.
UPDATE manifest
   SET lease_until_us = :now_us, deleted_at_us = COALESCE(deleted_at_us, :now_us)
 WHERE id IN ({{ints:ids}})
   AND NOT EXISTS (SELECT 1 FROM tag WHERE tag.manifest_id = manifest.id)
   AND NOT EXISTS (SELECT 1 FROM hold
                    WHERE hold.repository_id = manifest.repository_id
                      AND hold.digest = manifest.digest)
   AND NOT EXISTS (SELECT 1
                     FROM manifest_child c
                     JOIN manifest parent ON parent.id = c.manifest_id
                    WHERE c.repository_id = manifest.repository_id
                      AND c.digest = manifest.digest
                      AND parent.deleted_at_us IS NULL
                      AND parent.id NOT IN ({{ints:leaving}}));
