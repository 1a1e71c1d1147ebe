import {
  getAddressCodec,
  getStructCodec,
  getU32Codec,
  getU64Codec,
  type Address,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { codeCodec, hashCodec } from '../bytes.js';
import { SIGNATURE_LEN } from '../signature.js';
import { HEADER_LEN, type FrameType } from './frame.js';

/** What an oracle signs of the points of an epoch, and of the file that it goes with. */
export interface PointsStatement {
  /** Signs. */
  readonly oracleKey: Address;
  readonly project: Address;
  readonly epoch: bigint;
  readonly finality: 'computed' | 'settled' | 'final';
  readonly datasetHash: ReadonlyUint8Array;
  readonly pointsRoot: ReadonlyUint8Array;
  readonly nodeCount: number;
  readonly totalPoints: bigint;
  /** SHA-256 of the body that it goes with. */
  readonly fileHash: ReadonlyUint8Array;
  readonly statedAtMs: bigint;
}

export const pointsStatement: FrameType<PointsStatement> = {
  name: 'points statement',
  kind: 10,
  lenMax: HEADER_LEN + 189 + SIGNATURE_LEN,
  body: getStructCodec([
    ['oracleKey', getAddressCodec()],
    ['project', getAddressCodec()],
    ['epoch', getU64Codec()],
    ['finality', codeCodec('finality', { computed: 1, settled: 2, final: 3 })],
    ['datasetHash', hashCodec('dataset hash')],
    ['pointsRoot', hashCodec('points root')],
    ['nodeCount', getU32Codec()],
    ['totalPoints', getU64Codec()],
    ['fileHash', hashCodec('file hash')],
    ['statedAtMs', getU64Codec()],
  ]),
  signer: ({ oracleKey }) => oracleKey,
  validate: () => undefined,
};
