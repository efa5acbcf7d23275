-- Tags by when they were pointed at something. Pages of names come from tag_lists.

-- name: list_tags
-- The first event is one look at the beginning of a range of tag_event_tag.
SELECT tag.name, tag.moved_at_us, manifest.digest, manifest.media_type,
       manifest.config_digest, manifest.platforms,
       (SELECT tag_event.at_us
          FROM tag_event
         WHERE tag_event.repository_id = tag.repository_id
           AND tag_event.tag = tag.name
         ORDER BY tag_event.id
         LIMIT 1) AS first_at_us,
       CAST(manifest.total_bytes + manifest.size_bytes
            + COALESCE((SELECT SUM(blob.size_bytes)
                          FROM manifest_blob
                          JOIN blob ON blob.id = manifest_blob.blob_id
                         WHERE manifest_blob.manifest_id = manifest.id
                           AND manifest_blob.role = 'config'), 0)
            AS BIGINT) AS size_bytes
  FROM tag
  JOIN manifest ON manifest.id = tag.manifest_id
 WHERE tag.repository_id = :repository_id AND tag.name IN ({{texts:names}});

-- name: list_images
-- With their bytes, which alone tell the media type of a configuration.
SELECT manifest.digest, manifest.media_type, manifest.config_digest,
       manifest.platforms, manifest_payload.content,
       CAST(manifest.total_bytes + manifest.size_bytes
            + COALESCE((SELECT SUM(blob.size_bytes)
                          FROM manifest_blob
                          JOIN blob ON blob.id = manifest_blob.blob_id
                         WHERE manifest_blob.manifest_id = manifest.id
                           AND manifest_blob.role = 'config'), 0)
            AS BIGINT) AS size_bytes
  FROM manifest
  JOIN manifest_payload ON manifest_payload.manifest_id = manifest.id
 WHERE manifest.repository_id = :repository_id
   AND manifest.digest IN ({{texts:digests}})
   AND manifest.deleted_at_us IS NULL;

-- name: list_referring
-- Served by manifest_subject.
SELECT subject_digest, digest, artifact_type
  FROM manifest
 WHERE repository_id = :repository_id AND subject_digest IN ({{texts:digests}})
   AND deleted_at_us IS NULL
 ORDER BY subject_digest, digest;
