-- Where a session works when nothing else says it, and when it ends however much it is used.
ALTER TABLE session ADD COLUMN workspace text;
ALTER TABLE session ADD COLUMN ends_at timestamptz NOT NULL DEFAULT now() + interval '90 days';

-- Wrong passwords, counted for the account that was named, the address they came from, or a known device. A row is as old
-- as its last failure; every serving process counts here.
CREATE TABLE sign_in_attempt (
    key text PRIMARY KEY,                    -- account:HASH, address:IP, device:HASH
    failures integer NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now(),
    closed_until timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_in_attempt__last_at ON sign_in_attempt (last_at);

-- Browsers in which somebody has signed in before: a stranger's guesses do not lock these out. Only the hash is kept.
CREATE TABLE device (
    hash bytea PRIMARY KEY,                  -- SHA-256 of the cookie, 32 bytes
    account uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX device__account ON device (account);

ALTER TABLE audit ADD COLUMN address text NOT NULL DEFAULT '';
