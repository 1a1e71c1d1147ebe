import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  bytesToHex,
  combineViews,
  datasetHash,
  decodeDataset,
  decodeJob,
  decodeLeaves,
  decodeVerified,
  encodeDataset,
  encodeJob,
  encodeLeaves,
  hash,
  hexToBytes,
  jobHash,
  leavesTree,
  nextLeaves,
  pointsTree,
  scores,
  view,
  type FrameType,
  type JobDescriptor,
  type MerkleTree,
} from '../src/index.js';
import { canonicalJson } from '../src/canonicalJson.js';
import { addressOf, golden, type Case } from './vectors.js';

const FILES = golden('files.json');
const file = (name: string): Case => FILES.find((each) => each.file === name)!;
const dataset = () => decodeDataset(hexToBytes(file('dataset').bytes));
const rootOf = (tree: MerkleTree) => bytesToHex(tree.root as Uint8Array);

test('there is no file that is not tested here', () => {
  assert.deepEqual(
    FILES.map((each) => each.file),
    ['dataset', 'leaves', 'leaves of the next epoch', 'job descriptor'],
  );
});

test('the dataset reads, and its hash and root are what is voted for', () => {
  const { bytes, sha256, points_root, total_points } = file('dataset');
  const value = dataset();
  assert.equal(bytesToHex(encodeDataset(value)), bytes);
  assert.equal(bytesToHex(datasetHash(value)), sha256);
  assert.equal(rootOf(pointsTree(value)), points_root);
  assert.equal(value.totalPoints, BigInt(total_points));
});

test('the rows follow from the views and the scores', () => {
  const frames = golden('frames.json').filter(({ frame }) => frame !== undefined);
  const value = dataset();
  const decode = <T>(each: Case, type: FrameType<T>) => {
    const domain = { genesisTag: hexToBytes(each.genesis_tag), program: addressOf(each.program) };
    return decodeVerified(type, domain, hexToBytes(each.bytes));
  };
  const views = frames.filter(({ frame }) => frame.startsWith('view'));
  const named = views.map(({ bytes }) => bytesToHex(hash(hexToBytes(bytes))));
  assert.deepEqual(
    value.oracles.map(({ viewHash }) => bytesToHex(viewHash as Uint8Array)),
    named,
  );
  const combined = combineViews(
    views.map((each) => decode(each, view)),
    value.threshold,
  );
  const file = frames.find(({ frame }) => frame === 'scores')!;
  const scored = new Map(decode(file, scores).entries.map(({ index, scoreBps }) => [index, scoreBps]));
  for (const row of value.rows) {
    assert.equal(row.counted, combined.get(row.nodeKey)?.countFrom(row.firstBucket) ?? 0);
    assert.equal(row.scoreBps, scored.get(row.index) ?? 0);
  }
});

test('a dataset with one figure changed is refused', () => {
  const value = dataset();
  const changed = (index: number, change: object) =>
    encodeDataset({ ...value, rows: value.rows.map((row, i) => (i === index ? { ...row, ...change } : row)) });
  assert.throws(() => changed(1, { counted: 7 }), /uptime of row 1/);
  assert.throws(() => changed(1, { points: 5_818n }), /points of row 1/);
  assert.throws(() => changed(0, { scoreBps: 9_999 }), /points of row 0/);
  assert.throws(() => changed(0, { index: 1 }), /leaf index of row 0/);
  assert.throws(() => encodeDataset({ ...value, scoresHash: new Uint8Array(32) }), /score of row 0/);
  assert.throws(() => encodeDataset({ ...value, totalPoints: 1n }), /the total/);
});

test('the leaf files read, prove, and follow one from the other', () => {
  for (const { bytes, root, total, proofs } of [file('leaves'), file('leaves of the next epoch')]) {
    const value = decodeLeaves(hexToBytes(bytes));
    assert.equal(bytesToHex(encodeLeaves(value)), bytes);
    assert.equal(value.total, BigInt(total));
    const tree = leavesTree(value);
    assert.equal(rootOf(tree), root);
    const found = value.rows.map((_, i) => tree.proof(i).map((sibling) => bytesToHex(sibling as Uint8Array)));
    assert.deepEqual(found, proofs);
  }
  const first = nextLeaves(undefined, dataset(), 800_000_001n, 0);
  assert.equal(bytesToHex(encodeLeaves(first)), file('leaves').bytes);
  const later = { ...dataset(), epoch: first.epoch + 1n };
  const second = nextLeaves(first, later, 7n, 2);
  assert.equal(bytesToHex(encodeLeaves(second)), file('leaves of the next epoch').bytes);
  assert.throws(() => nextLeaves(first, dataset(), 7n, 0), /not before/);
  assert.throws(() => nextLeaves(first, { ...later, rows: later.rows.slice(0, 2) }, 7n, 0), /leaf 2 is not the same/);
  assert.throws(() => nextLeaves(first, later, 2n ** 64n - 1n, 0), /total is/);
});

test('the job descriptor has one text', () => {
  const { bytes, sha256 } = file('job descriptor');
  const job = decodeJob(hexToBytes(bytes));
  assert.equal(bytesToHex(encodeJob(job)), bytes);
  assert.equal(bytesToHex(jobHash(job)), sha256);
  const pretty = new TextEncoder().encode(JSON.stringify(job, null, 1));
  assert.throws(() => decodeJob(pretty), /not in canonical form/);
  const refused = (change: Partial<Record<keyof JobDescriptor | 'more', unknown>>, sentence: RegExp) =>
    assert.throws(() => encodeJob({ ...job, ...change } as JobDescriptor), sentence);
  refused({ image: 'alpine:latest' }, /image is alpine:latest: an image is/);
  refused({ redundancy: 9 }, /redundancy is 9: 1 to 8/);
  refused({ inputs: [{ ...job.inputs[0], path: '/in/../etc' }] }, /absolute path/);
  refused({ inputs: [{ ...job.inputs[0], url: 'http://example.org/' }] }, /https/);
  refused({ inputs: [job.inputs[0], job.inputs[0]] }, /one path/);
  refused({ env: { '1A': '' } }, /no digit first/);
  refused({ limits: { ...job.limits, timeout_s: 0 } }, /timeout_s/);
  refused({ command: ['a\0'] }, /none of them zero/);
  refused({ more: 1 }, /the keys of the descriptor/);
});

test('canonical numbers and strings are those of ECMAScript', () => {
  const text = (json: string) => canonicalJson(JSON.parse(json));
  for (const [json, canonical] of [
    ['1e-7', '1e-7'],
    ['0.000001', '0.000001'],
    ['1e21', '1e+21'],
    ['-0.0', '0'],
    ['1.0', '1'],
    ['-5e-324', '-5e-324'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
    ['9007199254740991', '9007199254740991'],
    ['"\\u001f\\u0008\\/€"', '"\\u001f\\b/€"'],
    ['{"b":1,"a":[ ],"\ue000":2,"\u{10000}":3}', '{"a":[],"b":1,"\u{10000}":3,"\ue000":2}'],
  ] as const) {
    assert.equal(text(json), canonical);
  }
  for (const unsafe of ['1e20', '9007199254740992', '-9007199254740992', '1e999', '"\\ud800"']) {
    assert.throws(() => text(unsafe));
  }
});
