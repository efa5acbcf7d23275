-- name: create
INSERT INTO token (
    kind, secret_hash, account_id, project_id, namespace_id, username, name,
    description, scopes, expires_at_us, created_at_us
)
VALUES (
    :kind, :secret_hash, :account_id, :project_id, :namespace_id, :username, :name,
    :description, :scopes, :expires_at_us, :now_us
)
RETURNING *;

-- name: find_by_secret
-- Served by the unique index on secret_hash.
SELECT * FROM token WHERE secret_hash = :secret_hash;

-- name: find
SELECT * FROM token WHERE id = :token_id;

-- name: of_account
-- Served by token_account.
SELECT *
  FROM token
 WHERE account_id = :account_id AND kind = 'personal'
 ORDER BY id;

-- name: of_project
-- Served by token_project.
SELECT *
  FROM token
 WHERE project_id = :project_id AND kind = :kind
 ORDER BY id;

-- name: of_namespace
-- Served by token_namespace.
SELECT *
  FROM token
 WHERE namespace_id = :namespace_id AND kind = :kind
 ORDER BY id;

-- name: personal
-- scan: an administrator's list of everybody's tokens.
SELECT * FROM token WHERE kind = 'personal' ORDER BY id;

-- name: deploy
-- scan: an administrator's list of every deploy token.
SELECT * FROM token WHERE kind = 'deploy' ORDER BY id;

-- name: touch
-- The condition makes one write of many requests at the same moment.
UPDATE token
   SET last_used_at_us = :now_us
 WHERE id = :token_id
   AND (last_used_at_us IS NULL OR last_used_at_us <= :unless_after_us);

-- name: revoke
UPDATE token
   SET revoked_at_us = :now_us
 WHERE id = :token_id AND revoked_at_us IS NULL;

-- name: delete
DELETE FROM token WHERE id = :token_id;

-- name: delete_by_secret
DELETE FROM token WHERE secret_hash = :secret_hash;
