-- Pages of tags in several orders, served by the index of each. Never pulled comes
-- first: as 0, because the engines do not agree on where NULL is.

-- name: list_page(order=name|version|created|pushed|published|pulled|size; direction=asc|desc)
-- What is behind a key; OFFSET because the GitLab API promises page numbers.
SELECT name, key
  FROM (SELECT repository_id, name,
               {{order: name | version_key | created_at_us | pushed_at_us | moved_at_us
                      | COALESCE(pulled_at_us, 0) | total_bytes}} AS key
          FROM tag) AS keyed
 WHERE repository_id = :repository_id
   AND key {{direction: > | <}} :key
 ORDER BY key {{direction: ASC | DESC}}, name {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset;

-- name: list_ties(order=name|version|created|pushed|published|pulled|size; direction=asc|desc)
-- What has the same key as the place where a page begins, and is behind it. One
-- comparison of key and name would do, but SQLite finds no COALESCE by that.
SELECT name, key
  FROM (SELECT repository_id, name,
               {{order: name | version_key | created_at_us | pushed_at_us | moved_at_us
                      | COALESCE(pulled_at_us, 0) | total_bytes}} AS key
          FROM tag) AS keyed
 WHERE repository_id = :repository_id
   AND key = :key AND name {{direction: > | <}} :name
 ORDER BY name {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset;

-- name: list_details
SELECT tag.name, tag.created_at_us, tag.pushed_at_us, tag.pulled_at_us,
       tag.pull_count, tag.total_bytes, manifest.digest, manifest.media_type,
       manifest.config_digest, manifest.artifact_type, manifest.platforms
  FROM tag
  JOIN manifest ON manifest.id = tag.manifest_id
 WHERE tag.repository_id = :repository_id AND tag.name IN ({{texts:names}});

-- name: list_pointers
SELECT name, manifest_id
  FROM tag
 WHERE repository_id = :repository_id
 ORDER BY name;
