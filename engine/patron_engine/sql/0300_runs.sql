-- Runs: automations under way, and what became of those that ended. What a run does and that it did it is one transaction.
CREATE TABLE sys__run (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,   -- the order of events: one record's runs go in it
    rule text NOT NULL,
    version text NOT NULL,
    release bigint NOT NULL,
    object text,
    record uuid,
    causer uuid,                                  -- user record; empty for the system
    event jsonb NOT NULL DEFAULT '{}',
    old jsonb NOT NULL DEFAULT '{}',
    via jsonb NOT NULL DEFAULT '[]',              -- rules and records that led here
    at integer NOT NULL DEFAULT 0,
    results jsonb NOT NULL DEFAULT '{}',
    loops jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL,                          -- ready | waiting | done | stopped | parked | cut | given_up
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    steps integer NOT NULL DEFAULT 0,
    wrote integer NOT NULL DEFAULT 0,
    error text,
    began_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX sys__run__ready ON sys__run (number) WHERE state = 'ready';
CREATE INDEX sys__run__record_ready ON sys__run (record, number) WHERE state = 'ready';
CREATE INDEX sys__run__waiting ON sys__run (due_at) WHERE state = 'waiting';
CREATE INDEX sys__run__record ON sys__run (record, number DESC);
CREATE INDEX sys__run__rule ON sys__run (rule, number DESC);

-- What each step of a run did: read by people, never by the run.
CREATE TABLE sys__run_step (
    run uuid NOT NULL REFERENCES sys__run (id) ON DELETE CASCADE,
    number integer NOT NULL,
    step text NOT NULL,                           -- its place in the definition
    outcome text NOT NULL,                        -- done | left_out | failed | waits | chosen
    told jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL,
    ms integer NOT NULL DEFAULT 0
);
CREATE INDEX sys__run_step__run ON sys__run_step (run, number);

-- What an automation did once and does not do again.
CREATE TABLE sys__once (
    rule text NOT NULL,
    key text NOT NULL,
    run uuid NOT NULL,
    PRIMARY KEY (rule, key)
);

-- When schedules and dates come next. `clocks` is the release they were planned for.
CREATE TABLE sys__clock (
    rule text NOT NULL,
    event integer NOT NULL,                       -- its place in the automation's list
    line text NOT NULL,                           -- what it was planned from; another one is planned anew
    next_at timestamptz NOT NULL,
    PRIMARY KEY (rule, event)
);
ALTER TABLE sys__state ADD COLUMN clocks bigint NOT NULL DEFAULT 0;
