-- Merges: records that became one, and all that was changed for it, so that it can be taken back.
CREATE TABLE sys__merge (
    id uuid PRIMARY KEY,
    object text NOT NULL,
    winner uuid NOT NULL,
    losers uuid[] NOT NULL,
    at timestamptz NOT NULL,
    by uuid,                                 -- user record; empty for the system
    was jsonb NOT NULL DEFAULT '{}',         -- field of the winner -> before
    became jsonb NOT NULL DEFAULT '{}',      -- field of the winner -> after
    undone_at timestamptz,
    undone_by uuid,
    stayed jsonb NOT NULL DEFAULT '[]'       -- what the undo left as it was, and why
);
CREATE INDEX sys__merge__losers ON sys__merge USING gin (losers) WHERE undone_at IS NULL;
CREATE INDEX sys__merge__winner ON sys__merge (winner, at DESC);

-- A record that pointed at a loser and points at the winner since. `old` is what stood in its link.
CREATE TABLE sys__merge_link (
    merge uuid NOT NULL REFERENCES sys__merge ON DELETE CASCADE,
    object text NOT NULL,
    record uuid NOT NULL,
    field text NOT NULL,
    loser uuid NOT NULL,
    old jsonb NOT NULL,
    PRIMARY KEY (merge, object, record, field, loser)
);

-- What else went over: external ids, files, and followers and rights that the winner did not have.
CREATE TABLE sys__merge_row (
    merge uuid NOT NULL REFERENCES sys__merge ON DELETE CASCADE,
    what text NOT NULL,                      -- external_id | file | follow | access
    loser uuid NOT NULL,
    key text[] NOT NULL
);
CREATE INDEX sys__merge_row__merge ON sys__merge_row (merge);
