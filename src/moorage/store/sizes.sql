-- Exact bytes. Ids of manifests go in, of one repository; a blob that other repositories
-- hold manifests of is told apart, for what keeps those is asked about afterwards.

-- name: listed
-- What each index of a repository lists. Served by manifest_child_digest.
SELECT c.manifest_id AS keeper, m.id AS kept
  FROM manifest_child c
  JOIN manifest m ON m.repository_id = c.repository_id AND m.digest = c.digest
 WHERE c.repository_id = :repository_id;

-- name: referring
-- What is about each manifest of a repository. Served by manifest_subject.
SELECT s.id AS keeper, m.id AS kept
  FROM manifest m
  JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.subject_digest
 WHERE m.repository_id = :repository_id AND m.subject_digest IS NOT NULL
   AND m.deleted_at_us IS NULL;

-- name: pinned
-- A hold that ends only puts off what it keeps. Served by hold_digest.
SELECT m.id
  FROM hold h
  JOIN manifest m ON m.repository_id = h.repository_id AND m.digest = h.digest
 WHERE h.repository_id = :repository_id AND h.expires_at_us IS NULL;

-- name: freed
-- The blobs of manifests that die, without those of manifests that stay.
WITH freed (id) AS (
    SELECT mb.blob_id
      FROM ({{ints:dying}}) AS dying
      JOIN manifest_blob mb ON mb.manifest_id = dying.value
    EXCEPT
    SELECT mb.blob_id
      FROM ({{ints:staying}}) AS staying
      JOIN manifest_blob mb ON mb.manifest_id = staying.value
), placed (elsewhere_id, size_bytes) AS (
    SELECT CASE WHEN EXISTS (SELECT 1 FROM manifest_blob o
                              WHERE o.blob_id = b.id
                                AND o.repository_id < :repository_id)
                  OR EXISTS (SELECT 1 FROM manifest_blob o
                              WHERE o.blob_id = b.id
                                AND o.repository_id > :repository_id)
                THEN b.id END,
           b.size_bytes
      FROM freed
      JOIN blob b ON b.id = freed.id
)
SELECT elsewhere_id, CAST(SUM(size_bytes) AS BIGINT) AS size_bytes
  FROM placed
 GROUP BY elsewhere_id;

-- name: exclusive
-- The blobs that manifests of one owner alone use. owners has every manifest that
-- anything keeps, wanted the manifests of the owners that are asked about. Materialized,
-- so that SQLite makes an index of each instead of reading it again and again.
WITH owner (manifest_id, owner) AS MATERIALIZED (
    SELECT i.manifest_id, i.owner
      FROM ({{rows:owners(manifest_id int, owner int)}}) AS i
), wanted (id) AS MATERIALIZED (
    SELECT DISTINCT mb.blob_id
      FROM ({{ints:wanted}}) AS w
      JOIN manifest_blob mb ON mb.manifest_id = w.value
), used (id, owner) AS (
    SELECT wanted.id, MIN(owner.owner)
      FROM wanted
      JOIN manifest_blob mb ON mb.blob_id = wanted.id
                           AND mb.repository_id = :repository_id
      JOIN owner ON owner.manifest_id = mb.manifest_id
     GROUP BY wanted.id
    HAVING MIN(owner.owner) = MAX(owner.owner)
), placed (owner, elsewhere_id, size_bytes) AS (
    SELECT used.owner,
           CASE WHEN EXISTS (SELECT 1 FROM manifest_blob o
                              WHERE o.blob_id = b.id
                                AND o.repository_id < :repository_id)
                  OR EXISTS (SELECT 1 FROM manifest_blob o
                              WHERE o.blob_id = b.id
                                AND o.repository_id > :repository_id)
                THEN b.id END,
           b.size_bytes
      FROM used
      JOIN blob b ON b.id = used.id
)
SELECT owner, elsewhere_id, CAST(SUM(size_bytes) AS BIGINT) AS size_bytes
  FROM placed
 GROUP BY owner, elsewhere_id;

-- name: tagged_elsewhere
-- Of these blobs, those that a tag of another repository uses, itself or by an index:
-- nearly all that another repository keeps at all.
SELECT b.value AS id
  FROM ({{ints:ids}}) AS b
 WHERE EXISTS (SELECT 1
                 FROM manifest_blob mb
                 JOIN tag t ON t.manifest_id = mb.manifest_id
                WHERE mb.blob_id = b.value AND mb.repository_id <> :repository_id)
    OR EXISTS (SELECT 1
                 FROM manifest_blob mb
                 JOIN manifest m ON m.id = mb.manifest_id
                 JOIN manifest_child c ON c.repository_id = m.repository_id
                                      AND c.digest = m.digest
                 JOIN tag t ON t.manifest_id = c.manifest_id
                WHERE mb.blob_id = b.value AND mb.repository_id <> :repository_id);

-- name: users_elsewhere
SELECT mb.blob_id, mb.manifest_id
  FROM manifest_blob mb
 WHERE mb.blob_id IN ({{ints:ids}}) AND mb.repository_id <> :repository_id;

-- name: rooted
-- Of these manifests, those that a tag or an endless hold keeps.
SELECT m.id
  FROM manifest m
 WHERE m.id IN ({{ints:ids}})
   AND (EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
        OR EXISTS (SELECT 1 FROM hold h
                    WHERE h.repository_id = m.repository_id AND h.digest = m.digest
                      AND h.expires_at_us IS NULL));
