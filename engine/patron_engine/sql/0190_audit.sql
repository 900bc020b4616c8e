-- Audit rows are never changed. The login that made the table loses the right to (a superuser keeps it); each row holds the digest
-- of itself and of the one before it, so that a row that was changed or taken out is found whoever did it.
ALTER TABLE sys__audit ADD COLUMN digest bytea;
CREATE INDEX sys__audit__by ON sys__audit (by, id);
CREATE INDEX sys__audit__action ON sys__audit (action, id);
REVOKE UPDATE, DELETE, TRUNCATE ON sys__audit FROM CURRENT_USER;
