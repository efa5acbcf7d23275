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

-- name: find
SELECT * FROM project WHERE id = :project_id;

-- name: update
UPDATE project
   SET name = :name, visibility = :visibility, registry_access = :registry_access,
       description = :description, archived_at_us = :archived_at_us
 WHERE id = :project_id;

-- name: lock
-- For who puts a repository into it: its path does not change meanwhile.
SELECT * FROM project WHERE id = :project_id {{for_update}};

-- name: move
UPDATE project
   SET namespace_id = :namespace_id, path = :path, full_path = :full_path
 WHERE id = :project_id;

-- name: follow
-- Give projects below something the path that follows from the new one of that.
UPDATE project
   SET full_path = :full_path || substr(full_path, :rest_from)
 WHERE id IN ({{ints:project_ids}});

-- name: narrow
UPDATE project
   SET visibility = :visibility
 WHERE id IN ({{ints:project_ids}}) AND visibility IN ({{texts:wider}});

-- name: archived
SELECT id
  FROM project
 WHERE id IN ({{ints:project_ids}}) AND archived_at_us IS NOT NULL;

-- name: ids_in
-- Served by project_namespace.
SELECT id FROM project WHERE namespace_id IN ({{ints:namespace_ids}}) ORDER BY id;

-- name: delete
DELETE FROM project WHERE id = :project_id;

-- name: list_page(give=rows|total; order=id|name|path; direction=asc|desc)
-- Those that a caller sees. mine is where they have a role: by the namespaces that they
-- reach, and apart from these. What everybody sees is a
-- range of project_visibility, project_name or project_path for each visibility, which
-- are merged; reading ends with the page, or with what is counted.
WITH mine (id, level) AS (
    SELECT id, max(level)
      FROM (
        SELECT project.id, reached.level
          FROM ({{rows:reached(id int, level int)}}) AS reached
          JOIN project ON project.namespace_id = reached.id
        UNION ALL
        SELECT id, level FROM ({{rows:apart(id int, level int)}}) AS apart
      ) AS membership
     GROUP BY id
)
{{give: SELECT found.* | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM (
    SELECT project.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM project
     WHERE visibility = 'public' AND :open_public = 1 AND id > :above AND id < :below
    UNION ALL
    SELECT project.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM project
     WHERE visibility = 'internal' AND :open_internal = 1
       AND id > :above AND id < :below
    UNION ALL
    SELECT project.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM project
     WHERE visibility = 'private' AND :open_private = 1 AND id > :above AND id < :below
    UNION ALL
    SELECT project.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM mine
      JOIN project ON project.id = mine.id
     WHERE mine.level >= :min_level
       AND project.id > :above AND project.id < :below
       AND ((project.visibility = 'public' AND :open_public = 0)
            OR (project.visibility = 'internal' AND :open_internal = 0)
            OR (project.visibility = 'private' AND :open_private = 0))
  ) AS found
 WHERE (CAST(:visibility AS TEXT) IS NULL OR visibility = :visibility)
   AND (:archived < 0
        OR (:archived = 1 AND archived_at_us IS NOT NULL)
        OR (:archived = 0 AND archived_at_us IS NULL))
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(name_key, :search, '') <> name_key
        OR replace(path_key, :search, '') <> path_key
        OR (:search_namespaces = 1
            AND replace(LOWER(full_path), :search, '') <> LOWER(full_path)))
 ORDER BY {{order: id | name_key | path_key}} {{direction: ASC | DESC}},
          id {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};

-- name: list_in(give=rows|total; order=id|name|path; direction=asc|desc)
-- Those directly in some namespaces, and some by their ids. Costs as much as there are.
WITH mine (id, level) AS (
    SELECT id, max(level)
      FROM (
        SELECT project.id, reached.level
          FROM ({{rows:reached(id int, level int)}}) AS reached
          JOIN project ON project.namespace_id = reached.id
        UNION ALL
        SELECT id, level FROM ({{rows:apart(id int, level int)}}) AS apart
      ) AS membership
     GROUP BY id
),
inside AS (
    SELECT project.id
      FROM ({{ints:namespace_ids}}) AS namespace
      JOIN project ON project.namespace_id = namespace.value
    UNION
    SELECT value FROM ({{ints:shared_ids}}) AS shared
)
{{give: SELECT found.* | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM (
    SELECT project.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM project
      LEFT JOIN mine ON mine.id = project.id
     WHERE project.id IN (SELECT id FROM inside)
       AND project.id > :above AND project.id < :below
       AND (mine.level >= :min_level
            OR ((project.visibility = 'public' AND :open_public = 1)
                OR (project.visibility = 'internal' AND :open_internal = 1)
                OR (project.visibility = 'private' AND :open_private = 1)))
  ) AS found
 WHERE (CAST(:visibility AS TEXT) IS NULL OR visibility = :visibility)
   AND (:archived < 0
        OR (:archived = 1 AND archived_at_us IS NOT NULL)
        OR (:archived = 0 AND archived_at_us IS NULL))
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(name_key, :search, '') <> name_key
        OR replace(path_key, :search, '') <> path_key
        OR (:search_namespaces = 1
            AND replace(LOWER(full_path), :search, '') <> LOWER(full_path)))
 ORDER BY {{order: id | name_key | path_key}} {{direction: ASC | DESC}},
          id {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};

-- name: of_namespace
-- Served by project_namespace.
SELECT * FROM project WHERE namespace_id = :namespace_id ORDER BY id;
