import { codeCodec } from '../bytes.js';

/** Why an oracle took a message or did not, by the code on the wire. */
export const REASONS = {
  accepted: 0,
  malformed: 1,
  wrongDomain: 2,
  wrongOracle: 3,
  unknownNode: 4,
  notAcceptedYet: 5,
  badSignature: 6,
  staleSeq: 7,
  wrongBucket: 8,
  clockSkew: 9,
  staleReceipt: 10,
  rateLimited: 11,
  overloaded: 12,
  clockUnsure: 13,
  tooLarge: 14,
  suspended: 15,
  unknownJob: 16,
  notAssigned: 17,
  tooLate: 18,
  conflict: 19,
} as const;

export type Reason = keyof typeof REASONS;

export const reasonCodec = codeCodec<Reason>('reason', REASONS);
