-- name: level
-- The highest role in a project (none: 0) or in the namespaces above, of an account's own
-- or through a group that was invited there, up to what that group was given. One look-up
-- of namespace, group_member and share per namespace.
WITH RECURSIVE ancestor (id, parent_id, owner_id) AS (
    SELECT id, parent_id, owner_id FROM namespace WHERE id = :namespace_id
    UNION ALL
    SELECT parent.id, parent.parent_id, parent.owner_id
      FROM ancestor
      {{each:namespace AS parent(parent.id = ancestor.parent_id)}}
),
invited (id, most) AS (
    SELECT group_id, access_level
      FROM share
     WHERE project_id = :project_id AND (expires_on IS NULL OR expires_on > :today)
    UNION
    SELECT share.group_id, share.access_level
      FROM ancestor
      {{each:share AS share(share.namespace_id = ancestor.id)}}
     WHERE share.expires_on IS NULL OR share.expires_on > :today
    UNION
    SELECT inner_group.parent_id, invited.most
      FROM invited
      {{each:namespace AS inner_group(inner_group.id = invited.id)}}
     WHERE inner_group.parent_id IS NOT NULL
)
SELECT max(access_level) AS level
  FROM (
    SELECT access_level
      FROM project_member
     WHERE project_id = :project_id
       AND account_id = :account_id
       AND (expires_on IS NULL OR expires_on > :today)
    UNION ALL
    SELECT member.access_level
      FROM ancestor
      {{each:group_member AS member(member.namespace_id = ancestor.id
                                    AND member.account_id = :account_id)}}
     WHERE member.expires_on IS NULL OR member.expires_on > :today
    UNION ALL
    SELECT 50 FROM ancestor WHERE owner_id = :account_id
    UNION ALL
    SELECT CASE WHEN invited.most < member.access_level
                THEN invited.most ELSE member.access_level END
      FROM invited
      {{each:group_member AS member(member.namespace_id = invited.id
                                    AND member.account_id = :account_id)}}
     WHERE member.expires_on IS NULL OR member.expires_on > :today
  ) AS membership;

-- name: reach
-- The namespaces at any depth, and the projects beside these, where an account has a
-- role; as level finds it. Served by group_member_account, namespace_owner,
-- namespace_parent, share_group and project_member_account.
WITH RECURSIVE joined (id, level) AS (
    SELECT namespace_id, access_level
      FROM group_member
     WHERE account_id = :account_id AND (expires_on IS NULL OR expires_on > :today)
    UNION
    SELECT id, 50 FROM namespace WHERE owner_id = :account_id
    UNION
    SELECT child.id, joined.level
      FROM joined
      {{each:namespace AS child(child.parent_id = joined.id)}}
),
invited (namespace_id, project_id, level) AS (
    SELECT share.namespace_id, share.project_id,
           CASE WHEN share.access_level < joined.level
                THEN share.access_level ELSE joined.level END
      FROM joined
      {{each:share AS share(share.group_id = joined.id)}}
     WHERE share.expires_on IS NULL OR share.expires_on > :today
    UNION
    SELECT child.id, NULL, invited.level
      FROM invited
      {{each:namespace AS child(child.parent_id = invited.namespace_id)}}
)
SELECT namespace_id, project_id, max(level) AS level
  FROM (
    SELECT id AS namespace_id, NULL AS project_id, level FROM joined
    UNION ALL
    SELECT namespace_id, project_id, level FROM invited
    UNION ALL
    SELECT NULL, project_id, access_level
      FROM project_member
     WHERE account_id = :account_id AND (expires_on IS NULL OR expires_on > :today)
  ) AS found
 GROUP BY namespace_id, project_id;

-- name: find(of=project|namespace)
-- Served by the primary key.
SELECT account.*, member.access_level, member.expires_on, member.created_by_id,
       member.created_at_us AS member_since_us
  FROM {{of: project_member | group_member}} AS member
  JOIN account ON account.id = member.account_id
 WHERE member.{{of: project_id | namespace_id}} = :id
   AND member.account_id = :account_id
   AND (member.expires_on IS NULL OR member.expires_on > :today);

-- name: other_owner
-- Served by the primary key.
SELECT 1 AS found
  FROM group_member
 WHERE namespace_id = :namespace_id AND account_id <> :account_id AND access_level = 50
   AND (expires_on IS NULL OR expires_on > :today)
 LIMIT 1;

-- name: list_direct(of=project|namespace; give=rows|total)
-- A range of the primary key, in its order: reading ends with the page, or with what is
-- counted. A search is part of a name.
{{give: SELECT account.*, member.access_level, member.expires_on, member.created_by_id,
               member.created_at_us AS member_since_us
      | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM {{of: project_member | group_member}} AS member
  JOIN account ON account.id = member.account_id
 WHERE member.{{of: project_id | namespace_id}} = :id
   AND (member.expires_on IS NULL OR member.expires_on > :today)
   AND (:anybody = 1 OR member.account_id IN ({{ints:account_ids}}))
   AND member.account_id NOT IN ({{ints:skipped_ids}})
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(account.username_key, :search, '') <> account.username_key
        OR replace(LOWER(account.name), :search, '') <> LOWER(account.name))
 ORDER BY member.account_id
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};

-- name: list_all(give=rows|total)
-- Members of a project (none: 0), of its groups and of those invited there, each account
-- once, with its highest role; of equal ones the nearest. Costs as much as there are.
WITH RECURSIVE ancestor (id, parent_id, owner_id, distance) AS (
    SELECT id, parent_id, owner_id, 1 FROM namespace WHERE id = :namespace_id
    UNION ALL
    SELECT parent.id, parent.parent_id, parent.owner_id, ancestor.distance + 1
      FROM ancestor
      {{each:namespace AS parent(parent.id = ancestor.parent_id)}}
),
invited (id, most) AS (
    SELECT group_id, access_level
      FROM share
     WHERE project_id = :project_id AND (expires_on IS NULL OR expires_on > :today)
    UNION
    SELECT share.group_id, share.access_level
      FROM ancestor
      {{each:share AS share(share.namespace_id = ancestor.id)}}
     WHERE share.expires_on IS NULL OR share.expires_on > :today
    UNION
    SELECT inner_group.parent_id, invited.most
      FROM invited
      {{each:namespace AS inner_group(inner_group.id = invited.id)}}
     WHERE inner_group.parent_id IS NOT NULL
),
joined (account_id, level, expires_on, created_by_id, since_us, distance) AS (
    SELECT account_id, access_level, expires_on, created_by_id, created_at_us, 0
      FROM project_member
     WHERE project_id = :project_id AND (expires_on IS NULL OR expires_on > :today)
    UNION ALL
    SELECT member.account_id, member.access_level, member.expires_on,
           member.created_by_id, member.created_at_us, ancestor.distance
      FROM ancestor
      {{each:group_member AS member(member.namespace_id = ancestor.id)}}
     WHERE member.expires_on IS NULL OR member.expires_on > :today
    UNION ALL
    SELECT account.id, 50, CAST(NULL AS TEXT), CAST(NULL AS BIGINT),
           account.created_at_us, ancestor.distance
      FROM ancestor
      {{each:account AS account(account.id = ancestor.owner_id)}}
    UNION ALL
    SELECT member.account_id,
           CASE WHEN invited.most < member.access_level
                THEN invited.most ELSE member.access_level END,
           member.expires_on, member.created_by_id, member.created_at_us, 1000000
      FROM invited
      {{each:group_member AS member(member.namespace_id = invited.id)}}
     WHERE member.expires_on IS NULL OR member.expires_on > :today
),
ranked AS (
    SELECT joined.*,
           ROW_NUMBER() OVER (PARTITION BY account_id
                                  ORDER BY level DESC, distance) AS place
      FROM joined
)
{{give: SELECT account.*, ranked.level AS access_level, ranked.expires_on,
               ranked.created_by_id, ranked.since_us AS member_since_us
      | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM ranked
  {{each:account AS account(account.id = ranked.account_id)}}
 WHERE ranked.place = 1
   AND (:anybody = 1 OR ranked.account_id IN ({{ints:account_ids}}))
   AND ranked.account_id NOT IN ({{ints:skipped_ids}})
   AND (CAST(:search AS TEXT) IS NULL
        OR replace(account.username_key, :search, '') <> account.username_key
        OR replace(LOWER(account.name), :search, '') <> LOWER(account.name))
 ORDER BY ranked.account_id
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};

-- name: put(of=project|namespace)
INSERT INTO {{of: project_member | group_member}} (
    {{of: project_id | namespace_id}}, account_id, access_level, expires_on,
    created_by_id, created_at_us
)
VALUES (:id, :account_id, :access_level, :expires_on, :created_by_id, :now_us)
    ON CONFLICT ({{of: project_id | namespace_id}}, account_id) DO UPDATE
   SET access_level = excluded.access_level, expires_on = excluded.expires_on;

-- name: delete(of=project|namespace)
DELETE FROM {{of: project_member | group_member}}
 WHERE {{of: project_id | namespace_id}} = :id AND account_id = :account_id;

-- name: direct_levels
-- One primary-key look-up per project.
SELECT project_id, access_level
  FROM project_member
 WHERE project_id IN ({{ints:project_ids}})
   AND account_id = :account_id
   AND (expires_on IS NULL OR expires_on > :today);

-- name: list_joined(give=rows|total)
-- Served by project_member_account and group_member_account.
{{give: SELECT * | SELECT count(*) AS total FROM (SELECT 1 AS one}}
  FROM (
    SELECT 1 AS part, project.id AS project_id, CAST(NULL AS BIGINT) AS namespace_id,
           project.name,
           member.access_level
      FROM project_member AS member
      JOIN project ON project.id = member.project_id
     WHERE member.account_id = :account_id
       AND (member.expires_on IS NULL OR member.expires_on > :today)
       AND (CAST(:kind AS TEXT) IS NULL OR :kind = 'Project')
    UNION ALL
    SELECT 2 AS part, CAST(NULL AS BIGINT) AS project_id,
           namespace.id AS namespace_id, namespace.name,
           member.access_level
      FROM group_member AS member
      JOIN namespace ON namespace.id = member.namespace_id
     WHERE member.account_id = :account_id
       AND (member.expires_on IS NULL OR member.expires_on > :today)
       AND (CAST(:kind AS TEXT) IS NULL OR :kind = 'Namespace')
  ) AS joined
 ORDER BY part, project_id, namespace_id
 LIMIT :limit OFFSET :offset {{give: | ) AS counted}};
