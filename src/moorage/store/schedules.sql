-- name: add
INSERT INTO schedule (kind, next_run_at_us) VALUES (:kind, :now_us)
    ON CONFLICT (kind) DO NOTHING;

-- name: claim
-- Whoever moves the time on has the turn; everybody else finds it moved.
UPDATE schedule SET next_run_at_us = :next_us
 WHERE kind = :kind AND next_run_at_us <= :now_us;
