-- What each repository takes up, as the writes that change it say: sums, and what was
-- added to them since they were last made. Rows are only added beside what they tell of,
-- so that no two pushes wait for one another.
CREATE TABLE usage_sum (
    repository_id {{int}} PRIMARY KEY,
    listed_bytes {{int}} NOT NULL,
    unique_bytes {{int}} NOT NULL
) {{strict}};

CREATE TABLE usage_change (
    id {{id}},
    repository_id {{int}} NOT NULL,
    listed_bytes {{int}} NOT NULL,
    unique_bytes {{int}} NOT NULL
) {{strict}};
CREATE INDEX usage_change_repository ON usage_change (repository_id);

INSERT INTO usage_sum (repository_id, listed_bytes, unique_bytes)
SELECT repository.id,
       (SELECT CAST(COALESCE(SUM(tag.total_bytes), 0) AS BIGINT)
          FROM tag WHERE tag.repository_id = repository.id),
       (SELECT CAST(COALESCE(SUM(blob.size_bytes), 0) AS BIGINT)
          FROM link JOIN blob ON blob.id = link.blob_id
         WHERE link.repository_id = repository.id)
  FROM repository;
