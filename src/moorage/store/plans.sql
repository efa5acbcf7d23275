-- name: create
-- Without a summary: it is being made, and nobody finds it.
INSERT INTO plan (repository_id, parameters, warnings, summary, actor, created_at_us,
                  expires_at_us)
VALUES (:repository_id, :parameters, :warnings, '', :actor, :created_at_us,
        :expires_at_us)
RETURNING id;

-- name: add_items
INSERT INTO plan_item (plan_id, position, decision, name, digest, facts)
SELECT CAST(:plan_id AS BIGINT), CAST(:first AS BIGINT) + i.position, i.decision, i.name, i.digest, i.facts
  FROM ({{rows:items(decision text, name text, digest text, facts text)}}) AS i;

-- name: complete
UPDATE plan SET summary = :summary WHERE id = :id;

-- name: find
SELECT id, repository_id, parameters, warnings, summary, created_at_us, expires_at_us,
       job_id
  FROM plan
 WHERE id = :id AND repository_id = :repository_id AND summary <> '';

-- name: lock
SELECT id, repository_id, parameters, warnings, summary, created_at_us, expires_at_us,
       job_id
  FROM plan
 WHERE id = :id AND repository_id = :repository_id AND summary <> ''
{{for_update}};

-- name: mark_applied
UPDATE plan SET job_id = :job_id WHERE id = :id;

-- name: list_items
-- Positions are numbered over both decisions from 1 without gaps: a page is two ranges.
SELECT position, decision, name, digest, facts
  FROM plan_item
 WHERE plan_id = :plan_id
   AND decision IN ('keep', 'delete')
   AND position > :offset AND position <= :last
 ORDER BY position;

-- name: list_items_of
-- OFFSET because the GitLab API promises page numbers.
SELECT position, decision, name, digest, facts
  FROM plan_item
 WHERE plan_id = :plan_id AND decision = :decision
 ORDER BY position
 LIMIT :limit OFFSET :offset;

-- name: list_deletions
SELECT name, digest
  FROM plan_item
 WHERE plan_id = :plan_id AND decision = 'delete'
 ORDER BY position;

-- name: delete_expired
-- Served by plan_expiry. One at a time: a plan may have a hundred thousand items.
DELETE FROM plan
 WHERE id = (SELECT id
               FROM plan
              WHERE expires_at_us < :before_us
              ORDER BY expires_at_us
              LIMIT 1);
