-- name: create
INSERT INTO account (
    username, username_key, name, email, email_key, password_hash,
    admin_at_us, external_at_us, bot_at_us, created_at_us
)
VALUES (
    :username, :username_key, :name, :email, :email_key, :password_hash,
    :admin_at_us, :external_at_us, :bot_at_us, :now_us
)
RETURNING *;

-- name: find
SELECT * FROM account WHERE id = :account_id;

-- name: find_by_username
-- Served by the unique index on username_key.
SELECT * FROM account WHERE username_key = :username_key;

-- name: find_by_email
-- Served by the unique index on email_key.
SELECT * FROM account WHERE email_key = :email_key;

-- name: find_many
SELECT * FROM account WHERE id IN ({{ints:account_ids}});

-- name: update
UPDATE account
   SET username = :username, username_key = :username_key, name = :name,
       email = :email, email_key = :email_key,
       admin_at_us = :admin_at_us, external_at_us = :external_at_us
 WHERE id = :account_id;

-- name: set_password
UPDATE account SET password_hash = :password_hash WHERE id = :account_id;

-- name: set_state
UPDATE account
   SET blocked_at_us = :blocked_at_us, blocked_as = :blocked_as
 WHERE id = :account_id;

-- name: delete
DELETE FROM account WHERE id = :account_id;

-- name: administrators
-- Bots are none. Two that would both leave the other alone wait for one another.
-- scan: an administrator is made or lost seldom
SELECT id
  FROM account
 WHERE admin_at_us IS NOT NULL AND blocked_at_us IS NULL AND bot_at_us IS NULL
 ORDER BY id
 {{for_update}};

-- name: list_page(state=any|active|inactive; give=rows|total; order=id|name|username; direction=asc|desc)
-- A range of the primary key, of account_blocked, account_name or the unique index on
-- username_key, in its order: reading ends with the page, or with what is counted. The
-- plus keeps SQLite from the primary key. A search is part of a name.
{{give: SELECT * | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM account
 WHERE {{order: id > :above AND id < :below
       | LOWER(name) >= '' AND +id > :above AND +id < :below
       | username_key >= '' AND +id > :above AND +id < :below}}
   {{state: | AND blocked_at_us IS NULL | AND blocked_at_us IS NOT NULL}}
   AND (CAST(:blocked_as AS TEXT) IS NULL
        OR COALESCE(blocked_as, 'blocked') = :blocked_as)
   AND (CAST(:admin AS BIGINT) IS NULL OR (:admin = 1) = (admin_at_us IS NOT NULL))
   AND (CAST(:external AS BIGINT) IS NULL
        OR (:external = 1) = (external_at_us IS NOT NULL))
   AND (CAST(:bot AS BIGINT) IS NULL OR (:bot = 1) = (bot_at_us IS NOT NULL))
   AND (CAST(:created_after_us AS BIGINT) IS NULL
        OR created_at_us >= :created_after_us)
   AND (CAST(:created_before_us AS BIGINT) IS NULL
        OR created_at_us <= :created_before_us)
   AND (:idle_only = 0
        OR NOT EXISTS (SELECT 1 FROM project_member WHERE account_id = account.id)
           AND NOT EXISTS (SELECT 1
                             FROM namespace
                             JOIN project ON project.namespace_id = namespace.id
                            WHERE namespace.owner_id = account.id))
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(username_key, :search, '') <> username_key
        OR replace(lower(name), :search, '') <> lower(name)
        OR email_key = :search)
 ORDER BY {{order: id | LOWER(name) | username_key}} {{direction: ASC | DESC}},
          {{order: id | id | username_key}} {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};
