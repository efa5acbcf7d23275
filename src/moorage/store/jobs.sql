-- name: enqueue
-- A job that is already queued or running under the same key stands for this one.
INSERT INTO job (kind, arguments, dedup_key, repository_id, actor, state, attempts,
                 run_at_us, done, total, created_at_us)
VALUES (:kind, :arguments, :dedup_key, :repository_id, :actor, 'queued', 0,
        :now_us, 0, 0, :now_us)
    ON CONFLICT (dedup_key)
       WHERE dedup_key IS NOT NULL AND state IN ('queued', 'running')
       DO NOTHING
RETURNING id;

-- name: wake_workers
{{wake_workers}};

-- name: find_unfinished
-- Served by job_dedup.
SELECT id
  FROM job
 WHERE dedup_key = :dedup_key
   AND dedup_key IS NOT NULL AND state IN ('queued', 'running');

-- name: find
SELECT id, kind, arguments, repository_id, actor, state, attempts, done, total, result,
       error, created_at_us, started_at_us, finished_at_us
  FROM job
 WHERE id = :id;

-- name: due
-- Served by job_due and job_lease.
SELECT (SELECT MIN(run_at_us) FROM job WHERE state = 'queued') AS run_at_us,
       (SELECT MIN(lease_until_us) FROM job WHERE state = 'running') AS lease_until_us;

-- name: take_back
-- From workers that died, or were stopped for longer than their lease.
UPDATE job
   SET state = 'queued', run_at_us = :now_us, lease_owner = NULL, lease_until_us = NULL
 WHERE state = 'running' AND lease_until_us <= :now_us;

-- name: claim
-- The subquery is a single value, so that it is evaluated once and claims one job.
UPDATE job
   SET state = 'running',
       attempts = attempts + 1,
       lease_owner = :owner,
       lease_until_us = :lease_until_us,
       started_at_us = COALESCE(started_at_us, :now_us)
 WHERE id = (SELECT id
               FROM job
              WHERE state = 'queued'
                AND run_at_us <= :now_us
                AND kind IN ({{texts:kinds}})
              ORDER BY run_at_us, id
              LIMIT 1
             {{skip_locked}})
RETURNING id, kind, arguments, repository_id, actor, state, attempts, done, total,
          result, error, created_at_us, started_at_us, finished_at_us;

-- name: hold
-- Whoever runs a job asserts this first in each of its transactions: from then until
-- the commit nobody cancels the job or takes it over.
UPDATE job
   SET lease_until_us = :lease_until_us
 WHERE id = :id AND state = 'running' AND lease_owner = :owner;

-- name: progress
UPDATE job SET done = :done, total = :total WHERE id = :id;

-- name: result
UPDATE job SET result = :result WHERE id = :id;

-- name: release_key
UPDATE job SET dedup_key = NULL WHERE id = :id;

-- name: requeue
UPDATE job
   SET state = 'queued', attempts = :attempts, run_at_us = :run_at_us,
       error = CAST(:error AS TEXT), lease_owner = NULL, lease_until_us = NULL
 WHERE id = :id AND state = 'running' AND lease_owner = :owner;

-- name: finish
UPDATE job
   SET state = :state, result = CAST(:result AS TEXT), error = CAST(:error AS TEXT),
       finished_at_us = :now_us, lease_owner = NULL, lease_until_us = NULL
 WHERE id = :id AND state = 'running' AND lease_owner = :owner;

-- name: cancel
UPDATE job
   SET state = 'cancelled', finished_at_us = :now_us, lease_owner = NULL,
       lease_until_us = NULL
 WHERE id = :id AND state IN ('queued', 'running');

-- name: list_finished
-- Served by job_finished.
SELECT id
  FROM job
 WHERE finished_at_us < :before_us
 ORDER BY finished_at_us
 LIMIT :limit;

-- name: delete_skips
DELETE FROM job_skip WHERE job_id IN ({{ints:ids}});

-- name: delete_batches
DELETE FROM job_batch WHERE job_id IN ({{ints:ids}});

-- name: delete
DELETE FROM job WHERE id IN ({{ints:ids}});
