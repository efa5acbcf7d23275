-- name: list_rules
-- Served by the unique index on project, kind and pattern; a project has few.
SELECT *
  FROM protection_rule
 WHERE project_id = :project_id AND kind = :kind
 ORDER BY id;

-- name: find
SELECT * FROM protection_rule WHERE id = :rule_id;

-- name: lock_project
-- Two that make rules at once count them one after the other, and two that make the
-- same immutable tag find it one after the other.
SELECT id FROM project WHERE id = :project_id {{for_update}};

-- name: create
-- Returns no row when the pattern is taken.
INSERT INTO protection_rule (
    project_id, kind, pattern, push_level, delete_level, immutable_at_us,
    created_at_us
)
VALUES (
    :project_id, :kind, :pattern, :push_level, :delete_level, :immutable_at_us,
    :now_us
)
    ON CONFLICT (project_id, kind, pattern) DO NOTHING
RETURNING *;

-- name: update
UPDATE protection_rule
   SET pattern = :pattern, push_level = :push_level, delete_level = :delete_level
 WHERE id = :rule_id
   AND NOT EXISTS (SELECT 1
                     FROM protection_rule AS other
                    WHERE other.project_id = protection_rule.project_id
                      AND other.kind = protection_rule.kind
                      AND other.pattern = :pattern
                      AND other.id <> :rule_id);

-- name: delete
DELETE FROM protection_rule WHERE id = :rule_id;

-- name: colliding
-- Rules that differ only in how they spell the project's path.
SELECT one.id
  FROM protection_rule AS one
  JOIN protection_rule AS other ON other.project_id = one.project_id
   AND other.kind = one.kind
   AND other.id > one.id
   AND substr(other.pattern, :rest_from) = substr(one.pattern, :rest_from)
 WHERE one.kind = 'repository' AND one.project_id IN ({{ints:project_ids}})
 LIMIT 1;

-- name: follow
-- A pattern for repositories begins with the project's path.
UPDATE protection_rule
   SET pattern = :full_path || substr(pattern, :rest_from)
 WHERE kind = 'repository' AND project_id IN ({{ints:project_ids}});
