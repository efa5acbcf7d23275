-- name: put
INSERT INTO instance_secret (name, secret, created_at_us)
VALUES (:name, :secret, :now_us)
    ON CONFLICT (name) DO NOTHING;

-- name: get
SELECT secret FROM instance_secret WHERE name = :name;
