-- Conversions that were carried out: what became of a record. `batch` takes it back; one that was taken back does not count.
CREATE TABLE sys__converted (
    id uuid PRIMARY KEY,
    conversion text NOT NULL,
    object text NOT NULL,
    record uuid NOT NULL,
    at timestamptz NOT NULL,
    by uuid,                                 -- user record; empty for the system
    made jsonb NOT NULL DEFAULT '[]',        -- the records of its targets, in their order
    files jsonb NOT NULL DEFAULT '[]',       -- files that went along
    batch uuid
);
CREATE INDEX sys__converted__record ON sys__converted (object, record, conversion);
CREATE INDEX sys__converted__batch ON sys__converted (batch);
