-- What was handed over to somebody by somebody else, so that he is told: an act a row, with its first record and how many went.
CREATE TABLE sys__handed (
    recipient uuid NOT NULL,
    object text NOT NULL,
    record uuid NOT NULL,
    records integer NOT NULL,
    by uuid,
    at timestamptz NOT NULL
);
CREATE INDEX sys__handed__recipient ON sys__handed (recipient, at DESC);
