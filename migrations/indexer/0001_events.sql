-- What the chain said, append-only, and how far it was read. Everything in 0002 follows from chain_event alone.

-- One row per emit_cpi! event of the two programs. inner_ix is the position in the flat list of inner instructions
-- under top-level instruction ix: unique at any depth.
CREATE TABLE chain_event (
    signature TEXT    NOT NULL,
    ix        INTEGER NOT NULL,
    inner_ix  INTEGER NOT NULL,
    slot      BIGINT  NOT NULL,
    program   TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    stream    TEXT    NOT NULL,
    seq       BIGINT  NOT NULL CHECK (seq > 0),
    timestamp BIGINT  NOT NULL,
    data      JSONB   NOT NULL,
    raw       BYTEA   NOT NULL,
    PRIMARY KEY (signature, ix, inner_ix)
);
CREATE INDEX chain_event_by_place ON chain_event (slot, signature, ix, inner_ix);

-- Which chain this schema belongs to, and the last slot of which everything is in chain_event.
CREATE TABLE indexer_cursor (
    only_one        BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    slot            BIGINT NOT NULL,
    genesis_hash    TEXT   NOT NULL,
    network_program TEXT   NOT NULL,
    jobs_program    TEXT   NOT NULL
);
