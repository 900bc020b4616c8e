-- Personal documents: a person's own views and how he arranged the columns of others; outside layers and releases.
CREATE TABLE sys__personal (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL,                     -- the user record
    kind text NOT NULL,                      -- view | arrangement | start
    name text NOT NULL,
    object text NOT NULL,
    shared boolean NOT NULL DEFAULT false,
    body jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, kind, name)
);
CREATE INDEX sys__personal__object ON sys__personal (object, kind);
