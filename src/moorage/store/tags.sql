-- name: lock
-- The digest comes from a subquery so that only the tag's row is locked.
SELECT tag.name, tag.manifest_id, tag.total_bytes,
       (SELECT manifest.digest FROM manifest WHERE manifest.id = tag.manifest_id)
           AS digest
  FROM tag
 WHERE tag.repository_id = :repository_id AND tag.name = :name
{{for_update}};

-- name: insert
INSERT INTO tag (repository_id, name, manifest_id, version_key, total_bytes,
                 created_at_us, pushed_at_us, pull_count, moved_at_us)
VALUES (:repository_id, :name, :manifest_id, :version_key, :total_bytes,
        :created_at_us, :pushed_at_us, 0, :now_us)
    ON CONFLICT (repository_id, name) DO NOTHING;

-- name: point
-- moved_at_us stays where the same image is pushed again.
UPDATE tag
   SET moved_at_us = CASE WHEN manifest_id = :manifest_id
                          THEN moved_at_us ELSE :now_us END,
       manifest_id = :manifest_id,
       total_bytes = :total_bytes,
       created_at_us = :created_at_us,
       pushed_at_us = :pushed_at_us
 WHERE repository_id = :repository_id AND name = :name;

-- name: record
INSERT INTO tag_event (repository_id, tag, action, digest, previous_digest, actor,
                       job_id, at_us)
VALUES (:repository_id, :name, :action, :digest, :previous_digest, :actor,
        :job_id, :now_us);

-- name: record_deletions
INSERT INTO tag_event (repository_id, tag, action, digest, previous_digest, actor,
                       job_id, at_us)
SELECT CAST(:repository_id AS BIGINT), l.name, 'delete', NULL, l.digest,
       CAST(:actor AS TEXT), CAST(:job_id AS BIGINT), CAST(:now_us AS BIGINT)
  FROM ({{rows:left(name text, digest text)}}) AS l
 ORDER BY l.name;

-- name: record_restorations
INSERT INTO tag_event (repository_id, tag, action, digest, previous_digest, actor,
                       job_id, at_us)
SELECT CAST(:repository_id AS BIGINT), r.name, 'restore', r.digest, NULL,
       CAST(:actor AS TEXT), CAST(:job_id AS BIGINT), CAST(:now_us AS BIGINT)
  FROM ({{rows:restored(name text, digest text)}}) AS r
 ORDER BY r.name;

-- name: keep
-- A manifest that a tag leaves is safe until then, and looked at after it.
UPDATE manifest
   SET lease_until_us = :held_until_us
 WHERE id IN ({{ints:manifest_ids}})
   AND (lease_until_us IS NULL OR lease_until_us < :held_until_us);

-- name: lock_images
-- Against their collection: one under way is waited for, and has removed the row then.
SELECT id, digest
  FROM manifest
 WHERE repository_id = :repository_id AND digest IN ({{texts:digests}})
 ORDER BY id
{{for_update}};

-- name: restore(date=created|pushed)
-- A tag that is there again stays as it is.
INSERT INTO tag (repository_id, name, manifest_id, version_key, total_bytes,
                 created_at_us, pushed_at_us, pulled_at_us, pull_count, moved_at_us)
SELECT m.repository_id, w.name, m.id, w.version_key, m.total_bytes,
       {{date: m.created_at_us | m.pushed_at_us}}, m.pushed_at_us, m.pulled_at_us,
       m.pull_count,
       CAST(:now_us AS BIGINT)
  FROM ({{rows:wanted(name text, manifest_id int, version_key text)}}) AS w
  JOIN manifest m ON m.id = w.manifest_id
 WHERE 1 = 1
    ON CONFLICT (repository_id, name) DO NOTHING
RETURNING name, total_bytes;

-- name: delete_names
DELETE FROM tag
 WHERE repository_id = :repository_id AND name IN ({{texts:names}});

-- name: lock_first
SELECT tag.name, tag.manifest_id, tag.total_bytes,
       (SELECT manifest.digest FROM manifest WHERE manifest.id = tag.manifest_id)
           AS digest
  FROM tag
 WHERE tag.repository_id = :repository_id
 ORDER BY tag.name
 LIMIT :limit
{{for_update}};

-- name: lock_manifest
-- Served by tag_manifest.
SELECT tag.name, tag.manifest_id, tag.total_bytes,
       (SELECT manifest.digest FROM manifest WHERE manifest.id = tag.manifest_id)
           AS digest
  FROM tag
 WHERE tag.manifest_id = :manifest_id AND tag.repository_id = :repository_id
 ORDER BY tag.name
{{for_update}};

-- name: lock_named
-- With where they point now. Compared by the caller: as a condition PostgreSQL would look
-- it up for every tag there is.
SELECT tag.name, tag.manifest_id, tag.total_bytes,
       (SELECT manifest.digest FROM manifest WHERE manifest.id = tag.manifest_id)
           AS digest
  FROM tag
 WHERE tag.repository_id = :repository_id AND tag.name IN ({{texts:names}})
 ORDER BY tag.name
{{for_update}};

-- name: list_facts
-- A whole repository's tags for the planner.
SELECT name, created_at_us, pushed_at_us, total_bytes, pulled_at_us, manifest_id
  FROM tag
 WHERE repository_id = :repository_id;

-- name: list_tagged
-- And their images, each once.
SELECT id, digest
  FROM manifest
 WHERE id IN (SELECT manifest_id FROM tag WHERE repository_id = :repository_id);

-- name: list_manifest_ids
SELECT DISTINCT manifest_id FROM tag WHERE repository_id = :repository_id;

-- name: list_names
-- Names compare byte by byte: the column's collation is that of bytes.
SELECT name
  FROM tag
 WHERE repository_id = :repository_id AND name > :after
 ORDER BY name
 LIMIT :limit;

-- name: list_names_of_many
SELECT repository_id, name
  FROM tag
 WHERE repository_id IN ({{ints:repository_ids}})
 ORDER BY repository_id, name;
