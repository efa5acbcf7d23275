-- Names of tags that came or went since tag_beginning was last brought up to date.
-- Rows are added beside the tag, and taken by whoever sorts the names in.
CREATE TABLE tag_change (
    id {{id}},
    repository_id {{int}} NOT NULL,
    name {{text}} NOT NULL,
    changed_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX tag_change_name ON tag_change (repository_id, name);
