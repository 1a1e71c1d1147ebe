import { getAddressCodec, getStructCodec, getU16Codec, getU32Codec, getU64Codec, type Address } from '@solana/kit';

import { atMost, listCodec, strictlyAscending } from '../bytes.js';
import { LEAVES_MAX } from '../merkle.js';
import { SIGNATURE_LEN } from '../signature.js';
import { HEADER_LEN, type FrameType } from './frame.js';

/** The project's task scores of an epoch; a tenure without an entry has score 0. */
export interface Scores {
  readonly project: Address;
  readonly epoch: bigint;
  /** Signs. */
  readonly settler: Address;
  /** Strictly ascending by leaf index. */
  readonly entries: readonly { readonly index: number; readonly scoreBps: number }[];
}

export const scores: FrameType<Scores> = {
  name: 'scores',
  kind: 6,
  lenMax: HEADER_LEN + 76 + 6 * LEAVES_MAX + SIGNATURE_LEN,
  body: getStructCodec([
    ['project', getAddressCodec()],
    ['epoch', getU64Codec()],
    ['settler', getAddressCodec()],
    [
      'entries',
      listCodec(
        getStructCodec([
          ['index', getU32Codec()],
          ['scoreBps', getU16Codec()],
        ]),
        getU32Codec(),
      ),
    ],
  ]),
  signer: ({ settler }) => settler,
  validate: ({ entries }) => {
    strictlyAscending('score', entries, (a, b) => a.index - b.index);
    for (const { index, scoreBps } of entries) {
      atMost('leaf index', index, LEAVES_MAX - 1);
      atMost('score', scoreBps, 10_000);
    }
  },
};
