-- Where events are sent. Without a project: those of all, as the settings say.
CREATE TABLE webhook (
    id {{id}},
    project_id {{int}} REFERENCES project (id) ON DELETE CASCADE,
    url {{text}} NOT NULL,
    created_at_us {{int}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX webhook_project ON webhook (project_id, url);
CREATE UNIQUE INDEX webhook_instance ON webhook (url) WHERE project_id IS NULL;

-- Events that a webhook has still to be told of, in this order. content is JSON.
CREATE TABLE event (
    id {{id}},
    webhook_id {{int}} NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    content {{text}} NOT NULL,
    created_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX event_webhook ON event (webhook_id, id);
CREATE INDEX event_created ON event (created_at_us);

CREATE INDEX job_delivered ON job (finished_at_us) WHERE kind = 'deliver_events';
