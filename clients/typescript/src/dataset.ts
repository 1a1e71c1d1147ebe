/** The dataset of a project's epoch: every input and every row that the points follow from. */
import {
  getAddressCodec,
  getConstantCodec,
  getHiddenPrefixCodec,
  getStructCodec,
  getU16Codec,
  getU32Codec,
  getU64Codec,
  getU8Codec,
  type Address,
  type Codec,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { ascii, atMost, concatBytes, hash, hashCodec, listCodec, WireError } from './bytes.js';
import { decodeExactly } from './frames/frame.js';
import { LEAVES_MAX, MerkleTree, pointsLeaf } from './merkle.js';
import { points, uptimeBps, type PointsFormula } from './points.js';
import { Schedule } from './schedule.js';

const HEAD = concatBytes(ascii('MSDS'), new Uint8Array([1, 0]));
const ORACLES_MAX = 16;

/** One tenure's epoch. */
export interface DatasetRow {
  /** The row's place, and the tenure's leaf. */
  readonly index: number;
  readonly tenure: Address;
  readonly node: Address;
  /** All zeros: the node has none. */
  readonly nodeKey: Address;
  /** The first bucket that counts; the number of buckets if none does. */
  readonly firstBucket: number;
  readonly counted: number;
  /** Buckets of announced maintenance. */
  readonly excused: number;
  readonly uptimeBps: number;
  readonly scoreBps: number;
  readonly points: bigint;
}

export interface Dataset {
  readonly genesisHash: ReadonlyUint8Array;
  readonly program: Address;
  readonly network: Address;
  readonly project: Address;
  readonly distribution: Address;
  readonly epoch: bigint;
  /** Seconds. */
  readonly epochLen: number;
  /** Seconds. */
  readonly bucketLen: number;
  readonly setVersion: number;
  /** How many views must have a bucket. */
  readonly threshold: number;
  /** In the set's order; a zero hash: not in. */
  readonly oracles: readonly { readonly oracleKey: Address; readonly viewHash: ReadonlyUint8Array }[];
  readonly formula: PointsFormula;
  /** Zero: there is no score file. */
  readonly scoresHash: ReadonlyUint8Array;
  readonly rows: readonly DatasetRow[];
  readonly totalPoints: bigint;
}

const row = getStructCodec([
  ['index', getU32Codec()],
  ['tenure', getAddressCodec()],
  ['node', getAddressCodec()],
  ['nodeKey', getAddressCodec()],
  ['firstBucket', getU32Codec()],
  ['counted', getU32Codec()],
  ['excused', getU32Codec()],
  ['uptimeBps', getU16Codec()],
  ['scoreBps', getU16Codec()],
  ['points', getU64Codec()],
]);

const oracle = getStructCodec([
  ['oracleKey', getAddressCodec()],
  ['viewHash', hashCodec('view hash')],
]);

const formula = getStructCodec([
  ['wUptime', getU32Codec()],
  ['wTask', getU32Codec()],
  ['cap', getU64Codec()],
  ['minUptimeBps', getU16Codec()],
]);

const codec: Codec<Dataset> = getHiddenPrefixCodec(
  getStructCodec([
    ['genesisHash', hashCodec('genesis hash')],
    ['program', getAddressCodec()],
    ['network', getAddressCodec()],
    ['project', getAddressCodec()],
    ['distribution', getAddressCodec()],
    ['epoch', getU64Codec()],
    ['epochLen', getU32Codec()],
    ['bucketLen', getU32Codec()],
    ['setVersion', getU32Codec()],
    ['threshold', getU8Codec()],
    ['oracles', listCodec(oracle, getU8Codec())],
    ['formula', formula],
    ['scoresHash', hashCodec('scores hash')],
    ['rows', listCodec(row, getU32Codec())],
    ['totalPoints', getU64Codec()],
  ]),
  [getConstantCodec(HEAD)],
);

/** The bytes; their SHA-256 is what oracles vote for. */
export function encodeDataset(dataset: Dataset): Uint8Array {
  validateDataset(dataset);
  return codec.encode(dataset) as Uint8Array;
}

/** Reads a dataset; refuses figures that do not follow from the others. */
export function decodeDataset(bytes: ReadonlyUint8Array): Dataset {
  const dataset = decodeExactly('dataset', codec, bytes, 0);
  validateDataset(dataset);
  return dataset;
}

export function datasetHash(dataset: Dataset): Uint8Array {
  return hash(encodeDataset(dataset));
}

/** The tree whose root the settlement states. */
export function pointsTree({ rows }: Dataset): MerkleTree {
  return new MerkleTree(rows.map(({ index, tenure, points }) => pointsLeaf(index, tenure, points)));
}

function validateDataset(dataset: Dataset): void {
  atMost('oracle count', dataset.oracles.length, ORACLES_MAX);
  atMost('min uptime', dataset.formula.minUptimeBps, 10_000);
  atMost('row count', dataset.rows.length, LEAVES_MAX);
  const { buckets } = new Schedule(dataset.epochLen, dataset.bucketLen);
  const scored = dataset.scoresHash.some((byte) => byte !== 0);
  dataset.rows.forEach((row, i) => {
    const wrong = wrongFigure(row, i, buckets, scored, dataset.formula);
    if (wrong !== undefined) throw new WireError(`${wrong} of row ${i} does not follow from the other fields`);
  });
  if (dataset.totalPoints !== dataset.rows.reduce((sum, { points }) => sum + points, 0n)) {
    throw new WireError('the total is not the sum of the points of all rows');
  }
}

function wrongFigure(row: DatasetRow, place: number, buckets: number, scored: boolean, formula: PointsFormula) {
  if (row.index !== place) return 'leaf index';
  if (row.firstBucket > buckets) return 'first bucket';
  if (row.counted > buckets - row.firstBucket) return 'counted';
  if (row.excused > buckets) return 'excused';
  if (row.uptimeBps !== uptimeBps(row.counted, buckets, row.excused)) return 'uptime';
  if (row.scoreBps > 10_000 || (!scored && row.scoreBps !== 0)) return 'score';
  if (row.points !== points(formula, row.uptimeBps, row.scoreBps)) return 'points';
  return undefined;
}
