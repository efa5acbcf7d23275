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

-- name: claim_route
-- Touches no row when the path belongs to something already.
INSERT INTO route (path_key, namespace_id)
VALUES (:path_key, :namespace_id)
    ON CONFLICT (path_key) DO NOTHING;

-- name: find
SELECT * FROM namespace WHERE id = :namespace_id;

-- name: find_by_path
-- Served by the primary key of route.
SELECT namespace.*
  FROM route
  JOIN namespace ON namespace.id = route.namespace_id
 WHERE route.path_key = :path_key;

-- name: find_longest
-- One primary-key look-up of route per prefix.
SELECT namespace.*
  FROM route
  JOIN namespace ON namespace.id = route.namespace_id
 WHERE route.path_key IN ({{texts:prefixes}})
 ORDER BY length(route.path_key) DESC
 LIMIT 1;

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
      JOIN namespace AS parent ON parent.id = chain.parent_id
)
SELECT chain.start_id, namespace.*
  FROM chain
  JOIN namespace ON namespace.id = chain.id
 ORDER BY chain.start_id, chain.distance DESC;

-- name: update
UPDATE namespace
   SET name = :name, visibility = :visibility, description = :description
 WHERE id = :namespace_id;

-- name: rename
UPDATE namespace SET path = :path, full_path = :full_path WHERE id = :namespace_id;

-- name: release_route
-- Served by the unique index on namespace_id.
DELETE FROM route WHERE namespace_id = :namespace_id;

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
      JOIN namespace AS child ON child.parent_id = below.id
)
SELECT id FROM below ORDER BY depth DESC, id;

-- name: delete
DELETE FROM namespace WHERE id = :namespace_id;

-- name: list_groups
-- Those that a caller sees, with any order and filter.
-- scan: an account may see every group there is, in an order of its choice.
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
mine (id, level) AS (
    SELECT id, max(level) FROM reach GROUP BY id
)
SELECT *
  FROM (
SELECT namespace.*,
       CASE :order_by WHEN 'name' THEN lower(namespace.name)
                      WHEN 'path' THEN lower(namespace.path) END AS text_key,
       CASE :order_by WHEN 'id' THEN namespace.id ELSE 0 END AS number_key
  FROM namespace
  LEFT JOIN mine ON mine.id = namespace.id
 WHERE namespace.kind = 'group'
   AND (:sees_all = 1
        OR mine.level IS NOT NULL
        OR namespace.visibility = 'public'
        OR (:sees_internal = 1 AND namespace.visibility = 'internal'))
   AND (:min_level = 0 OR mine.level >= :min_level)
   AND (:top_level_only = 0 OR namespace.parent_id IS NULL)
   AND (CAST(:parent_id AS BIGINT) IS NULL OR namespace.parent_id = :parent_id)
   AND (:among = 0 OR namespace.id IN ({{ints:namespace_ids}}))
   AND namespace.id NOT IN ({{ints:skipped_ids}})
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(lower(namespace.name), :search, '') <> lower(namespace.name)
        OR replace(lower(namespace.path), :search, '') <> lower(namespace.path))
  ) AS found
 ORDER BY CASE WHEN :sort = 'asc' THEN text_key END,
          CASE WHEN :sort = 'desc' THEN text_key END DESC,
          CASE WHEN :sort = 'asc' THEN number_key ELSE -number_key END,
          CASE WHEN :sort = 'asc' THEN id ELSE -id END
 LIMIT :limit OFFSET :offset;

-- name: count_groups
-- What list_groups lists, up to a limit.
-- scan: as list_groups.
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
mine (id, level) AS (
    SELECT id, max(level) FROM reach GROUP BY id
)
SELECT count(*) AS total
  FROM (
SELECT namespace.id
  FROM namespace
  LEFT JOIN mine ON mine.id = namespace.id
 WHERE namespace.kind = 'group'
   AND (:sees_all = 1
        OR mine.level IS NOT NULL
        OR namespace.visibility = 'public'
        OR (:sees_internal = 1 AND namespace.visibility = 'internal'))
   AND (:min_level = 0 OR mine.level >= :min_level)
   AND (:top_level_only = 0 OR namespace.parent_id IS NULL)
   AND (CAST(:parent_id AS BIGINT) IS NULL OR namespace.parent_id = :parent_id)
   AND (:among = 0 OR namespace.id IN ({{ints:namespace_ids}}))
   AND namespace.id NOT IN ({{ints:skipped_ids}})
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(lower(namespace.name), :search, '') <> lower(namespace.name)
        OR replace(lower(namespace.path), :search, '') <> lower(namespace.path))
 LIMIT :limit
  ) AS found;

-- name: of_member
-- A caller's own namespace and the groups that they belong to, at any depth.
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
)
SELECT *
  FROM namespace
 WHERE id IN (SELECT id FROM reach)
 ORDER BY id;

-- name: everything
-- scan: an administrator's list of all namespaces.
SELECT * FROM namespace ORDER BY id LIMIT :limit OFFSET :offset;
