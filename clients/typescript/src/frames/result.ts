import {
  getAddressCodec,
  getI32Codec,
  getStructCodec,
  getU32Codec,
  getU64Codec,
  getU8Codec,
  type Address,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { atMost, codeCodec, hashCodec, WireError } from '../bytes.js';
import { SIGNATURE_LEN } from '../signature.js';
import { HEADER_LEN, type FrameType } from './frame.js';

/** One, in the unit of accuracy and loss. */
export const MILLIONTHS = 1_000_000;

/** One node's result of one assignment. */
export interface TaskResult {
  readonly job: Address;
  /** Hash of the assignment's whole frame. */
  readonly assignmentHash: ReadonlyUint8Array;
  /** Signs. */
  readonly nodeKey: Address;
  /** Who is to be paid. */
  readonly tenure: Address;
  readonly status: 'succeeded' | 'failedImage' | 'failedNode' | 'timedOut';
  readonly exitCode: number;
  /** What replicas are compared by; zero: none. */
  readonly resultHash: ReadonlyUint8Array;
  readonly startedAtMs: bigint;
  readonly finishedAtMs: bigint;
  readonly accuracyMillionths: number;
  readonly lossMillionths: bigint;
  /** Training epochs. */
  readonly epochs: number;
  /** SHA-256 of the result archive; zero: none. */
  readonly archiveHash: ReadonlyUint8Array;
  /** SHA-256 of the task's log; zero: none. */
  readonly logHash: ReadonlyUint8Array;
  /** Strictly increasing per node. */
  readonly seq: bigint;
}

export const taskResult: FrameType<TaskResult> = {
  name: 'task result',
  kind: 3,
  lenMax: HEADER_LEN + 269 + SIGNATURE_LEN,
  body: getStructCodec([
    ['job', getAddressCodec()],
    ['assignmentHash', hashCodec('assignment hash')],
    ['nodeKey', getAddressCodec()],
    ['tenure', getAddressCodec()],
    ['status', codeCodec('status', { succeeded: 1, failedImage: 2, failedNode: 3, timedOut: 4 })],
    ['exitCode', getI32Codec()],
    ['resultHash', hashCodec('result hash')],
    ['startedAtMs', getU64Codec()],
    ['finishedAtMs', getU64Codec()],
    ['accuracyMillionths', getU32Codec()],
    ['lossMillionths', getU64Codec()],
    ['epochs', getU32Codec()],
    ['archiveHash', hashCodec('archive hash')],
    ['logHash', hashCodec('log hash')],
    ['seq', getU64Codec()],
  ]),
  signer: ({ nodeKey }) => nodeKey,
  validate: ({ accuracyMillionths, startedAtMs, finishedAtMs }) => {
    atMost('accuracy', accuracyMillionths, MILLIONTHS);
    if (finishedAtMs < startedAtMs)
      throw new WireError(`finishedAtMs is ${finishedAtMs}, before startedAtMs, ${startedAtMs}`);
  },
};

/** How far a node is with an assignment. */
export interface Progress {
  readonly job: Address;
  /** Signs. */
  readonly nodeKey: Address;
  readonly assignmentHash: ReadonlyUint8Array;
  readonly percent: number;
  /** Strictly increasing per node. */
  readonly seq: bigint;
  readonly atMs: bigint;
}

export const progress: FrameType<Progress> = {
  name: 'progress',
  kind: 7,
  lenMax: HEADER_LEN + 113 + SIGNATURE_LEN,
  body: getStructCodec([
    ['job', getAddressCodec()],
    ['nodeKey', getAddressCodec()],
    ['assignmentHash', hashCodec('assignment hash')],
    ['percent', getU8Codec()],
    ['seq', getU64Codec()],
    ['atMs', getU64Codec()],
  ]),
  signer: ({ nodeKey }) => nodeKey,
  validate: ({ percent }) => atMost('percent', percent, 100),
};
