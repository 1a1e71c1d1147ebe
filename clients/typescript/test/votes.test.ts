import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  bytesToHex,
  hexToBytes,
  jobLedgerHead,
  jobs,
  ledgerHead,
  outcomeBytesHash,
  outcomeHash,
  rootVoteHash,
} from '../src/index.js';
import { addressOf, golden, type Case } from './vectors.js';

const HASHES: Record<string, (c: Case) => Uint8Array> = {
  root_vote: (c) =>
    rootVoteHash({
      project: addressOf(c.project),
      epoch: BigInt(c.epoch),
      revision: c.revision,
      root: hexToBytes(c.root),
      total: BigInt(c.total),
      count: c.count,
      datasetHash: hexToBytes(c.dataset_hash),
      logHead: hexToBytes(c.log_head),
      setVersion: c.set_version,
    }),
  outcome: (c) => outcomeBytesHash(addressOf(c.job), c.set_version, hexToBytes(c.outcome_bytes)),
  ledger: (c) =>
    ledgerHead(hexToBytes(c.prev), {
      project: addressOf(c.project),
      epoch: BigInt(c.epoch),
      revision: c.revision,
      pointsRoot: hexToBytes(c.points_root),
      root: hexToBytes(c.root),
      total: BigInt(c.total),
      datasetHash: hexToBytes(c.dataset_hash),
    }),
  jobs_ledger: (c) =>
    jobLedgerHead(hexToBytes(c.prev), {
      number: BigInt(c.number),
      timestamp: BigInt(c.timestamp),
      job: addressOf(c.job),
      state: c.state,
      outcomeHash: hexToBytes(c.outcome_hash),
      resultHash: hexToBytes(c.result_hash),
      toNodes: BigInt(c.to_nodes),
      toTreasury: BigInt(c.to_treasury),
      returned: BigInt(c.returned),
    }),
};

test('what is voted for hashes to what the programs compare', () => {
  const cases = golden('votes.json');
  for (const each of cases) assert.equal(bytesToHex(HASHES[each.hash_of]!(each)), each.hash);
  assert.deepEqual(cases.map(({ hash_of }) => hash_of).sort(), Object.keys(HASHES).sort());
});

test('an outcome is hashed as the jobs program serialises it', () => {
  const outcome = { __kind: 'Failed', reason: 7 } as const;
  const bytes = jobs.getOutcomeEncoder().encode(outcome);
  assert.deepEqual([...bytes], [1, 7, 0]);
  const job = addressOf('01'.repeat(32));
  assert.deepEqual(outcomeHash(job, 2, outcome), outcomeBytesHash(job, 2, bytes));
});
