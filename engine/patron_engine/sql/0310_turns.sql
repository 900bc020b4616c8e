-- Whose turn it is: in which turn of a list (a step or a rule that assigns in turn) somebody was served last.
CREATE TABLE sys__turn (
    list text NOT NULL,
    person uuid NOT NULL,
    served bigint NOT NULL,
    PRIMARY KEY (list, person)
);
