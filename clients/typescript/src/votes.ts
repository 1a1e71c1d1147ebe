/** What oracles vote for on chain: one hash over everything that they must agree on. */
import {
  getAddressEncoder,
  getU32Encoder,
  getU64Encoder,
  getU8Encoder,
  type Address,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { ascii, hash } from './bytes.js';
import { getOutcomeEncoder, type OutcomeArgs } from './generated/jobs/index.js';

const ROOT_TAG = ascii('muster:root:1');
const OUTCOME_TAG = ascii('muster:outcome:1');
const LEDGER_TAG = ascii('muster:ledger:1');
const JOBS_LEDGER_TAG = ascii('muster:jobs:1');

const address = getAddressEncoder();
const u8 = getU8Encoder();
const u32 = getU32Encoder();
const u64 = getU64Encoder();

/** A vote for the cumulative root of a project's epoch. */
export interface RootVote {
  readonly project: Address;
  readonly epoch: bigint;
  /** Which replacement of the settlement, from 0. */
  readonly revision: number;
  readonly root: ReadonlyUint8Array;
  /** Sum of all cumulative amounts, base units. */
  readonly total: bigint;
  readonly count: number;
  readonly datasetHash: ReadonlyUint8Array;
  /** Head of the ledger after this settlement. */
  readonly logHead: ReadonlyUint8Array;
  readonly setVersion: number;
}

export function rootVoteHash(vote: RootVote): Uint8Array {
  return hash(
    ROOT_TAG,
    address.encode(vote.project),
    u64.encode(vote.epoch),
    u32.encode(vote.revision),
    vote.root,
    u64.encode(vote.total),
    u32.encode(vote.count),
    vote.datasetHash,
    vote.logHead,
    u32.encode(vote.setVersion),
  );
}

/** The hash that `attest_job` carries. */
export function outcomeHash(job: Address, setVersion: number, outcome: OutcomeArgs): Uint8Array {
  return outcomeBytesHash(job, setVersion, getOutcomeEncoder().encode(outcome));
}

/** As {@link outcomeHash}, for an outcome that is already serialised. */
export function outcomeBytesHash(job: Address, setVersion: number, outcome: ReadonlyUint8Array): Uint8Array {
  return hash(OUTCOME_TAG, address.encode(job), u32.encode(setVersion), outcome);
}

/** One link of a project's ledger of settlements. */
export interface LedgerEntry {
  readonly project: Address;
  readonly epoch: bigint;
  readonly revision: number;
  readonly pointsRoot: ReadonlyUint8Array;
  readonly root: ReadonlyUint8Array;
  readonly total: bigint;
  readonly datasetHash: ReadonlyUint8Array;
}

/** The ledger's head after `entry`; the first entry's `previous` is zero. */
export function ledgerHead(previous: ReadonlyUint8Array, entry: LedgerEntry): Uint8Array {
  return hash(
    LEDGER_TAG,
    previous,
    address.encode(entry.project),
    u64.encode(entry.epoch),
    u32.encode(entry.revision),
    entry.pointsRoot,
    entry.root,
    u64.encode(entry.total),
    entry.datasetHash,
  );
}

/** One link of the network's ledger of jobs that are over. */
export interface JobEntry {
  /** From 1. */
  readonly number: bigint;
  /** Unix seconds, by the chain's clock. */
  readonly timestamp: bigint;
  readonly job: Address;
  /** 2 completed, 3 failed, 4 cancelled, 5 expired. */
  readonly state: number;
  readonly outcomeHash: ReadonlyUint8Array;
  readonly resultHash: ReadonlyUint8Array;
  readonly toNodes: bigint;
  readonly toTreasury: bigint;
  /** Back to submitter and sponsors, or kept for them. */
  readonly returned: bigint;
}

/** The jobs' ledger's head after `entry`; the first entry's `previous` is zero. */
export function jobLedgerHead(previous: ReadonlyUint8Array, entry: JobEntry): Uint8Array {
  return hash(
    JOBS_LEDGER_TAG,
    previous,
    u64.encode(entry.number),
    u64.encode(entry.timestamp),
    address.encode(entry.job),
    u8.encode(entry.state),
    entry.outcomeHash,
    entry.resultHash,
    u64.encode(entry.toNodes),
    u64.encode(entry.toTreasury),
    u64.encode(entry.returned),
  );
}
