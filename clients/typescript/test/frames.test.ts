import assert from 'node:assert/strict';
import { test } from 'node:test';

import { getAddressDecoder } from '@solana/kit';

import {
  assignment,
  batchReceipt,
  bytesToHex,
  decodeAnswer,
  decodeHeartbeatBody,
  decodeVerified,
  encodeAnswer,
  encodeHeartbeatBody,
  encodeSigned,
  hash,
  heartbeat,
  hexToBytes,
  pointsStatement,
  progress,
  requestSigningBytes,
  scores,
  seedSigner,
  signingBytes,
  signRequest,
  taskResult,
  tickRoot,
  uptimeStatement,
  verifyAnswer,
  verifyRequest,
  view,
  WireError,
  type Domain,
  type FrameType,
} from '../src/index.js';
import { addressOf, golden, type Case } from './vectors.js';

const TYPES: Record<string, FrameType<any>> = {
  heartbeat,
  'heartbeat without workloads': heartbeat,
  'batch receipt': batchReceipt,
  tick: batchReceipt,
  assignment,
  progress,
  'task result': taskResult,
  'view 1': view,
  'view 2': view,
  'view 3': view,
  scores,
  uptime: uptimeStatement,
  points: pointsStatement,
};

const CASES = golden('frames.json');
const FRAMES = CASES.filter(({ frame }) => frame !== undefined);
const domainOf = (c: Case): Domain => ({ genesisTag: hexToBytes(c.genesis_tag), program: addressOf(c.program) });
const DOMAIN = domainOf(FRAMES[0]!);
const frameNamed = (name: string) => hexToBytes(FRAMES.find(({ frame }) => frame === name)!.bytes);

test('every frame reads, and signs to the same bytes again', async () => {
  for (const each of FRAMES) {
    const type = TYPES[each.frame]!;
    assert.ok(type, `no test of the frame ${each.frame}`);
    const bytes = hexToBytes(each.bytes);
    const value = decodeVerified(type, domainOf(each), bytes);
    assert.equal(type.signer(value), addressOf(each.key), each.frame);
    assert.equal(bytesToHex(signingBytes(type, DOMAIN, value)), each.signing_bytes, each.frame);
    const { sign } = seedSigner(hexToBytes(each.seed));
    assert.equal(bytesToHex(await encodeSigned(type, DOMAIN, value, sign)), each.bytes, each.frame);
    assert.equal(bytesToHex(hash(bytes)), each.sha256, each.frame);
  }
  assert.equal(FRAMES.length + 2, CASES.length);
});

test('the fields of a heartbeat are where the table says', () => {
  const value = decodeVerified(heartbeat, DOMAIN, frameNamed('heartbeat'));
  assert.deepEqual([value.epoch, value.bucket, value.status], [14_616_000n, 3, 'busy']);
  assert.deepEqual([value.cpuPermille, value.memoryPermille], [730, 415]);
  assert.deepEqual(
    value.workloads.map(({ state, progress }) => [state, progress]),
    [
      [2, 55],
      [3, 100],
    ],
  );
});

test('a frame that is shorter, longer, of another domain, kind or key, or changed is refused', () => {
  for (const each of FRAMES) {
    const [type, bytes] = [TYPES[each.frame]!, hexToBytes(each.bytes)];
    const refused = (frame: Uint8Array, domain = DOMAIN) =>
      assert.throws(() => decodeVerified(type, domain, frame), WireError, each.frame);
    refused(bytes.slice(0, -1));
    refused(bytes.slice(0, 60));
    refused(new Uint8Array([...bytes, 0]));
    refused(bytes, { ...DOMAIN, genesisTag: new Uint8Array(8) });
    refused(bytes, { ...DOMAIN, program: addressOf('01'.repeat(32)) });
    for (let at = 0; at < bytes.length; at += 1 + Math.floor(bytes.length / 60)) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      refused(changed);
    }
  }
});

test('nobody signs for another key, nor a value outside of its range', async () => {
  const value = decodeVerified(heartbeat, DOMAIN, frameNamed('heartbeat'));
  const stranger = seedSigner(new Uint8Array(32).fill(99));
  await assert.rejects(encodeSigned(heartbeat, DOMAIN, value, stranger.sign), /not the one that the heartbeat names/);
  assert.throws(() => signingBytes(heartbeat, DOMAIN, { ...value, cpuPermille: 1001 }), /cpu is 1001/);
  const workloads = Array.from({ length: 17 }, () => value.workloads[0]!);
  assert.throws(() => signingBytes(heartbeat, DOMAIN, { ...value, workloads }), /workload count is 17/);
  const tick = decodeVerified(batchReceipt, DOMAIN, frameNamed('tick'));
  assert.deepEqual(tick.root, tickRoot(tick.oracleKey, tick.batchNo, tick.committedAtMs));
  assert.throws(() => signingBytes(batchReceipt, DOMAIN, { ...tick, batchNo: 1n }), /root of an empty batch/);
  const seen = decodeVerified(view, DOMAIN, frameNamed('view 1'));
  assert.throws(() => signingBytes(view, DOMAIN, { ...seen, nodes: [...seen.nodes].reverse() }), /not above/);
  const work = decodeVerified(assignment, DOMAIN, frameNamed('assignment'));
  assert.throws(() => signingBytes(assignment, DOMAIN, { ...work, nodes: [] }), /0 nodes are assigned/);
  assert.throws(() => signingBytes(assignment, DOMAIN, { ...work, nodes: [work.nodes[0]!, work.nodes[0]!] }), /twice/);
  const late = { ...work, leaseUntilMs: work.assignedAtMs };
  assert.throws(() => signingBytes(assignment, DOMAIN, late), /not after/);
});

test('an answer proves each accepted frame to its sender', () => {
  const { body, answer } = CASES.find((each) => each.answer !== undefined)!;
  const frames = decodeHeartbeatBody(hexToBytes(body));
  assert.equal(bytesToHex(encodeHeartbeatBody(frames)), body);
  const value = decodeAnswer(hexToBytes(answer));
  assert.equal(bytesToHex(encodeAnswer(value)), answer);
  assert.deepEqual(
    value.verdicts.map(({ reason }) => reason),
    ['accepted', 'accepted', 'accepted', 'unknownNode'],
  );
  const { oracleKey } = decodeVerified(heartbeat, DOMAIN, frames[0]!);
  assert.equal(verifyAnswer(value, DOMAIN, oracleKey, frames)[0]!.batchNo, 42n);
  assert.throws(() => verifyAnswer(value, DOMAIN, oracleKey, frames.slice(1)), /4 verdicts for 3 frames/);
  assert.throws(() => verifyAnswer(value, DOMAIN, oracleKey, [frames[1]!, frames[0]!, ...frames.slice(2)]), /prove/);
  assert.throws(() => verifyAnswer(value, DOMAIN, addressOf('01'.repeat(32)), frames), /another oracle/);
  assert.throws(() => decodeAnswer(hexToBytes(answer).slice(0, -1)), WireError);
  assert.throws(() => decodeHeartbeatBody(hexToBytes(body).slice(0, -1)), /inside of a frame/);
});

test('a request is signed for its method, path, body and time', async () => {
  const c = CASES.find((each) => each.request !== undefined)!;
  const request = { method: c.method, path: c.path, body: hexToBytes(c.body) };
  const { publicKey, sign } = seedSigner(new Uint8Array(32).fill(20));
  const key = getAddressDecoder().decode(publicKey);
  const now = BigInt(c.timestamp_ms);
  assert.equal(bytesToHex(requestSigningBytes(DOMAIN, key, now, hexToBytes(c.nonce), request)), c.signing_bytes);
  assert.equal(await signRequest(DOMAIN, publicKey, sign, now, hexToBytes(c.nonce), request), c.request);
  assert.equal(verifyRequest(DOMAIN, c.request, now + 30_000n, request), key);
  assert.throws(() => verifyRequest(DOMAIN, c.request, now + 30_001n, request), /more than 30 s off/);
  assert.throws(() => verifyRequest(DOMAIN, c.request, now, { ...request, method: 'PUT' }), /not valid/);
  assert.throws(() => verifyRequest(DOMAIN, `${c.request}.`, now, request), /is not base58key/);
});
