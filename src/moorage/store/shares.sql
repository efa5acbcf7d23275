-- name: create(of=project|namespace)
-- Returns no row when the group was invited already.
INSERT INTO share (
    {{of: project_id | namespace_id}}, group_id, access_level, expires_on, created_at_us
)
VALUES (:id, :group_id, :access_level, :expires_on, :now_us)
    ON CONFLICT ({{of: project_id | namespace_id}}, group_id) DO NOTHING
RETURNING id;

-- name: delete(of=project|namespace)
DELETE FROM share
 WHERE {{of: project_id | namespace_id}} = :id AND group_id = :group_id;

-- name: list_shares(of=project|namespace)
-- Served by the unique index of the column.
SELECT share.id AS share_id, share.{{of: project_id | namespace_id}} AS scope_id,
       share.access_level, share.expires_on, namespace.*
  FROM share
  JOIN namespace ON namespace.id = share.group_id
 WHERE share.{{of: project_id | namespace_id}} IN ({{ints:ids}})
   AND (share.expires_on IS NULL OR share.expires_on > :today)
 ORDER BY share.id;

-- name: project_ids
-- Served by share_group.
SELECT project_id
  FROM share
 WHERE group_id = :group_id AND project_id IS NOT NULL
   AND (expires_on IS NULL OR expires_on > :today)
 ORDER BY project_id;

-- name: namespace_ids
-- Served by share_group.
SELECT namespace_id
  FROM share
 WHERE group_id = :group_id AND namespace_id IS NOT NULL
   AND (expires_on IS NULL OR expires_on > :today)
 ORDER BY namespace_id;
