-- Answers of reports that are kept for a while, and by what it is known that they still hold.
CREATE TABLE sys__changed (
    name text NOT NULL,                       -- of a table of the workspace; * is any
    backend integer NOT NULL,                 -- the process that wrote: saves do not wait for one another; 0 is those that ended
    times bigint NOT NULL,
    PRIMARY KEY (name, backend)
) WITH (fillfactor = 50);

CREATE TABLE sys__kept_answer (
    key bytea PRIMARY KEY,                    -- digest of a statement with all its values
    report text NOT NULL,
    counters jsonb NOT NULL,                  -- name of a table it read -> how often that had changed
    rows bytea NOT NULL,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX sys__kept_answer__at ON sys__kept_answer (at);
