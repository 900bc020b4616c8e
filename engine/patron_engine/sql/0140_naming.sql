-- Which column held which field in which releases: a rollback finds the columns of the release it goes back to by it, whatever
-- they were called since. One row a period; `until` is the first release that no longer called it so.
CREATE TABLE sys__naming (
    object text NOT NULL,
    field text NOT NULL,                     -- empty for the object's own table
    part text NOT NULL,
    column_name text NOT NULL,
    since bigint NOT NULL,
    until bigint,
    PRIMARY KEY (object, field, part, column_name, since)
);
INSERT INTO sys__naming (object, field, part, column_name, since)
SELECT object, field, part, column_name, since FROM sys__column WHERE state = 'live';
