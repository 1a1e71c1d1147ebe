-- Unix seconds of the chain at which the submitter asked to cancel; 0: never.
ALTER TABLE job ADD COLUMN cancel_at bigint NOT NULL DEFAULT 0;

-- The node's earliest report beside its newest: since when it worked.
ALTER TABLE progress ADD COLUMN first_frame bytea;
UPDATE progress SET first_frame = frame;
ALTER TABLE progress ALTER COLUMN first_frame SET NOT NULL;

-- SHA-256 of the log that the result names; zero: none. Logs lie beside the archives, in the table `archive` too.
ALTER TABLE result ADD COLUMN log_hash bytea NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000'
    CHECK (octet_length(log_hash) = 32);
CREATE INDEX result_log ON result (log_hash);
