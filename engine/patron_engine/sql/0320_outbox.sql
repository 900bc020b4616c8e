-- What is to leave the workspace, written in the transaction that causes it. A worker sends it, at least once, always under this id.
CREATE TABLE sys__outbox (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,                       -- notice | tell | chat | sms | webhook | call
    target text NOT NULL DEFAULT '',          -- what people read: an address, a connection, a host
    via text,                                 -- the connection or the webhook it goes by
    person uuid,                              -- whom it is for, where that is one person
    run uuid,                                 -- the run that stands until it is answered, or that made it
    payload jsonb NOT NULL DEFAULT '{}',      -- emptied when it was sent
    state text NOT NULL DEFAULT 'due',        -- due | sending | sent | parked | given_up
    due_at timestamptz NOT NULL,
    held_until timestamptz,                   -- who is sending it has until then; afterwards another takes it over
    attempts integer NOT NULL DEFAULT 0,
    holds integer NOT NULL DEFAULT 0,         -- how often it was taken: the answer of an earlier taking is not kept
    status integer,                           -- of an answer over HTTP
    error text,
    made_at timestamptz NOT NULL,
    done_at timestamptz
);
CREATE INDEX sys__outbox__due ON sys__outbox (due_at) WHERE state IN ('due', 'sending');
CREATE INDEX sys__outbox__person ON sys__outbox (person) WHERE state = 'due';
CREATE INDEX sys__outbox__number ON sys__outbox (number DESC);
CREATE INDEX sys__outbox__done ON sys__outbox (done_at) WHERE done_at IS NOT NULL;

CREATE INDEX sys__outbox__via ON sys__outbox (via, done_at DESC) WHERE via IS NOT NULL;

-- Other systems that want to know what happens to records. `secret` and the one before it (while it is changed) are sealed.
CREATE TABLE sys__webhook (
    id uuid PRIMARY KEY,
    label text NOT NULL,
    url text NOT NULL,
    events jsonb NOT NULL,                    -- ["order.created", "order.updated", "*.deleted"]
    secret bytea NOT NULL,
    former bytea,
    active boolean NOT NULL DEFAULT true,
    failing_since timestamptz,
    error text,
    person uuid,                              -- with whose rights it reads
    made_at timestamptz NOT NULL
);

-- What a person was told. Which of his ways it went besides is the outbox's.
CREATE TABLE sys__notice (
    id uuid PRIMARY KEY,
    person uuid NOT NULL,
    reason text NOT NULL,
    text jsonb NOT NULL,                      -- a text, texts by language, or a phrase
    body jsonb,                               -- more of it, as `text` is kept
    object text,
    record uuid,
    link text,                                -- inside the workspace, where it leads elsewhere than to the record
    by uuid,
    at timestamptz NOT NULL
);
CREATE INDEX sys__notice__person ON sys__notice (person, at DESC);
CREATE INDEX sys__notice__record ON sys__notice (object, record);

-- How a person wants to be told.
CREATE TABLE sys__telling (
    person uuid PRIMARY KEY,
    channels jsonb NOT NULL DEFAULT '{}',     -- reason -> channels, where he chose
    rhythm text NOT NULL DEFAULT 'each',      -- each | hourly | daily: when letters come
    daily_at integer NOT NULL DEFAULT 9,
    quiet_from integer,                       -- hours of his day; both or none
    quiet_until integer,
    zone text,
    followed_until timestamptz                -- up to when letters told him of what he follows
);

-- Other sides the workspace speaks to: mail servers, SMS providers, robots of chat groups. `secret` is sealed.
CREATE TABLE sys__connection (
    name text PRIMARY KEY,
    kind text NOT NULL,                       -- smtp | sms | wecom | dingtalk | feishu
    label text NOT NULL,
    config jsonb NOT NULL DEFAULT '{}',
    secret bytea,
    active boolean NOT NULL DEFAULT true,
    made_at timestamptz NOT NULL,
    failed_at timestamptz,
    error text
);
