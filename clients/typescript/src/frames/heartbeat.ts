import {
  getAddressCodec,
  getConstantCodec,
  getHiddenSuffixCodec,
  getStructCodec,
  getU16Codec,
  getU32Codec,
  getU64Codec,
  getU8Codec,
  type Address,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { atMost, bytesCodec, codeCodec, concatBytes, hashCodec, listCodec, WireError } from '../bytes.js';
import { HEADER_LEN, type FrameType } from './frame.js';
import { SIGNATURE_LEN } from '../signature.js';

const WORKLOADS_MAX = 16;
const WORKLOAD_LEN = 20;
const LEN_MIN = HEADER_LEN + 162 + SIGNATURE_LEN;
/** The most frames of a request. */
export const FRAMES_MAX = 256;

/** What the agent says about one workload or job; its word, not checked. */
export interface Workload {
  /** The first 16 bytes of the workload's or job's address. */
  readonly id: ReadonlyUint8Array;
  /** 0 unknown, 1 waiting, 2 running, 3 done, 4 failed. */
  readonly state: number;
  /** Percent. */
  readonly progress: number;
}

/** A node's signed proof to one oracle that it was alive in one bucket. */
export interface Heartbeat {
  readonly oracleKey: Address;
  /** Signs. */
  readonly nodeKey: Address;
  readonly epoch: bigint;
  readonly bucket: number;
  readonly sentAtMs: bigint;
  /** Strictly increasing: the larger of the last one + 1 and Unix milliseconds. */
  readonly seq: bigint;
  readonly bitmapDigest: ReadonlyUint8Array;
  /** Root of the last receipt or tick from this oracle, at most 5 minutes old. */
  readonly receiptRoot: ReadonlyUint8Array;
  readonly status: 'online' | 'busy' | 'maintenance';
  readonly cpuPermille: number;
  readonly memoryPermille: number;
  readonly workloads: readonly Workload[];
}

const workload = getHiddenSuffixCodec(
  getStructCodec([
    ['id', bytesCodec('workload id', 16)],
    ['state', getU8Codec()],
    ['progress', getU8Codec()],
  ]),
  [getConstantCodec(new Uint8Array(2))],
);

export const heartbeat: FrameType<Heartbeat> = {
  name: 'heartbeat',
  kind: 1,
  lenMax: LEN_MIN + WORKLOADS_MAX * WORKLOAD_LEN,
  body: getStructCodec([
    ['oracleKey', getAddressCodec()],
    ['nodeKey', getAddressCodec()],
    ['epoch', getU64Codec()],
    ['bucket', getU32Codec()],
    ['sentAtMs', getU64Codec()],
    ['seq', getU64Codec()],
    ['bitmapDigest', hashCodec('bitmap digest')],
    ['receiptRoot', hashCodec('receipt root')],
    ['status', codeCodec('status', { online: 1, busy: 2, maintenance: 3 })],
    ['cpuPermille', getU16Codec()],
    ['memoryPermille', getU16Codec()],
    ['workloads', listCodec(workload, getU8Codec())],
  ]),
  signer: ({ nodeKey }) => nodeKey,
  validate: ({ cpuPermille, memoryPermille, workloads }) => {
    atMost('cpu', cpuPermille, 1000);
    atMost('memory', memoryPermille, 1000);
    atMost('workload count', workloads.length, WORKLOADS_MAX);
    for (const { progress } of workloads) atMost('workload progress', progress, 100);
  },
};

/** The body of a heartbeat request: each frame behind its length. */
export function encodeHeartbeatBody(frames: readonly ReadonlyUint8Array[]): Uint8Array {
  atMost('frame count', frames.length, FRAMES_MAX);
  const length = getU16Codec();
  return concatBytes(...frames.flatMap((frame) => [length.encode(frame.length), frame] as Uint8Array[]));
}

/** The frames of a heartbeat request's body. */
export function decodeHeartbeatBody(body: ReadonlyUint8Array): ReadonlyUint8Array[] {
  const frames: ReadonlyUint8Array[] = [];
  for (let at = 0; at < body.length;) {
    atMost('frame count', frames.length + 1, FRAMES_MAX);
    if (at + 2 > body.length)
      throw new WireError(`the body ends after ${body.length} bytes inside of a frame's length`);
    const start = at + 2;
    at = start + getU16Codec().decode(body.slice(at, start));
    if (at > body.length) throw new WireError(`the body ends after ${body.length} bytes inside of a frame`);
    frames.push(body.slice(start, at));
  }
  return frames;
}
