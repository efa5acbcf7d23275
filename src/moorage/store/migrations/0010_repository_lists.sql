-- What lists of repositories are ordered by, as it was when changes were last folded (see
-- store/usage_sums.sql): a page is one range of an index. Those that changed since are
-- few, and put in their places by whoever makes a list.
ALTER TABLE repository ADD COLUMN tags_key {{int}} NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN pushed_key {{int}} NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN pulled_key {{int}} NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN size_key {{int}} NOT NULL DEFAULT 0;
ALTER TABLE namespace_repository ADD COLUMN tags_key {{int}} NOT NULL DEFAULT 0;
ALTER TABLE namespace_repository ADD COLUMN pushed_key {{int}} NOT NULL DEFAULT 0;
ALTER TABLE namespace_repository ADD COLUMN pulled_key {{int}} NOT NULL DEFAULT 0;
ALTER TABLE namespace_repository ADD COLUMN size_key {{int}} NOT NULL DEFAULT 0;

UPDATE repository
   SET tags_key = tag_count,
       pushed_key = (SELECT COALESCE(MAX(tag.pushed_at_us), 0) FROM tag
                      WHERE tag.repository_id = repository.id),
       pulled_key = (SELECT COALESCE(MAX(COALESCE(tag.pulled_at_us, 0)), 0) FROM tag
                      WHERE tag.repository_id = repository.id),
       size_key = (SELECT CAST(COALESCE(SUM(part.unique_bytes), 0) AS BIGINT)
                     FROM (SELECT unique_bytes FROM usage_sum
                            WHERE repository_id = repository.id
                            UNION ALL
                           SELECT unique_bytes FROM usage_change
                            WHERE repository_id = repository.id) AS part);

UPDATE namespace_repository
   SET tags_key = r.tags_key, pushed_key = r.pushed_key,
       pulled_key = r.pulled_key, size_key = r.size_key
  FROM repository AS r
 WHERE r.id = namespace_repository.repository_id;

CREATE INDEX repository_tags ON repository (project_id, tags_key, id)
    WHERE deleted_at_us IS NULL;
CREATE INDEX repository_pushed ON repository (project_id, pushed_key, id)
    WHERE deleted_at_us IS NULL;
CREATE INDEX repository_pulled ON repository (project_id, pulled_key, id)
    WHERE deleted_at_us IS NULL;
CREATE INDEX repository_size ON repository (project_id, size_key, id)
    WHERE deleted_at_us IS NULL;
CREATE INDEX namespace_repository_tags
    ON namespace_repository (namespace_id, tags_key, repository_id);
CREATE INDEX namespace_repository_pushed
    ON namespace_repository (namespace_id, pushed_key, repository_id);
CREATE INDEX namespace_repository_pulled
    ON namespace_repository (namespace_id, pulled_key, repository_id);
CREATE INDEX namespace_repository_size
    ON namespace_repository (namespace_id, size_key, repository_id);

-- Every text that some repository's path begins with, spelt backwards, as tag_beginning
-- has them of tags. A path that is gone leaves its own: they find nothing.
CREATE TABLE path_beginning (
    backwards {{text}} PRIMARY KEY
) {{clustered}};

INSERT INTO path_beginning (backwards)
WITH RECURSIVE beginning (path, length, backwards) AS (
    SELECT path, 1, SUBSTR(path, 1, 1) FROM repository WHERE deleted_at_us IS NULL
     UNION ALL
    SELECT path, length + 1, SUBSTR(path, length + 1, 1) || backwards
      FROM beginning
     WHERE length < LENGTH(path)
)
SELECT DISTINCT backwards FROM beginning;
