-- What the chain names by hash and others hold: checked against the hash, fetched in the background, never folded.

-- Canonical JSON of a node's metadata, by its SHA-256 (hex). number: in the order of arrival.
CREATE TABLE node_metadata (
    hash     TEXT      PRIMARY KEY,
    licence  TEXT      NOT NULL,
    document TEXT      NOT NULL CHECK (octet_length(document) <= 8192),
    number   BIGSERIAL NOT NULL
);
CREATE INDEX node_metadata_by_licence ON node_metadata (licence, number);

-- Datasets that were fetched and whose bytes have the on-chain hash.
CREATE TABLE epoch_dataset (
    project      TEXT   NOT NULL,
    epoch        BIGINT NOT NULL,
    dataset_hash TEXT   NOT NULL,
    buckets      BIGINT NOT NULL,
    PRIMARY KEY (project, epoch)
);
-- Their rows: one per tenure and epoch.
CREATE TABLE node_epoch (
    project      TEXT          NOT NULL,
    epoch        BIGINT        NOT NULL,
    leaf_index   BIGINT        NOT NULL,
    tenure       TEXT          NOT NULL,
    node         TEXT          NOT NULL,
    node_key     TEXT          NOT NULL,
    first_bucket BIGINT        NOT NULL,
    counted      BIGINT        NOT NULL,
    excused      BIGINT        NOT NULL,
    buckets      BIGINT        NOT NULL,
    uptime_bps   INTEGER       NOT NULL,
    score_bps    INTEGER       NOT NULL,
    points       NUMERIC(20,0) NOT NULL,
    PRIMARY KEY (project, epoch, leaf_index)
);
CREATE INDEX node_epoch_by_node ON node_epoch (node, epoch DESC);
