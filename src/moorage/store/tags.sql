-- name: lock
-- The digest comes from a subquery so that only the tag's row is locked.
SELECT tag.manifest_id,
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
-- Before the rows go, while they tell where they point.
INSERT INTO tag_event (repository_id, tag, action, digest, previous_digest, actor,
                       job_id, at_us)
SELECT tag.repository_id, tag.name, 'delete', NULL, manifest.digest,
       CAST(:actor AS TEXT), CAST(:job_id AS BIGINT), CAST(:now_us AS BIGINT)
  FROM tag
  JOIN manifest ON manifest.id = tag.manifest_id
 WHERE tag.repository_id = :repository_id AND tag.name IN ({{texts:names}})
 ORDER BY tag.name;

-- name: keep
-- The manifest that a tag leaves is safe until then, and looked at after it.
UPDATE manifest
   SET lease_until_us = CASE WHEN lease_until_us > :held_until_us
                             THEN lease_until_us ELSE :held_until_us END
 WHERE id = :manifest_id;

-- name: keep_named
UPDATE manifest
   SET lease_until_us = CASE WHEN lease_until_us > :held_until_us
                             THEN lease_until_us ELSE :held_until_us END
 WHERE id IN (SELECT manifest_id FROM tag
               WHERE repository_id = :repository_id AND name IN ({{texts:names}}));

-- name: delete_names
DELETE FROM tag
 WHERE repository_id = :repository_id AND name IN ({{texts:names}});

-- name: lock_first
SELECT name
  FROM tag
 WHERE repository_id = :repository_id
 ORDER BY name
 LIMIT :limit
{{for_update}};

-- name: lock_manifest
-- Served by tag_manifest.
SELECT name
  FROM tag
 WHERE manifest_id = :manifest_id AND repository_id = :repository_id
 ORDER BY name
{{for_update}};

-- name: lock_unmoved
-- Of the names given, those that still point where <name>@<digest> says.
SELECT tag.name
  FROM tag
 WHERE tag.repository_id = :repository_id
   AND tag.name IN ({{texts:names}})
   AND tag.name || '@' || (SELECT manifest.digest
                             FROM manifest
                            WHERE manifest.id = tag.manifest_id)
       IN ({{texts:references}})
 ORDER BY tag.name
{{for_update}};

-- name: find_detail
SELECT tag.name, tag.created_at_us, tag.pushed_at_us, tag.total_bytes,
       tag.pulled_at_us, tag.pull_count, manifest.digest, manifest.media_type,
       manifest.config_digest, manifest.artifact_type, manifest.platforms
  FROM tag
  JOIN manifest ON manifest.id = tag.manifest_id
 WHERE tag.repository_id = :repository_id AND tag.name = :name;

-- name: list_facts
-- A whole repository's tags for the planner.
SELECT tag.name, tag.created_at_us, tag.pushed_at_us, tag.total_bytes,
       manifest.digest
  FROM tag
  JOIN manifest ON manifest.id = tag.manifest_id
 WHERE tag.repository_id = :repository_id;

-- name: list_names
-- Names compare byte by byte: the column's collation is that of bytes.
SELECT name
  FROM tag
 WHERE repository_id = :repository_id AND name > :after
 ORDER BY name
 LIMIT :limit;

-- name: list_names_descending
SELECT name
  FROM tag
 WHERE repository_id = :repository_id AND name < :before
 ORDER BY name DESC
 LIMIT :limit;

-- name: list_names_page
-- OFFSET because the GitLab API promises page numbers.
SELECT name
  FROM tag
 WHERE repository_id = :repository_id
 ORDER BY name
 LIMIT :limit OFFSET :offset;

-- name: list_names_of_many
SELECT repository_id, name
  FROM tag
 WHERE repository_id IN ({{ints:repository_ids}})
 ORDER BY repository_id, name;
