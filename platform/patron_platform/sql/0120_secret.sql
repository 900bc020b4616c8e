-- Keys every process of the service shares: what one seals another can open.
CREATE TABLE secret (
    name text PRIMARY KEY,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
