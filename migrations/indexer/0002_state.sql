-- State tables: a fold of chain_event. Amounts and points are u64, so NUMERIC(20,0), in base units of their mint.
-- Each row's columns are written by events of one stream only, so the order between streams does not matter. No column
-- comes from a clock of ours: two indexers of one chain hold the same bytes.

-- Which event is number seq of a stream; an event may be a number of several streams.
CREATE TABLE stream_entry (
    stream    TEXT    NOT NULL,
    seq       BIGINT  NOT NULL CHECK (seq > 0),
    signature TEXT    NOT NULL,
    ix        INTEGER NOT NULL,
    inner_ix  INTEGER NOT NULL,
    PRIMARY KEY (stream, seq)
);
-- Entries behind a gap of their stream: known, not folded.
CREATE TABLE waiting (LIKE stream_entry INCLUDING ALL);
-- 1..=last_seq are folded; last_slot is where the last of them happened.
CREATE TABLE stream (
    stream    TEXT   PRIMARY KEY,
    kind      TEXT   NOT NULL,
    last_seq  BIGINT NOT NULL,
    last_slot BIGINT NOT NULL
);

CREATE TABLE network (
    address          TEXT     PRIMARY KEY,
    authority        TEXT     NOT NULL,
    guardian         TEXT     NOT NULL,
    treasury_owner   TEXT     NOT NULL,
    job_mint         TEXT     NOT NULL,
    fee_bps          INTEGER  NOT NULL,
    epoch_len        BIGINT   NOT NULL,
    bucket_len       BIGINT   NOT NULL,
    grace            BIGINT   NOT NULL,
    root_delay       BIGINT   NOT NULL,
    hold_limit       BIGINT   NOT NULL,
    oracle_set_delay BIGINT   NOT NULL,
    created_at       BIGINT   NOT NULL
);
CREATE TABLE oracle_set (
    set_version  BIGINT  PRIMARY KEY,
    threshold    INTEGER NOT NULL,
    effective_at BIGINT  NOT NULL,
    oracles      JSONB   NOT NULL
);

CREATE TABLE project (
    address          TEXT          PRIMARY KEY,
    idx              BIGINT        NOT NULL UNIQUE,
    name             TEXT          NOT NULL,
    uri              TEXT          NOT NULL,
    owner            TEXT          NOT NULL,
    settler          TEXT          NOT NULL,
    collection       TEXT          NOT NULL,
    distribution     TEXT          NOT NULL,
    reward_mint      TEXT          NOT NULL,
    payment_mint     TEXT          NOT NULL,
    price            NUMERIC(20,0) NOT NULL,
    licences_max     BIGINT        NOT NULL,
    licences_sold    BIGINT        NOT NULL DEFAULT 0,
    formula          JSONB         NOT NULL,
    max_epoch_budget NUMERIC(20,0) NOT NULL,
    reward_mode      INTEGER       NOT NULL,
    first_epoch      BIGINT        NOT NULL,
    funded_total     NUMERIC(20,0) NOT NULL DEFAULT 0,
    created_at       BIGINT        NOT NULL
);
CREATE TABLE licence (
    address      TEXT          PRIMARY KEY,
    project      TEXT          NOT NULL,
    serial       BIGINT        NOT NULL,
    buyer        TEXT          NOT NULL,
    payment_mint TEXT          NOT NULL,
    price        NUMERIC(20,0) NOT NULL,
    sold_at      BIGINT        NOT NULL,
    UNIQUE (project, serial)
);
-- status: bound, active. bound_seq is the project's seq of the bind that wrote the row.
CREATE TABLE node (
    address       TEXT    PRIMARY KEY,
    project       TEXT    NOT NULL,
    licence       TEXT    NOT NULL UNIQUE,
    serial        BIGINT  NOT NULL,
    holder        TEXT    NOT NULL,
    node_key      TEXT    NOT NULL,
    tenure        TEXT    NOT NULL,
    tenure_number BIGINT  NOT NULL,
    status        TEXT    NOT NULL,
    metadata_hash TEXT    NOT NULL,
    bound_at      BIGINT  NOT NULL,
    accepted_at   BIGINT,
    bound_seq     BIGINT  NOT NULL
);
CREATE INDEX node_by_key ON node (node_key);
CREATE INDEX node_by_holder ON node (holder);
CREATE TABLE tenure (
    address      TEXT   PRIMARY KEY,
    node         TEXT   NOT NULL,
    project      TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    holder       TEXT   NOT NULL,
    payout       TEXT   NOT NULL,
    payout_owner TEXT   NOT NULL,
    leaf_index   BIGINT NOT NULL,
    from_epoch   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (project, leaf_index)
);
CREATE INDEX tenure_by_node ON tenure (node);

CREATE TABLE view_set (
    address     TEXT    PRIMARY KEY,
    epoch       BIGINT  NOT NULL UNIQUE,
    set_version BIGINT  NOT NULL,
    in_count    INTEGER NOT NULL,
    closed_at   BIGINT
);
CREATE TABLE view_commit (
    view_set     TEXT    NOT NULL,
    seq          BIGINT  NOT NULL,
    epoch        BIGINT  NOT NULL,
    set_version  BIGINT  NOT NULL,
    oracle       TEXT    NOT NULL,
    oracle_index INTEGER NOT NULL,
    hashes       JSONB   NOT NULL,
    in_count     INTEGER NOT NULL,
    closed       BOOLEAN NOT NULL,
    timestamp    BIGINT  NOT NULL,
    signature    TEXT    NOT NULL,
    PRIMARY KEY (view_set, seq)
);

CREATE TABLE distribution (
    address      TEXT          PRIMARY KEY,
    project      TEXT          NOT NULL UNIQUE,
    allocated    NUMERIC(20,0) NOT NULL DEFAULT 0,
    claimed      NUMERIC(20,0) NOT NULL DEFAULT 0,
    claims       BIGINT        NOT NULL DEFAULT 0,
    newest_epoch BIGINT
);
-- status: settled, approved, final. settled_seq is the distribution's seq of the settlement that wrote the row.
CREATE TABLE epoch (
    project      TEXT          NOT NULL,
    epoch        BIGINT        NOT NULL,
    distribution TEXT          NOT NULL,
    status       TEXT          NOT NULL,
    revision     BIGINT        NOT NULL,
    skipped_from BIGINT        NOT NULL,
    points_root  TEXT          NOT NULL,
    total_points NUMERIC(20,0) NOT NULL,
    node_count   BIGINT        NOT NULL,
    budget       NUMERIC(20,0) NOT NULL,
    fee_bps      INTEGER       NOT NULL,
    fee          NUMERIC(20,0) NOT NULL,
    node_pool    NUMERIC(20,0) NOT NULL,
    dataset_hash TEXT          NOT NULL,
    scores_hash  TEXT          NOT NULL,
    root         TEXT,
    root_total   NUMERIC(20,0),
    root_count   BIGINT,
    eta          BIGINT,
    settled_at   BIGINT        NOT NULL,
    approved_at  BIGINT,
    final_at     BIGINT,
    settled_seq  BIGINT        NOT NULL,
    PRIMARY KEY (project, epoch)
);
CREATE TABLE root_vote (
    distribution TEXT          NOT NULL,
    seq          BIGINT        NOT NULL,
    project      TEXT          NOT NULL,
    epoch        BIGINT        NOT NULL,
    revision     BIGINT        NOT NULL,
    oracle       TEXT          NOT NULL,
    oracle_index INTEGER       NOT NULL,
    root         TEXT          NOT NULL,
    total        NUMERIC(20,0) NOT NULL,
    count        BIGINT        NOT NULL,
    dataset_hash TEXT          NOT NULL,
    log_head     TEXT          NOT NULL,
    set_version  BIGINT        NOT NULL,
    votes        INTEGER       NOT NULL,
    approved     BOOLEAN       NOT NULL,
    eta          BIGINT        NOT NULL,
    timestamp    BIGINT        NOT NULL,
    signature    TEXT          NOT NULL,
    PRIMARY KEY (distribution, seq)
);
CREATE INDEX root_vote_by_epoch ON root_vote (project, epoch);
CREATE TABLE root (
    distribution TEXT          NOT NULL,
    seq          BIGINT        NOT NULL,
    project      TEXT          NOT NULL,
    epoch        BIGINT        NOT NULL,
    revision     BIGINT        NOT NULL,
    root         TEXT          NOT NULL,
    total        NUMERIC(20,0) NOT NULL,
    count        BIGINT        NOT NULL,
    budget       NUMERIC(20,0) NOT NULL,
    fee          NUMERIC(20,0) NOT NULL,
    node_pool    NUMERIC(20,0) NOT NULL,
    log_head     TEXT          NOT NULL,
    activated_at BIGINT        NOT NULL,
    signature    TEXT          NOT NULL,
    PRIMARY KEY (distribution, seq)
);
CREATE TABLE claim (
    distribution  TEXT          NOT NULL,
    seq           BIGINT        NOT NULL,
    tenure        TEXT          NOT NULL,
    payout        TEXT          NOT NULL,
    leaf_index    BIGINT        NOT NULL,
    amount        NUMERIC(20,0) NOT NULL,
    claimed_total NUMERIC(20,0) NOT NULL,
    timestamp     BIGINT        NOT NULL,
    slot          BIGINT        NOT NULL,
    signature     TEXT          NOT NULL,
    PRIMARY KEY (distribution, seq)
);
CREATE INDEX claim_by_tenure ON claim (tenure, seq);
-- What a tenure was paid so far.
CREATE TABLE tenure_claim (
    tenure          TEXT          PRIMARY KEY,
    distribution    TEXT          NOT NULL,
    claimed_total   NUMERIC(20,0) NOT NULL,
    claims          BIGINT        NOT NULL,
    last_claimed_at BIGINT        NOT NULL
);

CREATE TABLE jobs_config (
    address       TEXT          PRIMARY KEY,
    network       TEXT          NOT NULL,
    mint          TEXT          NOT NULL,
    default_stake NUMERIC(20,0) NOT NULL,
    stake_min     NUMERIC(20,0) NOT NULL,
    attest_grace  BIGINT        NOT NULL,
    cancel_window BIGINT        NOT NULL,
    created_at    BIGINT        NOT NULL
);
-- state: open, completed, failed, cancelled, expired.
CREATE TABLE job (
    address         TEXT          PRIMARY KEY,
    idx             BIGINT        NOT NULL UNIQUE,
    submitter       TEXT          NOT NULL,
    refund_account  TEXT          NOT NULL,
    stake           NUMERIC(20,0) NOT NULL,
    tip             NUMERIC(20,0) NOT NULL,
    fee_bps         INTEGER       NOT NULL,
    redundancy      INTEGER       NOT NULL,
    deadline        BIGINT        NOT NULL,
    descriptor_hash TEXT          NOT NULL,
    state           TEXT          NOT NULL,
    created_at      BIGINT        NOT NULL,
    outcome_hash    TEXT,
    result_hash     TEXT,
    reason          INTEGER,
    to_nodes        NUMERIC(20,0) NOT NULL DEFAULT 0,
    to_treasury     NUMERIC(20,0) NOT NULL DEFAULT 0,
    refunded        NUMERIC(20,0) NOT NULL DEFAULT 0,
    settled_at      BIGINT,
    submit_signature TEXT         NOT NULL,
    settle_signature TEXT
);
CREATE TABLE job_vote (
    job          TEXT    NOT NULL,
    seq          BIGINT  NOT NULL,
    oracle       TEXT    NOT NULL,
    oracle_index INTEGER NOT NULL,
    outcome_hash TEXT    NOT NULL,
    set_version  BIGINT  NOT NULL,
    votes        INTEGER NOT NULL,
    reached      BOOLEAN NOT NULL,
    timestamp    BIGINT  NOT NULL,
    signature    TEXT    NOT NULL,
    PRIMARY KEY (job, seq)
);
CREATE TABLE job_node (
    job    TEXT          NOT NULL,
    tenure TEXT          NOT NULL,
    bond   TEXT          NOT NULL,
    amount NUMERIC(20,0) NOT NULL,
    PRIMARY KEY (job, tenure)
);
CREATE INDEX job_node_by_tenure ON job_node (tenure);
CREATE TABLE bond (
    address         TEXT          PRIMARY KEY,
    tenure          TEXT          NOT NULL UNIQUE,
    holder          TEXT          NOT NULL,
    earned          NUMERIC(20,0) NOT NULL DEFAULT 0,
    earned_total    NUMERIC(20,0) NOT NULL DEFAULT 0,
    withdrawn_total NUMERIC(20,0) NOT NULL DEFAULT 0,
    opened_at       BIGINT        NOT NULL
);
-- kind: credited (by a job), withdrawn (to destination). earned is the bond's after it.
CREATE TABLE bond_entry (
    bond        TEXT          NOT NULL,
    seq         BIGINT        NOT NULL,
    kind        TEXT          NOT NULL,
    tenure      TEXT          NOT NULL,
    amount      NUMERIC(20,0) NOT NULL,
    earned      NUMERIC(20,0) NOT NULL,
    job         TEXT,
    destination TEXT,
    timestamp   BIGINT        NOT NULL,
    signature   TEXT          NOT NULL,
    PRIMARY KEY (bond, seq)
);
-- What the treasury got. kind: epoch (source is the project), job (source is the job).
CREATE TABLE treasury_entry (
    stream    TEXT          NOT NULL,
    seq       BIGINT        NOT NULL,
    kind      TEXT          NOT NULL,
    source    TEXT          NOT NULL,
    epoch     BIGINT,
    amount    NUMERIC(20,0) NOT NULL,
    timestamp BIGINT        NOT NULL,
    signature TEXT          NOT NULL,
    PRIMARY KEY (stream, seq)
);
