-- What a person looked at is kept once: `at` the last time, `before` the time before it. sys__seen kept the same beside it.
INSERT INTO sys__look (person, object, record, at)
    SELECT user_record, object, record, at FROM sys__seen
    ON CONFLICT (person, object, record) DO UPDATE SET at = greatest(sys__look.at, excluded.at);
DROP TABLE sys__seen;
CREATE INDEX sys__look__at ON sys__look (person, at DESC);
