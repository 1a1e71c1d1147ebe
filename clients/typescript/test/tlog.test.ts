import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  bytesToHex,
  hexToBytes,
  logLeaf,
  readCheckpoint,
  readLogKey,
  verifyLogConsistency,
  verifyLogInclusion,
} from '../src/index.js';
import { golden } from './vectors.js';

const cases = (of: string) => golden('tlog.json').filter((c) => c.of === of);

test('entries hash to the leaves of the log', () => {
  for (const c of cases('entry')) assert.equal(bytesToHex(logLeaf(hexToBytes(c.bytes))), c.leaf);
  assert.equal(cases('entry').length, 5);
});

test('a proof proves its entry and no other', () => {
  for (const c of cases('inclusion')) {
    const [log, path] = [{ size: c.size, root: hexToBytes(c.root) }, c.path.map(hexToBytes)];
    assert.ok(verifyLogInclusion(log, c.index, hexToBytes(c.leaf), path));
    assert.ok(!verifyLogInclusion(log, c.index, hexToBytes(c.root.replace(/^../, 'ff')), path));
    assert.ok(!verifyLogInclusion({ ...log, size: c.size * 2 + 1 }, c.index, hexToBytes(c.leaf), path));
    assert.ok(!verifyLogInclusion(log, c.index, hexToBytes(c.leaf), [...path, hexToBytes(c.leaf)]));
  }
});

test('a log goes on from what it was, or the proof fails', () => {
  for (const c of cases('consistency')) {
    const old = { size: c.old, root: hexToBytes(c.old_root) };
    const now = { size: c.size, root: hexToBytes(c.root) };
    const proof = c.proof.map(hexToBytes);
    assert.ok(verifyLogConsistency(old, now, proof));
    assert.ok(!verifyLogConsistency({ ...old, root: new Uint8Array(32) }, now, proof));
    assert.ok(!verifyLogConsistency(old, { ...now, root: new Uint8Array(32) }, proof));
    assert.ok(!verifyLogConsistency(old, now, [...proof, now.root]));
  }
});

test('checkpoints are read by whose signature is on them', () => {
  for (const c of cases('checkpoint')) {
    const [log, witness] = [readLogKey(c.log), readLogKey(c.witness)];
    const read = readCheckpoint(c.note, log);
    assert.deepEqual([read.size, bytesToHex(new Uint8Array(read.root)), read.signedAt], [c.size, c.root, 0]);
    assert.equal(readCheckpoint(c.note, witness).signedAt, c.cosigned_at);
    const altered = c.note.replace(`\n${c.size}\n`, `\n${c.size + 1}\n`);
    for (const key of [log, witness]) assert.throws(() => readCheckpoint(altered, key));
    assert.throws(() => readCheckpoint(c.note, { ...log, name: 'muster/other' }));
  }
});
