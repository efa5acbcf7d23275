-- Lists of the repositories of a project or of a group. Both have the keys of the orders,
-- as of the last fold, in columns and indexes of their own.

-- name: list_ids(owner=project|namespace; order=created|name|tags|pushed|pulled|size; direction=asc|desc; search=none|part)
-- One range of the index of the order. Ids rise with time. OFFSET because the GitLab API
-- promises page numbers. REPLACE tells in both engines alike whether a text has a part.
SELECT shown.id
  FROM (SELECT {{owner: project_id AS owner_id, id, name AS sought
                      | namespace_id AS owner_id, repository_id AS id, path AS sought}},
               path, tags_key, pushed_key, pulled_key, size_key
          FROM {{owner: repository WHERE deleted_at_us IS NULL
                      | namespace_repository}}) AS shown
 WHERE shown.owner_id = :owner_id
   {{search: | AND REPLACE(shown.sought, :part, '') <> shown.sought}}
 ORDER BY {{order: shown.id | shown.path | shown.tags_key | shown.pushed_key
                 | shown.pulled_key | shown.size_key}} {{direction: ASC | DESC}},
          shown.id {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset;

-- name: list_ids_since(owner=project|namespace; order=tags|pushed|pulled|size; direction=asc|desc; search=none|part)
-- As list_ids, with keys that are newer for those that changed: :reach is all up to the
-- end of the page.
WITH changed (id, key) AS MATERIALIZED (
    SELECT c.id, c.key FROM ({{rows:changed(id int, key int)}}) AS c
), shown (owner_id, id, sought, key) AS NOT MATERIALIZED (
    SELECT {{owner: project_id, id, name | namespace_id, repository_id, path}},
           {{order: tags_key | pushed_key | pulled_key | size_key}}
      FROM {{owner: repository WHERE deleted_at_us IS NULL | namespace_repository}}
)
SELECT listed.id
  FROM (SELECT unchanged.id, unchanged.key
          FROM (SELECT shown.id, shown.key
                  FROM shown
                 WHERE shown.owner_id = :owner_id
                   AND shown.id NOT IN (SELECT id FROM changed)
                   {{search: | AND REPLACE(shown.sought, :part, '') <> shown.sought}}
                 ORDER BY shown.key {{direction: ASC | DESC}},
                          shown.id {{direction: ASC | DESC}}
                 LIMIT :reach) AS unchanged
         UNION ALL
        SELECT changed.id, changed.key
          FROM changed
          JOIN shown ON shown.id = changed.id
         WHERE shown.owner_id = :owner_id
           {{search: | AND REPLACE(shown.sought, :part, '') <> shown.sought}}) AS listed
 ORDER BY listed.key {{direction: ASC | DESC}}, listed.id {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset;

-- name: count(owner=project|namespace; search=none|part)
SELECT COUNT(*) AS total
  FROM (SELECT 1
          FROM (SELECT {{owner: project_id AS owner_id, name AS sought
                              | namespace_id AS owner_id, path AS sought}}
                  FROM {{owner: repository WHERE deleted_at_us IS NULL
                              | namespace_repository}}) AS shown
         WHERE shown.owner_id = :owner_id
           {{search: | AND REPLACE(shown.sought, :part, '') <> shown.sought}}
         LIMIT :limit) AS counted;

-- name: list_found(owner=project|namespace)
-- Those whose paths begin as given, each once: no beginning begins with another. Served
-- by repository_project_path or namespace_repository_path. In a project a part is to be
-- in what is below the project's own path.
SELECT shown.{{owner: id | repository_id}} AS id, shown.path, shown.tags_key,
       shown.pushed_key, shown.pulled_key, shown.size_key
  FROM ({{rows:beginnings(low text, high text)}}) AS b
  {{each:{{owner: repository | namespace_repository}} AS shown(
      shown.{{owner: project_id | namespace_id}} = :owner_id
      AND shown.path >= b.low AND shown.path < b.high)}}
 WHERE {{owner: shown.deleted_at_us IS NULL AND REPLACE(shown.name, :part, '') <> shown.name
              | REPLACE(shown.path, :part, '') <> shown.path}}
 LIMIT :limit;

-- name: list_whole
SELECT id, project_id, name, path, tag_count, status, created_at_us,
       cleanup_policy_started_at_us
  FROM repository
 WHERE id IN ({{ints:ids}});
