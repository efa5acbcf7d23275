-- name: listeners
-- Served by webhook_project and the repository's key.
SELECT id, project_id
  FROM webhook
 WHERE project_id IS NULL
 UNION ALL
SELECT webhook.id, webhook.project_id
  FROM repository
  JOIN webhook ON webhook.project_id = repository.project_id
 WHERE repository.id = :repository_id
 ORDER BY id;

-- name: any_listener
-- scan: reads one row
SELECT id FROM webhook ORDER BY id LIMIT 1;

-- name: repository_path
-- Of a deleted repository too: its deletion is an event.
SELECT path FROM repository WHERE id = :id;

-- name: tags_of_manifest
-- Served by tag_manifest.
SELECT name FROM tag WHERE manifest_id = :manifest_id ORDER BY name;

-- name: add
INSERT INTO event (webhook_id, content, created_at_us)
VALUES (:webhook_id, :content, :now_us);

-- name: lock_delivery
-- Until this transaction ends the delivery cannot find that there is nothing left to
-- deliver: either it sees these events, or it has let go of its key before.
SELECT id
  FROM job
 WHERE id = :id AND dedup_key IS NOT NULL AND state IN ('queued', 'running')
 {{for_update}};

-- name: list_first
-- Served by event_webhook.
SELECT id, content
  FROM event
 WHERE webhook_id = :webhook_id
 ORDER BY id
 LIMIT :limit;

-- name: delete
DELETE FROM event WHERE id IN ({{ints:ids}});

-- name: delete_older
-- Served by event_created.
DELETE FROM event WHERE created_at_us < :before_us;

-- name: list_waiting
-- Served by event_webhook, a probe per webhook.
-- scan: webhooks are few
SELECT id, project_id
  FROM webhook
 WHERE EXISTS (SELECT 1 FROM event WHERE event.webhook_id = webhook.id)
 ORDER BY id;

-- name: delete_deliveries
-- Served by job_delivered.
DELETE FROM job WHERE kind = 'deliver_events' AND finished_at_us < :before_us;
