-- name: put_project
INSERT INTO quota (project_id, limit_bytes)
VALUES (:project_id, :limit_bytes)
    ON CONFLICT (project_id) DO UPDATE SET limit_bytes = excluded.limit_bytes;

-- name: put_namespace
INSERT INTO quota (namespace_id, limit_bytes)
VALUES (:namespace_id, :limit_bytes)
    ON CONFLICT (namespace_id) DO UPDATE SET limit_bytes = excluded.limit_bytes;

-- name: delete_project
DELETE FROM quota WHERE project_id = :project_id;

-- name: delete_namespace
DELETE FROM quota WHERE namespace_id = :namespace_id;

-- name: find_project
SELECT limit_bytes FROM quota WHERE project_id = :project_id;

-- name: find_namespace
SELECT limit_bytes FROM quota WHERE namespace_id = :namespace_id;

-- name: list_over_project
-- Those of a project and of all groups that enclose it.
WITH RECURSIVE above (id, parent_id, full_path) AS (
    SELECT namespace.id, namespace.parent_id, namespace.full_path
      FROM project JOIN namespace ON namespace.id = project.namespace_id
     WHERE project.id = :project_id
     UNION ALL
    SELECT parent.id, parent.parent_id, parent.full_path
      FROM above
      {{each:namespace AS parent(parent.id = above.parent_id)}}
)
SELECT project.id AS project_id, CAST(NULL AS BIGINT) AS namespace_id,
       project.full_path, quota.limit_bytes
  FROM quota JOIN project ON project.id = quota.project_id
 WHERE quota.project_id = :project_id
 UNION ALL
SELECT CAST(NULL AS BIGINT), above.id, above.full_path, quota.limit_bytes
  FROM above
  {{each:quota AS quota(quota.namespace_id = above.id)}};

-- name: list_over_repositories
-- Which quotas each of some repositories is under, at any depth.
WITH RECURSIVE above (repository_id, namespace_id) AS (
    SELECT repository.id, project.namespace_id
      FROM repository JOIN project ON project.id = repository.project_id
     WHERE repository.id IN ({{ints:repository_ids}})
     UNION ALL
    SELECT above.repository_id, parent.parent_id
      FROM above
      {{each:namespace AS parent(parent.id = above.namespace_id)}}
)
SELECT quota.id AS quota_id, repository.id AS repository_id
  FROM repository JOIN quota ON quota.project_id = repository.project_id
 WHERE repository.id IN ({{ints:repository_ids}})
 UNION ALL
SELECT quota.id, above.repository_id
  FROM above
  {{each:quota AS quota(quota.namespace_id = above.namespace_id)}};

-- name: add
-- What is not added up yet stays so.
UPDATE quota
   SET listed_bytes = quota.listed_bytes + a.listed_bytes,
       unique_bytes = quota.unique_bytes + a.unique_bytes
  FROM ({{rows:added(id int, listed_bytes int, unique_bytes int)}}) AS a
 WHERE quota.id = a.id;

-- name: forget
-- Of some groups and all around them.
WITH RECURSIVE above (id, parent_id) AS (
    SELECT id, parent_id FROM namespace WHERE id IN ({{ints:namespace_ids}})
     UNION
    SELECT parent.id, parent.parent_id
      FROM above
      {{each:namespace AS parent(parent.id = above.parent_id)}}
)
UPDATE quota SET listed_bytes = NULL, unique_bytes = NULL
 WHERE namespace_id IN (SELECT id FROM above);

-- name: forget_all
-- scan: quotas are few
UPDATE quota SET listed_bytes = NULL, unique_bytes = NULL;

-- name: any_uncounted
-- Served by quota_uncounted.
SELECT id FROM quota WHERE unique_bytes IS NULL LIMIT 1;

-- name: lock_uncounted
-- Locked before anything is added up: who moves a project now forgets it again later.
SELECT id, project_id, namespace_id
  FROM quota
 WHERE unique_bytes IS NULL
 ORDER BY id
 LIMIT :limit
{{skip_locked}};

-- name: set_sums
UPDATE quota SET listed_bytes = :listed_bytes, unique_bytes = :unique_bytes
 WHERE id = :id;

-- name: sums_of_project
SELECT listed_bytes, unique_bytes FROM quota WHERE project_id = :project_id;

-- name: sums_of_namespace
SELECT listed_bytes, unique_bytes FROM quota WHERE namespace_id = :namespace_id;

-- name: add_up_project
-- Deleted repositories as well, while they hold bytes. Served by repository_project.
SELECT CAST(COALESCE(SUM(usage_sum.listed_bytes), 0) AS BIGINT) AS listed_bytes,
       CAST(COALESCE(SUM(usage_sum.unique_bytes), 0) AS BIGINT) AS unique_bytes
  FROM repository
  JOIN usage_sum ON usage_sum.repository_id = repository.id
 WHERE repository.project_id = :project_id;

-- name: add_up_namespace
-- Likewise at any depth. Served by namespace_parent, project_namespace and
-- repository_project.
WITH RECURSIVE below (id) AS (
    SELECT id FROM namespace WHERE id = :namespace_id
     UNION ALL
    SELECT child.id
      FROM below
      {{each:namespace AS child(child.parent_id = below.id)}}
)
SELECT CAST(COALESCE(SUM(usage_sum.listed_bytes), 0) AS BIGINT) AS listed_bytes,
       CAST(COALESCE(SUM(usage_sum.unique_bytes), 0) AS BIGINT) AS unique_bytes
  FROM below
  {{each:project AS project(project.namespace_id = below.id)}}
  {{each:repository AS repository(repository.project_id = project.id)}}
  {{each:usage_sum AS usage_sum(usage_sum.repository_id = repository.id)}};

-- name: unfolded_of_project
-- scan: reads what is not folded yet, which is little
SELECT CAST(COALESCE(SUM(c.listed_bytes), 0) AS BIGINT) AS listed_bytes,
       CAST(COALESCE(SUM(c.unique_bytes), 0) AS BIGINT) AS unique_bytes
  FROM usage_change c
  {{each:repository AS repository(repository.id = c.repository_id)}}
 WHERE repository.project_id = :project_id;

-- name: unfolded_of_namespace
-- Of repositories that the group shows: nobody pushes to any other.
-- scan: reads what is not folded yet, which is little
SELECT CAST(COALESCE(SUM(c.listed_bytes), 0) AS BIGINT) AS listed_bytes,
       CAST(COALESCE(SUM(c.unique_bytes), 0) AS BIGINT) AS unique_bytes
  FROM usage_change c
  {{each:namespace_repository AS shown(shown.namespace_id = :namespace_id
                                       AND shown.repository_id = c.repository_id)}};
