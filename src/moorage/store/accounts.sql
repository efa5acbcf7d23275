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

-- name: list_page
-- scan: a search is a part of a name; without one the primary key gives the order.
SELECT *
  FROM account
 WHERE (CAST(:search AS TEXT) IS NULL
        OR replace(username_key, :search, '') <> username_key
        OR replace(lower(name), :search, '') <> lower(name)
        OR email_key = :search)
   AND (CAST(:active AS BIGINT) IS NULL
        OR (blocked_at_us IS NULL AND :active = 1)
        OR (blocked_at_us IS NOT NULL AND :active = 0))
 ORDER BY id DESC
 LIMIT :limit OFFSET :offset;

-- name: count
-- scan: as list_page, which it counts; it stops at the limit.
SELECT count(*) AS total
  FROM (
    SELECT id
      FROM account
     WHERE (CAST(:search AS TEXT) IS NULL
            OR replace(username_key, :search, '') <> username_key
            OR replace(lower(name), :search, '') <> lower(name)
            OR email_key = :search)
       AND (CAST(:active AS BIGINT) IS NULL
            OR (blocked_at_us IS NULL AND :active = 1)
            OR (blocked_at_us IS NOT NULL AND :active = 0))
     LIMIT :limit
  ) AS found;
