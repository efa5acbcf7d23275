-- name: put_labels
INSERT INTO manifest_label (manifest_id, labels) VALUES (:manifest_id, :labels)
    ON CONFLICT (manifest_id) DO NOTHING;

-- name: list_labels
SELECT manifest_label.labels
  FROM manifest
  JOIN manifest_label ON manifest_label.manifest_id = manifest.id
 WHERE manifest.repository_id = :repository_id
   AND manifest.digest IN ({{texts:digests}});

-- name: list_all
-- A whole repository's tagged images for the planner.
SELECT manifest.id, manifest.digest, manifest.platforms, manifest_label.labels
  FROM manifest
  LEFT JOIN manifest_label ON manifest_label.manifest_id = manifest.id
 WHERE manifest.id IN (SELECT tag.manifest_id
                         FROM tag
                        WHERE tag.repository_id = :repository_id);

-- name: list_subjects
-- What is referred to. Served by manifest_subject.
SELECT DISTINCT subject_digest AS digest
  FROM manifest
 WHERE repository_id = :repository_id AND subject_digest IS NOT NULL
   AND deleted_at_us IS NULL;
