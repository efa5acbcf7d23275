-- name: create
INSERT INTO project (
    namespace_id, creator_id, name, path, full_path, visibility, registry_access,
    description, created_at_us, last_activity_at_us
)
VALUES (
    :namespace_id, :creator_id, :name, :path, :full_path, :visibility,
    :registry_access, :description, :now_us, :now_us
)
RETURNING *;

-- name: claim_route
-- Touches no row when the path belongs to something already.
INSERT INTO route (path_key, project_id)
VALUES (:path_key, :project_id)
    ON CONFLICT (path_key) DO NOTHING;

-- name: find
SELECT * FROM project WHERE id = :project_id;

-- name: find_by_path
-- Served by the primary key of route.
SELECT project.*
  FROM route
  JOIN project ON project.id = route.project_id
 WHERE route.path_key = :path_key;

-- name: find_owning
-- One primary-key look-up of route per prefix.
SELECT project.*
  FROM route
  JOIN project ON project.id = route.project_id
 WHERE route.path_key IN ({{texts:prefixes}})
 ORDER BY length(route.path_key) DESC
 LIMIT 1;

-- name: update
UPDATE project
   SET name = :name, visibility = :visibility, registry_access = :registry_access,
       description = :description, archived_at_us = :archived_at_us
 WHERE id = :project_id;

-- name: rename
UPDATE project SET path = :path, full_path = :full_path WHERE id = :project_id;

-- name: release_route
-- Served by the unique index on project_id.
DELETE FROM route WHERE project_id = :project_id;

-- name: has_repository
-- Rows in the undo window count: they refer to the project. Two index look-ups.
SELECT 1 AS found FROM repository WHERE project_id = :project_id LIMIT 1;

-- name: delete
DELETE FROM project WHERE id = :project_id;

-- name: list_page
-- Those that a caller sees, with any order and filter.
-- scan: an account may see every project there is, in an order of its choice.
WITH RECURSIVE reach (id, level) AS (
    SELECT namespace_id, access_level
      FROM group_member
     WHERE account_id = :account_id AND (expires_on IS NULL OR expires_on > :today)
    UNION
    SELECT id, 50 FROM namespace WHERE owner_id = :account_id
    UNION
    SELECT child.id, reach.level
      FROM reach
      JOIN namespace AS child ON child.parent_id = reach.id
),
membership (project_id, level) AS (
    SELECT project.id, reach.level
      FROM reach
      JOIN project ON project.namespace_id = reach.id
    UNION ALL
    SELECT project_id, access_level
      FROM project_member
     WHERE account_id = :account_id AND (expires_on IS NULL OR expires_on > :today)
),
mine (project_id, level) AS (
    SELECT project_id, max(level) FROM membership GROUP BY project_id
)
SELECT *
  FROM (
SELECT project.*,
       CASE :order_by WHEN 'name' THEN lower(project.name)
                      WHEN 'path' THEN lower(project.path) END AS text_key,
       CASE :order_by WHEN 'id' THEN project.id
                      WHEN 'created_at' THEN project.created_at_us
                      WHEN 'updated_at' THEN project.last_activity_at_us
                      WHEN 'last_activity_at' THEN project.last_activity_at_us
                      ELSE 0 END AS number_key
  FROM project
  LEFT JOIN mine ON mine.project_id = project.id
 WHERE (:sees_all = 1
        OR mine.level IS NOT NULL
        OR project.visibility = 'public'
        OR (:sees_internal = 1 AND project.visibility = 'internal'))
   AND (:min_level = 0 OR mine.level >= :min_level)
   AND (:in_namespaces = 0 OR project.namespace_id IN ({{ints:namespace_ids}}))
   AND (CAST(:visibility AS TEXT) IS NULL OR project.visibility = :visibility)
   AND (:archived < 0
        OR (:archived = 1 AND project.archived_at_us IS NOT NULL)
        OR (:archived = 0 AND project.archived_at_us IS NULL))
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(lower(project.name), :search, '') <> lower(project.name)
        OR replace(lower(project.path), :search, '') <> lower(project.path)
        OR (:search_namespaces = 1
            AND replace(lower(project.full_path), :search, '')
                <> lower(project.full_path)))
  ) AS found
 ORDER BY CASE WHEN :sort = 'asc' THEN text_key END,
          CASE WHEN :sort = 'desc' THEN text_key END DESC,
          CASE WHEN :sort = 'asc' THEN number_key ELSE -number_key END,
          CASE WHEN :sort = 'asc' THEN id ELSE -id END
 LIMIT :limit OFFSET :offset;

-- name: count
-- What list_page lists, up to a limit.
-- scan: as list_page.
WITH RECURSIVE reach (id, level) AS (
    SELECT namespace_id, access_level
      FROM group_member
     WHERE account_id = :account_id AND (expires_on IS NULL OR expires_on > :today)
    UNION
    SELECT id, 50 FROM namespace WHERE owner_id = :account_id
    UNION
    SELECT child.id, reach.level
      FROM reach
      JOIN namespace AS child ON child.parent_id = reach.id
),
membership (project_id, level) AS (
    SELECT project.id, reach.level
      FROM reach
      JOIN project ON project.namespace_id = reach.id
    UNION ALL
    SELECT project_id, access_level
      FROM project_member
     WHERE account_id = :account_id AND (expires_on IS NULL OR expires_on > :today)
),
mine (project_id, level) AS (
    SELECT project_id, max(level) FROM membership GROUP BY project_id
)
SELECT count(*) AS total
  FROM (
SELECT project.id
  FROM project
  LEFT JOIN mine ON mine.project_id = project.id
 WHERE (:sees_all = 1
        OR mine.level IS NOT NULL
        OR project.visibility = 'public'
        OR (:sees_internal = 1 AND project.visibility = 'internal'))
   AND (:min_level = 0 OR mine.level >= :min_level)
   AND (:in_namespaces = 0 OR project.namespace_id IN ({{ints:namespace_ids}}))
   AND (CAST(:visibility AS TEXT) IS NULL OR project.visibility = :visibility)
   AND (:archived < 0
        OR (:archived = 1 AND project.archived_at_us IS NOT NULL)
        OR (:archived = 0 AND project.archived_at_us IS NULL))
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(lower(project.name), :search, '') <> lower(project.name)
        OR replace(lower(project.path), :search, '') <> lower(project.path)
        OR (:search_namespaces = 1
            AND replace(lower(project.full_path), :search, '')
                <> lower(project.full_path)))
 LIMIT :limit
  ) AS found;

-- name: of_namespace
-- Served by project_namespace.
SELECT * FROM project WHERE namespace_id = :namespace_id ORDER BY id;
