-- What is done once with a token only its holder has: an invitation, a forgotten password, a step of a sign-in that is not yet
-- whole. The table keeps the token's hash.
CREATE TABLE ticket (
    hash bytea PRIMARY KEY,                  -- SHA-256 of the token, 32 bytes
    kind text NOT NULL CHECK (kind IN ('invitation', 'reset', 'second_factor', 'new_password', 'provider')),
    account uuid REFERENCES account ON DELETE CASCADE,
    workspace text REFERENCES workspace ON DELETE CASCADE,
    made_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    used_at timestamptz,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX ticket__account ON ticket (account, kind);
CREATE INDEX ticket__ends ON ticket (ends_at);

-- A password somebody else knows is changed at the next sign-in.
ALTER TABLE account ADD COLUMN must_change boolean NOT NULL DEFAULT false;

-- The second factor: its secret, sealed; the last time step whose code was taken, so that none is taken twice.
ALTER TABLE account ADD COLUMN totp_secret bytea;
ALTER TABLE account ADD COLUMN totp_since timestamptz;
ALTER TABLE account ADD COLUMN totp_step bigint NOT NULL DEFAULT 0;
CREATE TABLE recovery_code (
    account uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    hash bytea NOT NULL,                     -- SHA-256 of the code, 32 bytes
    PRIMARY KEY (account, hash)
);

-- Who an OpenID provider says somebody is.
CREATE TABLE provider_identity (
    issuer text NOT NULL,
    subject text NOT NULL,
    account uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);

-- From where a key may be used, and for what; no address: from everywhere.
ALTER TABLE api_key ADD COLUMN addresses text[] NOT NULL DEFAULT '{}';
ALTER TABLE api_key ADD COLUMN scopes text[] NOT NULL DEFAULT '{read,write,design}';
CREATE INDEX audit__account ON audit (account, id);
CREATE INDEX audit__about ON audit (lower(about), id);
