-- When reports are sent and their alerts looked at next, and whom an alert has told that its figure crossed.
CREATE TABLE sys__report_clock (
    report text NOT NULL,
    kind text NOT NULL,                       -- schedule | alert
    name text NOT NULL,
    line text NOT NULL,                       -- what was planned: another cron plans anew
    next_at timestamptz NOT NULL,
    PRIMARY KEY (report, kind, name)
);

CREATE TABLE sys__report_alert (
    report text NOT NULL,
    name text NOT NULL,
    person uuid NOT NULL,                     -- with whose rights it was looked at; all zeros: the chat group
    crossed boolean NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (report, name, person)
);
