/** Out of the program's IDL; `npm run generate` writes it anew. */
import type { Decoder } from '@solana/kit';
import {
  getBondOpenedDecoder,
  type BondOpened,
  getBondWithdrawnDecoder,
  type BondWithdrawn,
  getJobAttestedDecoder,
  type JobAttested,
  getJobFinishedDecoder,
  type JobFinished,
  getJobSubmittedDecoder,
  type JobSubmitted,
  getJobsInitializedDecoder,
  type JobsInitialized,
} from './types/index.js';

/** An event of the program, told apart by its name. */
export type JobsEvent =
  | { name: 'BondOpened'; data: BondOpened }
  | { name: 'BondWithdrawn'; data: BondWithdrawn }
  | { name: 'JobAttested'; data: JobAttested }
  | { name: 'JobFinished'; data: JobFinished }
  | { name: 'JobSubmitted'; data: JobSubmitted }
  | { name: 'JobsInitialized'; data: JobsInitialized };

/** What `emit_cpi!` puts before each event's fields, and how these are read. */
export const JOBS_EVENTS: readonly {
  readonly name: JobsEvent['name'];
  readonly discriminator: Uint8Array;
  readonly decoder: Decoder<JobsEvent['data']>;
}[] = [
  {
    name: 'BondOpened',
    discriminator: new Uint8Array([144, 64, 233, 238, 81, 248, 153, 251]),
    decoder: getBondOpenedDecoder(),
  },
  {
    name: 'BondWithdrawn',
    discriminator: new Uint8Array([111, 192, 154, 231, 58, 115, 130, 103]),
    decoder: getBondWithdrawnDecoder(),
  },
  {
    name: 'JobAttested',
    discriminator: new Uint8Array([55, 148, 81, 44, 65, 29, 23, 53]),
    decoder: getJobAttestedDecoder(),
  },
  {
    name: 'JobFinished',
    discriminator: new Uint8Array([204, 97, 242, 147, 129, 85, 114, 217]),
    decoder: getJobFinishedDecoder(),
  },
  {
    name: 'JobSubmitted',
    discriminator: new Uint8Array([129, 204, 35, 127, 38, 50, 131, 248]),
    decoder: getJobSubmittedDecoder(),
  },
  {
    name: 'JobsInitialized',
    discriminator: new Uint8Array([57, 7, 68, 121, 66, 176, 81, 105]),
    decoder: getJobsInitializedDecoder(),
  },
];
