-- name: claim(of=project|namespace)
-- Touches no row when the path belongs to something already.
INSERT INTO route (path_key, {{of: project_id | namespace_id}})
VALUES (:path_key, :id)
    ON CONFLICT (path_key) DO NOTHING;

-- name: release(of=project|namespace)
-- Served by the unique index on the column.
DELETE FROM route WHERE {{of: project_id | namespace_id}} = :id;

-- name: find(of=project|namespace)
-- Served by the primary key of route.
SELECT found.*
  FROM route
  JOIN {{of: project | namespace}} AS found
       ON found.id = route.{{of: project_id | namespace_id}}
 WHERE route.path_key = :path_key;

-- name: find_longest(of=project|namespace)
-- One primary-key look-up of route per prefix.
SELECT found.*
  FROM route
  JOIN {{of: project | namespace}} AS found
       ON found.id = route.{{of: project_id | namespace_id}}
 WHERE route.path_key IN ({{texts:prefixes}})
 ORDER BY length(route.path_key) DESC
 LIMIT 1;

-- name: find_former
-- One primary-key look-up per prefix.
SELECT project.*
  FROM former_route
  JOIN project ON project.id = former_route.project_id
 WHERE former_route.path_key IN ({{texts:prefixes}})
 ORDER BY length(former_route.path_key) DESC
 LIMIT 1;

-- name: forget
DELETE FROM former_route WHERE path_key = :path_key;

-- name: remember
-- Where projects are, before they move. WHERE keeps SQLite from reading ON CONFLICT as
-- the condition of a join.
INSERT INTO former_route (path_key, project_id)
SELECT path_key, project_id FROM route WHERE project_id IN ({{ints:project_ids}})
    ON CONFLICT (path_key) DO UPDATE SET project_id = excluded.project_id;

-- name: follow(of=project|namespace)
-- Give what lies below something the path that follows from the new one of that.
UPDATE route
   SET path_key = :path_key || substr(path_key, :rest_from)
 WHERE {{of: project_id | namespace_id}} IN ({{ints:ids}});
