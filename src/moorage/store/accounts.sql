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

-- name: set_blocked
UPDATE account SET blocked_at_us = :blocked_at_us WHERE id = :account_id;

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

-- name: list_page(give=rows|total; state=any|active|blocked; direction=asc|desc)
-- A range of the primary key, or of account_blocked, in its order: reading ends with the
-- page, or with what is counted. A search is part of a name.
{{give: SELECT * | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM account
 WHERE id > :above AND id < :below
   {{state: | AND blocked_at_us IS NULL | AND blocked_at_us IS NOT NULL}}
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(username_key, :search, '') <> username_key
        OR replace(lower(name), :search, '') <> lower(name)
        OR email_key = :search)
 ORDER BY id {{direction: ASC | DESC}}
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};
