-- name: create
INSERT INTO policy (project_id, namespace_id, kind, name, rules, cadence,
                    enabled_at_us, next_run_at_us, created_at_us)
VALUES (CAST(:project_id AS BIGINT), CAST(:namespace_id AS BIGINT), :kind, :name,
        :rules, :cadence, CAST(:enabled_at_us AS BIGINT),
        CAST(:next_run_at_us AS BIGINT), :now_us)
RETURNING id;

-- name: update
UPDATE policy
   SET name = :name, rules = :rules, cadence = :cadence,
       enabled_at_us = CASE WHEN CAST(:enabled_at_us AS BIGINT) IS NULL THEN NULL
                            ELSE COALESCE(enabled_at_us, :enabled_at_us) END,
       next_run_at_us = CAST(:next_run_at_us AS BIGINT)
 WHERE id = :id;

-- name: delete
DELETE FROM policy WHERE id = :id;

-- name: find
SELECT id, project_id, namespace_id, kind, name, rules, cadence, enabled_at_us,
       next_run_at_us, created_at_us
  FROM policy
 WHERE id = :id;

-- name: list_of_projects
SELECT id, project_id, namespace_id, kind, name, rules, cadence, enabled_at_us,
       next_run_at_us, created_at_us
  FROM policy
 WHERE project_id IN ({{ints:project_ids}}) AND kind = :kind
 ORDER BY project_id, id;

-- name: list_of_namespace
SELECT id, project_id, namespace_id, kind, name, rules, cadence, enabled_at_us,
       next_run_at_us, created_at_us
  FROM policy
 WHERE namespace_id = :namespace_id AND kind = :kind
 ORDER BY id;

-- name: list_over_project
-- Those of our kind that are switched on, of a project and of all groups around it.
WITH RECURSIVE above (id, parent_id) AS (
    SELECT namespace.id, namespace.parent_id
      FROM project JOIN namespace ON namespace.id = project.namespace_id
     WHERE project.id = :project_id
     UNION ALL
    SELECT parent.id, parent.parent_id
      FROM above
      {{each:namespace AS parent(parent.id = above.parent_id)}}
)
SELECT id, project_id, namespace_id, kind, name, rules, cadence, enabled_at_us,
       next_run_at_us, created_at_us
  FROM policy
 WHERE project_id = :project_id AND kind = 'rules' AND enabled_at_us IS NOT NULL
 UNION ALL
SELECT policy.id, policy.project_id, policy.namespace_id, policy.kind, policy.name,
       policy.rules, policy.cadence, policy.enabled_at_us, policy.next_run_at_us,
       policy.created_at_us
  FROM above
  {{each:policy AS policy(policy.namespace_id = above.id)}}
 WHERE policy.kind = 'rules' AND policy.enabled_at_us IS NOT NULL;

-- name: find_due
-- Served by policy_due.
SELECT id, project_id, namespace_id, kind, name, rules, cadence, enabled_at_us,
       next_run_at_us, created_at_us
  FROM policy
 WHERE enabled_at_us IS NOT NULL AND next_run_at_us <= :now_us
 ORDER BY next_run_at_us
 LIMIT 1;

-- name: take_turn
-- Whoever moves the time on has the turn; everybody else finds it moved.
UPDATE policy
   SET next_run_at_us = :next_us
 WHERE id = :id AND next_run_at_us = :due_us AND enabled_at_us IS NOT NULL;

-- name: list_project_targets
-- Nothing goes in a project that is archived or whose registry is switched off. Served
-- by repository_project.
SELECT repository.id, repository.project_id
  FROM project
  JOIN repository ON repository.project_id = project.id
 WHERE project.id = :project_id
   AND project.archived_at_us IS NULL AND project.registry_access <> 'disabled'
   AND repository.deleted_at_us IS NULL AND repository.tag_count > 0
 ORDER BY repository.id;

-- name: list_namespace_targets
-- The same at any depth. Served by namespace_repository's key.
SELECT repository.id, repository.project_id
  FROM namespace_repository
  JOIN repository ON repository.id = namespace_repository.repository_id
  JOIN project ON project.id = repository.project_id
 WHERE namespace_repository.namespace_id = :namespace_id
   AND project.archived_at_us IS NULL AND project.registry_access <> 'disabled'
   AND repository.deleted_at_us IS NULL AND repository.tag_count > 0
 ORDER BY repository.id;
