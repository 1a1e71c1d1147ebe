import {
  createCodec,
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

import { ascii, atMost, bytesCodec, concatBytes, hashCodec, listCodec, WireError } from '../bytes.js';
import { DEPTH_MAX } from '../merkle.js';
import { decodeExactly, decodeVerified, type Domain } from './frame.js';
import { FRAMES_MAX } from './heartbeat.js';
import { reasonCodec, type Reason } from './reason.js';
import { batchReceipt, RECEIPT_LEN, receiptProves, type BatchReceipt } from './receipt.js';

const HEAD = concatBytes(ascii('MSAN'), new Uint8Array([1, 0]));
const NO_RECEIPT = 255;

/** Where a frame stands in a batch. */
export interface Inclusion {
  /** Which of the answer's receipts. */
  readonly receiptRef: number;
  readonly index: number;
  /** Siblings from the leaf upward. */
  readonly path: readonly ReadonlyUint8Array[];
}

/** The verdict on one frame. */
export interface Verdict {
  readonly reason: Reason;
  /** The last sequence number accepted from this node, 0 if unknown. */
  readonly lastSeq: bigint;
  /** By the oracle's clock. */
  readonly receivedAtMs: bigint;
  /** There exactly when accepted. */
  readonly inclusion?: Inclusion;
}

/** An oracle's answer to a heartbeat request. It is unsigned: what binds the oracle are the receipts in it. */
export interface Answer {
  readonly oracleTimeMs: bigint;
  /** Whole signed receipt frames. */
  readonly receipts: readonly ReadonlyUint8Array[];
  /** One per frame of the request, in its order. */
  readonly verdicts: readonly Verdict[];
}

const position: Codec<Inclusion> = getStructCodec([
  ['receiptRef', getU8Codec()],
  ['index', getU32Codec()],
  ['path', listCodec(hashCodec('path'), getU8Codec())],
]);

const verdictHead = getStructCodec([
  ['reason', reasonCodec],
  ['lastSeq', getU64Codec()],
  ['receivedAtMs', getU64Codec()],
]);

const NOWHERE: Inclusion = { receiptRef: NO_RECEIPT, index: 0, path: [] };

const verdict: Codec<Verdict> = createCodec({
  getSizeFromValue: ({ inclusion }: Verdict) => verdictHead.fixedSize + position.encode(inclusion ?? NOWHERE).length,
  write: (value: Verdict, bytes, offset) =>
    position.write(value.inclusion ?? NOWHERE, bytes, verdictHead.write(value, bytes, offset)),
  read: (bytes, offset) => {
    const [fields, at] = verdictHead.read(bytes, offset);
    const [inclusion, end] = position.read(bytes, at);
    if (inclusion.receiptRef !== NO_RECEIPT) return [{ ...fields, inclusion }, end];
    if (inclusion.index !== 0 || inclusion.path.length > 0)
      throw new WireError('a verdict has a position without a receipt');
    return [fields, end];
  },
});

const answer: Codec<Answer> = getHiddenPrefixCodec(
  getStructCodec([
    ['oracleTimeMs', getU64Codec()],
    ['receipts', listCodec(bytesCodec('receipt', RECEIPT_LEN), getU8Codec())],
    ['verdicts', listCodec(verdict, getU16Codec())],
  ]),
  [getConstantCodec(HEAD)],
);

export function encodeAnswer(value: Answer): Uint8Array {
  validate(value);
  return answer.encode(value) as Uint8Array;
}

/** Reads an answer; the receipts in it stay unverified. */
export function decodeAnswer(bytes: ReadonlyUint8Array): Answer {
  const value = decodeExactly('answer', answer, bytes, 0);
  validate(value);
  return value;
}

/**
 * Checks every receipt (signed by `oracleKey`) and that each accepted frame is in the batch that its verdict names.
 * `frames` are those of the request, in its order. Gives the decoded receipts.
 */
export function verifyAnswer(
  value: Answer,
  domain: Domain,
  oracleKey: Address,
  frames: readonly ReadonlyUint8Array[],
): BatchReceipt[] {
  if (value.verdicts.length !== frames.length) {
    throw new WireError(`the answer has ${value.verdicts.length} verdicts for ${frames.length} frames`);
  }
  const receipts = value.receipts.map((bytes) => decodeVerified(batchReceipt, domain, bytes));
  if (receipts.some((receipt) => receipt.oracleKey !== oracleKey)) {
    throw new WireError('a receipt of the answer is signed by another oracle');
  }
  value.verdicts.forEach(({ receivedAtMs, inclusion }, i) => {
    if (inclusion === undefined) return;
    const receipt = receipts[inclusion.receiptRef];
    if (!receipt || !receiptProves(receipt, frames[i]!, receivedAtMs, inclusion.index, inclusion.path)) {
      throw new WireError(`the receipt does not prove frame ${i}`);
    }
  });
  return receipts;
}

function validate({ receipts, verdicts }: Answer): void {
  atMost('verdict count', verdicts.length, FRAMES_MAX);
  verdicts.forEach(({ reason, inclusion }, i) => {
    if ((inclusion !== undefined) !== (reason === 'accepted')) {
      throw new WireError(`verdict ${i} is ${reason}, and a receipt is named exactly when it is accepted`);
    }
    if (inclusion === undefined) return;
    if (inclusion.receiptRef >= receipts.length)
      throw new WireError(`verdict ${i} names receipt ${inclusion.receiptRef}`);
    atMost('path length', inclusion.path.length, DEPTH_MAX);
  });
}
