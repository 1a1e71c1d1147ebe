/** The transparency log of an oracle: proofs of RFC 6962 and checkpoints of C2SP's `tlog-checkpoint`. */
import { getBase64Encoder, type ReadonlyUint8Array } from '@solana/kit';

import { ascii, concatBytes, equalBytes, hash, WireError } from './bytes.js';
import { verifySignature } from './signature.js';

const LEAF = new Uint8Array([0]);
const INNER = new Uint8Array([1]);

const base64 = getBase64Encoder();
const inner = (left: ReadonlyUint8Array, right: ReadonlyUint8Array) => hash(INNER, left, right);

/** Hash of an entry of a log. */
export function logLeaf(entry: ReadonlyUint8Array): Uint8Array {
  return hash(LEAF, entry);
}

/** A log's size and the root of the tree over its entries. */
export interface LogRoot {
  readonly size: number;
  readonly root: ReadonlyUint8Array;
}

/** What is proven of a larger tree by the siblings on the way to its root; `undefined` when they do not lead there. */
function climb(
  at: number,
  last: number,
  path: readonly ReadonlyUint8Array[],
  step: (sibling: ReadonlyUint8Array, isLeft: boolean) => void,
): boolean {
  for (const sibling of path) {
    if (last === 0) return false;
    const isLeft = at % 2 === 1 || at === last;
    step(sibling, isLeft);
    // levels at which the right edge has no sibling
    while (isLeft && at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0;
}

/** Whether `leaf` is the hash of entry `index` of a log. */
export function verifyLogInclusion(
  log: LogRoot,
  index: number,
  leaf: ReadonlyUint8Array,
  path: readonly ReadonlyUint8Array[],
): boolean {
  let node = leaf;
  if (index >= log.size) return false;
  const whole = climb(index, log.size - 1, path, (sibling, isLeft) => {
    node = isLeft ? inner(sibling, node) : inner(node, sibling);
  });
  return whole && equalBytes(node, log.root);
}

/** Whether the log as it was is the beginning of the log as it is. */
export function verifyLogConsistency(old: LogRoot, now: LogRoot, proof: readonly ReadonlyUint8Array[]): boolean {
  if (old.size > now.size) return false;
  if (old.size === 0) return proof.length === 0 && equalBytes(old.root, hash());
  if (old.size === now.size) return proof.length === 0 && equalBytes(old.root, now.root);
  let [at, last] = [old.size - 1, now.size - 1];
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  // a complete old tree is a node of the new one
  const [first, rest] = at === 0 ? [old.root, proof] : [proof[0], proof.slice(1)];
  if (first === undefined) return false;
  let [before, after] = [first, first];
  const whole = climb(at, last, rest, (sibling, isLeft) => {
    if (isLeft) before = inner(sibling, before);
    after = isLeft ? inner(sibling, after) : inner(after, sibling);
  });
  return whole && equalBytes(before, old.root) && equalBytes(after, now.root);
}

/** Who signs checkpoints: an oracle's log, or a witness. */
export interface LogKey {
  readonly name: string;
  /** 1: a log's own signature; 4: a witness's cosignature. */
  readonly kind: number;
  readonly key: ReadonlyUint8Array;
}

/** Reads `name+id+key`, as logs and witnesses are configured by. */
export function readLogKey(text: string): LogKey {
  const [name, id, ...rest] = text.split('+');
  const bytes = base64.encode(rest.join('+'));
  const key = { name: name ?? '', kind: bytes[0] ?? 0, key: bytes.slice(1) };
  const found = keyId(key).reduce((hex, byte) => hex + byte.toString(16).padStart(2, '0'), '');
  if (found !== id || bytes.length !== 33) throw new WireError('it is no key of a log or witness');
  return key;
}

function keyId({ name, kind, key }: LogKey): Uint8Array {
  return hash(new TextEncoder().encode(`${name}\n`), new Uint8Array([kind]), key).slice(0, 4);
}

/** A checkpoint whose signature was verified. */
export interface Checkpoint extends LogRoot {
  readonly origin: string;
  /** When a witness cosigned it, Unix seconds; 0 for a log's own signature. */
  readonly signedAt: number;
}

/** Verifies a checkpoint by a log's or a witness's key, and reads it. */
export function readCheckpoint(note: string, by: LogKey): Checkpoint {
  const end = note.lastIndexOf('\n\n') + 1;
  const [origin, size, root, ...more] = note.slice(0, end).split('\n');
  const id = keyId(by);
  for (const line of note.slice(end + 1).split('\n')) {
    const [, name, encoded] = line.split(' ');
    if (end === 0 || name !== by.name || encoded === undefined) continue;
    const bytes = base64.encode(encoded);
    if (!equalBytes(bytes.slice(0, 4), id)) continue;
    const isLog = by.kind === 1;
    const signedAt = isLog ? 0 : Number(new DataView(new Uint8Array(bytes).buffer).getBigUint64(4));
    const head = isLog ? '' : `cosignature/v1\ntime ${signedAt}\n`;
    const message = concatBytes(ascii(head), new TextEncoder().encode(note.slice(0, end)));
    const good = verifySignature(by.key, message, bytes.slice(isLog ? 4 : 12));
    const isCheckpoint = origin !== undefined && size === `${Number(size)}` && more.length === 1;
    if (!good || !isCheckpoint || root === undefined || (isLog && origin !== by.name)) break;
    return { origin, size: Number(size), root: base64.encode(root), signedAt };
  }
  throw new WireError(`it is no checkpoint that ${by.name} signed`);
}
