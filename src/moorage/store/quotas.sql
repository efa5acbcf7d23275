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
