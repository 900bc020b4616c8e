-- Addresses that other systems call, one an automation: what its address and its secret are made of.
CREATE TABLE sys__hook (
    rule text PRIMARY KEY,
    salt text NOT NULL,
    signed boolean NOT NULL DEFAULT false,        -- only calls with a right signature are taken
    at timestamptz NOT NULL
);
-- An automation carried out for records that are there already, batch by batch.
CREATE TABLE sys__replay (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    rule text NOT NULL,
    wanted text,                                  -- which records: a condition; empty for all
    state text NOT NULL,                          -- running | paused | stopped | done | failed
    total bigint NOT NULL,                        -- records to be looked at
    seen bigint NOT NULL DEFAULT 0,
    begun bigint NOT NULL DEFAULT 0,              -- runs that began
    after uuid,                                   -- the last record that was looked at
    upto uuid NOT NULL,                           -- records made later are the events' own matter
    by uuid,
    error text,
    began_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX sys__replay__running ON sys__replay (number) WHERE state = 'running';
