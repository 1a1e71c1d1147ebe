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
           WHEN name IN ('NetworkInitialized', 'OracleSetChanged') THEN 'network'
           WHEN name IN ('ProjectCreated', 'ProjectFunded', 'LicenceSold', 'NodeBound', 'NodeAccepted') THEN 'project'
           WHEN name = 'ViewsCommitted' THEN 'views'
           WHEN name IN ('EpochSettled', 'RootVoted', 'RootActivated', 'Claimed') THEN 'distribution'
           WHEN name = 'JobsInitialized' THEN 'jobs'
           WHEN name IN ('JobSubmitted', 'JobAttested') OR (name = 'JobFinished' AND own) THEN 'job'
           WHEN name IN ('BondOpened', 'BondWithdrawn', 'JobFinished') THEN 'bond'
       END),
       max(seq), max(slot)
FROM ready GROUP BY stream
ON CONFLICT (stream) DO UPDATE
SET last_seq = EXCLUDED.last_seq, last_slot = GREATEST(s.last_slot, EXCLUDED.last_slot);

-- network

INSERT INTO network
SELECT stream, data->>'authority', data->>'guardian', data->>'treasury_owner', data->>'job_mint',
       (data->>'fee_bps')::int, (data->>'epoch_len')::bigint, (data->>'bucket_len')::bigint, (data->>'grace')::bigint,
       (data->>'root_delay')::bigint, (data->>'hold_limit')::bigint, (data->>'oracle_set_delay')::bigint, timestamp
FROM ready WHERE name = 'NetworkInitialized';

INSERT INTO oracle_set
SELECT DISTINCT ON ((data->>'set_version')::bigint)
       (data->>'set_version')::bigint, (data->>'threshold')::int, (data->>'effective_at')::bigint, data->'oracles'
FROM ready WHERE name = 'OracleSetChanged' AND (data->>'effective_at')::bigint <= timestamp -- the others wait
ORDER BY (data->>'set_version')::bigint, seq DESC
ON CONFLICT (set_version) DO UPDATE
SET threshold = EXCLUDED.threshold, effective_at = EXCLUDED.effective_at, oracles = EXCLUDED.oracles;

-- project

INSERT INTO project (address, idx, name, uri, owner, settler, collection, distribution, reward_mint, payment_mint, price,
                     licences_max, formula, max_epoch_budget, reward_mode, first_epoch, created_at)
SELECT stream, (data->>'index')::bigint, data->>'name', data->>'uri', data->>'owner', data->>'settler',
       data->>'collection', data->>'distribution', data->>'reward_mint', data->>'payment_mint', (data->>'price')::numeric,
       (data->>'licences_max')::bigint, data->'formula', (data->>'max_epoch_budget')::numeric,
       (data->>'reward_mode')::int, (data->>'next_epoch')::bigint, timestamp
FROM ready WHERE name = 'ProjectCreated';

UPDATE project p SET funded_total = p.funded_total + f.amount
FROM (SELECT stream, sum((data->>'amount')::numeric) AS amount FROM ready WHERE name = 'ProjectFunded' GROUP BY stream) f
WHERE p.address = f.stream;

INSERT INTO licence
SELECT data->>'licence', stream, (data->>'serial')::bigint, data->>'buyer', data->>'payment_mint',
       (data->>'price')::numeric, timestamp
FROM ready WHERE name = 'LicenceSold';

UPDATE project p SET licences_sold = p.licences_sold + s.sold
FROM (SELECT stream, count(*) AS sold FROM ready WHERE name = 'LicenceSold' GROUP BY stream) s
WHERE p.address = s.stream;

INSERT INTO node
SELECT DISTINCT ON (data->>'node')
       data->>'node', stream, data->>'licence', (data->>'serial')::bigint, data->>'holder', data->>'node_key',
       data->>'tenure', (data->>'tenure_number')::bigint, 'bound', data->>'metadata_hash', timestamp, NULL, seq
FROM ready WHERE name = 'NodeBound'
ORDER BY data->>'node', seq DESC
ON CONFLICT (address) DO UPDATE
SET holder = EXCLUDED.holder, node_key = EXCLUDED.node_key, tenure = EXCLUDED.tenure,
    tenure_number = EXCLUDED.tenure_number, status = EXCLUDED.status, metadata_hash = EXCLUDED.metadata_hash,
    bound_at = EXCLUDED.bound_at, accepted_at = NULL, bound_seq = EXCLUDED.bound_seq;

-- A bind after the accept, in the same batch, has already written the row.
UPDATE node n SET status = 'active', accepted_at = a.timestamp
FROM (SELECT DISTINCT ON (data->>'node') data->>'node' AS node, seq, timestamp
      FROM ready WHERE name = 'NodeAccepted' ORDER BY data->>'node', seq DESC) a
WHERE n.address = a.node AND a.seq > n.bound_seq;

INSERT INTO tenure
SELECT DISTINCT ON (data->>'tenure')
       data->>'tenure', data->>'node', stream, (data->>'tenure_number')::bigint, data->>'holder', data->>'payout',
       data->>'payout_owner', (data->>'leaf_index')::bigint, (data->>'from_epoch')::bigint, timestamp
FROM ready WHERE name = 'NodeBound'
ORDER BY data->>'tenure', seq
ON CONFLICT (address) DO NOTHING;

-- views

INSERT INTO view_commit
SELECT stream, seq, (data->>'epoch')::bigint, (data->>'set_version')::bigint, data->>'oracle',
       (data->>'oracle_index')::int, data->'hashes', (data->>'in_count')::int, (data->>'closed')::boolean, timestamp,
       signature
FROM ready WHERE name = 'ViewsCommitted';

INSERT INTO view_set
SELECT DISTINCT ON (stream)
       stream, (data->>'epoch')::bigint, (data->>'set_version')::bigint, (data->>'in_count')::int,
       CASE WHEN (data->>'closed')::boolean THEN timestamp END
FROM ready WHERE name = 'ViewsCommitted'
ORDER BY stream, seq DESC
ON CONFLICT (address) DO UPDATE
SET set_version = EXCLUDED.set_version, in_count = EXCLUDED.in_count, closed_at = EXCLUDED.closed_at;

-- distribution

INSERT INTO distribution (address, project)
SELECT DISTINCT stream, data->>'project' FROM ready WHERE name = 'EpochSettled'
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
    settled_seq = EXCLUDED.settled_seq;

INSERT INTO root_vote
SELECT stream, seq, data->>'project', (data->>'epoch')::bigint, (data->>'revision')::bigint, data->>'oracle',
       (data->>'oracle_index')::int, data->>'root', (data->>'total')::numeric, (data->>'count')::bigint,
       data->>'dataset_hash', data->>'log_head', (data->>'set_version')::bigint, (data->>'votes')::int,
       (data->>'approved')::boolean, (data->>'eta')::bigint, timestamp, signature
FROM ready WHERE name = 'RootVoted';

UPDATE epoch e
SET status = 'approved', root = v.root, root_total = v.total, root_count = v.count, eta = v.eta, approved_at = v.timestamp
FROM (SELECT DISTINCT ON (data->>'project', (data->>'epoch')::bigint)
             data->>'project' AS project, (data->>'epoch')::bigint AS epoch, seq, data->>'root' AS root,
             (data->>'total')::numeric AS total, (data->>'count')::bigint AS count, (data->>'eta')::bigint AS eta, timestamp
      FROM ready WHERE name = 'RootVoted' AND (data->>'approved')::boolean
      ORDER BY data->>'project', (data->>'epoch')::bigint, seq DESC) v
WHERE e.project = v.project AND e.epoch = v.epoch AND v.seq > e.settled_seq;

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
       (data->>'attest_grace')::bigint, (data->>'cancel_window')::bigint, timestamp
FROM ready WHERE name = 'JobsInitialized';

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
    refunded = (r.data->>'refunded')::numeric, settled_at = r.timestamp, settle_signature = r.signature
FROM ready r WHERE r.name = 'JobFinished' AND r.own AND j.address = r.stream;

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
FROM ready WHERE name = 'BondWithdrawn';

UPDATE bond b
SET earned = e.earned, earned_total = b.earned_total + e.credited, withdrawn_total = b.withdrawn_total + e.withdrawn
FROM (SELECT e.bond, (array_agg(e.earned ORDER BY e.seq DESC))[1] AS earned,
             COALESCE(sum(e.amount) FILTER (WHERE e.kind = 'credited'), 0) AS credited,
             COALESCE(sum(e.amount) FILTER (WHERE e.kind = 'withdrawn'), 0) AS withdrawn
      FROM ready r JOIN bond_entry e ON e.bond = r.stream AND e.seq = r.seq
      GROUP BY e.bond) e
WHERE b.address = e.bond;

-- treasury

INSERT INTO treasury_entry
SELECT stream, seq, 'epoch', data->>'project', (data->>'epoch')::bigint, (data->>'fee')::numeric, timestamp, signature
FROM ready WHERE name = 'RootActivated' AND (data->>'fee')::numeric > 0
UNION ALL
SELECT stream, seq, 'job', stream, NULL, (data->>'to_treasury')::numeric, timestamp, signature
FROM ready WHERE name = 'JobFinished' AND own AND (data->>'to_treasury')::numeric > 0;
