-- Tags whose names have a part, by what names begin with and by going through lists.

-- name: list_found(order=name|version|created|pushed|published|pulled|size; direction=asc|desc)
-- Of the tags whose names begin as given, a page, and how many they are; beginnings of
-- which none begins with another, so that no tag counts twice. They are counted by their
-- names alone, and looked up and sorted if they are not too many. Where the page has none
-- there is a row all the same. An index of an order has names too, behind keys: gone
-- through from end to end for every beginning, it would do for PostgreSQL where a
-- repository has more tags than it knows of. None has manifest_id. Materialized, so that
-- SQLite looks once.
WITH counted (total) AS MATERIALIZED (
    SELECT COUNT(*)
      FROM (SELECT 1
              FROM ({{rows:beginnings(low text, high text)}}) AS b
              {{each:tag AS tag(tag.repository_id = :repository_id
                                AND tag.name >= b.low AND tag.name < b.high)}}
             LIMIT :most) AS first
), found (name, key) AS MATERIALIZED (
    SELECT tag.name,
           {{order: tag.name | tag.version_key | tag.created_at_us | tag.pushed_at_us
                  | tag.moved_at_us | COALESCE(tag.pulled_at_us, 0) | tag.total_bytes}}
      FROM ({{rows:beginnings(low text, high text)}}) AS b
      {{each:tag AS tag(tag.repository_id = :repository_id AND tag.manifest_id > 0
                        AND tag.name >= b.low AND tag.name < b.high)}}
     WHERE (SELECT total FROM counted) < :most
)
SELECT page.name, page.key, counted.total
  FROM counted
  LEFT JOIN (SELECT name, key
               FROM found
              WHERE (key, name) {{direction: > | <}} (:key, :name)
              ORDER BY key {{direction: ASC | DESC}}, name {{direction: ASC | DESC}}
              LIMIT :limit OFFSET :offset) AS page ON 1 = 1
 ORDER BY page.key {{direction: ASC | DESC}}, page.name {{direction: ASC | DESC}};

-- name: list_range(direction=asc|desc)
SELECT name, name AS key
  FROM tag
 WHERE repository_id = :repository_id AND name >= :low AND name < :high
 ORDER BY name {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset;

-- name: count_range
SELECT COUNT(*) AS total
  FROM (SELECT 1
          FROM tag
         WHERE repository_id = :repository_id AND name >= :low AND name < :high
         LIMIT :limit) AS counted;

-- name: walk_page(order=name|version|created|pushed|published|pulled|size; direction=asc|desc)
-- As a page of all tags (tag_lists), those that have a part, among the next so many. What
-- is passed on is in order: to ask for it again would make SQLite look at all of them
-- before the first is known. The number is a query of its own, lest PostgreSQL sort all
-- where a repository has more tags than it knows of.
SELECT name, key
  FROM (SELECT name, key
          FROM (SELECT repository_id, name,
                       {{order: name | version_key | created_at_us | pushed_at_us
                              | moved_at_us | COALESCE(pulled_at_us, 0)
                              | total_bytes}} AS key
                  FROM tag) AS keyed
         WHERE repository_id = :repository_id
           AND key {{direction: > | <}} :key
         ORDER BY key {{direction: ASC | DESC}}, name {{direction: ASC | DESC}}
         LIMIT (SELECT CAST(:budget AS BIGINT))) AS near
 WHERE {{has:name(:part)}}
 LIMIT :limit OFFSET :offset;

-- name: walk_ties(order=name|version|created|pushed|published|pulled|size; direction=asc|desc)
-- Likewise, of those with the same key as a place.
SELECT name, key
  FROM (SELECT name, key
          FROM (SELECT repository_id, name,
                       {{order: name | version_key | created_at_us | pushed_at_us
                              | moved_at_us | COALESCE(pulled_at_us, 0)
                              | total_bytes}} AS key
                  FROM tag) AS keyed
         WHERE repository_id = :repository_id
           AND key = :key AND name {{direction: > | <}} :name
         ORDER BY name {{direction: ASC | DESC}}
         LIMIT (SELECT CAST(:budget AS BIGINT))) AS near
 WHERE {{has:name(:part)}}
 LIMIT :limit;
