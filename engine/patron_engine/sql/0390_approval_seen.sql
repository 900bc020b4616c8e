-- What the record was different in from its submission when a task was decided: what has changed since is shown to who comes next.
ALTER TABLE sys__approval_task ADD COLUMN before jsonb;
