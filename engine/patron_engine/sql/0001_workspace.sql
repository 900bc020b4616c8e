-- A workspace's own tables. Names with `__` cannot meet an object's. Run with search_path set to the workspace's schema.
-- No triggers, no foreign key that leaves the schema: a distributed PostgreSQL moves schemas as they are.

-- Releases: what the workspace is made of. One row a publication, never changed.
CREATE TABLE sys__release (
    number bigint PRIMARY KEY CHECK (number > 0),
    kind text NOT NULL,                      -- publish | install | upgrade | uninstall | rollback
    author text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    note text NOT NULL DEFAULT '',
    base bigint NOT NULL,                    -- the release it was planned on; 0 is the empty workspace
    checksum text NOT NULL,                  -- of the plan that was published
    plan json
);

-- A document is kept once, however many releases hold it. `json` keeps the author's order of keys.
CREATE TABLE sys__document (
    hash text PRIMARY KEY,
    kind text NOT NULL,
    name text NOT NULL,
    body json NOT NULL,
    source text                              -- the text as it was written, where it came as a file
);

CREATE TABLE sys__release_document (
    release bigint NOT NULL REFERENCES sys__release,
    layer text NOT NULL,                     -- core, a pack's name, or workspace
    layer_order bigint NOT NULL,
    version text,                            -- of the pack
    position bigint NOT NULL,
    file text,
    line bigint,
    hash text NOT NULL REFERENCES sys__document,
    PRIMARY KEY (release, layer_order, position)
);
CREATE INDEX sys__release_document__hash ON sys__release_document (hash);

-- The release in force: one row, read by every write after the workspace's lock.
CREATE TABLE sys__state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    release bigint NOT NULL DEFAULT 0
);
INSERT INTO sys__state DEFAULT VALUES;

-- Drafts: what an author means to change in the workspace's own layer. A removal has no body.
CREATE TABLE sys__draft (
    id uuid PRIMARY KEY,
    author text NOT NULL UNIQUE,
    base bigint NOT NULL,
    note text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sys__draft_document (
    draft uuid NOT NULL REFERENCES sys__draft ON DELETE CASCADE,
    kind text NOT NULL,
    name text NOT NULL,
    body json,
    source text,
    PRIMARY KEY (draft, kind, name)
);

-- Physical names: which column holds which part of which field, given once and never again to another.
CREATE TABLE sys__column (
    object text NOT NULL,                    -- API name; of what is aside, the last one
    field text NOT NULL,                     -- API name; empty for the object's own table
    part text NOT NULL DEFAULT '',
    column_name text NOT NULL,
    sql_type text NOT NULL,                  -- 'table' for the table of an object or of a many link
    field_type text,
    state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'aside')),
    since bigint NOT NULL,                   -- release that made it
    until bigint,                            -- release that set it aside
    PRIMARY KEY (object, field, part, column_name)
);

-- History: one row a save of a record. `old` holds what the changed fields were before.
CREATE TABLE sys__history (
    object text NOT NULL,
    record uuid NOT NULL,
    at timestamptz NOT NULL,
    release bigint NOT NULL,
    version bigint NOT NULL,
    by uuid,                                 -- user record; empty for the system
    cause jsonb NOT NULL DEFAULT '{}',
    action text NOT NULL,                    -- created | updated | deleted | restored | voided | unvoided | purged
    old jsonb NOT NULL DEFAULT '{}'
) PARTITION BY RANGE (at);
CREATE INDEX sys__history__record ON sys__history (object, record, version DESC);
CREATE TABLE sys__history__rest PARTITION OF sys__history DEFAULT;

-- Events: what a save tells whoever listens. Workers take them in order and delete them.
CREATE TABLE sys__event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    object text NOT NULL,
    record uuid,
    kind text NOT NULL,
    release bigint NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}'
);

-- Search: tokens of each field, made at save. A query asks only fields its reader may read.
CREATE TABLE sys__search (
    object text NOT NULL,
    record uuid NOT NULL,
    field text NOT NULL,
    tokens text[] NOT NULL,
    PRIMARY KEY (object, record, field)
);
CREATE INDEX sys__search__tokens ON sys__search USING gin (tokens);

CREATE TABLE sys__external_id (
    object text NOT NULL,
    source text NOT NULL,
    external_id text NOT NULL,
    record uuid NOT NULL,
    PRIMARY KEY (object, source, external_id)
);
CREATE INDEX sys__external_id__record ON sys__external_id (object, record);

-- Automatic numbers: the last one given in a scope (a day, a year, a master).
CREATE TABLE sys__number (
    object text NOT NULL,
    field text NOT NULL,
    scope text NOT NULL DEFAULT '',
    last bigint NOT NULL,
    PRIMARY KEY (object, field, scope)
);

-- Files, in chunks, with the record they belong to. Without a record: uploaded and not yet used.
CREATE TABLE sys__file (
    id uuid PRIMARY KEY,
    object text,
    record uuid,
    field text,
    position bigint NOT NULL DEFAULT 0,
    name text NOT NULL,
    mime text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    sha256 text NOT NULL,
    chunks bigint NOT NULL CHECK (chunks >= 0),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX sys__file__record ON sys__file (object, record, field) WHERE deleted_at IS NULL;
CREATE INDEX sys__file__unused ON sys__file (created_at) WHERE record IS NULL;
CREATE TABLE sys__file_chunk (
    file uuid NOT NULL REFERENCES sys__file ON DELETE CASCADE,
    n bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (file, n)
);
ALTER TABLE sys__file_chunk ALTER COLUMN data SET STORAGE EXTERNAL;  -- files are compressed already, or served in ranges

-- Closures: everybody above (below) everybody, at any depth; 0 is oneself.
CREATE TABLE sys__reports (
    boss uuid NOT NULL,
    member uuid NOT NULL,
    depth bigint NOT NULL,
    PRIMARY KEY (boss, member)
);
CREATE INDEX sys__reports__member ON sys__reports (member, depth);
CREATE TABLE sys__department_tree (
    ancestor uuid NOT NULL,
    descendant uuid NOT NULL,
    depth bigint NOT NULL,
    PRIMARY KEY (ancestor, descendant)
);
CREATE INDEX sys__department_tree__descendant ON sys__department_tree (descendant, depth);

-- Batches: what was deleted, imported or changed together and is undone together.
CREATE TABLE sys__batch (
    id uuid PRIMARY KEY,
    kind text NOT NULL,                      -- delete | import | bulk | undo
    at timestamptz NOT NULL DEFAULT now(),
    by uuid,
    payload jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX sys__batch__at ON sys__batch (kind, at);
CREATE TABLE sys__batch_record (
    batch uuid NOT NULL REFERENCES sys__batch ON DELETE CASCADE,
    object text NOT NULL,
    record uuid NOT NULL,
    action text NOT NULL,
    version bigint NOT NULL,                 -- after the act: another one today means somebody changed it since
    old jsonb,
    PRIMARY KEY (batch, object, record)
);
CREATE INDEX sys__batch_record__record ON sys__batch_record (object, record);

-- Tasks: work that goes on after its transaction, in pieces, and survives a kill.
CREATE TABLE sys__task (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    payload jsonb NOT NULL DEFAULT '{}',
    progress jsonb NOT NULL DEFAULT '{}',
    error text,
    attempts bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sys__task__open ON sys__task (created_at, id) WHERE state IN ('waiting', 'running');

-- Audit: acts on the workspace that are not saves of records.
CREATE TABLE sys__audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    by uuid,
    cause jsonb NOT NULL DEFAULT '{}',
    action text NOT NULL,
    about text,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX sys__audit__at ON sys__audit (at);
