-- name: add
INSERT INTO job_batch (job_id, first_position, size, outcome, items)
VALUES (:job_id, :first_position, :size, :outcome, :items);

-- name: list_batches
-- Those that positions behind :after up to :last may lie in; :before is that of the
-- batch before. How far the job is tells what became of an item.
SELECT b.first_position, b.outcome, b.items, job.done
  FROM job_batch b
  JOIN job ON job.id = b.job_id
 WHERE b.job_id = :job_id
   AND b.first_position > :before AND b.first_position <= :last
 ORDER BY b.first_position;

-- name: list_skipped
SELECT position, reason
  FROM job_skip
 WHERE job_id = :job_id AND position > :after AND position <= :last;

-- name: skip
INSERT INTO job_skip (job_id, position, reason)
SELECT CAST(:job_id AS BIGINT), p.value, CAST(:reason AS TEXT)
  FROM ({{ints:positions}}) AS p;

-- name: count
SELECT COALESCE(SUM(size), 0) AS total FROM job_batch WHERE job_id = :job_id;

-- name: count_skipped
SELECT COUNT(*) AS total FROM job_skip WHERE job_id = :job_id;
