-- What a batch did to which record: an import writes one of these for each of its rows. Asked by record (has another import
-- touched it since?) and by batch; the second key need not hold the record again. A batch is never deleted and always written
-- before its rows, in their transaction: a foreign key would look for it once a row.
ALTER TABLE sys__batch_record DROP CONSTRAINT sys__batch_record_batch_fkey;
ALTER TABLE sys__batch_record DROP CONSTRAINT sys__batch_record_pkey;
DROP INDEX sys__batch_record__record;
ALTER TABLE sys__batch_record ADD PRIMARY KEY (object, record, batch);
CREATE INDEX sys__batch_record__batch ON sys__batch_record (batch);
