/** Out of the program's IDL; `npm run generate` writes it anew. */
import type { Decoder } from '@solana/kit';
import {
  getBondOpenedDecoder,
  type BondOpened,
  getBondSlashedDecoder,
  type BondSlashed,
  getBondStakedDecoder,
  type BondStaked,
  getBondUnbondedDecoder,
  type BondUnbonded,
  getBondUnbondingDecoder,
  type BondUnbonding,
  getBondWithdrawnDecoder,
  type BondWithdrawn,
  getJobAttestedDecoder,
  type JobAttested,
  getJobCancelRequestedDecoder,
  type JobCancelRequested,
  getJobClosedDecoder,
  type JobClosed,
  getJobFinishedDecoder,
  type JobFinished,
  getJobRefundedDecoder,
  type JobRefunded,
  getJobSponsoredDecoder,
  type JobSponsored,
  getJobSubmittedDecoder,
  type JobSubmitted,
  getJobTippedDecoder,
  type JobTipped,
  getJobsConfigSetDecoder,
  type JobsConfigSet,
  getJobsInitializedDecoder,
  type JobsInitialized,
  getSlashHeldDecoder,
  type SlashHeld,
  getSlashVoidedDecoder,
  type SlashVoided,
  getSlashVotedDecoder,
  type SlashVoted,
  getSponsorRefundedDecoder,
  type SponsorRefunded,
} from './types/index.js';

/** An event of the program, told apart by its name. */
export type JobsEvent =
  | { name: 'BondOpened'; data: BondOpened }
  | { name: 'BondSlashed'; data: BondSlashed }
  | { name: 'BondStaked'; data: BondStaked }
  | { name: 'BondUnbonded'; data: BondUnbonded }
  | { name: 'BondUnbonding'; data: BondUnbonding }
  | { name: 'BondWithdrawn'; data: BondWithdrawn }
  | { name: 'JobAttested'; data: JobAttested }
  | { name: 'JobCancelRequested'; data: JobCancelRequested }
  | { name: 'JobClosed'; data: JobClosed }
  | { name: 'JobFinished'; data: JobFinished }
  | { name: 'JobRefunded'; data: JobRefunded }
  | { name: 'JobSponsored'; data: JobSponsored }
  | { name: 'JobSubmitted'; data: JobSubmitted }
  | { name: 'JobTipped'; data: JobTipped }
  | { name: 'JobsConfigSet'; data: JobsConfigSet }
  | { name: 'JobsInitialized'; data: JobsInitialized }
  | { name: 'SlashHeld'; data: SlashHeld }
  | { name: 'SlashVoided'; data: SlashVoided }
  | { name: 'SlashVoted'; data: SlashVoted }
  | { name: 'SponsorRefunded'; data: SponsorRefunded };

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
    name: 'BondSlashed',
    discriminator: new Uint8Array([59, 7, 252, 195, 234, 156, 42, 54]),
    decoder: getBondSlashedDecoder(),
  },
  {
    name: 'BondStaked',
    discriminator: new Uint8Array([152, 57, 210, 94, 172, 130, 236, 200]),
    decoder: getBondStakedDecoder(),
  },
  {
    name: 'BondUnbonded',
    discriminator: new Uint8Array([70, 41, 66, 67, 162, 20, 33, 98]),
    decoder: getBondUnbondedDecoder(),
  },
  {
    name: 'BondUnbonding',
    discriminator: new Uint8Array([225, 124, 56, 232, 233, 34, 100, 174]),
    decoder: getBondUnbondingDecoder(),
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
    name: 'JobCancelRequested',
    discriminator: new Uint8Array([188, 130, 169, 198, 216, 56, 215, 132]),
    decoder: getJobCancelRequestedDecoder(),
  },
  {
    name: 'JobClosed',
    discriminator: new Uint8Array([123, 63, 243, 153, 174, 212, 2, 55]),
    decoder: getJobClosedDecoder(),
  },
  {
    name: 'JobFinished',
    discriminator: new Uint8Array([204, 97, 242, 147, 129, 85, 114, 217]),
    decoder: getJobFinishedDecoder(),
  },
  {
    name: 'JobRefunded',
    discriminator: new Uint8Array([156, 171, 111, 37, 17, 174, 8, 167]),
    decoder: getJobRefundedDecoder(),
  },
  {
    name: 'JobSponsored',
    discriminator: new Uint8Array([101, 172, 40, 144, 22, 59, 135, 32]),
    decoder: getJobSponsoredDecoder(),
  },
  {
    name: 'JobSubmitted',
    discriminator: new Uint8Array([129, 204, 35, 127, 38, 50, 131, 248]),
    decoder: getJobSubmittedDecoder(),
  },
  {
    name: 'JobTipped',
    discriminator: new Uint8Array([83, 71, 72, 119, 4, 41, 157, 50]),
    decoder: getJobTippedDecoder(),
  },
  {
    name: 'JobsConfigSet',
    discriminator: new Uint8Array([210, 65, 242, 233, 96, 161, 198, 177]),
    decoder: getJobsConfigSetDecoder(),
  },
  {
    name: 'JobsInitialized',
    discriminator: new Uint8Array([57, 7, 68, 121, 66, 176, 81, 105]),
    decoder: getJobsInitializedDecoder(),
  },
  {
    name: 'SlashHeld',
    discriminator: new Uint8Array([182, 35, 62, 66, 156, 227, 251, 37]),
    decoder: getSlashHeldDecoder(),
  },
  {
    name: 'SlashVoided',
    discriminator: new Uint8Array([135, 115, 233, 172, 71, 56, 181, 2]),
    decoder: getSlashVoidedDecoder(),
  },
  {
    name: 'SlashVoted',
    discriminator: new Uint8Array([158, 33, 33, 135, 128, 142, 58, 55]),
    decoder: getSlashVotedDecoder(),
  },
  {
    name: 'SponsorRefunded',
    discriminator: new Uint8Array([240, 109, 192, 135, 64, 233, 69, 160]),
    decoder: getSponsorRefundedDecoder(),
  },
];
