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
    SELECT child.id
      FROM below
      {{each:namespace AS child(child.parent_id = below.id)}}
)
SELECT repository.id
  FROM below
  {{each:project AS project(project.namespace_id = below.id)}}
  {{each:repository AS repository(repository.project_id = project.id)}};

-- name: counts
SELECT (SELECT COUNT(*) FROM repository
         WHERE id IN ({{ints:ids}}) AND deleted_at_us IS NULL) AS repositories,
       (SELECT COUNT(*) FROM tag WHERE repository_id IN ({{ints:ids}})) AS tags,
       (SELECT COUNT(*) FROM manifest
         WHERE repository_id IN ({{ints:ids}}) AND deleted_at_us IS NULL) AS manifests;

-- name: roots
-- What tags and holds keep.
SELECT tag.manifest_id AS id
  FROM tag
 WHERE tag.repository_id IN ({{ints:ids}})
 UNION
SELECT manifest.id
  FROM hold
  JOIN manifest ON manifest.repository_id = hold.repository_id
               AND manifest.digest = hold.digest
 WHERE hold.repository_id IN ({{ints:ids}})
   AND (hold.expires_at_us IS NULL OR hold.expires_at_us > :now_us);

-- name: kept
-- What manifests keep: indexes what they list, and each what is about it. Served by
-- manifest_child_digest and manifest_subject.
SELECT c.manifest_id AS keeper, m.id AS kept
  FROM manifest_child c
  JOIN manifest m ON m.repository_id = c.repository_id AND m.digest = c.digest
 WHERE c.repository_id IN ({{ints:ids}})
 UNION ALL
SELECT s.id, m.id
  FROM manifest m
  JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.subject_digest
 WHERE m.repository_id IN ({{ints:ids}}) AND m.subject_digest IS NOT NULL
   AND m.deleted_at_us IS NULL;

-- name: blobs
-- Each stored blob that the scope holds, once. It is exclusive where no other
-- repository holds it, and pending where nothing that is reached uses it.
WITH used AS (
    SELECT DISTINCT manifest_blob.blob_id
      FROM ({{ints:reached}}) AS reached
      JOIN manifest_blob ON manifest_blob.manifest_id = reached.value
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

-- name: manifests_of
SELECT id
  FROM manifest
 WHERE repository_id = :repository_id AND digest IN ({{texts:digests}})
   AND deleted_at_us IS NULL;

-- name: used
-- The blobs of manifests, and some by their digests, each once.
SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS total
  FROM blob
 WHERE id IN (SELECT manifest_blob.blob_id
                FROM ({{ints:reached}}) AS reached
                JOIN manifest_blob ON manifest_blob.manifest_id = reached.value
               UNION
              SELECT b.id FROM blob b
               WHERE b.digest IN ({{texts:digests}}) AND b.deleted_at_us IS NULL);
