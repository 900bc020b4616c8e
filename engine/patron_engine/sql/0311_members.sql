-- Members of segments that an automation listens to, and the condition they were found by.
CREATE TABLE sys__member (
    segment text NOT NULL,
    record uuid NOT NULL,
    PRIMARY KEY (segment, record)
);
CREATE TABLE sys__segment (
    name text PRIMARY KEY,
    line text NOT NULL                            -- what the members were found by; another one is found anew, in silence
);
