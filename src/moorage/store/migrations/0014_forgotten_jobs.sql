-- What is over is found by its age, to be forgotten.
CREATE INDEX job_finished ON job (finished_at_us) WHERE finished_at_us IS NOT NULL;
CREATE INDEX plan_expiry ON plan (expires_at_us);
