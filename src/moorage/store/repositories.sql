-- name: find
SELECT id, project_id, name, path, tag_count, status, created_at_us,
       cleanup_policy_started_at_us
  FROM repository
 WHERE id = :id AND deleted_at_us IS NULL;

-- name: find_by_path
-- Served by repository_path.
SELECT id, project_id, name, path, tag_count, status, created_at_us,
       cleanup_policy_started_at_us
  FROM repository
 WHERE path = :path AND deleted_at_us IS NULL;

-- name: find_deleted
SELECT id, project_id, name, path, tag_count, status, created_at_us,
       cleanup_policy_started_at_us
  FROM repository
 WHERE id = :id AND deleted_at_us IS NOT NULL AND project_id IS NOT NULL;

-- name: revive
-- Under the path that its project has by now.
UPDATE repository
   SET deleted_at_us = NULL, status = NULL, path = :path
 WHERE id = :id AND deleted_at_us IS NOT NULL;

-- name: create
-- Two pushes may bring the same new repository at the same time: the second finds it.
INSERT INTO repository (project_id, name, path, tag_count, created_at_us)
VALUES (:project_id, :name, :path, 0, :now_us)
    ON CONFLICT (path) WHERE deleted_at_us IS NULL DO NOTHING;

-- name: inherit_links
-- What was brought to a repository of this name that was deleted meanwhile, and what its
-- client was told is there: a push that is under way goes on in the new one.
INSERT INTO link (repository_id, blob_id, lease_until_us, created_at_us)
SELECT :repository_id, l.blob_id, max(l.lease_until_us), :now_us
  FROM repository former
  JOIN link l ON l.repository_id = former.id
 WHERE former.path = :path AND former.project_id = :project_id
   AND former.deleted_at_us IS NOT NULL
   AND l.deleted_at_us IS NULL AND l.lease_until_us > :now_us
 GROUP BY l.blob_id
    ON CONFLICT (repository_id, blob_id) DO NOTHING;

-- name: has_been
SELECT 1 AS found FROM repository WHERE path = :path AND deleted_at_us IS NULL
UNION ALL
SELECT 1 FROM repository WHERE path = :path AND deleted_at_us IS NOT NULL;

-- name: has_had_path
SELECT 1 AS found FROM repository WHERE id = :id AND path = :path;

-- name: place
-- Under every namespace that the project lies in. WHERE keeps SQLite from reading
-- ON CONFLICT as the condition of a join.
INSERT INTO namespace_repository (namespace_id, repository_id, path, tags_key,
                                  pushed_key, pulled_key, size_key)
WITH RECURSIVE above (id, parent_id) AS (
    SELECT id, parent_id FROM namespace WHERE id = :namespace_id
     UNION ALL
    SELECT parent.id, parent.parent_id
      FROM above
      {{each:namespace AS parent(parent.id = above.parent_id)}}
)
SELECT above.id, repository.id, repository.path, repository.tags_key,
       repository.pushed_key, repository.pulled_key, repository.size_key
  FROM above
  {{each:repository AS repository(repository.id = :repository_id)}}
  {{each:project AS project(project.id = repository.project_id)}}
 WHERE project.registry_access <> 'disabled'
    ON CONFLICT (namespace_id, repository_id) DO NOTHING;

-- name: displace
DELETE FROM namespace_repository WHERE repository_id = :repository_id;

-- name: follow
-- Give repositories, deleted ones too, the paths that follow from their projects'. Served
-- by repository_project.
UPDATE repository
   SET path = (SELECT LOWER(project.full_path) FROM project
                WHERE project.id = repository.project_id)
              || CASE name WHEN '' THEN '' ELSE '/' || name END
 WHERE project_id IN ({{ints:project_ids}});

-- name: withdraw
-- Served by namespace_repository_repository and repository_project.
DELETE FROM namespace_repository
 WHERE repository_id IN (SELECT id FROM repository
                          WHERE project_id IN ({{ints:project_ids}}));

-- name: show
-- All of some projects, as place does one.
INSERT INTO namespace_repository (namespace_id, repository_id, path, tags_key,
                                  pushed_key, pulled_key, size_key)
WITH RECURSIVE above (project_id, id, parent_id) AS (
    SELECT project.id, namespace.id, namespace.parent_id
      FROM project JOIN namespace ON namespace.id = project.namespace_id
     WHERE project.id IN ({{ints:project_ids}})
       AND project.registry_access <> 'disabled'
     UNION ALL
    SELECT above.project_id, parent.id, parent.parent_id
      FROM above
      {{each:namespace AS parent(parent.id = above.parent_id)}}
)
SELECT above.id, repository.id, repository.path, repository.tags_key,
       repository.pushed_key, repository.pulled_key, repository.size_key
  FROM above
  {{each:repository AS repository(repository.project_id = above.project_id)}}
 WHERE repository.deleted_at_us IS NULL
    ON CONFLICT (namespace_id, repository_id) DO NOTHING;

-- name: list_paths_of
SELECT path
  FROM repository
 WHERE project_id IN ({{ints:project_ids}}) AND deleted_at_us IS NULL;

-- name: longest_path
SELECT COALESCE(MAX(LENGTH(path)), 0) AS length
  FROM repository
 WHERE project_id IN ({{ints:project_ids}}) AND deleted_at_us IS NULL;

-- name: list_paths
-- Served by repository_path.
SELECT path
  FROM repository
 WHERE path > :after AND deleted_at_us IS NULL
 ORDER BY path
 LIMIT :limit;

-- name: last_uses
-- Two looks at the end of an index per repository: tag_pushed and tag_pulled.
SELECT repository.id,
       (SELECT MAX(tag.pushed_at_us) FROM tag
         WHERE tag.repository_id = repository.id) AS pushed_at_us,
       (SELECT MAX(COALESCE(tag.pulled_at_us, 0)) FROM tag
         WHERE tag.repository_id = repository.id) AS pulled_at_us
  FROM repository
 WHERE repository.id IN ({{ints:ids}});

-- name: size
-- Each stored blob once that a tag reaches, over indexes too.
WITH RECURSIVE reached (id) AS (
    SELECT manifest_id FROM tag WHERE repository_id = :id
     UNION
    SELECT child.id
      FROM reached
      {{each:manifest_child AS listed(listed.manifest_id = reached.id)}}
      {{each:manifest AS child(child.repository_id = listed.repository_id
                               AND child.digest = listed.digest)}}
     WHERE child.deleted_at_us IS NULL
)
SELECT CAST(COALESCE(SUM(blob.size_bytes), 0) AS BIGINT) AS size_bytes
  FROM (SELECT DISTINCT part.blob_id
          FROM reached
          {{each:manifest_blob AS part(part.manifest_id = reached.id)}}) AS used
  {{each:blob AS blob(blob.id = used.blob_id)}};

-- name: add_to_tag_count
-- A deleted one may lose what it still has.
UPDATE repository
   SET tag_count = tag_count + :change
 WHERE id = :id AND (deleted_at_us IS NULL OR :change < 0);

-- name: count_tags
SELECT tag_count FROM repository WHERE id = :id;

-- name: set_status
UPDATE repository
   SET status = CAST(:status AS TEXT)
 WHERE id = :id AND deleted_at_us IS NULL;

-- name: mark_deleted
-- Only while it is empty: a push during the deletion brings tags that go first.
UPDATE repository
   SET deleted_at_us = :now_us, status = NULL
 WHERE id = :id AND tag_count = 0 AND deleted_at_us IS NULL;

-- name: hide
-- With all that is in it.
UPDATE repository
   SET deleted_at_us = :now_us, status = NULL
 WHERE id = :id AND deleted_at_us IS NULL;

-- name: leave_project
-- Served by repository_project. Those that are not deleted keep it from happening.
UPDATE repository SET project_id = NULL WHERE project_id = :project_id;

-- name: mark_policy_started
UPDATE repository SET cleanup_policy_started_at_us = :now_us WHERE id = :id;

-- name: accept_cleanup
-- The lease of bulk deletes: taken by whoever changes the row.
UPDATE repository
   SET cleanup_accepted_at_us = :now_us
 WHERE id = :id
   AND deleted_at_us IS NULL
   AND (cleanup_accepted_at_us IS NULL OR cleanup_accepted_at_us <= :free_since_us);

-- name: list_below
-- Those with tags. Served by repository_project_path.
SELECT id, project_id, name, path, tag_count, status, created_at_us,
       cleanup_policy_started_at_us
  FROM repository
 WHERE project_id = :project_id AND path > :after AND path < :high
   AND deleted_at_us IS NULL AND tag_count > 0
 ORDER BY path
 LIMIT :limit;

-- name: size_with_below
-- As size, over a repository and all below it: a blob counts once.
WITH RECURSIVE among (id) AS (
    SELECT id FROM repository
     WHERE project_id = :project_id AND deleted_at_us IS NULL
       AND (path = :path OR (path > :low AND path < :high))
), reached (id) AS (
    SELECT tag.manifest_id FROM tag JOIN among ON among.id = tag.repository_id
     UNION
    SELECT child.id
      FROM reached
      {{each:manifest_child AS listed(listed.manifest_id = reached.id)}}
      {{each:manifest AS child(child.repository_id = listed.repository_id
                               AND child.digest = listed.digest)}}
     WHERE child.deleted_at_us IS NULL
)
SELECT CAST(COALESCE(SUM(blob.size_bytes), 0) AS BIGINT) AS size_bytes
  FROM (SELECT DISTINCT part.blob_id
          FROM reached
          {{each:manifest_blob AS part(part.manifest_id = reached.id)}}) AS used
  {{each:blob AS blob(blob.id = used.blob_id)}};

-- name: published
-- Served by tag_moved.
SELECT MAX(moved_at_us) AS moved_at_us FROM tag WHERE repository_id = :id;
