-- name: create
INSERT INTO webhook (project_id, url, created_at_us)
VALUES (:project_id, :url, :now_us)
    ON CONFLICT (project_id, url) DO NOTHING
RETURNING id, project_id, url, created_at_us;

-- name: find
SELECT id, project_id, url, created_at_us FROM webhook WHERE id = :id;

-- name: list_by_project
SELECT id, project_id, url, created_at_us
  FROM webhook
 WHERE project_id = :project_id
 ORDER BY id;

-- name: delete
DELETE FROM webhook WHERE id = :id AND project_id = :project_id;

-- name: list_of_instance
SELECT id, url FROM webhook WHERE project_id IS NULL ORDER BY id;

-- name: create_of_instance
INSERT INTO webhook (project_id, url, created_at_us)
VALUES (NULL, :url, :now_us)
    ON CONFLICT (url) WHERE project_id IS NULL DO NOTHING;

-- name: delete_many
DELETE FROM webhook WHERE id IN ({{ints:ids}});
