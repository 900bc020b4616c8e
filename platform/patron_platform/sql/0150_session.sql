-- Who is signed in in a browser. The cookie holds a token, the table its hash; a session opens one workspace at a time.
CREATE TABLE session (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,              -- SHA-256 of the token, 32 bytes
    account uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    agent text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT ''
);
CREATE INDEX session__account ON session (account);
CREATE INDEX session__expires ON session (expires_at);

-- What somebody chose for himself: language, zone, scheme, density.
ALTER TABLE account ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}';
