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

-- name: has_repository
-- Rows in the undo window count: they refer to the project. Two index look-ups.
SELECT 1 AS found FROM repository WHERE project_id = :project_id LIMIT 1;

-- name: delete
DELETE FROM project WHERE id = :project_id;
