-- name: counts
-- What is to be looked at by now, and later. Served by the partial indexes of leases.
SELECT (SELECT COUNT(*) FROM manifest WHERE lease_until_us <= :now_us)
           AS due_manifests,
       (SELECT COUNT(*) FROM link WHERE lease_until_us <= :now_us) AS due_links,
       (SELECT COUNT(*) FROM blob WHERE lease_until_us <= :now_us) AS due_blobs,
       (SELECT COUNT(*) FROM manifest WHERE lease_until_us > :now_us)
           AS leased_manifests,
       (SELECT COUNT(*) FROM link WHERE lease_until_us > :now_us) AS leased_links,
       (SELECT COUNT(*) FROM blob WHERE lease_until_us > :now_us) AS leased_blobs,
       (SELECT COUNT(*) FROM blob WHERE retry_at_us IS NOT NULL) AS tombstones;

-- name: oldest
SELECT (SELECT MIN(lease_until_us) FROM manifest WHERE lease_until_us <= :now_us)
           AS manifest_us,
       (SELECT MIN(lease_until_us) FROM link WHERE lease_until_us <= :now_us)
           AS link_us,
       (SELECT MIN(lease_until_us) FROM blob WHERE lease_until_us <= :now_us)
           AS blob_us,
       (SELECT MIN(deleted_at_us) FROM blob WHERE retry_at_us IS NOT NULL)
           AS tombstone_us;

-- name: forecast_used
-- Blobs that only manifests on their way out use, with the latest of the times until
-- which something keeps them. Those manifests: leased or due ones that nothing reaches,
-- and below them what no tag, hold or tagged index reaches besides.
WITH RECURSIVE leased AS (
    SELECT id, repository_id, digest, subject_digest, deleted_at_us, lease_until_us
      FROM manifest
     WHERE lease_until_us IS NOT NULL
     ORDER BY lease_until_us LIMIT :limit
), leaving (id, repository_id, digest, due_us) AS (
    SELECT m.id, m.repository_id, m.digest, m.lease_until_us
      FROM leased m
     WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
       AND NOT EXISTS (SELECT 1 FROM manifest_child c
                        WHERE c.repository_id = m.repository_id AND c.digest = m.digest)
       AND NOT EXISTS (SELECT 1 FROM manifest s
                        WHERE m.deleted_at_us IS NULL
                          AND s.repository_id = m.repository_id
                          AND s.digest = m.subject_digest)
       AND NOT EXISTS (SELECT 1 FROM hold h
                        WHERE h.repository_id = m.repository_id AND h.digest = m.digest)
     UNION
    SELECT below.id, below.repository_id, below.digest,
           CASE WHEN below.lease_until_us > leaving.due_us
                THEN below.lease_until_us ELSE leaving.due_us END
      FROM leaving
      JOIN manifest below
        ON below.repository_id = leaving.repository_id
       AND (below.subject_digest = leaving.digest
            OR below.digest IN (SELECT c.digest FROM manifest_child c
                                 WHERE c.manifest_id = leaving.id))
     WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = below.id)
       AND NOT EXISTS (SELECT 1 FROM hold h
                        WHERE h.repository_id = below.repository_id
                          AND h.digest = below.digest)
       AND NOT EXISTS (SELECT 1 FROM manifest_child c
                         JOIN tag t ON t.manifest_id = c.manifest_id
                        WHERE c.repository_id = below.repository_id
                          AND c.digest = below.digest)
), used AS (
    SELECT mb.blob_id, MAX(leaving.due_us) AS due_us
      FROM leaving
      JOIN manifest_blob mb ON mb.manifest_id = leaving.id
     GROUP BY mb.blob_id
    HAVING NOT EXISTS (SELECT 1 FROM manifest_blob other
                        WHERE other.blob_id = mb.blob_id
                          AND other.manifest_id NOT IN (SELECT id FROM leaving))
)
SELECT blob.size_bytes, used.due_us, blob.lease_until_us AS blob_due_us,
       (SELECT MAX(link.lease_until_us) FROM link WHERE link.blob_id = blob.id)
           AS link_due_us
  FROM used
  JOIN blob ON blob.id = used.blob_id;

-- name: forecast_unused
-- Blobs that no manifest uses, in repositories or in none.
SELECT blob.size_bytes, blob.lease_until_us AS blob_due_us,
       (SELECT MAX(l.lease_until_us) FROM link l WHERE l.blob_id = blob.id)
           AS link_due_us
  FROM blob
 WHERE blob.id IN (SELECT link.blob_id FROM link WHERE link.lease_until_us IS NOT NULL
                    UNION
                   SELECT b.id FROM blob b WHERE b.lease_until_us IS NOT NULL)
   AND blob.deleted_at_us IS NULL
   AND NOT EXISTS (SELECT 1 FROM manifest_blob mb WHERE mb.blob_id = blob.id)
 LIMIT :limit;

-- name: tombstone_bytes
SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS total
  FROM blob WHERE retry_at_us IS NOT NULL;

-- name: hours
SELECT hour_us, manifests, links, blobs, freed_bytes, errors, last_error
  FROM garbage_hour
 WHERE hour_us >= :since_us
 ORDER BY hour_us DESC;
