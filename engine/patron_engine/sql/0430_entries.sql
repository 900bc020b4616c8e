-- What came in by forms for people without a login: counted by form and place, each page's token once.
CREATE TABLE sys__entry (
    token text PRIMARY KEY,                       -- of the page that was sent
    form text NOT NULL,
    at timestamptz NOT NULL,
    place text NOT NULL,                          -- a keyed digest of where it came from; empty after an hour
    object text NOT NULL,
    record uuid NOT NULL,
    did text NOT NULL                             -- created | updated | unchanged
);
CREATE INDEX sys__entry__form ON sys__entry (form, at);
CREATE INDEX sys__entry__place ON sys__entry (at) WHERE place <> '';
