-- name: create
INSERT INTO session (secret_hash, account_id, expires_at_us, created_at_us)
VALUES (:secret_hash, :account_id, :expires_at_us, :now_us);

-- name: find
-- Served by the unique index on secret_hash.
SELECT account_id, expires_at_us
  FROM session
 WHERE secret_hash = :secret_hash AND expires_at_us > :now_us;

-- name: delete
DELETE FROM session WHERE secret_hash = :secret_hash;

-- name: delete_of_account
-- Served by session_account.
DELETE FROM session WHERE account_id = :account_id;

-- name: delete_expired
-- Served by session_expiry.
DELETE FROM session WHERE expires_at_us <= :now_us;
