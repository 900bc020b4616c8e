-- How many records of an object a person changed, deleted or took out, five minutes a row: many small acts are one large one.
CREATE TABLE sys__storm (
    person text NOT NULL,                    -- the user record, or the name of whoever has none
    act text NOT NULL,                       -- changed_many | deleted_many | exported | imported
    object text NOT NULL,
    slot timestamptz NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (person, act, slot, object)
);
