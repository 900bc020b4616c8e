-- Looks: when somebody last looked at a record, and the time before: what changed since is told on its page.
CREATE TABLE sys__look (
    person uuid NOT NULL,
    object text NOT NULL,
    record uuid NOT NULL,
    at timestamptz NOT NULL,
    before timestamptz,
    PRIMARY KEY (person, object, record)
);

-- Follows: who wants to hear of a record.
CREATE TABLE sys__follow (
    person uuid NOT NULL,
    object text NOT NULL,
    record uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person, object, record)
);
CREATE INDEX sys__follow__record ON sys__follow (object, record);
