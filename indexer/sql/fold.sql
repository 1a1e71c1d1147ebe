-- From staging to state. Pure: reads staging and the tables of the schema, no clock, no random. The same events give the
-- same rows however they are split into batches, repeated, or interleaved between streams.

WITH added AS (
    INSERT INTO chain_event
    SELECT signature, ix, inner_ix, slot, program, name, stream, seq, timestamp, data, raw FROM staging
    ON CONFLICT DO NOTHING
    RETURNING signature, ix, inner_ix
)
INSERT INTO fresh
SELECT DISTINCT ON (s.signature, s.ix, s.inner_ix) s.* FROM staging s JOIN added USING (signature, ix, inner_ix);

INSERT INTO entries
SELECT stream, seq, signature, ix, inner_ix FROM fresh
UNION ALL
SELECT credit->>'bond', (credit->>'seq')::bigint, signature, ix, inner_ix
FROM fresh, jsonb_array_elements(data->'credits') AS credit
WHERE name = 'JobFinished';

-- Two events that claim one number are a chain that contradicts itself: the primary key stops the batch.
INSERT INTO stream_entry SELECT stream, seq, signature, ix, inner_ix FROM entries;
INSERT INTO waiting SELECT stream, seq, signature, ix, inner_ix FROM entries;

INSERT INTO ready
SELECT w.stream, w.seq, w.stream = e.stream, e.stream, e.slot, e.signature, e.name, e.timestamp, e.data
FROM (
    SELECT w.*, COALESCE(s.last_seq, 0) + row_number() OVER (PARTITION BY w.stream ORDER BY w.seq) AS next
    FROM waiting w
    LEFT JOIN stream s ON s.stream = w.stream
    WHERE w.stream IN (SELECT stream FROM entries)
) w
JOIN chain_event e USING (signature, ix, inner_ix)
WHERE w.seq = w.next;

DELETE FROM waiting w USING ready r WHERE w.stream = r.stream AND w.seq = r.seq;

INSERT INTO stream AS s (stream, kind, last_seq, last_slot)
SELECT stream,
       min(CASE
           WHEN name IN ('NetworkInitialized', 'OracleSetChanged', 'AuthorityProposed', 'AuthorityAccepted', 'FeeChanged',
                         'MintAllowed', 'MintForbidden', 'PauseChanged', 'TreasuryWithdrawn', 'OracleUrlChanged') THEN 'network'
           WHEN name IN ('ViewsCommitted', 'ViewSetClosed') THEN 'views'
           WHEN name IN ('EpochSettled', 'SettlementReplaced', 'SettlementVoided', 'RootVoted', 'RootActivated', 'RootHeld',
                         'HoldEnded', 'CorrectionVoted', 'DistributionToppedUp', 'EpochClosed', 'Claimed') THEN 'distribution'
           WHEN name IN ('SplitCreated', 'SplitReleased') THEN 'split'
           WHEN name IN ('JobsInitialized', 'JobsConfigSet') THEN 'jobs'
           WHEN name IN ('JobSubmitted', 'JobAttested', 'JobSponsored', 'JobTipped', 'JobCancelRequested', 'JobRefunded',
                         'SponsorRefunded', 'JobClosed') OR (name = 'JobFinished' AND own) THEN 'job'
           WHEN name IN ('BondOpened', 'BondWithdrawn', 'BondStaked', 'BondUnbonding', 'BondUnbonded', 'SlashVoted',
                         'SlashHeld', 'SlashVoided', 'BondSlashed', 'JobFinished') THEN 'bond'
           ELSE 'project'
       END),
       max(seq), max(slot)
FROM ready GROUP BY stream
ON CONFLICT (stream) DO UPDATE
SET last_seq = EXCLUDED.last_seq, last_slot = GREATEST(s.last_slot, EXCLUDED.last_slot);

-- network

INSERT INTO network (address, authority, guardian, treasury_owner, job_mint, fee_bps, epoch_len, bucket_len, grace,
                     root_delay, hold_limit, oracle_set_delay, created_at, next_fee_bps)
SELECT stream, data->>'authority', data->>'guardian', data->>'treasury_owner', data->>'job_mint',
       (data->>'fee_bps')::int, (data->>'epoch_len')::bigint, (data->>'bucket_len')::bigint, (data->>'grace')::bigint,
       (data->>'root_delay')::bigint, (data->>'hold_limit')::bigint, (data->>'oracle_set_delay')::bigint, timestamp,
       (data->>'fee_bps')::int
FROM ready WHERE name = 'NetworkInitialized';

UPDATE network n SET authority = e.holder
FROM (SELECT DISTINCT ON (stream) stream, data->>'holder' AS holder
      FROM ready WHERE name = 'AuthorityAccepted' AND data->>'role' = '0' ORDER BY stream, seq DESC) e
WHERE n.address = e.stream;
UPDATE network n SET guardian = e.holder
FROM (SELECT DISTINCT ON (stream) stream, data->>'holder' AS holder
      FROM ready WHERE name = 'AuthorityAccepted' AND data->>'role' = '1' ORDER BY stream, seq DESC) e
WHERE n.address = e.stream;
UPDATE network n SET treasury_owner = e.holder
FROM (SELECT DISTINCT ON (stream) stream, data->>'holder' AS holder
      FROM ready WHERE name = 'AuthorityAccepted' AND data->>'role' = '2' ORDER BY stream, seq DESC) e
WHERE n.address = e.stream;

UPDATE network n
SET fee_bps = (e.data->>'former_fee_bps')::int, next_fee_bps = (e.data->>'fee_bps')::int,
    next_fee_epoch = (e.data->>'from_epoch')::bigint
FROM (SELECT DISTINCT ON (stream) stream, data FROM ready WHERE name = 'FeeChanged' ORDER BY stream, seq DESC) e
WHERE n.address = e.stream;

UPDATE network n
SET paused = (e.data->>'paused')::bigint, guardian_paused = (e.data->>'guardian_paused')::bigint,
    guardian_pause_until = (e.data->>'guardian_pause_until')::bigint
FROM (SELECT DISTINCT ON (stream) stream, data FROM ready WHERE name = 'PauseChanged' ORDER BY stream, seq DESC) e
WHERE n.address = e.stream;

INSERT INTO allowed_mint
SELECT stream, data->>'job_mint', TRUE, timestamp FROM ready WHERE name = 'NetworkInitialized';
INSERT INTO allowed_mint
SELECT DISTINCT ON (stream, data->>'mint') stream, data->>'mint', name = 'MintAllowed', timestamp
FROM ready WHERE name IN ('MintAllowed', 'MintForbidden')
ORDER BY stream, data->>'mint', seq DESC
ON CONFLICT (network, mint) DO UPDATE SET is_allowed = EXCLUDED.is_allowed, changed_at = EXCLUDED.changed_at;

INSERT INTO oracle_url
SELECT DISTINCT ON (data->>'oracle') data->>'oracle', data->>'url'
FROM ready WHERE name = 'OracleUrlChanged' ORDER BY data->>'oracle', seq DESC
ON CONFLICT (oracle) DO UPDATE SET url = EXCLUDED.url;

INSERT INTO treasury_withdrawal
SELECT stream, seq, data->>'mint', (data->>'amount')::numeric, data->>'destination', (data->>'balance')::numeric,
       timestamp, signature
FROM ready WHERE name = 'TreasuryWithdrawn';

INSERT INTO oracle_set
SELECT DISTINCT ON ((data->>'set_version')::bigint)
       (data->>'set_version')::bigint, (data->>'threshold')::int, (data->>'effective_at')::bigint, data->'oracles'
FROM ready WHERE name = 'OracleSetChanged' AND (data->>'effective_at')::bigint <= timestamp -- the others wait
ORDER BY (data->>'set_version')::bigint, seq DESC
ON CONFLICT (set_version) DO UPDATE
SET threshold = EXCLUDED.threshold, effective_at = EXCLUDED.effective_at, oracles = EXCLUDED.oracles;

-- project

INSERT INTO project (address, idx, name, uri, owner, settler, collection, distribution, reward_mint, payment_mint, price,
                     licences_max, formula, max_epoch_budget, reward_mode, first_epoch, created_at, next_formula,
                     next_max_epoch_budget)
SELECT stream, (data->>'index')::bigint, data->>'name', data->>'uri', data->>'owner', data->>'settler',
       data->>'collection', data->>'distribution', data->>'reward_mint', data->>'payment_mint', (data->>'price')::numeric,
       (data->>'licences_max')::bigint, data->'formula', (data->>'max_epoch_budget')::numeric,
       (data->>'reward_mode')::int, (data->>'next_epoch')::bigint, timestamp, data->'formula',
       (data->>'max_epoch_budget')::numeric
FROM ready WHERE name = 'ProjectCreated';

INSERT INTO project_formula
SELECT DISTINCT ON (stream, from_epoch) stream, from_epoch, formula
FROM (SELECT stream, seq, data->'formula' AS formula, COALESCE((data->>'from_epoch')::bigint, 0) AS from_epoch
      FROM ready WHERE name IN ('ProjectCreated', 'FormulaChanged')) e
ORDER BY stream, from_epoch, seq DESC
ON CONFLICT (project, from_epoch) DO UPDATE SET formula = EXCLUDED.formula;
UPDATE project p
SET next_formula = f.formula, next_formula_epoch = f.from_epoch,
    formula = (SELECT o.formula FROM project_formula o
               WHERE o.project = p.address AND o.from_epoch < f.from_epoch ORDER BY o.from_epoch DESC LIMIT 1)
FROM (SELECT DISTINCT ON (project) project, from_epoch, formula FROM project_formula
      WHERE project IN (SELECT stream FROM ready WHERE name = 'FormulaChanged') ORDER BY project, from_epoch DESC) f
WHERE p.address = f.project;

INSERT INTO project_budget_limit
SELECT DISTINCT ON (stream, from_epoch) stream, from_epoch, max_epoch_budget
FROM (SELECT stream, seq, (data->>'max_epoch_budget')::numeric AS max_epoch_budget,
             COALESCE((data->>'from_epoch')::bigint, 0) AS from_epoch
      FROM ready WHERE name IN ('ProjectCreated', 'MaxEpochBudgetChanged')) e
ORDER BY stream, from_epoch, seq DESC
ON CONFLICT (project, from_epoch) DO UPDATE SET max_epoch_budget = EXCLUDED.max_epoch_budget;
UPDATE project p
SET next_max_epoch_budget = b.max_epoch_budget, next_budget_epoch = b.from_epoch,
    max_epoch_budget = (SELECT o.max_epoch_budget FROM project_budget_limit o
                        WHERE o.project = p.address AND o.from_epoch < b.from_epoch ORDER BY o.from_epoch DESC LIMIT 1)
FROM (SELECT DISTINCT ON (project) project, from_epoch, max_epoch_budget FROM project_budget_limit
      WHERE project IN (SELECT stream FROM ready WHERE name = 'MaxEpochBudgetChanged') ORDER BY project, from_epoch DESC) b
WHERE p.address = b.project;

UPDATE project p SET owner = e.owner
FROM (SELECT DISTINCT ON (stream) stream, data->>'owner' AS owner
      FROM ready WHERE name = 'OwnerAccepted' ORDER BY stream, seq DESC) e
WHERE p.address = e.stream;
UPDATE project p SET settler = e.settler
FROM (SELECT DISTINCT ON (stream) stream, data->>'settler' AS settler
      FROM ready WHERE name = 'SettlerChanged' ORDER BY stream, seq DESC) e
WHERE p.address = e.stream;
UPDATE project p
SET payment_mint = e.data->>'payment_mint', price = (e.data->>'price')::numeric,
    licences_max = (e.data->>'licences_max')::bigint
FROM (SELECT DISTINCT ON (stream) stream, data FROM ready WHERE name = 'SaleChanged' ORDER BY stream, seq DESC) e
WHERE p.address = e.stream;
UPDATE project p SET collection = e.data->>'collection', standard = (e.data->>'standard')::int
FROM ready e WHERE e.name = 'CollectionLinked' AND p.address = e.stream;
UPDATE project p
SET withdrawal_amount = (e.data->>'amount')::numeric, withdrawal_due_at = (e.data->>'due_at')::bigint,
    withdrawal_lapses_at = (e.data->>'lapses_at')::bigint
FROM (SELECT DISTINCT ON (stream) stream, data FROM ready WHERE name = 'WithdrawalAnnounced' ORDER BY stream, seq DESC) e
WHERE p.address = e.stream;
UPDATE project p SET withdrawn_total = p.withdrawn_total + e.amount
FROM (SELECT stream, sum((data->>'amount')::numeric) AS amount FROM ready WHERE name = 'BudgetWithdrawn' GROUP BY stream) e
WHERE p.address = e.stream;
UPDATE project p SET closed_at = e.timestamp FROM ready e WHERE e.name = 'ProjectClosed' AND p.address = e.stream;

UPDATE project p SET funded_total = p.funded_total + f.amount
FROM (SELECT stream, sum((data->>'amount')::numeric) AS amount FROM ready WHERE name = 'ProjectFunded' GROUP BY stream) f
WHERE p.address = f.stream;

INSERT INTO licence
SELECT data->>'licence', stream, (data->>'serial')::bigint, data->>'buyer', data->>'payment_mint',
       (data->>'price')::numeric, timestamp, FALSE
FROM ready WHERE name = 'LicenceSold'
UNION ALL
SELECT data->>'licence', stream, (data->>'serial')::bigint, data->>'recipient', NULL, 0, timestamp, TRUE
FROM ready WHERE name = 'LicenceGifted';

UPDATE project p SET licences_sold = p.licences_sold + s.sold
FROM (SELECT stream, count(*) AS sold FROM ready WHERE name IN ('LicenceSold', 'LicenceGifted') GROUP BY stream) s
WHERE p.address = s.stream;

INSERT INTO node (address, project, licence, serial, holder, node_key, tenure, tenure_number, status, metadata_hash, bound_at,
                  accepted_at, bound_seq)
SELECT DISTINCT ON (data->>'node')
       data->>'node', stream, data->>'licence', (data->>'serial')::bigint, data->>'holder', data->>'node_key',
       data->>'tenure', (data->>'tenure_number')::bigint, 'bound', data->>'metadata_hash', timestamp, NULL, seq
FROM ready WHERE name = 'NodeBound'
ORDER BY data->>'node', seq DESC
ON CONFLICT (address) DO UPDATE
SET holder = EXCLUDED.holder, node_key = EXCLUDED.node_key, tenure = EXCLUDED.tenure,
    tenure_number = EXCLUDED.tenure_number, status = EXCLUDED.status, metadata_hash = EXCLUDED.metadata_hash,
    bound_at = EXCLUDED.bound_at, accepted_at = NULL, bound_seq = EXCLUDED.bound_seq;

-- A bind after these, in the same batch, has already written the row.
UPDATE node n SET accepted_at = a.timestamp, node_key = a.node_key
FROM (SELECT DISTINCT ON (data->>'node') data->>'node' AS node, seq, timestamp, data->>'node_key' AS node_key
      FROM ready WHERE name IN ('NodeAccepted', 'NodeKeyRotated') ORDER BY data->>'node', seq DESC) a
WHERE n.address = a.node AND a.seq > n.bound_seq;
UPDATE node n
SET status = CASE WHEN a.name IN ('NodeAccepted', 'NodeKeyRotated') THEN 'active' WHEN a.name = 'NodeUnbound' THEN 'unbinding'
                  ELSE 'free' END,
    accepted_at = CASE WHEN a.name IN ('NodeThawed', 'NodeDetached') THEN NULL ELSE n.accepted_at END
FROM (SELECT DISTINCT ON (data->>'node') data->>'node' AS node, seq, name
      FROM ready WHERE name IN ('NodeAccepted', 'NodeKeyRotated', 'NodeUnbound', 'NodeThawed', 'NodeDetached')
      ORDER BY data->>'node', seq DESC) a
WHERE n.address = a.node AND a.seq > n.bound_seq;
UPDATE node n SET thaw_at = a.thaw_at
FROM (SELECT DISTINCT ON (data->>'node') data->>'node' AS node, (data->>'thaw_at')::bigint AS thaw_at
      FROM ready WHERE name = 'NodeUnbound' ORDER BY data->>'node', seq DESC) a
WHERE n.address = a.node;
UPDATE node n SET metadata_hash = a.metadata_hash
FROM (SELECT DISTINCT ON (data->>'node') data->>'node' AS node, seq, data->>'metadata_hash' AS metadata_hash
      FROM ready WHERE name = 'MetadataSet' ORDER BY data->>'node', seq DESC) a
WHERE n.address = a.node AND a.seq > n.bound_seq;
UPDATE node n SET maintenance_start = (a.data->>'start')::bigint, maintenance_end = (a.data->>'end')::bigint
FROM (SELECT DISTINCT ON (data->>'node') data->>'node' AS node, data
      FROM ready WHERE name = 'MaintenanceAnnounced' ORDER BY data->>'node', seq DESC) a
WHERE n.address = a.node;
UPDATE node n
SET suspended_from_epoch = (a.data->>'from_epoch')::bigint, suspended_until_epoch = (a.data->>'until_epoch')::bigint
FROM (SELECT DISTINCT ON (data->>'node') data->>'node' AS node, data
      FROM ready WHERE name IN ('NodeSuspended', 'SuspensionLifted')
                       OR (name = 'SuspensionVoted' AND (data->>'reached')::boolean)
      ORDER BY data->>'node', seq DESC) a
WHERE n.address = a.node;
INSERT INTO suspension_entry
SELECT stream, seq,
       CASE name WHEN 'NodeSuspended' THEN 'suspended' WHEN 'SuspensionLifted' THEN 'lifted' WHEN 'SuspensionVoted' THEN 'voted'
                 ELSE 'appealed' END,
       data->>'node', data, timestamp, signature
FROM ready WHERE name IN ('NodeSuspended', 'SuspensionLifted', 'SuspensionVoted', 'SuspensionAppealed');

INSERT INTO pool (address, project, idx, name, capacity, created_at)
SELECT data->>'pool', stream, (data->>'index')::bigint, data->>'name', (data->>'capacity')::int, timestamp
FROM ready WHERE name = 'PoolCreated';
UPDATE pool p SET capacity = e.capacity
FROM (SELECT DISTINCT ON (data->>'pool') data->>'pool' AS pool, (data->>'capacity')::int AS capacity
      FROM ready WHERE name = 'PoolCapacityChanged' ORDER BY data->>'pool', seq DESC) e
WHERE p.address = e.pool;
UPDATE pool p SET count = e.count
FROM (SELECT DISTINCT ON (data->>'pool') data->>'pool' AS pool, (data->>'count')::int AS count
      FROM ready WHERE name IN ('PoolJoined', 'PoolLeft') ORDER BY data->>'pool', seq DESC) e
WHERE p.address = e.pool;
UPDATE node n SET pool = e.pool
FROM (SELECT DISTINCT ON (data->>'node') data->>'node' AS node,
             CASE WHEN name = 'PoolJoined' THEN data->>'pool' END AS pool
      FROM ready WHERE name IN ('PoolJoined', 'PoolLeft') ORDER BY data->>'node', seq DESC) e
WHERE n.address = e.node;
UPDATE pool p SET account_closed_at = e.timestamp FROM ready e WHERE e.name = 'PoolClosed' AND p.address = e.data->>'pool';

INSERT INTO tenure (address, node, project, number, holder, payout, payout_owner, leaf_index, from_epoch, created_at)
SELECT DISTINCT ON (data->>'tenure')
       data->>'tenure', data->>'node', stream, (data->>'tenure_number')::bigint, data->>'holder', data->>'payout',
       data->>'payout_owner', (data->>'leaf_index')::bigint, (data->>'from_epoch')::bigint, timestamp
FROM ready WHERE name = 'NodeBound'
ORDER BY data->>'tenure', seq
ON CONFLICT (address) DO NOTHING;
UPDATE tenure t SET until_epoch = e.until_epoch
FROM (SELECT DISTINCT ON (data->>'tenure') data->>'tenure' AS tenure,
             CASE WHEN name = 'NodeBound' THEN 18446744073709551615 ELSE (data->>'until_epoch')::numeric END AS until_epoch
      FROM ready WHERE name IN ('NodeBound', 'NodeUnbound', 'NodeDetached') ORDER BY data->>'tenure', seq DESC) e
WHERE t.address = e.tenure;
UPDATE tenure t SET payout = e.data->>'payout', payout_owner = e.data->>'payout_owner'
FROM (SELECT DISTINCT ON (data->>'tenure') data->>'tenure' AS tenure, data
      FROM ready WHERE name = 'PayoutSet' ORDER BY data->>'tenure', seq DESC) e
WHERE t.address = e.tenure;
UPDATE tenure t
SET operator = CASE WHEN e.name = 'OperatorSet' THEN e.data->>'operator' END,
    operator_bps = CASE WHEN e.name = 'OperatorSet' THEN (e.data->>'bps')::int ELSE 0 END
FROM (SELECT DISTINCT ON (data->>'tenure') data->>'tenure' AS tenure, name, data
      FROM ready WHERE name IN ('OperatorSet', 'OperatorReleased') ORDER BY data->>'tenure', seq DESC) e
WHERE t.address = e.tenure;

INSERT INTO split (address, creator, mint, recipients, created_at)
SELECT r.stream, data->>'creator', data->>'mint',
       (SELECT jsonb_agg(jsonb_build_object('recipient', recipient, 'share_bps', data->'shares_bps'->(place::int - 1)) ORDER BY place)
        FROM jsonb_array_elements(data->'recipients') WITH ORDINALITY AS list(recipient, place)),
       timestamp
FROM ready r WHERE name = 'SplitCreated';
INSERT INTO split_release
SELECT stream, seq, data->>'recipient', (data->>'amount')::numeric, timestamp, signature
FROM ready WHERE name = 'SplitReleased';
UPDATE split s SET released_total = e.total
FROM (SELECT DISTINCT ON (stream) stream, (data->>'released_total')::numeric AS total
      FROM ready WHERE name = 'SplitReleased' ORDER BY stream, seq DESC) e
WHERE s.address = e.stream;

-- views

INSERT INTO view_commit
SELECT stream, seq, (data->>'epoch')::bigint, (data->>'set_version')::bigint, data->>'oracle',
       (data->>'oracle_index')::int, data->'hashes', (data->>'in_count')::int, (data->>'closed')::boolean, timestamp,
       signature
FROM ready WHERE name = 'ViewsCommitted';

INSERT INTO view_set (address, epoch, set_version, in_count, closed_at)
SELECT DISTINCT ON (stream)
       stream, (data->>'epoch')::bigint, (data->>'set_version')::bigint, (data->>'in_count')::int,
       CASE WHEN (data->>'closed')::boolean THEN timestamp END
FROM ready WHERE name = 'ViewsCommitted'
ORDER BY stream, seq DESC
ON CONFLICT (address) DO UPDATE
SET set_version = EXCLUDED.set_version, in_count = EXCLUDED.in_count, closed_at = EXCLUDED.closed_at;
UPDATE view_set v SET account_closed_at = e.timestamp FROM ready e WHERE e.name = 'ViewSetClosed' AND v.address = e.stream;

-- distribution

INSERT INTO distribution (address, project)
SELECT DISTINCT stream, data->>'project' FROM ready WHERE name IN ('EpochSettled', 'DistributionToppedUp')
ON CONFLICT DO NOTHING;

INSERT INTO epoch (project, epoch, distribution, status, revision, skipped_from, points_root, total_points, node_count,
                   budget, fee_bps, fee, node_pool, dataset_hash, scores_hash, settled_at, final_at, settled_seq)
SELECT DISTINCT ON (data->>'project', (data->>'epoch')::bigint)
       data->>'project', (data->>'epoch')::bigint, stream,
       CASE WHEN (data->>'is_final')::boolean THEN 'final' ELSE 'settled' END,
       (data->>'revision')::bigint, (data->>'skipped_from')::bigint, data->>'points_root',
       (data->>'total_points')::numeric, (data->>'node_count')::bigint, (data->>'budget')::numeric,
       (data->>'fee_bps')::int, (data->>'fee')::numeric, (data->>'node_pool')::numeric, data->>'dataset_hash',
       data->>'scores_hash', timestamp, CASE WHEN (data->>'is_final')::boolean THEN timestamp END, seq
FROM ready WHERE name = 'EpochSettled'
ORDER BY data->>'project', (data->>'epoch')::bigint, seq DESC
ON CONFLICT (project, epoch) DO UPDATE
SET status = EXCLUDED.status, revision = EXCLUDED.revision, skipped_from = EXCLUDED.skipped_from,
    points_root = EXCLUDED.points_root, total_points = EXCLUDED.total_points, node_count = EXCLUDED.node_count,
    budget = EXCLUDED.budget, fee_bps = EXCLUDED.fee_bps, fee = EXCLUDED.fee, node_pool = EXCLUDED.node_pool,
    dataset_hash = EXCLUDED.dataset_hash, scores_hash = EXCLUDED.scores_hash, root = NULL, root_total = NULL,
    root_count = NULL, eta = NULL, settled_at = EXCLUDED.settled_at, approved_at = NULL, final_at = EXCLUDED.final_at,
    settled_seq = EXCLUDED.settled_seq, account_closed_at = NULL;

UPDATE epoch e
SET status = CASE WHEN (v.data->>'is_final')::boolean THEN 'final' ELSE 'settled' END,
    revision = (v.data->>'revision')::bigint, points_root = v.data->>'points_root',
    total_points = (v.data->>'total_points')::numeric, node_count = (v.data->>'node_count')::bigint,
    budget = (v.data->>'budget')::numeric, fee_bps = (v.data->>'fee_bps')::int, fee = (v.data->>'fee')::numeric,
    node_pool = (v.data->>'node_pool')::numeric, dataset_hash = v.data->>'dataset_hash',
    scores_hash = v.data->>'scores_hash', root = NULL, root_total = NULL, root_count = NULL, eta = NULL,
    settled_at = v.timestamp, approved_at = NULL,
    final_at = CASE WHEN (v.data->>'is_final')::boolean THEN v.timestamp END, settled_seq = v.seq
FROM (SELECT DISTINCT ON (data->>'project', (data->>'epoch')::bigint) seq, timestamp, data
      FROM ready WHERE name = 'SettlementReplaced'
      ORDER BY data->>'project', (data->>'epoch')::bigint, seq DESC) v
WHERE e.project = v.data->>'project' AND e.epoch = (v.data->>'epoch')::bigint AND v.seq > e.settled_seq;

INSERT INTO root_vote
SELECT stream, seq, data->>'project', (data->>'epoch')::bigint, (data->>'revision')::bigint, data->>'oracle',
       (data->>'oracle_index')::int, data->>'root', (data->>'total')::numeric, (data->>'count')::bigint,
       data->>'dataset_hash', data->>'log_head', (data->>'set_version')::bigint, (data->>'votes')::int,
       (data->>'approved')::boolean, (data->>'eta')::bigint, timestamp, signature
FROM ready WHERE name = 'RootVoted';

-- A vote that does not approve after one that did is the first of a new oracle set: the approval is void.
UPDATE epoch e
SET status = CASE WHEN v.approved THEN 'approved' ELSE 'settled' END, root = CASE WHEN v.approved THEN v.root END,
    root_total = CASE WHEN v.approved THEN v.total END, root_count = CASE WHEN v.approved THEN v.count END,
    eta = CASE WHEN v.approved THEN v.eta END, approved_at = CASE WHEN v.approved THEN v.timestamp END
FROM (SELECT DISTINCT ON (data->>'project', (data->>'epoch')::bigint)
             data->>'project' AS project, (data->>'epoch')::bigint AS epoch, seq, data->>'root' AS root,
             (data->>'total')::numeric AS total, (data->>'count')::bigint AS count, (data->>'eta')::bigint AS eta, timestamp,
             (data->>'approved')::boolean AS approved
      FROM ready WHERE name = 'RootVoted'
      ORDER BY data->>'project', (data->>'epoch')::bigint, seq DESC) v
WHERE e.project = v.project AND e.epoch = v.epoch AND v.seq > e.settled_seq;

-- The oracles put another root in the place of one that the guardian held while it waited.
UPDATE epoch e
SET revision = (v.data->>'revision')::bigint, root = v.data->>'root', root_count = (v.data->>'count')::bigint,
    eta = (v.data->>'from')::bigint
FROM (SELECT DISTINCT ON (data->>'project', (data->>'epoch')::bigint) seq, data
      FROM ready WHERE name = 'CorrectionVoted' AND (data->>'corrected')::boolean AND NOT (data->>'is_active')::boolean
      ORDER BY data->>'project', (data->>'epoch')::bigint, seq DESC) v
WHERE e.project = v.data->>'project' AND e.epoch = (v.data->>'epoch')::bigint AND v.seq > e.settled_seq;

INSERT INTO root
SELECT stream, seq, data->>'project', (data->>'epoch')::bigint, (data->>'revision')::bigint, data->>'root',
       (data->>'total')::numeric, (data->>'count')::bigint, (data->>'budget')::numeric, (data->>'fee')::numeric,
       (data->>'node_pool')::numeric, data->>'log_head', timestamp, signature
FROM ready WHERE name = 'RootActivated';

UPDATE epoch e
SET status = 'final', root = v.root, root_total = v.total, root_count = v.count, final_at = v.timestamp
FROM (SELECT DISTINCT ON (data->>'project', (data->>'epoch')::bigint)
             data->>'project' AS project, (data->>'epoch')::bigint AS epoch, seq, data->>'root' AS root,
             (data->>'total')::numeric AS total, (data->>'count')::bigint AS count, timestamp
      FROM ready WHERE name = 'RootActivated'
      ORDER BY data->>'project', (data->>'epoch')::bigint, seq DESC) v
WHERE e.project = v.project AND e.epoch = v.epoch AND v.seq > e.settled_seq;

-- And of one that was active already.
UPDATE epoch e
SET revision = (v.data->>'revision')::bigint, root = v.data->>'root', root_count = (v.data->>'count')::bigint
FROM (SELECT DISTINCT ON (data->>'project', (data->>'epoch')::bigint) seq, data
      FROM ready WHERE name = 'CorrectionVoted' AND (data->>'corrected')::boolean AND (data->>'is_active')::boolean
      ORDER BY data->>'project', (data->>'epoch')::bigint, seq DESC) v
WHERE e.project = v.data->>'project' AND e.epoch = (v.data->>'epoch')::bigint AND v.seq > e.settled_seq;

UPDATE epoch e
SET status = 'voided', root = NULL, root_total = NULL, root_count = NULL, eta = NULL, approved_at = NULL,
    account_closed_at = v.timestamp
FROM (SELECT DISTINCT ON (data->>'project', (data->>'epoch')::bigint) seq, timestamp, data
      FROM ready WHERE name = 'SettlementVoided'
      ORDER BY data->>'project', (data->>'epoch')::bigint, seq DESC) v
WHERE e.project = v.data->>'project' AND e.epoch = (v.data->>'epoch')::bigint AND v.seq > e.settled_seq;
UPDATE epoch e SET account_closed_at = v.timestamp
FROM ready v
WHERE v.name = 'EpochClosed' AND e.project = v.data->>'project' AND e.epoch = (v.data->>'epoch')::bigint;

INSERT INTO root_hold
SELECT stream, seq,
       CASE name WHEN 'RootHeld' THEN 'held' WHEN 'HoldEnded' THEN 'ended' ELSE 'corrected' END,
       data->>'project', (data->>'epoch')::bigint, (data->>'revision')::bigint, data->>'root',
       COALESCE((data->>'held_until')::bigint, (data->>'from')::bigint), timestamp, signature
FROM ready
WHERE name IN ('RootHeld', 'HoldEnded') OR (name = 'CorrectionVoted' AND (data->>'corrected')::boolean);

UPDATE distribution d SET topped_up = v.topped_up
FROM (SELECT DISTINCT ON (stream) stream, (data->>'topped_up')::numeric AS topped_up
      FROM ready WHERE name = 'DistributionToppedUp' ORDER BY stream, seq DESC) v
WHERE d.address = v.stream;

UPDATE distribution d SET allocated = v.total, newest_epoch = v.epoch
FROM (SELECT DISTINCT ON (stream) stream, (data->>'total')::numeric AS total, (data->>'epoch')::bigint AS epoch
      FROM ready WHERE name = 'RootActivated' ORDER BY stream, seq DESC) v
WHERE d.address = v.stream;

INSERT INTO claim
SELECT stream, seq, data->>'tenure', data->>'payout', (data->>'leaf_index')::bigint, (data->>'amount')::numeric,
       (data->>'claimed_total')::numeric, timestamp, slot, signature
FROM ready WHERE name = 'Claimed';

UPDATE distribution d SET claimed = d.claimed + c.amount, claims = d.claims + c.claims
FROM (SELECT stream, sum((data->>'amount')::numeric) AS amount, count(*) AS claims
      FROM ready WHERE name = 'Claimed' GROUP BY stream) c
WHERE d.address = c.stream;

INSERT INTO tenure_claim AS t
SELECT DISTINCT ON (data->>'tenure') data->>'tenure', stream, (data->>'claimed_total')::numeric,
       count(*) OVER (PARTITION BY data->>'tenure'), timestamp
FROM ready WHERE name = 'Claimed'
ORDER BY data->>'tenure', seq DESC
ON CONFLICT (tenure) DO UPDATE
SET claimed_total = EXCLUDED.claimed_total, claims = t.claims + EXCLUDED.claims, last_claimed_at = EXCLUDED.last_claimed_at;

-- jobs

INSERT INTO jobs_config
SELECT stream, data->>'network', data->>'mint', (data->>'default_stake')::numeric, (data->>'stake_min')::numeric,
       (data->>'attest_grace')::bigint, (data->>'cancel_window')::bigint, timestamp, (data->>'sponsor_min')::numeric,
       (data->>'unbond_delay')::bigint, (data->>'slash_delay')::bigint
FROM ready WHERE name = 'JobsInitialized';
UPDATE jobs_config c
SET default_stake = (e.data->>'default_stake')::numeric, stake_min = (e.data->>'stake_min')::numeric,
    sponsor_min = (e.data->>'sponsor_min')::numeric, attest_grace = (e.data->>'attest_grace')::bigint,
    cancel_window = (e.data->>'cancel_window')::bigint, unbond_delay = (e.data->>'unbond_delay')::bigint,
    slash_delay = (e.data->>'slash_delay')::bigint
FROM (SELECT DISTINCT ON (stream) stream, data FROM ready WHERE name = 'JobsConfigSet' ORDER BY stream, seq DESC) e
WHERE c.address = e.stream;

INSERT INTO job (address, idx, submitter, refund_account, stake, tip, fee_bps, redundancy, deadline, descriptor_hash,
                 state, created_at, submit_signature)
SELECT stream, (data->>'index')::bigint, data->>'submitter', data->>'refund_account', (data->>'stake')::numeric,
       (data->>'tip')::numeric, (data->>'fee_bps')::int, (data->>'redundancy')::int, (data->>'deadline')::bigint,
       data->>'descriptor_hash', 'open', timestamp, signature
FROM ready WHERE name = 'JobSubmitted';

INSERT INTO job_vote
SELECT stream, seq, data->>'oracle', (data->>'oracle_index')::int, data->>'outcome_hash', (data->>'set_version')::bigint,
       (data->>'votes')::int, (data->>'reached')::boolean, timestamp, signature
FROM ready WHERE name = 'JobAttested';

UPDATE job j
SET state = CASE (r.data->>'state')::int WHEN 2 THEN 'completed' WHEN 3 THEN 'failed' WHEN 4 THEN 'cancelled'
                                         WHEN 5 THEN 'expired' END,
    outcome_hash = r.data->>'outcome_hash', result_hash = r.data->>'result_hash', reason = (r.data->>'reason')::int,
    to_nodes = (r.data->>'to_nodes')::numeric, to_treasury = (r.data->>'to_treasury')::numeric,
    refunded = (r.data->>'refunded')::numeric, owed = (r.data->>'owed')::numeric, settled_at = r.timestamp,
    settle_signature = r.signature
FROM ready r WHERE r.name = 'JobFinished' AND r.own AND j.address = r.stream;

UPDATE job j SET tip = e.tip
FROM (SELECT DISTINCT ON (stream) stream, (data->>'tip')::numeric AS tip
      FROM ready WHERE name = 'JobTipped' ORDER BY stream, seq DESC) e
WHERE j.address = e.stream;
UPDATE job j SET sponsored = e.sponsored
FROM (SELECT DISTINCT ON (stream) stream, (data->>'sponsored')::numeric AS sponsored
      FROM ready WHERE name = 'JobSponsored' ORDER BY stream, seq DESC) e
WHERE j.address = e.stream;
UPDATE job j SET cancel_at = (e.data->>'cancel_at')::bigint
FROM ready e WHERE e.name = 'JobCancelRequested' AND j.address = e.stream;
UPDATE job j SET refunded = j.refunded + (e.data->>'amount')::numeric, owed = 0
FROM ready e WHERE e.name = 'JobRefunded' AND j.address = e.stream;
UPDATE job j SET account_closed_at = e.timestamp FROM ready e WHERE e.name = 'JobClosed' AND j.address = e.stream;

INSERT INTO sponsorship (job, sponsor, refund_account, amount)
SELECT DISTINCT ON (stream, data->>'sponsor') stream, data->>'sponsor', data->>'refund_account', (data->>'total')::numeric
FROM ready WHERE name = 'JobSponsored' ORDER BY stream, data->>'sponsor', seq DESC
ON CONFLICT (job, sponsor) DO UPDATE SET amount = EXCLUDED.amount;
UPDATE sponsorship s SET refunded = (e.data->>'amount')::numeric, ended_at = e.timestamp
FROM ready e WHERE e.name = 'SponsorRefunded' AND s.job = e.stream AND s.sponsor = e.data->>'sponsor';

INSERT INTO job_node
SELECT r.stream, credit->>'tenure', credit->>'bond', (credit->>'amount')::numeric
FROM ready r, jsonb_array_elements(r.data->'credits') AS credit
WHERE r.name = 'JobFinished' AND r.own;

-- bonds

INSERT INTO bond (address, tenure, holder, opened_at)
SELECT stream, data->>'tenure', data->>'holder', timestamp FROM ready WHERE name = 'BondOpened';

INSERT INTO bond_entry
SELECT r.stream, r.seq, 'credited', credit->>'tenure', (credit->>'amount')::numeric, (credit->>'earned')::numeric,
       r.event_stream, NULL, r.timestamp, r.signature
FROM ready r, jsonb_array_elements(r.data->'credits') AS credit
WHERE r.name = 'JobFinished' AND NOT r.own AND credit->>'bond' = r.stream AND (credit->>'seq')::bigint = r.seq
UNION ALL
SELECT stream, seq, 'withdrawn', data->>'tenure', (data->>'amount')::numeric, (data->>'earned')::numeric,
       NULL, data->>'destination', timestamp, signature
FROM ready WHERE name = 'BondWithdrawn'
UNION ALL
SELECT r.stream, r.seq,
       CASE r.name WHEN 'BondStaked' THEN 'staked' WHEN 'BondUnbonding' THEN 'unbonding' WHEN 'BondUnbonded' THEN 'unbonded'
                   WHEN 'SlashVoted' THEN 'slash_voted' WHEN 'SlashHeld' THEN 'slash_held'
                   WHEN 'SlashVoided' THEN 'slash_voided' ELSE 'slashed' END,
       b.tenure,
       COALESCE((r.data->>'amount')::numeric, (r.data->>'from_earned')::numeric + (r.data->>'from_staked')::numeric
                + (r.data->>'from_unbonding')::numeric, 0),
       NULL, NULL, r.data->>'destination', r.timestamp, r.signature
FROM ready r JOIN bond b ON b.address = r.stream
WHERE r.name IN ('BondStaked', 'BondUnbonding', 'BondUnbonded', 'SlashVoted', 'SlashHeld', 'SlashVoided', 'BondSlashed');

UPDATE bond b
SET earned = b.earned + e.earned, earned_total = b.earned_total + e.credited, withdrawn_total = b.withdrawn_total + e.withdrawn,
    staked = b.staked + e.staked, unbonding = b.unbonding + e.unbonding, slashed_total = b.slashed_total + e.slashed
FROM (SELECT stream,
             sum(credited - withdrawn_earned - from_earned) AS earned, sum(credited) AS credited,
             sum(withdrawn) AS withdrawn, sum(staked_in - moved - from_staked) AS staked,
             sum(moved - unbonded - from_unbonding) AS unbonding,
             sum(from_earned + from_staked + from_unbonding) AS slashed
      FROM (SELECT r.stream,
                   COALESCE((SELECT sum((c->>'amount')::numeric) FROM jsonb_array_elements(r.data->'credits') c
                             WHERE r.name = 'JobFinished' AND NOT r.own AND c->>'bond' = r.stream
                                   AND (c->>'seq')::bigint = r.seq), 0) AS credited,
                   CASE WHEN r.name = 'BondWithdrawn' THEN (r.data->>'amount')::numeric ELSE 0 END AS withdrawn_earned,
                   CASE WHEN r.name = 'BondWithdrawn' THEN (r.data->>'amount')::numeric ELSE 0 END AS withdrawn,
                   CASE WHEN r.name = 'BondStaked' THEN (r.data->>'amount')::numeric ELSE 0 END AS staked_in,
                   CASE WHEN r.name = 'BondUnbonding' THEN (r.data->>'amount')::numeric ELSE 0 END AS moved,
                   CASE WHEN r.name = 'BondUnbonded' THEN (r.data->>'amount')::numeric ELSE 0 END AS unbonded,
                   COALESCE((r.data->>'from_earned')::numeric, 0) AS from_earned,
                   COALESCE((r.data->>'from_staked')::numeric, 0) AS from_staked,
                   COALESCE((r.data->>'from_unbonding')::numeric, 0) AS from_unbonding
            FROM ready r
            WHERE r.name IN ('BondWithdrawn', 'BondStaked', 'BondUnbonding', 'BondUnbonded', 'BondSlashed')
                  OR (r.name = 'JobFinished' AND NOT r.own)) parts
      GROUP BY stream) e
WHERE b.address = e.stream;
UPDATE bond b SET unbond_at = e.unbond_at
FROM (SELECT DISTINCT ON (stream) stream,
             CASE WHEN name = 'BondUnbonding' THEN (data->>'unbond_at')::bigint ELSE 0 END AS unbond_at
      FROM ready WHERE name = 'BondUnbonding' OR (name = 'BondUnbonded' AND (data->>'unbonding')::numeric = 0)
      ORDER BY stream, seq DESC) e
WHERE b.address = e.stream;

-- treasury

INSERT INTO treasury_entry
SELECT stream, seq, 'epoch', data->>'project', (data->>'epoch')::bigint, (data->>'fee')::numeric, timestamp, signature
FROM ready WHERE name = 'RootActivated' AND (data->>'fee')::numeric > 0
UNION ALL
SELECT stream, seq, 'job', stream, NULL, (data->>'to_treasury')::numeric, timestamp, signature
FROM ready WHERE name = 'JobFinished' AND own AND (data->>'to_treasury')::numeric > 0
UNION ALL
SELECT stream, seq, 'slash', stream, NULL,
       (data->>'from_earned')::numeric + (data->>'from_staked')::numeric + (data->>'from_unbonding')::numeric, timestamp,
       signature
FROM ready WHERE name = 'BondSlashed';
