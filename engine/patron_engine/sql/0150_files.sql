-- Files: what the nightly sweep and the limit of a workspace's files ask for.
CREATE INDEX sys__file__detached ON sys__file (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX sys__file__size ON sys__file (size);
