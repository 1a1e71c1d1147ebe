import {
  getAddressCodec,
  getStructCodec,
  getU32Codec,
  getU64Codec,
  getU8Codec,
  type Address,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { hashCodec, listCodec, WireError } from '../bytes.js';
import { SIGNATURE_LEN } from '../signature.js';
import { HEADER_LEN, type FrameType } from './frame.js';

const NODES_MAX = 8;

/** A node that is to work. */
export interface Assignee {
  /** Who is to be paid. */
  readonly tenure: Address;
  readonly nodeKey: Address;
}

/** The coordinating oracle's choice of nodes for one attempt at a job. */
export interface Assignment {
  readonly job: Address;
  /** From 0. */
  readonly attempt: number;
  /** Signs. */
  readonly oracleKey: Address;
  readonly assignedAtMs: bigint;
  readonly leaseUntilMs: bigint;
  readonly descriptorHash: ReadonlyUint8Array;
  /** In the coordinator's order. */
  readonly nodes: readonly Assignee[];
}

export const assignment: FrameType<Assignment> = {
  name: 'assignment',
  kind: 5,
  lenMax: HEADER_LEN + 117 + NODES_MAX * 64 + SIGNATURE_LEN,
  body: getStructCodec([
    ['job', getAddressCodec()],
    ['attempt', getU32Codec()],
    ['oracleKey', getAddressCodec()],
    ['assignedAtMs', getU64Codec()],
    ['leaseUntilMs', getU64Codec()],
    ['descriptorHash', hashCodec('descriptor hash')],
    [
      'nodes',
      listCodec(
        getStructCodec([
          ['tenure', getAddressCodec()],
          ['nodeKey', getAddressCodec()],
        ]),
        getU8Codec(),
      ),
    ],
  ]),
  signer: ({ oracleKey }) => oracleKey,
  validate: ({ assignedAtMs, leaseUntilMs, nodes }) => {
    if (nodes.length < 1 || nodes.length > NODES_MAX) {
      throw new WireError(`${nodes.length} nodes are assigned, 1 to ${NODES_MAX} are allowed`);
    }
    if (leaseUntilMs <= assignedAtMs) throw new WireError(`leaseUntilMs is ${leaseUntilMs}, not after assignedAtMs`);
    const tenures = new Set(nodes.map(({ tenure }) => tenure));
    const keys = new Set(nodes.map(({ nodeKey }) => nodeKey));
    if (tenures.size < nodes.length || keys.size < nodes.length) throw new WireError('a node is assigned twice');
  },
};
