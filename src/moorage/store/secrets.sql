-- name: lock
-- The row is made empty where there is none. Either way this transaction holds it
-- until it ends, and others that want it wait.
INSERT INTO instance_secret (name, secret, created_at_us)
VALUES (:name, :secret, :now_us)
    ON CONFLICT (name) DO UPDATE
   SET name = excluded.name
RETURNING secret;

-- name: delete
DELETE FROM instance_secret WHERE name = :name;

-- name: set
UPDATE instance_secret SET secret = :secret WHERE name = :name;
