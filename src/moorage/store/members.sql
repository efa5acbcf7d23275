-- name: group_level
-- One primary-key look-up of namespace and group_member per ancestor.
WITH RECURSIVE ancestor (id, parent_id, owner_id) AS (
    SELECT id, parent_id, owner_id FROM namespace WHERE id = :namespace_id
    UNION ALL
    SELECT parent.id, parent.parent_id, parent.owner_id
      FROM ancestor
      JOIN namespace AS parent ON parent.id = ancestor.parent_id
)
SELECT max(access_level) AS level
  FROM (
    SELECT group_member.access_level
      FROM ancestor
      JOIN group_member ON group_member.namespace_id = ancestor.id
                       AND group_member.account_id = :account_id
     WHERE group_member.expires_on IS NULL OR group_member.expires_on > :today
    UNION ALL
    SELECT 50 FROM ancestor WHERE owner_id = :account_id
  ) AS membership;

-- name: project_level
-- As group_level, with the project's own members.
WITH RECURSIVE ancestor (id, parent_id, owner_id) AS (
    SELECT id, parent_id, owner_id FROM namespace WHERE id = :namespace_id
    UNION ALL
    SELECT parent.id, parent.parent_id, parent.owner_id
      FROM ancestor
      JOIN namespace AS parent ON parent.id = ancestor.parent_id
)
SELECT max(access_level) AS level
  FROM (
    SELECT access_level
      FROM project_member
     WHERE project_id = :project_id
       AND account_id = :account_id
       AND (expires_on IS NULL OR expires_on > :today)
    UNION ALL
    SELECT group_member.access_level
      FROM ancestor
      JOIN group_member ON group_member.namespace_id = ancestor.id
                       AND group_member.account_id = :account_id
     WHERE group_member.expires_on IS NULL OR group_member.expires_on > :today
    UNION ALL
    SELECT 50 FROM ancestor WHERE owner_id = :account_id
  ) AS membership;

-- name: project_members
-- Served by the primary key.
SELECT account.*, project_member.access_level, project_member.expires_on,
       project_member.created_by_id, project_member.created_at_us AS member_since_us
  FROM project_member
  JOIN account ON account.id = project_member.account_id
 WHERE project_member.project_id = :project_id
   AND (project_member.expires_on IS NULL OR project_member.expires_on > :today)
 ORDER BY account.id;

-- name: group_members
-- Served by the primary key.
SELECT account.*, group_member.access_level, group_member.expires_on,
       group_member.created_by_id, group_member.created_at_us AS member_since_us
  FROM group_member
  JOIN account ON account.id = group_member.account_id
 WHERE group_member.namespace_id = :namespace_id
   AND (group_member.expires_on IS NULL OR group_member.expires_on > :today)
 ORDER BY account.id;

-- name: inherited_members
-- Members of a group and of all groups above it; the owner of a personal namespace.
WITH RECURSIVE ancestor (id, parent_id, owner_id) AS (
    SELECT id, parent_id, owner_id FROM namespace WHERE id = :namespace_id
    UNION ALL
    SELECT parent.id, parent.parent_id, parent.owner_id
      FROM ancestor
      JOIN namespace AS parent ON parent.id = ancestor.parent_id
)
SELECT account.*, group_member.access_level, group_member.expires_on,
       group_member.created_by_id, group_member.created_at_us AS member_since_us
  FROM ancestor
  JOIN group_member ON group_member.namespace_id = ancestor.id
  JOIN account ON account.id = group_member.account_id
 WHERE group_member.expires_on IS NULL OR group_member.expires_on > :today
UNION ALL
SELECT account.*, 50, NULL, NULL, account.created_at_us
  FROM ancestor
  JOIN account ON account.id = ancestor.owner_id;

-- name: put_project_member
INSERT INTO project_member (
    project_id, account_id, access_level, expires_on, created_by_id, created_at_us
)
VALUES (
    :project_id, :account_id, :access_level, :expires_on, :created_by_id, :now_us
)
    ON CONFLICT (project_id, account_id) DO UPDATE
   SET access_level = excluded.access_level, expires_on = excluded.expires_on;

-- name: put_group_member
INSERT INTO group_member (
    namespace_id, account_id, access_level, expires_on, created_by_id, created_at_us
)
VALUES (
    :namespace_id, :account_id, :access_level, :expires_on, :created_by_id, :now_us
)
    ON CONFLICT (namespace_id, account_id) DO UPDATE
   SET access_level = excluded.access_level, expires_on = excluded.expires_on;

-- name: delete_project_member
DELETE FROM project_member
 WHERE project_id = :project_id AND account_id = :account_id;

-- name: delete_group_member
DELETE FROM group_member
 WHERE namespace_id = :namespace_id AND account_id = :account_id;

-- name: direct_levels
-- One primary-key look-up per project.
SELECT project_id, access_level
  FROM project_member
 WHERE project_id IN ({{ints:project_ids}})
   AND account_id = :account_id
   AND (expires_on IS NULL OR expires_on > :today);
