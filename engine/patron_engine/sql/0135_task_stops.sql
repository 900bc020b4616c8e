-- How often in a row a task's worker ended or met an error without one finished piece in between.
ALTER TABLE sys__task ADD COLUMN stops bigint NOT NULL DEFAULT 0;
