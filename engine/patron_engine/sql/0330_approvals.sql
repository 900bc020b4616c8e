-- Approvals: one row a submission. `latest` is the one that `approval.state` and the other virtual names of a record read.
CREATE TABLE sys__approval (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    approval text NOT NULL,
    version text NOT NULL,                        -- of the definition: a running instance keeps to it
    release bigint NOT NULL,                      -- where that version stands
    object text NOT NULL,
    record uuid NOT NULL,
    trigger text NOT NULL,                        -- submit | create | update | delete | transfer | void | stage | button
    submitter uuid,
    initiator uuid,
    state text NOT NULL,                          -- running | parked | returned | approved | rejected | withdrawn | revoked | ended
    step text,                                    -- where it stands, as people call it
    approvers uuid[],                             -- who is to decide now
    comment text,
    locks text NOT NULL DEFAULT '',               -- what the record's lock is: '' | running | after | reapprove
    open_fields text[] NOT NULL DEFAULT '{}',     -- fields that stay open meanwhile
    latest boolean NOT NULL DEFAULT true,
    round integer NOT NULL DEFAULT 1,
    places jsonb NOT NULL DEFAULT '{}',
    chosen jsonb NOT NULL DEFAULT '{}',
    snapshot jsonb NOT NULL DEFAULT '{}',
    intent jsonb,
    problems jsonb NOT NULL DEFAULT '[]',
    returned_from text,
    began_at timestamptz NOT NULL,
    decided_at timestamptz,
    ended_at timestamptz,
    urged_at timestamptz
);
CREATE UNIQUE INDEX sys__approval__one ON sys__approval (object, record) WHERE state IN ('running', 'parked', 'returned');
CREATE UNIQUE INDEX sys__approval__latest ON sys__approval (record, object) WHERE latest;
CREATE INDEX sys__approval__record ON sys__approval (record, number DESC);
CREATE INDEX sys__approval__submitter ON sys__approval (submitter, number DESC);
CREATE INDEX sys__approval__state ON sys__approval (state, approval) WHERE state IN ('running', 'parked', 'returned');

-- What one person is to decide. A decision is one conditional UPDATE of `state`.
CREATE TABLE sys__approval_task (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    instance uuid NOT NULL REFERENCES sys__approval (id) ON DELETE CASCADE,
    node text NOT NULL,
    round integer NOT NULL,
    person uuid NOT NULL,
    state text NOT NULL,
    kind text NOT NULL DEFAULT 'approve',         -- approve | copy | opinion
    "order" integer NOT NULL DEFAULT 0,
    behalf uuid,                                  -- whose task it is, where a substitute has it
    added_by uuid,                                -- the task whose approver added this signer
    how text,
    opinion_for uuid,
    claimed boolean NOT NULL DEFAULT false,
    arrived_at timestamptz,
    due_at timestamptz,
    reminded integer NOT NULL DEFAULT 0,
    decided_at timestamptz,
    decided_by uuid,
    comment text,
    why text,
    urged_at timestamptz,
    mirrored boolean NOT NULL DEFAULT false       -- it is a record of the object approval_task as well
);
CREATE INDEX sys__approval_task__instance ON sys__approval_task (instance, number);
CREATE INDEX sys__approval_task__person ON sys__approval_task (person, state, number DESC);
CREATE INDEX sys__approval_task__decider ON sys__approval_task (decided_by, number DESC) WHERE decided_by IS NOT NULL;
CREATE INDEX sys__approval_task__due ON sys__approval_task (due_at) WHERE state = 'waiting' AND due_at IS NOT NULL;

-- What happened, in its order. `behalf`: for whom it was done.
CREATE TABLE sys__approval_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance uuid NOT NULL REFERENCES sys__approval (id) ON DELETE CASCADE,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    "by" uuid,
    behalf uuid,
    node text,
    task uuid,
    person uuid,
    comment text,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX sys__approval_log__instance ON sys__approval_log (instance, id);

-- Who stands in for whom while he is away. Empty `approvals` and `objects`: in everything.
CREATE TABLE sys__substitute (
    id uuid PRIMARY KEY,
    person uuid NOT NULL,
    substitute uuid NOT NULL,
    "from" timestamptz NOT NULL,
    until timestamptz,
    approvals text[] NOT NULL DEFAULT '{}',
    objects text[] NOT NULL DEFAULT '{}',
    applied boolean NOT NULL DEFAULT false        -- tasks that were open when it began have gone over
);
CREATE INDEX sys__substitute__person ON sys__substitute (person);
CREATE INDEX sys__substitute__due ON sys__substitute ("from") WHERE NOT applied;
