-- name: create_table
CREATE TABLE IF NOT EXISTS schema_migration (
    version {{int}} PRIMARY KEY,
    oldest_reader {{int}} NOT NULL,
    applied_at_us {{int}} NOT NULL
) {{strict}};

-- name: current
-- scan: a row per release, and the first of them is enough.
SELECT version, oldest_reader FROM schema_migration ORDER BY version DESC LIMIT 1;

-- name: record
INSERT INTO schema_migration (version, oldest_reader, applied_at_us)
VALUES (:version, :oldest_reader, :now_us);

-- name: lock
-- Waits for another process that migrates, before there is any table: two that create
-- one at once are in conflict on PostgreSQL. On SQLite the transaction itself excludes
-- other writers.
{{lock_migrations}};
