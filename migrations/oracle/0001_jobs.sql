-- What one oracle knows about jobs. Every oracle has its own schema and reads no other's.
-- Keys and hashes are 32 bytes; times are Unix seconds of the chain (bigint) or Unix milliseconds of this oracle (_ms).

CREATE TABLE job (
    job             bytea PRIMARY KEY CHECK (octet_length(job) = 32),
    index           bigint NOT NULL UNIQUE CHECK (index >= 0),
    descriptor_hash bytea NOT NULL CHECK (octet_length(descriptor_hash) = 32),
    refund_account  bytea NOT NULL CHECK (octet_length(refund_account) = 32),
    rent_payer      bytea NOT NULL CHECK (octet_length(rent_payer) = 32),
    created_at      bigint NOT NULL,
    deadline        bigint NOT NULL,
    settled_at      bigint NOT NULL,
    redundancy      smallint NOT NULL CHECK (redundancy BETWEEN 0 AND 8),
    state           smallint NOT NULL,
    seq             bigint NOT NULL,
    result_hash     bytea NOT NULL CHECK (octet_length(result_hash) = 32)
);
CREATE INDEX job_open ON job (index) WHERE state = 1;

CREATE TABLE descriptor (
    job            bytea PRIMARY KEY REFERENCES job,
    bytes          bytea NOT NULL CHECK (octet_length(bytes) <= 65536),
    received_at_ms bigint NOT NULL
);

CREATE TABLE assignment (
    hash           bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    job            bytea NOT NULL REFERENCES job,
    attempt        integer NOT NULL CHECK (attempt BETWEEN 0 AND 2),
    oracle_key     bytea NOT NULL CHECK (octet_length(oracle_key) = 32),
    frame          bytea NOT NULL,
    received_at_ms bigint NOT NULL
);
CREATE INDEX assignment_job ON assignment (job);

CREATE TABLE result (
    hash           bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    job            bytea NOT NULL REFERENCES job,
    assignment     bytea NOT NULL REFERENCES assignment,
    node_key       bytea NOT NULL CHECK (octet_length(node_key) = 32),
    archive_hash   bytea NOT NULL CHECK (octet_length(archive_hash) = 32),
    -- says otherwise than an earlier result of the same node for the same assignment: proof of equivocation
    contradicts    boolean NOT NULL,
    frame          bytea NOT NULL,
    received_at_ms bigint NOT NULL
);
CREATE INDEX result_job ON result (job);
CREATE INDEX result_archive ON result (archive_hash);

CREATE TABLE progress (
    assignment     bytea NOT NULL REFERENCES assignment,
    node_key       bytea NOT NULL CHECK (octet_length(node_key) = 32),
    job            bytea NOT NULL REFERENCES job,
    frame          bytea NOT NULL,
    received_at_ms bigint NOT NULL,
    PRIMARY KEY (assignment, node_key)
);
CREATE INDEX progress_job ON progress (job);

-- Result archives that lie as files under the data folder.
CREATE TABLE archive (
    hash         bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    bytes        bigint NOT NULL CHECK (bytes BETWEEN 0 AND 16777216),
    stored_at_ms bigint NOT NULL
);

-- Transactions that this oracle owes the chain: workers take due rows by FOR UPDATE SKIP LOCKED.
CREATE TABLE chain_work (
    job         bytea NOT NULL REFERENCES job,
    kind        smallint NOT NULL CHECK (kind IN (1, 2)),
    set_version bigint NOT NULL,
    outcome     bytea NOT NULL,
    due_at_ms   bigint NOT NULL,
    tries       integer NOT NULL DEFAULT 0,
    last_error  text,
    PRIMARY KEY (job, kind)
);
CREATE INDEX chain_work_due ON chain_work (due_at_ms);
