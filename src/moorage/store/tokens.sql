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

-- name: list_page(of=everybody|account|project|namespace; give=rows|total; order=id|name|expires_at|last_used_at; direction=asc|desc)
-- Those of one kind. Served by token_kind, token_account, token_project or
-- token_namespace; in another order than that of ids it costs as much as there are.
-- What never ends ends last, and what was never used comes with what was used last.
{{give: SELECT * | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM token
 WHERE kind = :kind
   {{of: | AND account_id = :owner_id | AND project_id = :owner_id | AND namespace_id = :owner_id}}
   AND (CAST(:active AS BIGINT) IS NULL
        OR (:active = 1) = (revoked_at_us IS NULL
                            AND (expires_at_us IS NULL OR expires_at_us > :now_us)))
   AND (CAST(:revoked AS BIGINT) IS NULL
        OR (:revoked = 1) = (revoked_at_us IS NOT NULL))
   AND (CAST(:created_after_us AS BIGINT) IS NULL
        OR created_at_us >= :created_after_us)
   AND (CAST(:created_before_us AS BIGINT) IS NULL
        OR created_at_us <= :created_before_us)
   AND (CAST(:last_used_after_us AS BIGINT) IS NULL
        OR last_used_at_us >= :last_used_after_us)
   AND (CAST(:last_used_before_us AS BIGINT) IS NULL
        OR last_used_at_us <= :last_used_before_us)
   AND (CAST(:expires_after_us AS BIGINT) IS NULL
        OR expires_at_us >= :expires_after_us)
   AND (CAST(:expires_before_us AS BIGINT) IS NULL
        OR expires_at_us < :expires_before_us)
   AND (CAST(:search AS TEXT) IS NULL OR replace(LOWER(name), :search, '') <> LOWER(name))
 ORDER BY {{order: id | LOWER(name) | expires_at_us | last_used_at_us}}
          {{direction: ASC NULLS LAST | DESC NULLS FIRST}},
          id {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};

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
