/**
 * Events as `emit_cpi!` leaves them: inner instructions that a program called on itself, eight bytes of tag, eight of
 * discriminator, Borsh. Each has a `stream` (an account), its gapless `seq` there and the clock's `timestamp`.
 */
import { getBase58Encoder, type Address, type Base58EncodedBytes, type ReadonlyUint8Array } from '@solana/kit';

import { equalBytes, WireError } from './bytes.js';
import { JOBS_EVENTS, MUSTER_JOBS_PROGRAM_ADDRESS, type JobsEvent } from './generated/jobs/index.js';
import { MUSTER_NETWORK_PROGRAM_ADDRESS, NETWORK_EVENTS, type NetworkEvent } from './generated/network/index.js';

const TAG = new Uint8Array([0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d]);
const HEAD_LEN = 16;

/** An event of either program. */
export type MusterEvent =
  | ({ program: typeof MUSTER_NETWORK_PROGRAM_ADDRESS } & NetworkEvent)
  | ({ program: typeof MUSTER_JOBS_PROGRAM_ADDRESS } & JobsEvent);

const PROGRAMS = new Map<Address, typeof NETWORK_EVENTS | typeof JOBS_EVENTS>([
  [MUSTER_NETWORK_PROGRAM_ADDRESS, NETWORK_EVENTS],
  [MUSTER_JOBS_PROGRAM_ADDRESS, JOBS_EVENTS],
]);

/** Whether the data of an inner instruction of `program` is an event of one of the two programs. */
export function isEvent(program: Address, data: ReadonlyUint8Array): boolean {
  return PROGRAMS.has(program) && data.length >= HEAD_LEN && equalBytes(data.slice(0, 8), TAG);
}

/**
 * Reads an event out of the data of an inner instruction that `program` called on itself; undefined if it is none.
 * Throws at an event that this version does not know: who follows events must stop there, not skip.
 */
export function decodeEvent(program: Address, data: ReadonlyUint8Array): MusterEvent | undefined {
  if (!isEvent(program, data)) return undefined;
  const known = PROGRAMS.get(program)!.find(({ discriminator }) => equalBytes(discriminator, data.slice(8, HEAD_LEN)));
  if (known === undefined) throw new WireError(`an event of ${program} is unknown to this version`);
  const [fields, end] = known.decoder.read(data as Uint8Array, HEAD_LEN);
  if (end !== data.length) throw new WireError(`${data.length - end} bytes follow the end of ${known.name}`);
  return { program, name: known.name, data: fields } as MusterEvent;
}

/** The parts of a `getTransaction` answer in `json` encoding that events are in. */
export interface TransactionWithEvents {
  readonly meta: {
    readonly err: unknown;
    readonly innerInstructions?:
      | readonly {
          readonly instructions: readonly { readonly programIdIndex: number; readonly data: Base58EncodedBytes }[];
        }[]
      | null;
    readonly loadedAddresses?: { readonly writable: readonly Address[]; readonly readonly: readonly Address[] };
  } | null;
  readonly transaction: { readonly message: { readonly accountKeys: readonly Address[] } };
}

/** The events of a transaction in their order; none of one that failed. */
export function eventsOf({ meta, transaction }: TransactionWithEvents): MusterEvent[] {
  if (meta === null || meta.err !== null) return [];
  if (!meta.innerInstructions) throw new WireError('the transaction was fetched without its inner instructions');
  const loaded = meta.loadedAddresses;
  const accounts = [...transaction.message.accountKeys, ...(loaded?.writable ?? []), ...(loaded?.readonly ?? [])];
  const base58 = getBase58Encoder();
  return meta.innerInstructions
    .flatMap(({ instructions }) => instructions)
    .map(({ programIdIndex, data }) => decodeEvent(accounts[programIdIndex]!, base58.encode(data)))
    .filter((event) => event !== undefined);
}
