-- What flow keeps beside records: where a record stands on its stage paths, in which pool, how long its clocks run. Filtered and
-- shown as path.NAME.since, pool.name, sla.CLOCK.due_at.
CREATE TABLE sys__stage (
    record uuid NOT NULL,
    path text NOT NULL,
    object text NOT NULL,
    stage text NOT NULL,
    since timestamptz NOT NULL,
    due_at timestamptz,                           -- how long it should stay here at most
    PRIMARY KEY (record, path)
);
CREATE INDEX sys__stage__due ON sys__stage (path, due_at) WHERE due_at IS NOT NULL;

-- One row for each record of an object that has pools. An empty pool: none takes it.
CREATE TABLE sys__pool (
    record uuid PRIMARY KEY,
    object text NOT NULL,
    pool text NOT NULL DEFAULT '',
    waits boolean NOT NULL,                       -- nobody owns it; else it was claimed, or given to somebody
    since timestamptz NOT NULL,                   -- when that began
    owner uuid,                                   -- whose it is, or who had it last
    rule text,                                    -- the case of `return` that counts
    returns_at timestamptz,
    warn_at timestamptz,
    warned_at timestamptz,
    look_at timestamptz                           -- when the clock is worked out anew
);
CREATE INDEX sys__pool__waits ON sys__pool (pool, since DESC) WHERE waits;
CREATE INDEX sys__pool__held ON sys__pool (pool, owner) WHERE NOT waits;
CREATE INDEX sys__pool__look ON sys__pool (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX sys__pool__returns ON sys__pool (object, returns_at) WHERE returns_at IS NOT NULL;

-- When somebody lost a record, for pools where he may not claim it again at once.
CREATE TABLE sys__pool_lost (
    record uuid NOT NULL,
    person uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (record, person)
);

-- How many records somebody claimed on a day of the workspace's zone. Locked by whoever claims: one person claims one at a time.
CREATE TABLE sys__claims (
    pool text NOT NULL,
    person uuid NOT NULL,
    day date NOT NULL,
    count integer NOT NULL DEFAULT 0,
    PRIMARY KEY (pool, person, day)
);

CREATE TABLE sys__sla (
    record uuid NOT NULL,
    sla text NOT NULL,
    clock text NOT NULL,
    object text NOT NULL,
    kept uuid NOT NULL,                           -- its record in sla_clock
    state text NOT NULL,                          -- running | paused | met | breached | cancelled
    breached boolean NOT NULL DEFAULT false,
    chosen text NOT NULL,                         -- the case that counts
    started_at timestamptz NOT NULL,
    paused_at timestamptz,
    paused double precision NOT NULL DEFAULT 0,   -- seconds of its calendar
    warn_at timestamptz,
    due_at timestamptz NOT NULL,
    warned boolean NOT NULL DEFAULT false,
    late integer NOT NULL DEFAULT 0,              -- escalations that were begun
    done_at timestamptz,
    hours numeric,
    look_at timestamptz,
    PRIMARY KEY (record, sla, clock)
);
CREATE INDEX sys__sla__look ON sys__sla (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX sys__sla__due ON sys__sla (object, clock, due_at);

-- Whom an assignment chose, and why.
CREATE TABLE sys__assigned (
    record uuid PRIMARY KEY,
    object text NOT NULL,
    assignment text NOT NULL,
    rule text NOT NULL,
    person uuid,
    queue text,
    told jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL
);

-- What saves noted for flow: a stage that was entered, a record that came into a pool or out of it, clocks to be looked at.
CREATE TABLE sys__note (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    object text NOT NULL,
    record uuid NOT NULL,
    kind text NOT NULL,                           -- stage | pool | look
    payload jsonb NOT NULL DEFAULT '{}'
);

-- For which release the records there were before a pool have been taken up.
ALTER TABLE sys__state ADD COLUMN pools bigint NOT NULL DEFAULT 0;
