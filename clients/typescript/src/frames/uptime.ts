import {
  createCodec,
  getAddressCodec,
  getStructCodec,
  getU16Codec,
  getU32Codec,
  getU64Codec,
  transformCodec,
  type Address,
  type Codec,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { Bitmap, BUCKETS_MAX } from '../bitmap.js';
import { bytesCodec, codeCodec, hashCodec, WireError } from '../bytes.js';
import { uptimeBps } from '../points.js';
import { SIGNATURE_LEN } from '../signature.js';
import { HEADER_LEN, type FrameType } from './frame.js';
import { checkRefusals, refusalsCodec, type Refusal } from './refusals.js';

const HEAD_LEN = 5 * 32 + 87;
const LEN_MAX = HEADER_LEN + HEAD_LEN + Bitmap.byteLength(BUCKETS_MAX) + 1 + 5 * 255 + SIGNATURE_LEN;

/** One node in one epoch as one oracle saw it: its proof of operational time. */
export interface UptimeStatement {
  /** Signs. */
  readonly oracleKey: Address;
  readonly project: Address;
  readonly node: Address;
  readonly tenure: Address;
  readonly nodeKey: Address;
  readonly epoch: bigint;
  /** The oracle's clock. */
  readonly statedAtMs: bigint;
  /** Of any epoch; 0: never. */
  readonly lastSeenMs: bigint;
  readonly standing: 'online' | 'busy' | 'maintenance' | 'offline' | 'notAccepted';
  readonly buckets: number;
  /** Buckets in which nothing is counted any more; all of them: the epoch is closed. */
  readonly elapsed: number;
  readonly firstBucket: number;
  /** Elapsed buckets of announced maintenance. */
  readonly excused: number;
  /** Bits of the buckets `firstBucket` to `elapsed`. */
  readonly counted: number;
  readonly uptimeBps: number;
  /** Of the epoch's last accepted heartbeat; zeros: there is none. */
  readonly lastFrameHash: ReadonlyUint8Array;
  /** When that one arrived; 0: not known any more. */
  readonly receivedAtMs: bigint;
  readonly bitmap: Bitmap;
  readonly refused: readonly Refusal[];
}

type Head = Omit<UptimeStatement, 'bitmap' | 'refused'>;

const head: Codec<Head> & { readonly fixedSize: number } = getStructCodec([
  ['oracleKey', getAddressCodec()],
  ['project', getAddressCodec()],
  ['node', getAddressCodec()],
  ['tenure', getAddressCodec()],
  ['nodeKey', getAddressCodec()],
  ['epoch', getU64Codec()],
  ['statedAtMs', getU64Codec()],
  ['lastSeenMs', getU64Codec()],
  ['standing', codeCodec('standing', { online: 1, busy: 2, maintenance: 3, offline: 4, notAccepted: 5 })],
  ['buckets', getU32Codec()],
  ['elapsed', getU32Codec()],
  ['firstBucket', getU32Codec()],
  ['excused', getU32Codec()],
  ['counted', getU32Codec()],
  ['uptimeBps', getU16Codec()],
  ['lastFrameHash', hashCodec('last frame hash')],
  ['receivedAtMs', getU64Codec()],
]);

function tailCodec(buckets: number): Codec<Pick<UptimeStatement, 'bitmap' | 'refused'>> {
  const bitmap = transformCodec(
    bytesCodec('bitmap', Bitmap.byteLength(buckets)),
    ({ bytes }: Bitmap) => bytes,
    (bytes) => new Bitmap(buckets, bytes),
  );
  return getStructCodec([
    ['bitmap', bitmap],
    ['refused', refusalsCodec],
  ]);
}

/** How long the bitmap is, the head says. */
const body: Codec<UptimeStatement> = createCodec({
  getSizeFromValue: (value: UptimeStatement) => head.fixedSize + tailCodec(value.buckets).encode(value).length,
  write: (value: UptimeStatement, bytes, offset) =>
    tailCodec(value.buckets).write(value, bytes, head.write(value, bytes, offset)),
  read: (bytes, offset) => {
    const [fields, at] = head.read(bytes, offset);
    checkBuckets(fields.buckets);
    const [tail, end] = tailCodec(fields.buckets).read(bytes, at);
    return [{ ...fields, ...tail }, end];
  },
});

function checkBuckets(buckets: number): void {
  if (buckets < 1 || buckets > BUCKETS_MAX)
    throw new WireError(`buckets is ${buckets}, 1 to ${BUCKETS_MAX} are allowed`);
}

function countedUntil({ bitmap, firstBucket, elapsed }: UptimeStatement): number {
  let count = 0;
  for (let bucket = firstBucket; bucket < elapsed; bucket++) count += Number(bitmap.has(bucket));
  return count;
}

export const uptimeStatement: FrameType<UptimeStatement> = {
  name: 'uptime statement',
  kind: 9,
  lenMax: LEN_MAX,
  body,
  signer: ({ oracleKey }) => oracleKey,
  validate: (value) => {
    const { buckets, elapsed, firstBucket, excused, counted, bitmap } = value;
    checkBuckets(buckets);
    if (bitmap.buckets !== buckets) throw new WireError(`the bitmap has ${bitmap.buckets} buckets, not ${buckets}`);
    if (elapsed > buckets || firstBucket > buckets || excused > elapsed) {
      throw new WireError('elapsed, first bucket or excused lie outside of the epoch');
    }
    if (counted !== countedUntil(value)) throw new WireError('counted does not follow from the bitmap');
    if (value.uptimeBps !== uptimeBps(counted, elapsed, excused)) {
      throw new WireError('uptime_bps does not follow from what is counted, elapsed and excused');
    }
    checkRefusals(value.nodeKey, value.refused);
  },
};
