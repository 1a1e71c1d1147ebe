import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  elapsedShare,
  equalShares,
  feeAndPool,
  points,
  poolShares,
  Schedule,
  threshold,
  uptimeBps,
} from '../src/index.js';
import { golden, type Case } from './vectors.js';

const RULES: Record<string, (c: Case) => void> = {
  threshold: (c) => assert.equal(threshold(c.n), c.t),
  fee_and_pool: (c) =>
    assert.deepEqual(feeAndPool(BigInt(c.amount), c.fee_bps), { fee: BigInt(c.fee), pool: BigInt(c.pool) }),
  pool_shares: (c) => assert.deepEqual(poolShares(c.points.map(BigInt), BigInt(c.pool)), c.shares.map(BigInt)),
  equal_shares: (c) =>
    assert.deepEqual(equalShares(BigInt(c.pool), c.k), { each: BigInt(c.each), dust: BigInt(c.dust) }),
  elapsed_share: (c) => {
    const [stake, from, to, deadline] = [c.stake, c.started_at, c.cancel_at, c.deadline].map(BigInt);
    assert.equal(elapsedShare(stake!, from!, to!, deadline!), BigInt(c.share));
  },
  uptime_bps: (c) => assert.equal(uptimeBps(c.counted, c.buckets, c.excused), c.bps),
  points: (c) => {
    const formula = { wUptime: c.w_uptime, wTask: c.w_task, cap: BigInt(c.cap), minUptimeBps: c.min_uptime_bps };
    assert.equal(points(formula, c.uptime_bps, c.score_bps), BigInt(c.points));
  },
  bucket_accepts: (c) => {
    const schedule = new Schedule(c.epoch_len, c.bucket_len);
    assert.equal(schedule.bucketAccepts(BigInt(c.epoch), c.bucket, BigInt(c.receive_ms)), c.accepts);
  },
  first_bucket_after: (c) => {
    const schedule = new Schedule(c.epoch_len, c.bucket_len);
    assert.equal(schedule.firstBucketAfter(BigInt(c.epoch), BigInt(c.unix_s)), c.first_bucket);
  },
};

test('every figure is the one that the programs compute', () => {
  const cases = golden('maths.json');
  for (const each of cases) {
    const rule = RULES[each.rule];
    assert.ok(rule, `no test of the rule ${each.rule}`);
    rule(each);
  }
  assert.deepEqual([...new Set(cases.map(({ rule }) => rule))].sort(), Object.keys(RULES).sort());
});

test('nobody with points, no shares', () => {
  assert.throws(() => poolShares([0n, 0n], 5n), /nobody has points/);
  assert.throws(() => poolShares([], 0n), /nobody has points/);
});

test('a calendar whose buckets do not fill the epoch is refused', () => {
  for (const [epoch, bucket] of [
    [0, 1],
    [604_801, 1],
    [120, 0],
    [120, 7],
  ] as const) {
    assert.throws(() => new Schedule(epoch, bucket), RangeError);
  }
});
