-- What the instructions of owners, guardians, operators, sponsors and stakers change. account_closed_at is when the
-- account behind a row was closed; the row stays.

ALTER TABLE network
    ADD COLUMN next_fee_bps         INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN next_fee_epoch       BIGINT  NOT NULL DEFAULT 0,
    ADD COLUMN paused               BIGINT  NOT NULL DEFAULT 0,
    ADD COLUMN guardian_paused      BIGINT  NOT NULL DEFAULT 0,
    ADD COLUMN guardian_pause_until BIGINT  NOT NULL DEFAULT 0;
CREATE TABLE allowed_mint (
    network      TEXT    NOT NULL,
    mint         TEXT    NOT NULL,
    is_allowed   BOOLEAN NOT NULL,
    changed_at   BIGINT  NOT NULL,
    PRIMARY KEY (network, mint)
);
CREATE TABLE oracle_url (
    oracle TEXT PRIMARY KEY,
    url    TEXT NOT NULL
);
CREATE TABLE treasury_withdrawal (
    stream      TEXT          NOT NULL,
    seq         BIGINT        NOT NULL,
    mint        TEXT          NOT NULL,
    amount      NUMERIC(20,0) NOT NULL,
    destination TEXT          NOT NULL,
    balance     NUMERIC(20,0) NOT NULL,
    timestamp   BIGINT        NOT NULL,
    signature   TEXT          NOT NULL,
    PRIMARY KEY (stream, seq)
);

-- formula and max_epoch_budget hold until the epoch before next_*_epoch, next_* from it on.
ALTER TABLE project
    ADD COLUMN standard               INTEGER       NOT NULL DEFAULT 0,
    ADD COLUMN next_formula           JSONB,
    ADD COLUMN next_formula_epoch     BIGINT        NOT NULL DEFAULT 0,
    ADD COLUMN next_max_epoch_budget  NUMERIC(20,0) NOT NULL DEFAULT 0,
    ADD COLUMN next_budget_epoch      BIGINT        NOT NULL DEFAULT 0,
    ADD COLUMN withdrawal_amount      NUMERIC(20,0) NOT NULL DEFAULT 0,
    ADD COLUMN withdrawal_due_at      BIGINT        NOT NULL DEFAULT 0,
    ADD COLUMN withdrawal_lapses_at   BIGINT        NOT NULL DEFAULT 0,
    ADD COLUMN withdrawn_total        NUMERIC(20,0) NOT NULL DEFAULT 0,
    ADD COLUMN closed_at              BIGINT;
-- Every formula and budget limit that a project ever had, by the epoch from which it holds.
CREATE TABLE project_formula (
    project    TEXT   NOT NULL,
    from_epoch BIGINT NOT NULL,
    formula    JSONB  NOT NULL,
    PRIMARY KEY (project, from_epoch)
);
CREATE TABLE project_budget_limit (
    project          TEXT          NOT NULL,
    from_epoch       BIGINT        NOT NULL,
    max_epoch_budget NUMERIC(20,0) NOT NULL,
    PRIMARY KEY (project, from_epoch)
);
ALTER TABLE licence ALTER COLUMN payment_mint DROP NOT NULL;
ALTER TABLE licence ADD COLUMN is_gift BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE pool (
    address           TEXT    PRIMARY KEY,
    project           TEXT    NOT NULL,
    idx               BIGINT  NOT NULL,
    name              TEXT    NOT NULL,
    capacity          INTEGER NOT NULL,
    count             INTEGER NOT NULL DEFAULT 0,
    created_at        BIGINT  NOT NULL,
    account_closed_at BIGINT,
    UNIQUE (project, idx)
);

-- status of a node: bound, active, unbinding, free.
ALTER TABLE node
    ADD COLUMN pool                   TEXT,
    ADD COLUMN thaw_at                BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN maintenance_start      BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN maintenance_end        BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN suspended_from_epoch   BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN suspended_until_epoch  BIGINT NOT NULL DEFAULT 0;
CREATE INDEX node_by_pool ON node (pool) WHERE pool IS NOT NULL;
ALTER TABLE tenure
    ADD COLUMN until_epoch  NUMERIC(20,0) NOT NULL DEFAULT 18446744073709551615,
    ADD COLUMN operator     TEXT,
    ADD COLUMN operator_bps INTEGER NOT NULL DEFAULT 0;
-- Who suspended a node, why, and what was said against it. kind: suspended, lifted, voted, appealed.
CREATE TABLE suspension_entry (
    project       TEXT   NOT NULL,
    seq           BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    node          TEXT   NOT NULL,
    data          JSONB  NOT NULL,
    timestamp     BIGINT NOT NULL,
    signature     TEXT   NOT NULL,
    PRIMARY KEY (project, seq)
);
CREATE INDEX suspension_entry_by_node ON suspension_entry (node, seq);

CREATE TABLE split (
    address        TEXT          PRIMARY KEY,
    creator        TEXT          NOT NULL,
    mint           TEXT          NOT NULL,
    recipients     JSONB         NOT NULL,
    released_total NUMERIC(20,0) NOT NULL DEFAULT 0,
    created_at     BIGINT        NOT NULL
);
CREATE TABLE split_release (
    split     TEXT          NOT NULL,
    seq       BIGINT        NOT NULL,
    recipient TEXT          NOT NULL,
    amount    NUMERIC(20,0) NOT NULL,
    timestamp BIGINT        NOT NULL,
    signature TEXT          NOT NULL,
    PRIMARY KEY (split, seq)
);

ALTER TABLE view_set ADD COLUMN account_closed_at BIGINT;
ALTER TABLE distribution ADD COLUMN topped_up NUMERIC(20,0) NOT NULL DEFAULT 0;
-- status of an epoch: settled, approved, final, voided.
ALTER TABLE epoch ADD COLUMN account_closed_at BIGINT;
-- kind: held (until held_until), ended (before it), corrected (by the oracles; held_until is from when it pays).
CREATE TABLE root_hold (
    distribution TEXT    NOT NULL,
    seq          BIGINT  NOT NULL,
    kind         TEXT    NOT NULL,
    project      TEXT    NOT NULL,
    epoch        BIGINT  NOT NULL,
    revision     BIGINT  NOT NULL,
    root         TEXT    NOT NULL,
    held_until   BIGINT,
    timestamp    BIGINT  NOT NULL,
    signature    TEXT    NOT NULL,
    PRIMARY KEY (distribution, seq)
);

ALTER TABLE jobs_config
    ADD COLUMN sponsor_min  NUMERIC(20,0) NOT NULL DEFAULT 0,
    ADD COLUMN unbond_delay BIGINT        NOT NULL DEFAULT 0,
    ADD COLUMN slash_delay  BIGINT        NOT NULL DEFAULT 0;
ALTER TABLE job
    ADD COLUMN sponsored         NUMERIC(20,0) NOT NULL DEFAULT 0,
    ADD COLUMN cancel_at         BIGINT,
    ADD COLUMN owed              NUMERIC(20,0) NOT NULL DEFAULT 0,
    ADD COLUMN account_closed_at BIGINT;
CREATE TABLE sponsorship (
    job            TEXT          NOT NULL,
    sponsor        TEXT          NOT NULL,
    refund_account TEXT          NOT NULL,
    amount         NUMERIC(20,0) NOT NULL,
    refunded       NUMERIC(20,0) NOT NULL DEFAULT 0,
    ended_at       BIGINT,
    PRIMARY KEY (job, sponsor)
);
ALTER TABLE bond
    ADD COLUMN staked        NUMERIC(20,0) NOT NULL DEFAULT 0,
    ADD COLUMN unbonding     NUMERIC(20,0) NOT NULL DEFAULT 0,
    ADD COLUMN unbond_at     BIGINT        NOT NULL DEFAULT 0,
    ADD COLUMN slashed_total NUMERIC(20,0) NOT NULL DEFAULT 0;
-- What the treasury got. kind: epoch, job, slash (source is the bond).
-- Of bond_entry: kind: credited, withdrawn (of earned), staked, unbonding, unbonded, slashed, and slash_voted, slash_held, slash_voided,
-- whose amount is what was voted on.
ALTER TABLE bond_entry ALTER COLUMN earned DROP NOT NULL;
