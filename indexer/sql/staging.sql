-- Temporary tables of one connection, emptied by every commit.
CREATE TEMP TABLE IF NOT EXISTS staging (
    signature TEXT    NOT NULL,
    ix        INTEGER NOT NULL,
    inner_ix  INTEGER NOT NULL,
    slot      BIGINT  NOT NULL,
    program   TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    stream    TEXT    NOT NULL,
    seq       BIGINT  NOT NULL,
    timestamp BIGINT  NOT NULL,
    data      JSONB   NOT NULL,
    raw       BYTEA   NOT NULL
) ON COMMIT DELETE ROWS;
-- Events of staging that chain_event did not hold yet.
CREATE TEMP TABLE IF NOT EXISTS fresh (LIKE staging) ON COMMIT DELETE ROWS;
-- The numbers of streams that they are.
CREATE TEMP TABLE IF NOT EXISTS entries (
    stream    TEXT    NOT NULL,
    seq       BIGINT  NOT NULL,
    signature TEXT    NOT NULL,
    ix        INTEGER NOT NULL,
    inner_ix  INTEGER NOT NULL
) ON COMMIT DELETE ROWS;
-- Entries that follow their stream's last folded one without a gap. own: stream is the event's own, not one that it
-- also covers; event_stream is always the event's own.
CREATE TEMP TABLE IF NOT EXISTS ready (
    stream       TEXT    NOT NULL,
    seq          BIGINT  NOT NULL,
    own          BOOLEAN NOT NULL,
    event_stream TEXT    NOT NULL,
    slot         BIGINT  NOT NULL,
    signature    TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    timestamp    BIGINT  NOT NULL,
    data         JSONB   NOT NULL
) ON COMMIT DELETE ROWS;
