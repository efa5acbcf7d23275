-- An index per order of tag lists: a page is one range of it.
CREATE INDEX tag_version ON tag (repository_id, version_key, name);
CREATE INDEX tag_created ON tag (repository_id, created_at_us, name);
CREATE INDEX tag_pushed ON tag (repository_id, pushed_at_us, name);
CREATE INDEX tag_moved ON tag (repository_id, moved_at_us, name);
CREATE INDEX tag_pulled ON tag (repository_id, COALESCE(pulled_at_us, 0), name);
CREATE INDEX tag_size ON tag (repository_id, total_bytes, name);

-- Every text that some tag's name begins with, spelt backwards: those that end with a
-- part of a name are one range, and the names that begin with one are a range of tag.
-- Names that begin alike share rows: a long list adds little more than one for a tag.
CREATE TABLE tag_beginning (
    repository_id {{int}} NOT NULL,
    backwards {{text}} NOT NULL,
    PRIMARY KEY (repository_id, backwards)
) {{clustered}};

INSERT INTO tag_beginning (repository_id, backwards)
WITH RECURSIVE beginning (repository_id, name, length, backwards) AS (
    SELECT repository_id, name, 1, SUBSTR(name, 1, 1) FROM tag
     UNION ALL
    SELECT repository_id, name, length + 1, SUBSTR(name, length + 1, 1) || backwards
      FROM beginning
     WHERE length < LENGTH(name)
)
SELECT DISTINCT repository_id, backwards FROM beginning;

-- Repositories by name.
CREATE INDEX repository_project_path ON repository (project_id, path);
