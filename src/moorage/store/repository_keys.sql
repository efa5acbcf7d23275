-- What lists of repositories go by: a copy for each list, brought up to date behind the
-- writes.

-- name: list_keys
-- As they are now. By tags' own indexes of the orders, and the sums.
SELECT repository.id, repository.tag_count AS tags_key,
       (SELECT COALESCE(MAX(tag.pushed_at_us), 0) FROM tag
         WHERE tag.repository_id = repository.id) AS pushed_key,
       (SELECT COALESCE(MAX(COALESCE(tag.pulled_at_us, 0)), 0) FROM tag
         WHERE tag.repository_id = repository.id) AS pulled_key,
       (SELECT CAST(COALESCE(SUM(part.unique_bytes), 0) AS BIGINT)
          FROM (SELECT unique_bytes FROM usage_sum
                 WHERE repository_id = repository.id
                 UNION ALL
                SELECT unique_bytes FROM usage_change
                 WHERE repository_id = repository.id) AS part) AS size_key
  FROM repository
 WHERE repository.id IN ({{ints:ids}});

-- name: list_stale
-- Repositories that have other keys, though nothing is noted that would change them.
SELECT repository.id
  FROM ({{rows:keys(id int, tags_key int, pushed_key int, pulled_key int,
                    size_key int)}}) AS k
  {{each:repository AS repository(repository.id = k.id)}}
 WHERE (repository.tags_key, repository.pushed_key, repository.pulled_key,
        repository.size_key)
       <> (k.tags_key, k.pushed_key, k.pulled_key, k.size_key)
   AND NOT EXISTS (SELECT 1 FROM usage_change
                    WHERE usage_change.repository_id = k.id);

-- name: set_keys(table=repository|namespace_repository)
-- Served by each table's index of repositories.
UPDATE {{table: repository | namespace_repository}}
   SET tags_key = k.tags_key, pushed_key = k.pushed_key,
       pulled_key = k.pulled_key, size_key = k.size_key
  FROM ({{rows:keys(id int, tags_key int, pushed_key int, pulled_key int,
                    size_key int)}}) AS k
 WHERE {{table: repository.id | namespace_repository.repository_id}} = k.id
   AND ({{table: repository | namespace_repository}}.tags_key,
        {{table: repository | namespace_repository}}.pushed_key,
        {{table: repository | namespace_repository}}.pulled_key,
        {{table: repository | namespace_repository}}.size_key)
       <> (k.tags_key, k.pushed_key, k.pulled_key, k.size_key);
