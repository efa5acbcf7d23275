-- What repositories take up. Computed from the rows that are there, all of them by
-- index, in one snapshot: exact at any time, at a cost that grows with the scope.

-- name: repositories_of_project
-- Deleted ones as well, while they hold bytes. Served by repository_project.
SELECT id FROM repository WHERE project_id = :project_id;

-- name: repositories_of_namespace
-- At any depth, deleted ones as well. Served by namespace_parent, project_namespace and
-- repository_project.
WITH RECURSIVE below (id) AS (
    SELECT id FROM namespace WHERE id = :namespace_id
     UNION ALL
    SELECT namespace.id FROM below JOIN namespace ON namespace.parent_id = below.id
)
SELECT repository.id
  FROM below
  JOIN project ON project.namespace_id = below.id
  JOIN repository ON repository.project_id = project.id;

-- name: counts
SELECT (SELECT COUNT(*) FROM repository
         WHERE id IN ({{ints:ids}}) AND deleted_at_us IS NULL) AS repositories,
       (SELECT COUNT(*) FROM tag WHERE repository_id IN ({{ints:ids}})) AS tags,
       (SELECT CAST(COALESCE(SUM(total_bytes), 0) AS BIGINT)
          FROM tag WHERE repository_id IN ({{ints:ids}})) AS listed_bytes,
       (SELECT COUNT(*) FROM manifest
         WHERE repository_id IN ({{ints:ids}}) AND deleted_at_us IS NULL) AS manifests;

-- name: blobs
-- Each stored blob that the scope holds, once. It is exclusive where no other
-- repository holds it, and pending where nothing that is reached uses it: from tags and
-- holds down through indexes, with whatever is about what is reached.
WITH RECURSIVE reached (id, repository_id, digest) AS (
    SELECT manifest.id, manifest.repository_id, manifest.digest
      FROM tag JOIN manifest ON manifest.id = tag.manifest_id
     WHERE tag.repository_id IN ({{ints:ids}})
     UNION
    SELECT manifest.id, manifest.repository_id, manifest.digest
      FROM hold
      JOIN manifest ON manifest.repository_id = hold.repository_id
                   AND manifest.digest = hold.digest
     WHERE hold.repository_id IN ({{ints:ids}})
       AND (hold.expires_at_us IS NULL OR hold.expires_at_us > :now_us)
     UNION
    SELECT below.id, below.repository_id, below.digest
      FROM reached
      JOIN manifest below
        ON below.repository_id = reached.repository_id
       AND ((below.subject_digest = reached.digest AND below.deleted_at_us IS NULL)
            OR below.digest IN (SELECT manifest_child.digest FROM manifest_child
                                 WHERE manifest_child.manifest_id = reached.id))
), used AS (
    SELECT DISTINCT manifest_blob.blob_id
      FROM reached
      JOIN manifest_blob ON manifest_blob.manifest_id = reached.id
), held AS (
    SELECT DISTINCT link.blob_id
      FROM link
     WHERE link.repository_id IN ({{ints:ids}})
)
SELECT COUNT(*) AS blobs,
       CAST(COALESCE(SUM(blob.size_bytes), 0) AS BIGINT) AS unique_bytes,
       CAST(COALESCE(SUM(CASE WHEN blob.id NOT IN (SELECT blob_id FROM used)
                              THEN blob.size_bytes END), 0) AS BIGINT)
           AS pending_bytes,
       CAST(COALESCE(SUM(CASE WHEN NOT EXISTS (
                                   SELECT 1 FROM link other
                                    WHERE other.blob_id = blob.id
                                      AND other.repository_id NOT IN ({{ints:ids}}))
                              THEN blob.size_bytes END), 0) AS BIGINT)
           AS exclusive_bytes
  FROM held
  JOIN blob ON blob.id = held.blob_id;
