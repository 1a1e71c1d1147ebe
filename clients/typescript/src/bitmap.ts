import { getU64Encoder, type ReadonlyUint8Array } from '@solana/kit';

import { ascii, hash, WireError } from './bytes.js';

const BITMAP_TAG = ascii('muster:bitmap:1');

/** The most buckets of an epoch: one a second for 7 days. */
export const BUCKETS_MAX = 604_800;

/** Which buckets of one epoch were counted: bit `i % 8` of byte `i / 8`; unused bits are zero. */
export class Bitmap {
  readonly bytes: ReadonlyUint8Array;

  constructor(
    readonly buckets: number,
    bytes: ReadonlyUint8Array = new Uint8Array(Bitmap.byteLength(buckets)),
  ) {
    if (bytes.length !== Bitmap.byteLength(buckets)) {
      throw new WireError(
        `a bitmap of ${buckets} buckets has ${Bitmap.byteLength(buckets)} bytes, not ${bytes.length}`,
      );
    }
    const used = buckets % 8;
    if (used !== 0 && bytes.at(-1)! >> used !== 0) throw new WireError('bitmap bits behind the last bucket are set');
    this.bytes = bytes;
  }

  static byteLength(buckets: number): number {
    return Math.ceil(buckets / 8);
  }

  /** The buckets with these numbers. */
  static of(buckets: number, counted: Iterable<number>): Bitmap {
    const bytes = new Uint8Array(Bitmap.byteLength(buckets));
    for (const bucket of counted) {
      if (bucket >= buckets) throw new RangeError(`bucket ${bucket} is outside of an epoch of ${buckets}`);
      bytes[bucket >> 3]! |= 1 << (bucket & 7);
    }
    return new Bitmap(buckets, bytes);
  }

  /** Whether a bucket is counted. */
  has(bucket: number): boolean {
    return bucket < this.buckets && ((this.bytes[bucket >> 3]! >> (bucket & 7)) & 1) === 1;
  }

  /** How many buckets from `first` on are counted. */
  countFrom(first = 0): number {
    let count = 0;
    for (let bucket = first; bucket < this.buckets; bucket++) count += Number(this.has(bucket));
    return count;
  }

  /** What a heartbeat carries of it. */
  digest(epoch: bigint): Uint8Array {
    return hash(BITMAP_TAG, getU64Encoder().encode(epoch), this.bytes);
  }
}
