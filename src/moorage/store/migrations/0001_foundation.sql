-- Times are microseconds since 1970 in UTC. A nullable …_at_us says whether and since
-- when. What a client deleted keeps its row, marked deleted_at_us, until the undo
-- window has passed and collection removes it.

-- Secrets of this installation that every process shares.
CREATE TABLE instance_secret (
    name {{text}} PRIMARY KEY,
    secret {{bytes}} NOT NULL,
    created_at_us {{int}} NOT NULL
) {{strict}};

-- People, and the bots that project and group access tokens act as.

CREATE TABLE account (
    id {{id}},
    username {{text}} NOT NULL,
    username_key {{text}} NOT NULL UNIQUE,
    name {{text}} NOT NULL,
    email {{text}} NOT NULL,
    email_key {{text}} NOT NULL UNIQUE,
    password_hash {{text}},
    admin_at_us {{int}},
    external_at_us {{int}},
    bot_at_us {{int}},
    blocked_at_us {{int}},
    created_at_us {{int}} NOT NULL
) {{strict}};

-- Where projects live: a user's personal namespace or a group. A group's id is its
-- namespace's id.
CREATE TABLE namespace (
    id {{id}},
    kind {{text}} NOT NULL CHECK (kind IN ('user', 'group')),
    parent_id {{int}} REFERENCES namespace (id),
    owner_id {{int}} REFERENCES account (id) ON DELETE CASCADE,
    name {{text}} NOT NULL,
    path {{text}} NOT NULL,
    full_path {{text}} NOT NULL,
    visibility {{text}} NOT NULL CHECK (visibility IN ('private', 'internal', 'public')),
    description {{text}} NOT NULL,
    created_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX namespace_parent ON namespace (parent_id, id);
CREATE UNIQUE INDEX namespace_owner ON namespace (owner_id);
-- Lists: what everybody may see, in each order, is a range of these.
CREATE INDEX namespace_visibility ON namespace (visibility, id);
CREATE INDEX namespace_name ON namespace (visibility, LOWER(name), id);
CREATE INDEX namespace_path ON namespace (visibility, LOWER(path), id);

CREATE TABLE project (
    id {{id}},
    namespace_id {{int}} NOT NULL REFERENCES namespace (id),
    creator_id {{int}},
    name {{text}} NOT NULL,
    path {{text}} NOT NULL,
    full_path {{text}} NOT NULL,
    visibility {{text}} NOT NULL CHECK (visibility IN ('private', 'internal', 'public')),
    registry_access {{text}} NOT NULL
        CHECK (registry_access IN ('enabled', 'private', 'disabled')),
    description {{text}} NOT NULL,
    archived_at_us {{int}},
    created_at_us {{int}} NOT NULL,
    last_activity_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX project_namespace ON project (namespace_id, id);
CREATE INDEX project_visibility ON project (visibility, id);
CREATE INDEX project_name ON project (visibility, LOWER(name), id);
CREATE INDEX project_path ON project (visibility, LOWER(path), id);

-- One path, lower case, belongs to one thing. Groups and projects share the space.
CREATE TABLE route (
    path_key {{text}} PRIMARY KEY,
    namespace_id {{int}} UNIQUE REFERENCES namespace (id) ON DELETE CASCADE,
    project_id {{int}} UNIQUE REFERENCES project (id) ON DELETE CASCADE,
    CHECK ((namespace_id IS NULL) <> (project_id IS NULL))
) {{strict}};

-- Where a project was before it moved, until something else takes the path.
CREATE TABLE former_route (
    path_key {{text}} PRIMARY KEY,
    project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE
) {{strict}};
CREATE INDEX former_route_project ON former_route (project_id);

CREATE TABLE group_member (
    namespace_id {{int}} NOT NULL REFERENCES namespace (id) ON DELETE CASCADE,
    account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    access_level {{int}} NOT NULL,
    expires_on {{text}},
    created_by_id {{int}},
    created_at_us {{int}} NOT NULL,
    PRIMARY KEY (namespace_id, account_id)
) {{strict}};
CREATE INDEX group_member_account ON group_member (account_id, namespace_id);

CREATE TABLE project_member (
    project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    access_level {{int}} NOT NULL,
    expires_on {{text}},
    created_by_id {{int}},
    created_at_us {{int}} NOT NULL,
    PRIMARY KEY (project_id, account_id)
) {{strict}};
CREATE INDEX project_member_account ON project_member (account_id, project_id);

-- Which groups were invited, as a whole, to a project or to another group. Their members
-- have their own role there, up to access_level.
CREATE TABLE share (
    id {{id}},
    project_id {{int}} REFERENCES project (id) ON DELETE CASCADE,
    namespace_id {{int}} REFERENCES namespace (id) ON DELETE CASCADE,
    group_id {{int}} NOT NULL REFERENCES namespace (id) ON DELETE CASCADE,
    access_level {{int}} NOT NULL,
    expires_on {{text}},
    created_at_us {{int}} NOT NULL,
    UNIQUE (project_id, group_id),
    UNIQUE (namespace_id, group_id),
    CHECK ((project_id IS NULL) <> (namespace_id IS NULL))
) {{strict}};
CREATE INDEX share_group ON share (group_id, id);

-- Tokens of every kind; the secret itself is never stored. scopes is a
-- space-separated list. A deploy token has no account, a job token a project.
CREATE TABLE token (
    id {{id}},
    kind {{text}} NOT NULL
        CHECK (kind IN ('personal', 'project', 'group', 'deploy', 'job', 'refresh')),
    secret_hash {{text}} NOT NULL UNIQUE,
    account_id {{int}} REFERENCES account (id) ON DELETE CASCADE,
    project_id {{int}} REFERENCES project (id) ON DELETE CASCADE,
    namespace_id {{int}} REFERENCES namespace (id) ON DELETE CASCADE,
    username {{text}},
    name {{text}} NOT NULL,
    description {{text}} NOT NULL,
    scopes {{text}} NOT NULL,
    expires_at_us {{int}},
    revoked_at_us {{int}},
    last_used_at_us {{int}},
    created_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX token_account ON token (account_id, id);
CREATE INDEX token_project ON token (project_id, id);
CREATE INDEX token_namespace ON token (namespace_id, id);

-- Images

-- One whose project was deleted belongs to nothing, and is deleted itself.
CREATE TABLE repository (
    id {{id}},
    project_id {{int}} REFERENCES project (id),
    name {{text}} NOT NULL,
    path {{text}} NOT NULL,
    tag_count {{int}} NOT NULL,
    status {{text}} CHECK (status IN
        ('delete_scheduled', 'delete_ongoing', 'delete_failed')),
    cleanup_accepted_at_us {{int}},
    cleanup_policy_started_at_us {{int}},
    created_at_us {{int}} NOT NULL,
    deleted_at_us {{int}},
    CHECK (project_id IS NOT NULL OR deleted_at_us IS NOT NULL)
) {{strict}};
CREATE UNIQUE INDEX repository_path ON repository (path) WHERE deleted_at_us IS NULL;
CREATE INDEX repository_former ON repository (path) WHERE deleted_at_us IS NOT NULL;
CREATE INDEX repository_project ON repository (project_id, id);

-- Which groups a repository lies in, at any depth, as long as they show it: it is not
-- deleted and its project's registry is not disabled. So a group's listing is one index
-- range, in order, however many projects the group has. path is the repository's.
CREATE TABLE namespace_repository (
    namespace_id {{int}} NOT NULL REFERENCES namespace (id) ON DELETE CASCADE,
    repository_id {{int}} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    path {{text}} NOT NULL,
    PRIMARY KEY (namespace_id, repository_id)
) {{strict}};
CREATE INDEX namespace_repository_path ON namespace_repository (namespace_id, path);
CREATE INDEX namespace_repository_repository ON namespace_repository (repository_id);

-- Collection: lease_until_us says until when a blob, link or manifest is safe although
-- nothing may reach it, and that it is looked at then. It is null once a look found the
-- thing reached, until something that reached it goes.

-- One row per stored object. A tombstone (deleted_at_us) may share its digest with a
-- younger row: the generation tells their objects apart. Its object is deleted, again if
-- need be, from retry_at_us on; failures counts how often that did not work.
CREATE TABLE blob (
    id {{id}},
    digest {{text}} NOT NULL,
    generation {{text}} NOT NULL,
    size_bytes {{int}} NOT NULL,
    lease_until_us {{int}},
    created_at_us {{int}} NOT NULL,
    deleted_at_us {{int}},
    retry_at_us {{int}},
    failures {{int}} NOT NULL DEFAULT 0
) {{strict}};
CREATE UNIQUE INDEX blob_digest ON blob (digest) WHERE deleted_at_us IS NULL;
CREATE INDEX blob_tombstone ON blob (digest, generation)
    WHERE deleted_at_us IS NOT NULL;
CREATE INDEX blob_lease ON blob (lease_until_us) WHERE lease_until_us IS NOT NULL;
CREATE INDEX blob_retry ON blob (retry_at_us) WHERE retry_at_us IS NOT NULL;

-- A link lets a repository serve a blob.
CREATE TABLE link (
    id {{id}},
    repository_id {{int}} NOT NULL REFERENCES repository (id),
    blob_id {{int}} NOT NULL REFERENCES blob (id),
    lease_until_us {{int}},
    created_at_us {{int}} NOT NULL,
    deleted_at_us {{int}},
    UNIQUE (repository_id, blob_id)
) {{strict}};
CREATE INDEX link_blob ON link (blob_id, repository_id);
CREATE INDEX link_lease ON link (lease_until_us) WHERE lease_until_us IS NOT NULL;

-- created_at_us is the effective date: see domain/manifest.py. artifact_type is what
-- the referrers API shows: the manifest's own or its configuration's media type.
CREATE TABLE manifest (
    id {{id}},
    repository_id {{int}} NOT NULL REFERENCES repository (id),
    digest {{text}} NOT NULL,
    media_type {{text}} NOT NULL,
    size_bytes {{int}} NOT NULL,
    config_digest {{text}},
    subject_digest {{text}},
    artifact_type {{text}},
    total_bytes {{int}} NOT NULL,
    created_at_us {{int}} NOT NULL,
    platforms {{text}} NOT NULL,
    pushed_at_us {{int}} NOT NULL,
    pulled_at_us {{int}},
    pull_count {{int}} NOT NULL DEFAULT 0,
    lease_until_us {{int}},
    deleted_at_us {{int}},
    UNIQUE (repository_id, digest)
) {{strict}};
CREATE INDEX manifest_subject ON manifest (repository_id, subject_digest, digest)
    WHERE subject_digest IS NOT NULL;
CREATE INDEX manifest_lease ON manifest (lease_until_us)
    WHERE lease_until_us IS NOT NULL;

-- The bytes, apart, so that lists do not read past them.
CREATE TABLE manifest_payload (
    manifest_id {{int}} PRIMARY KEY REFERENCES manifest (id) ON DELETE CASCADE,
    content {{bytes}} NOT NULL
) {{strict}};

-- What an image's labels and its annotations say, as a JSON object; most say nothing.
CREATE TABLE manifest_label (
    manifest_id {{int}} PRIMARY KEY REFERENCES manifest (id) ON DELETE CASCADE,
    labels {{text}} NOT NULL
) {{strict}};

-- Which stored blobs a manifest uses, each once per role.
CREATE TABLE manifest_blob (
    manifest_id {{int}} NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
    repository_id {{int}} NOT NULL REFERENCES repository (id),
    blob_id {{int}} NOT NULL REFERENCES blob (id),
    role {{text}} NOT NULL CHECK (role IN ('config', 'layer')),
    PRIMARY KEY (manifest_id, blob_id, role)
) {{strict}};
CREATE INDEX manifest_blob_blob ON manifest_blob (blob_id, repository_id);

-- Blobs that a manifest names and that its repository does not hold yet: such as come
-- late are in use as well. See store/garbage.sql, adopt.
CREATE TABLE awaited_blob (
    manifest_id {{int}} NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
    repository_id {{int}} NOT NULL REFERENCES repository (id),
    digest {{text}} NOT NULL,
    role {{text}} NOT NULL CHECK (role IN ('config', 'layer')),
    PRIMARY KEY (manifest_id, digest, role)
) {{strict}};
CREATE INDEX awaited_blob_digest ON awaited_blob (repository_id, digest);

-- Which manifests an index lists, by digest: a child may be missing.
CREATE TABLE manifest_child (
    manifest_id {{int}} NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
    repository_id {{int}} NOT NULL REFERENCES repository (id),
    digest {{text}} NOT NULL,
    PRIMARY KEY (manifest_id, digest)
) {{strict}};
CREATE INDEX manifest_child_digest ON manifest_child (repository_id, digest);

-- A tag carries copies of what lists are ordered by. Its repository is its manifest's.
-- No foreign key: whoever points a tag at a manifest has locked its row, and collection
-- removes none that it has not locked and then looked for tags of. PostgreSQL would check
-- it row by row, a sixth of what it takes to restore a hundred thousand.
CREATE TABLE tag (
    repository_id {{int}} NOT NULL,
    name {{text}} NOT NULL,
    manifest_id {{int}} NOT NULL,
    version_key {{text}} NOT NULL,
    total_bytes {{int}} NOT NULL,
    created_at_us {{int}} NOT NULL,
    pushed_at_us {{int}} NOT NULL,
    pulled_at_us {{int}},
    pull_count {{int}} NOT NULL,
    moved_at_us {{int}} NOT NULL,
    PRIMARY KEY (repository_id, name)
) {{strict}};
CREATE INDEX tag_manifest ON tag (manifest_id, name);

-- Every move of every tag. digest is null for a removal.
-- No foreign key: on PostgreSQL checking it takes as long as all the rest of a row, and
-- a run writes a hundred thousand.
CREATE TABLE tag_event (
    id {{id}},
    repository_id {{int}} NOT NULL,
    tag {{text}} NOT NULL,
    action {{text}} NOT NULL
        CHECK (action IN ('push', 'delete', 'restore')),
    digest {{text}},
    previous_digest {{text}},
    actor {{text}} NOT NULL,
    job_id {{int}},
    at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX tag_event_tag ON tag_event (repository_id, tag, id);
CREATE INDEX tag_event_repository ON tag_event (repository_id, id);
CREATE INDEX tag_event_job ON tag_event (job_id, id) WHERE job_id IS NOT NULL;

-- An unfinished upload. digest is set when the closing PUT has been accepted: from
-- then on an object <digest>.<id> may exist that no blob row names yet.
CREATE TABLE upload (
    id {{text}} PRIMARY KEY,
    repository_id {{int}} NOT NULL REFERENCES repository (id),
    algorithm {{text}} NOT NULL,
    offset_bytes {{int}} NOT NULL,
    digest {{text}},
    created_at_us {{int}} NOT NULL,
    updated_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX upload_updated ON upload (updated_at_us);
CREATE INDEX upload_repository ON upload (repository_id);

-- The life of an image after the push

CREATE TABLE protection_rule (
    id {{id}},
    project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    kind {{text}} NOT NULL CHECK (kind IN ('repository', 'tag')),
    pattern {{text}} NOT NULL,
    push_level {{int}},
    delete_level {{int}},
    immutable_at_us {{int}},
    created_at_us {{int}} NOT NULL,
    UNIQUE (project_id, kind, pattern)
) {{strict}};

-- A hold on a tag keeps the tag, and the digest that it pointed to when it was held.
CREATE TABLE hold (
    id {{id}},
    repository_id {{int}} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    tag {{text}},
    digest {{text}} NOT NULL,
    reason {{text}} NOT NULL,
    actor {{text}} NOT NULL,
    expires_at_us {{int}},
    created_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX hold_repository ON hold (repository_id, id);
CREATE INDEX hold_digest ON hold (repository_id, digest);
CREATE INDEX hold_tag ON hold (repository_id, tag) WHERE tag IS NOT NULL;
CREATE INDEX hold_expiry ON hold (expires_at_us) WHERE expires_at_us IS NOT NULL;

-- How many bytes the images of a project or group may take up. None is no limit.
CREATE TABLE quota (
    id {{id}},
    project_id {{int}} UNIQUE REFERENCES project (id) ON DELETE CASCADE,
    namespace_id {{int}} UNIQUE REFERENCES namespace (id) ON DELETE CASCADE,
    limit_bytes {{int}} NOT NULL,
    CHECK ((project_id IS NULL) <> (namespace_id IS NULL))
) {{strict}};

-- A policy's rules are a JSON document in our rule language, or GitLab's attributes.
CREATE TABLE policy (
    id {{id}},
    project_id {{int}} REFERENCES project (id) ON DELETE CASCADE,
    namespace_id {{int}} REFERENCES namespace (id) ON DELETE CASCADE,
    kind {{text}} NOT NULL CHECK (kind IN ('gitlab', 'rules')),
    name {{text}} NOT NULL,
    rules {{text}} NOT NULL,
    cadence {{text}} NOT NULL,
    enabled_at_us {{int}},
    next_run_at_us {{int}},
    created_at_us {{int}} NOT NULL,
    CHECK ((project_id IS NULL) <> (namespace_id IS NULL))
) {{strict}};
CREATE INDEX policy_project ON policy (project_id, id);
CREATE INDEX policy_namespace ON policy (namespace_id, id);
CREATE INDEX policy_due ON policy (next_run_at_us) WHERE enabled_at_us IS NOT NULL;

CREATE TABLE plan (
    id {{id}},
    repository_id {{int}} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    parameters {{text}} NOT NULL,
    warnings {{text}} NOT NULL,
    summary {{text}} NOT NULL,
    actor {{text}} NOT NULL,
    job_id {{int}},
    created_at_us {{int}} NOT NULL,
    expires_at_us {{int}} NOT NULL
) {{strict}};
CREATE INDEX plan_repository ON plan (repository_id, id);

CREATE TABLE plan_item (
    plan_id {{int}} NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    position {{int}} NOT NULL,
    decision {{text}} NOT NULL CHECK (decision IN ('keep', 'delete')),
    name {{text}} NOT NULL,
    digest {{text}} NOT NULL,
    facts {{text}} NOT NULL,
    PRIMARY KEY (plan_id, decision, position)
) {{strict}};

-- What collection did, hour by hour, and what went wrong last.
CREATE TABLE garbage_hour (
    hour_us {{int}} PRIMARY KEY,
    manifests {{int}} NOT NULL,
    links {{int}} NOT NULL,
    blobs {{int}} NOT NULL,
    freed_bytes {{int}} NOT NULL,
    errors {{int}} NOT NULL,
    last_error {{text}}
) {{strict}};

CREATE TABLE garbage_pause (
    one {{int}} PRIMARY KEY CHECK (one = 1),
    paused_at_us {{int}} NOT NULL,
    actor {{text}} NOT NULL
) {{strict}};

-- Work to be done: claimed with a lease, tried again, kept when done.
CREATE TABLE job (
    id {{id}},
    kind {{text}} NOT NULL,
    arguments {{text}} NOT NULL,
    dedup_key {{text}},
    repository_id {{int}},
    actor {{text}} NOT NULL,
    state {{text}} NOT NULL CHECK (state IN
        ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    attempts {{int}} NOT NULL,
    run_at_us {{int}} NOT NULL,
    lease_owner {{text}},
    lease_until_us {{int}},
    done {{int}} NOT NULL,
    total {{int}} NOT NULL,
    result {{text}},
    error {{text}},
    created_at_us {{int}} NOT NULL,
    started_at_us {{int}},
    finished_at_us {{int}}
) {{strict}};
CREATE INDEX job_due ON job (run_at_us, id) WHERE state = 'queued';
CREATE INDEX job_lease ON job (lease_until_us) WHERE state = 'running';
CREATE UNIQUE INDEX job_dedup ON job (dedup_key)
    WHERE dedup_key IS NOT NULL AND state IN ('queued', 'running');

-- The tags that a job is about, many to a row: items is a JSON array of name, digest and
-- reason. What the job has done (job.done) became what outcome says.
CREATE TABLE job_batch (
    job_id {{int}} NOT NULL,
    first_position {{int}} NOT NULL,
    size {{int}} NOT NULL,
    outcome {{text}} NOT NULL,
    items {{text}} NOT NULL,
    PRIMARY KEY (job_id, first_position)
) {{strict}};

-- Those of them that a job passed over.
CREATE TABLE job_skip (
    job_id {{int}} NOT NULL,
    position {{int}} NOT NULL,
    reason {{text}} NOT NULL,
    PRIMARY KEY (job_id, position)
) {{strict}};

-- Work that comes round: the row is claimed by moving next_run_at_us.
CREATE TABLE schedule (
    kind {{text}} PRIMARY KEY,
    next_run_at_us {{int}} NOT NULL
) {{strict}};

-- Who changed what, beside the history of tags.
CREATE TABLE audit (
    id {{id}},
    at_us {{int}} NOT NULL,
    actor {{text}} NOT NULL,
    action {{text}} NOT NULL,
    subject {{text}} NOT NULL,
    detail {{text}} NOT NULL
) {{strict}};
