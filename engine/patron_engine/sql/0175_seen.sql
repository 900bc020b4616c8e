-- What a person looked at last, one row a record: the latest ones, and since when something is new to him.
CREATE TABLE sys__seen (
    user_record uuid NOT NULL,
    object text NOT NULL,
    record uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_record, object, record)
);
CREATE INDEX sys__seen__at ON sys__seen (user_record, at DESC);

-- Up to when a person has read each category of his notices.
CREATE TABLE sys__notices_read (
    user_record uuid NOT NULL,
    category text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (user_record, category)
);
