/** The leaf file: the cumulative distribution that tenures claim against, and how each settlement moves it on. */
import {
  getAddressCodec,
  getConstantCodec,
  getHiddenPrefixCodec,
  getStructCodec,
  getU32Codec,
  getU64Codec,
  type Address,
  type Codec,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { ascii, atMost, concatBytes, listCodec, WireError } from './bytes.js';
import type { Dataset } from './dataset.js';
import { decodeExactly } from './frames/frame.js';
import { distributionLeaf, LEAVES_MAX, MerkleTree } from './merkle.js';
import { poolShares } from './split.js';

const HEAD = concatBytes(ascii('MSLF'), new Uint8Array([1, 0]));
const U64_MAX = 2n ** 64n - 1n;

export interface Leaves {
  readonly program: Address;
  readonly distribution: Address;
  readonly epoch: bigint;
  /** Which replacement of the settlement, from 0. */
  readonly revision: number;
  /** What this epoch added, base units. */
  readonly nodePool: bigint;
  /** Sum of all cumulative amounts. */
  readonly total: bigint;
  /** Row `i` is leaf `i`; `cumulative` is everything that the tenure ever earned. */
  readonly rows: readonly { readonly tenure: Address; readonly cumulative: bigint }[];
}

const row = getStructCodec([
  ['tenure', getAddressCodec()],
  ['cumulative', getU64Codec()],
]);

const codec: Codec<Leaves> = getHiddenPrefixCodec(
  getStructCodec([
    ['program', getAddressCodec()],
    ['distribution', getAddressCodec()],
    ['epoch', getU64Codec()],
    ['revision', getU32Codec()],
    ['nodePool', getU64Codec()],
    ['total', getU64Codec()],
    ['rows', listCodec(row, getU32Codec())],
  ]),
  [getConstantCodec(HEAD)],
);

export function encodeLeaves(leaves: Leaves): Uint8Array {
  validateLeaves(leaves);
  return codec.encode(leaves) as Uint8Array;
}

/** Reads a leaf file; refuses a total that is not the sum of its rows. */
export function decodeLeaves(bytes: ReadonlyUint8Array): Leaves {
  const leaves = decodeExactly('leaf file', codec, bytes, 0);
  validateLeaves(leaves);
  return leaves;
}

/** The tree that claims are proven against. */
export function leavesTree({ program, distribution, rows }: Leaves): MerkleTree {
  return new MerkleTree(
    rows.map(({ tenure, cumulative }, index) => distributionLeaf(program, distribution, tenure, index, cumulative)),
  );
}

/** What `claim` carries besides row `index`'s cumulative amount: the siblings one after the other, from the leaf upward. */
export function claimProof(leaves: Leaves, index: number): Uint8Array {
  return concatBytes(...(leavesTree(leaves).proof(index) as Uint8Array[]));
}

/**
 * The distribution after `dataset`'s epoch: everybody's previous amount and their share of `nodePool` by points.
 * `previous` is the file of the newest active root, none for the first.
 */
export function nextLeaves(previous: Leaves | undefined, dataset: Dataset, nodePool: bigint, revision: number): Leaves {
  const { program, distribution, epoch } = dataset;
  if (previous && (previous.program !== program || previous.distribution !== distribution)) {
    throw new WireError('the previous leaf file is of another program or distribution');
  }
  if (previous && previous.epoch >= epoch) {
    throw new WireError(`the previous leaf file is of epoch ${previous.epoch}, which is not before ${epoch}`);
  }
  const before = previous?.rows ?? [];
  const moved = before.findIndex(({ tenure }, i) => tenure !== dataset.rows[i]?.tenure);
  if (moved !== -1) throw new WireError(`leaf ${moved} is not the same tenure as in the previous leaf file`);
  const shares = poolShares(
    dataset.rows.map(({ points }) => points),
    nodePool,
  );
  const rows = dataset.rows.map(({ tenure }, i) => ({
    tenure,
    cumulative: (before[i]?.cumulative ?? 0n) + shares[i]!,
  }));
  const leaves = { program, distribution, epoch, revision, nodePool, total: (previous?.total ?? 0n) + nodePool, rows };
  validateLeaves(leaves);
  return leaves;
}

function validateLeaves({ rows, total, nodePool }: Leaves): void {
  atMost('row count', rows.length, LEAVES_MAX);
  atMost('total', total, U64_MAX);
  if (total !== rows.reduce((sum, { cumulative }) => sum + cumulative, 0n)) {
    throw new WireError('the total is not the sum of the cumulative amounts');
  }
  if (nodePool > total) throw new WireError(`the pool of ${nodePool} is more than the total of ${total}`);
}
