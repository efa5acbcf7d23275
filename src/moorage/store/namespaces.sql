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
