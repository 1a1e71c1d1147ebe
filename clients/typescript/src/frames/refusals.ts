import { getStructCodec, getU32Codec, getU8Codec } from '@solana/kit';

import { listCodec, strictlyAscending, WireError } from '../bytes.js';
import { REASONS, reasonCodec, type Reason } from './reason.js';

/** How many messages of a node were refused for one reason. */
export interface Refusal {
  readonly reason: Reason;
  readonly count: number;
}

/** Refusals, by reason, ascending. */
export const refusalsCodec = listCodec(
  getStructCodec([
    ['reason', reasonCodec],
    ['count', getU32Codec()],
  ]),
  getU8Codec(),
);

/** Throws unless every refusal counts something and each reason is there once, in order. */
export function checkRefusals(of: string, refused: readonly Refusal[]): void {
  if (refused.some(({ reason, count }) => reason === 'accepted' || count === 0)) {
    throw new WireError(`the refusals of ${of} count nothing, or what was accepted`);
  }
  strictlyAscending('refused reason', refused, (a, b) => REASONS[a.reason] - REASONS[b.reason]);
}
