-- Beginnings of repositories' paths, by which a search finds them.

-- name: add
INSERT INTO path_beginning (backwards)
SELECT b.value
  FROM ({{texts:beginnings}}) AS b
 WHERE 1 = 1
    ON CONFLICT (backwards) DO NOTHING;

-- name: list_ending
-- Of paths, those that end as wanted; spelt backwards.
SELECT backwards
  FROM path_beginning
 WHERE backwards >= :low AND backwards < :high
 LIMIT :limit;
