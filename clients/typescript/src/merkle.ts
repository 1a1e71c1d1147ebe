/**
 * The positional Merkle tree of points, claims and receipts: `2^depth` slots, slot `i` holds leaf `i`, an empty slot
 * the zero hash; bit `k` of the index says on which side the node of level `k` stands.
 */
import { getAddressEncoder, getU32Encoder, getU64Encoder, type Address, type ReadonlyUint8Array } from '@solana/kit';

import { equalBytes, hash, WireError } from './bytes.js';

/** The deepest tree: 1,048,576 leaves. */
export const DEPTH_MAX = 20;
/** The most leaves. */
export const LEAVES_MAX = 2 ** DEPTH_MAX;

const LEAF = new Uint8Array([0]);
const INNER = new Uint8Array([1]);
const EMPTY: ReadonlyUint8Array = new Uint8Array(32);

const address = getAddressEncoder();
const u32 = getU32Encoder();
const u64 = getU64Encoder();

/** Levels of a tree with `count` leaves: `max(1, ceil(log2 count))`. */
export function depth(count: number): number {
  return count <= 2 ? 1 : 32 - Math.clz32(count - 1);
}

/** Leaf of the points tree of one epoch. */
export function pointsLeaf(index: number, tenure: Address, points: bigint): Uint8Array {
  return hash(LEAF, u32.encode(index), address.encode(tenure), u64.encode(points));
}

/** Leaf of the tree that tenures claim against. */
export function distributionLeaf(
  program: Address,
  distribution: Address,
  tenure: Address,
  index: number,
  cumulative: bigint,
): Uint8Array {
  const addresses = [program, distribution, tenure].map((each) => address.encode(each));
  return hash(LEAF, ...addresses, u32.encode(index), u64.encode(cumulative));
}

/** Leaf of a batch of acknowledged heartbeats. */
export function batchLeaf(frameHash: ReadonlyUint8Array, receivedAtMs: bigint): Uint8Array {
  return hash(LEAF, frameHash, u64.encode(receivedAtMs));
}

/** Whether `leaf` stands at `index` of the tree with `count` leaves and this `root`. */
export function verifyProof(
  root: ReadonlyUint8Array,
  leaf: ReadonlyUint8Array,
  index: number,
  count: number,
  proof: readonly ReadonlyUint8Array[],
): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= count || count > LEAVES_MAX) return false;
  return proof.length === depth(count) && equalBytes(rootFromProof(leaf, index, proof), root);
}

function rootFromProof(leaf: ReadonlyUint8Array, index: number, proof: readonly ReadonlyUint8Array[]) {
  return proof.reduce(
    (node, sibling, level) => ((index >>> level) & 1 ? hash(INNER, sibling, node) : hash(INNER, node, sibling)),
    leaf,
  );
}

/** A whole tree in memory; it hands out proofs. */
export class MerkleTree {
  /** The leaves first, the root alone last; empty slots at the right edge are not kept. */
  readonly #levels: ReadonlyUint8Array[][];

  constructor(leaves: readonly ReadonlyUint8Array[]) {
    if (leaves.length > LEAVES_MAX)
      throw new WireError(`a tree holds at most ${LEAVES_MAX} leaves, not ${leaves.length}`);
    this.#levels = [[...leaves]];
    let empty = EMPTY;
    for (let level = 0; level < depth(leaves.length); level++) {
      const below = this.#levels[level]!;
      const above: ReadonlyUint8Array[] = [];
      for (let i = 0; i < below.length; i += 2) above.push(hash(INNER, below[i]!, below[i + 1] ?? empty));
      empty = hash(INNER, empty, empty);
      this.#levels.push(above.length > 0 ? above : [empty]);
    }
  }

  get root(): ReadonlyUint8Array {
    return this.#levels.at(-1)![0]!;
  }

  /** How many leaves it was built over. */
  get count(): number {
    return this.#levels[0]!.length;
  }

  /** The siblings from leaf `index` upward. */
  proof(index: number): ReadonlyUint8Array[] {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) {
      throw new RangeError(`there is no leaf ${index} in a tree of ${this.count}`);
    }
    let empty = EMPTY;
    return this.#levels.slice(0, -1).map((nodes, level) => {
      const sibling = nodes[(index >>> level) ^ 1] ?? empty;
      empty = hash(INNER, empty, empty);
      return sibling;
    });
  }
}
