-- Answers kept for repeated requests: one row a principal, method, path and key, for 24 hours.
CREATE TABLE sys__idempotency (
    name text PRIMARY KEY,
    body_hash text NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sys__idempotency__at ON sys__idempotency (at);
