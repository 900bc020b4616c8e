-- More time for a record before it goes back to its pool: until when, how often it was given, and whether its owner waits for an answer.
-- Like everything of the clock, forgotten when the record comes to somebody else.
ALTER TABLE sys__pool ADD COLUMN extended_until timestamptz;
ALTER TABLE sys__pool ADD COLUMN extended bigint;
ALTER TABLE sys__pool ADD COLUMN asked_at timestamptz;
ALTER TABLE sys__pool ADD COLUMN asked_note text;
CREATE INDEX sys__pool__asked ON sys__pool (pool, asked_at) WHERE asked_at IS NOT NULL;
