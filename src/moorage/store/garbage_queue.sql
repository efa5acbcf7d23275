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

-- name: leased
-- What collection looks at sooner or later. Served by manifest_lease.
SELECT id, lease_until_us
  FROM manifest
 WHERE lease_until_us IS NOT NULL
 ORDER BY lease_until_us
 LIMIT :limit;

-- name: below
-- What manifests keep, one step down, with its own lease.
SELECT c.manifest_id AS keeper, m.id AS kept, m.lease_until_us
  FROM ({{ints:ids}}) AS i
  JOIN manifest_child c ON c.manifest_id = i.value
  JOIN manifest m ON m.repository_id = c.repository_id AND m.digest = c.digest
 UNION ALL
SELECT s.id, m.id, m.lease_until_us
  FROM ({{ints:ids}}) AS i
  JOIN manifest s ON s.id = i.value
  JOIN manifest m ON m.repository_id = s.repository_id AND m.subject_digest = s.digest
 WHERE m.deleted_at_us IS NULL;

-- name: hold_ends
SELECT m.id, MAX(h.expires_at_us) AS ends_at_us
  FROM ({{ints:ids}}) AS i
  JOIN manifest m ON m.id = i.value
  JOIN hold h ON h.repository_id = m.repository_id AND h.digest = m.digest
 WHERE h.expires_at_us > :now_us
 GROUP BY m.id;

-- name: forecast_used
-- Blobs that only manifests on their way out use, with the latest of the times until
-- which something keeps them.
WITH leaving (manifest_id, due_us) AS (
    SELECT l.manifest_id, l.due_us
      FROM ({{rows:leaving(manifest_id int, due_us int)}}) AS l
), used (blob_id, due_us) AS (
    SELECT mb.blob_id, MAX(leaving.due_us)
      FROM leaving
      JOIN manifest_blob mb ON mb.manifest_id = leaving.manifest_id
     GROUP BY mb.blob_id
)
SELECT blob.size_bytes, used.due_us, blob.lease_until_us AS blob_due_us,
       (SELECT MAX(link.lease_until_us) FROM link WHERE link.blob_id = blob.id)
           AS link_due_us
  FROM used
  JOIN blob ON blob.id = used.blob_id
 WHERE NOT EXISTS (SELECT 1 FROM manifest_blob other
                    WHERE other.blob_id = used.blob_id
                      AND other.manifest_id NOT IN (SELECT manifest_id FROM leaving));

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
