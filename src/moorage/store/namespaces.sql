-- name: create
INSERT INTO namespace (
    kind, parent_id, owner_id, name, path, full_path, visibility, description,
    created_at_us
)
VALUES (
    :kind, :parent_id, :owner_id, :name, :path, :full_path, :visibility, :description,
    :now_us
)
RETURNING *;

-- name: find
SELECT * FROM namespace WHERE id = :namespace_id;

-- name: find_of_account
-- Served by namespace_owner.
SELECT * FROM namespace WHERE owner_id = :account_id;

-- name: chains
-- Every start with all its ancestors; the topmost has the greatest distance.
WITH RECURSIVE chain (start_id, distance, id, parent_id) AS (
    SELECT id, 0, id, parent_id FROM namespace WHERE id IN ({{ints:namespace_ids}})
    UNION ALL
    SELECT chain.start_id, chain.distance + 1, parent.id, parent.parent_id
      FROM chain
      {{each:namespace AS parent(parent.id = chain.parent_id)}}
)
SELECT chain.start_id, namespace.*
  FROM chain
  {{each:namespace AS namespace(namespace.id = chain.id)}}
 ORDER BY chain.start_id, chain.distance DESC;

-- name: update
UPDATE namespace
   SET name = :name, visibility = :visibility, description = :description
 WHERE id = :namespace_id;

-- name: lock
-- For who puts something into it: its path does not change meanwhile.
SELECT * FROM namespace WHERE id = :namespace_id {{for_update}};

-- name: move
UPDATE namespace
   SET parent_id = :parent_id, path = :path, full_path = :full_path
 WHERE id = :namespace_id;

-- name: follow
-- Give groups below something the path that follows from the new one of that.
UPDATE namespace
   SET full_path = :full_path || substr(full_path, :rest_from)
 WHERE id IN ({{ints:namespace_ids}});

-- name: narrow
UPDATE namespace
   SET visibility = :visibility
 WHERE id IN ({{ints:namespace_ids}}) AND visibility IN ({{texts:wider}});

-- name: holds_visible
-- Served by namespace_parent and project_namespace.
SELECT 1 AS found
 WHERE EXISTS (SELECT 1
                 FROM namespace
                WHERE parent_id = :namespace_id
                  AND visibility IN ({{texts:visibilities}}))
    OR EXISTS (SELECT 1
                 FROM project
                WHERE namespace_id = :namespace_id
                  AND visibility IN ({{texts:visibilities}}));

-- name: holds_anything
-- Served by namespace_parent and project_namespace.
SELECT 1 AS found
 WHERE EXISTS (SELECT 1 FROM namespace WHERE parent_id = :namespace_id)
    OR EXISTS (SELECT 1 FROM project WHERE namespace_id = :namespace_id);

-- name: descendant_ids
-- Itself and all groups below, deepest first. Served by namespace_parent.
WITH RECURSIVE below (id, depth) AS (
    SELECT id, 0 FROM namespace WHERE id = :namespace_id
    UNION ALL
    SELECT child.id, below.depth + 1
      FROM below
      {{each:namespace AS child(child.parent_id = below.id)}}
)
SELECT id FROM below ORDER BY depth DESC, id;

-- name: delete
DELETE FROM namespace WHERE id = :namespace_id;

-- name: list_groups(give=rows|total; order=id|name|path; direction=asc|desc)
-- Those that a caller sees. mine is where they have a role. What everybody sees is a
-- range of namespace_visibility, namespace_name or namespace_path for each visibility,
-- which are merged; reading ends with the page, or with what is counted.
WITH mine AS ({{rows:mine(id int, level int)}})
{{give: SELECT found.* | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM (
    SELECT namespace.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM namespace WHERE visibility = 'public' AND :open_public = 1
    UNION ALL
    SELECT namespace.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM namespace WHERE visibility = 'internal' AND :open_internal = 1
    UNION ALL
    SELECT namespace.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM namespace WHERE visibility = 'private' AND :open_private = 1
    UNION ALL
    SELECT namespace.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM mine
      JOIN namespace ON namespace.id = mine.id
     WHERE mine.level >= :min_level
       AND ((namespace.visibility = 'public' AND :open_public = 0)
            OR (namespace.visibility = 'internal' AND :open_internal = 0)
            OR (namespace.visibility = 'private' AND :open_private = 0))
  ) AS found
 WHERE kind = 'group'
   AND (:top_level_only = 0 OR parent_id IS NULL)
   AND id NOT IN ({{ints:skipped_ids}})
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(name_key, :search, '') <> name_key
        OR replace(path_key, :search, '') <> path_key)
 ORDER BY {{order: id | name_key | path_key}} {{direction: ASC | DESC}},
          id {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};

-- name: list_below(give=rows|total; order=id|name|path; direction=asc|desc)
-- Those in a group, or at any depth below it. Costs as much as there are.
WITH RECURSIVE mine AS ({{rows:mine(id int, level int)}}),
below (id, depth) AS (
    SELECT id, 1 FROM namespace WHERE parent_id = :parent_id
    UNION ALL
    SELECT child.id, below.depth + 1
      FROM below
      {{each:namespace AS child(child.parent_id = below.id)}}
     WHERE below.depth < :depth
)
{{give: SELECT found.* | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM (
    SELECT namespace.*, LOWER(name) AS name_key, LOWER(path) AS path_key
      FROM below
      {{each:namespace AS namespace(namespace.id = below.id)}}
      LEFT JOIN mine ON mine.id = namespace.id
     WHERE (mine.level >= :min_level
            OR ((namespace.visibility = 'public' AND :open_public = 1)
                OR (namespace.visibility = 'internal' AND :open_internal = 1)
                OR (namespace.visibility = 'private' AND :open_private = 1)))
  ) AS found
 WHERE (:top_level_only = 0 OR parent_id IS NULL)
   AND id NOT IN ({{ints:skipped_ids}})
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(name_key, :search, '') <> name_key
        OR replace(path_key, :search, '') <> path_key)
 ORDER BY {{order: id | name_key | path_key}} {{direction: ASC | DESC}},
          id {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};

-- name: find_many
SELECT * FROM namespace WHERE id IN ({{ints:namespace_ids}}) ORDER BY id;

-- name: list_page(give=rows|total)
-- All there are, in the order of the primary key; reading ends with the page, or with
-- what is counted.
{{give: SELECT * | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM namespace
 WHERE id > 0
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(LOWER(full_path), :search, '') <> LOWER(full_path))
 ORDER BY id
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};
