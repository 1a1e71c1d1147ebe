import {
  getAddressCodec,
  getAddressEncoder,
  getStructCodec,
  getU32Codec,
  getU64Codec,
  getU64Encoder,
  type Address,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { ascii, atMost, equalBytes, hash, hashCodec, WireError } from '../bytes.js';
import { batchLeaf, LEAVES_MAX, verifyProof } from '../merkle.js';
import { SIGNATURE_LEN } from '../signature.js';
import { HEADER_LEN, type FrameType } from './frame.js';

const TICK_TAG = ascii('muster:tick:1');

/** Bytes of a receipt. */
export const RECEIPT_LEN = HEADER_LEN + 84 + SIGNATURE_LEN;

/** One oracle signature over everything that one write to its disk made durable. */
export interface BatchReceipt {
  /** Signs. */
  readonly oracleKey: Address;
  readonly batchNo: bigint;
  readonly committedAtMs: bigint;
  /** Frames of the batch; 0: a tick. */
  readonly count: number;
  readonly root: ReadonlyUint8Array;
}

/** The root of a batch without frames. */
export function tickRoot(oracleKey: Address, batchNo: bigint, committedAtMs: bigint): Uint8Array {
  const u64 = getU64Encoder();
  return hash(TICK_TAG, getAddressEncoder().encode(oracleKey), u64.encode(batchNo), u64.encode(committedAtMs));
}

export const batchReceipt: FrameType<BatchReceipt> = {
  name: 'batch receipt',
  kind: 2,
  lenMax: RECEIPT_LEN,
  body: getStructCodec([
    ['oracleKey', getAddressCodec()],
    ['batchNo', getU64Codec()],
    ['committedAtMs', getU64Codec()],
    ['count', getU32Codec()],
    ['root', hashCodec('batch root')],
  ]),
  signer: ({ oracleKey }) => oracleKey,
  validate: ({ oracleKey, batchNo, committedAtMs, count, root }) => {
    atMost('batch count', count, LEAVES_MAX);
    if (count === 0 && !equalBytes(root, tickRoot(oracleKey, batchNo, committedAtMs))) {
      throw new WireError('the root of an empty batch does not follow from its other fields');
    }
  },
};

/** Whether a receipt proves that `frame` was received at `receivedAtMs`. */
export function receiptProves(
  receipt: BatchReceipt,
  frame: ReadonlyUint8Array,
  receivedAtMs: bigint,
  index: number,
  path: readonly ReadonlyUint8Array[],
): boolean {
  return verifyProof(receipt.root, batchLeaf(hash(frame), receivedAtMs), index, receipt.count, path);
}
