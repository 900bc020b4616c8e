-- The system's own tables: who may sign in, which workspaces there are and on which server each lies.
-- Run with search_path set to the schema `patron`.

CREATE TABLE workspace (
    name text PRIMARY KEY,
    schema text NOT NULL UNIQUE,
    dsn text,                                -- server it lies on; empty: this one
    state text NOT NULL CHECK (state IN ('creating', 'ready', 'dropping')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE account (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL DEFAULT '',
    password_hash text,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'locked', 'closed')),
    languages text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX account__email ON account (lower(email));

-- An account opens one user record in each workspace it belongs to.
CREATE TABLE membership (
    account uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    workspace text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    user_record uuid NOT NULL,
    administrator boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, workspace),
    UNIQUE (workspace, user_record)
);

-- Only the hash of a key is kept; the prefix is what people recognise it by.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,              -- SHA-256, 32 bytes
    account uuid NOT NULL,
    workspace text NOT NULL,
    name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    FOREIGN KEY (account, workspace) REFERENCES membership ON DELETE CASCADE
);
CREATE INDEX api_key__account ON api_key (account, workspace);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    account uuid,                            -- who did it; empty: a command at a terminal
    workspace text,
    action text NOT NULL,
    about text,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit__at ON audit (at);
