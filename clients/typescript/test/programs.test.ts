import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { camelCase, pascalCase } from '@codama/nodes';
import { address, getBase58Decoder, type Codec } from '@solana/kit';

import * as client from '../src/index.js';
import { decodeEvent, eventsOf, hexToBytes, isEvent, type TransactionWithEvents } from '../src/index.js';
import { addressCases, goldenFiles, idl, samples, type Case } from './vectors.js';

const PROGRAMS = { network: idl('network'), jobs: idl('jobs') };
type Name = keyof typeof PROGRAMS;
const GENERATED: Record<Name, Record<string, any>> = { network: client.network, jobs: client.jobs };
const nameOf = (program: string) => (program === PROGRAMS.network.address ? 'network' : 'jobs') as Name;

/** What a generated decoder should make of the JSON of a sample. */
function decoded(program: Name, type: any, json: any): unknown {
  if (type === 'u64' || type === 'i64') return BigInt(json);
  if (type === 'bytes') return hexToBytes(json);
  if (typeof type === 'string') return json;
  if (type.option) return { __option: 'Some', value: decoded(program, type.option, json) };
  if (type.array?.[0] === 'u8') return hexToBytes(json);
  if (type.vec || type.array) return json.map((item: any) => decoded(program, type.vec ?? type.array[0], item));
  const defined = PROGRAMS[program].types.find(({ name }: Case) => name === type.defined.name).type;
  if (defined.kind === 'struct') return fields(program, defined.fields, json);
  const [kind, content] = Object.entries<any>(json)[0]!;
  const { fields: inside } = defined.variants.find(({ name }: Case) => name === kind);
  return { __kind: kind, ...fields(program, inside, content) };
}

function fields(program: Name, list: Case[] = [], json: Case): Case {
  return Object.fromEntries(list.map(({ name, type }) => [camelCase(name), decoded(program, type, json[name])]));
}

function structOf(program: Name, name: string): Case[] {
  return PROGRAMS[program].types.find((entry: Case) => entry.name === name).type.fields;
}

/** Decodes, compares and encodes again. */
function agrees(codec: Codec<any>, bytes: Uint8Array, offset: number, expected: Case) {
  const [{ discriminator: _, ...value }, end] = codec.read(bytes, offset);
  assert.deepEqual(plain(value), plain(expected));
  assert.equal(end, bytes.length);
  assert.deepEqual([...codec.encode(value)], [...bytes.slice(offset)]);
}

/** Byte arrays of whatever class as arrays, so that they compare by content. */
function plain(value: any): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

test('no file of golden vectors is without a test here', () => {
  const tested = [
    'files.json',
    'frames.json',
    'maths.json',
    'merkle.json',
    'signatures.json',
    'tlog.json',
    'votes.json',
  ];
  assert.deepEqual(goldenFiles(), tested);
});

test('every instruction carries its discriminator and arguments', () => {
  const cases = samples('instructions');
  for (const { instruction, program, args, data } of cases) {
    const name = nameOf(program);
    const generated = GENERATED[name];
    const { args: types, accounts } = PROGRAMS[name].instructions.find((entry: Case) => entry.name === instruction);
    // the fields of a struct `args` are arguments of their own
    const expected = Object.assign(
      {},
      ...types.map((entry: Case) => {
        const value = fields(name, [entry], args);
        return entry.name === 'args' ? value.args : value;
      }),
    );
    const pascal = pascalCase(instruction);
    const bytes = hexToBytes(data);
    agrees(generated[`get${pascal}InstructionDataCodec`](), bytes, 0, expected);
    const global = createHash('sha256').update(`global:${instruction}`).digest().subarray(0, 8);
    assert.deepEqual([...bytes.slice(0, 8)], [...global], instruction);
    const keys = accounts.map((_: Case, i: number) => ({ address: address('1'.repeat(32)), role: i % 4 }));
    const parsed = generated[`parse${pascal}Instruction`]({ programAddress: program, accounts: keys, data: bytes });
    assert.deepEqual(
      Object.keys(parsed.accounts),
      accounts.map((entry: Case) => camelCase(entry.name)),
    );
  }
  assert.equal(cases.length, PROGRAMS.network.instructions.length + PROGRAMS.jobs.instructions.length);
});

test('every account reads and writes as the programs lay it out', () => {
  for (const { account, program, fields: json, data } of samples('accounts')) {
    const name = nameOf(program);
    const expected = fields(name, structOf(name, account), json);
    agrees(GENERATED[name][`get${pascalCase(account)}Codec`](), hexToBytes(data), 0, expected);
  }
});

test('every event reads out of an inner instruction', () => {
  const cases = samples('events');
  for (const { event, program, stream, seq, timestamp, fields: rest, data } of cases) {
    const name = nameOf(program);
    const read = decodeEvent(program, hexToBytes(data))!;
    assert.equal(read.name, event);
    const expected = fields(name, structOf(name, event), { stream, seq, timestamp, ...rest });
    assert.deepEqual(plain(read.data), plain(expected));
    assert.deepEqual([read.data.stream, read.data.seq], [stream, BigInt(seq)]);
  }
  assert.equal(cases.length, PROGRAMS.network.events.length + PROGRAMS.jobs.events.length);
});

test('what is no event of the programs is none, and one that is unknown stops the reader', () => {
  const { program, data } = samples('events')[0]!;
  const bytes = hexToBytes(data);
  const stranger = address('1'.repeat(32));
  assert.equal(decodeEvent(stranger, bytes), undefined);
  assert.ok(!isEvent(program, bytes.slice(0, 12)) && !isEvent(program, bytes.slice(1)));
  assert.throws(() => decodeEvent(program, new Uint8Array([...bytes, 0])), /1 bytes follow/);
  assert.throws(() => decodeEvent(program, bytes.slice(0, -1)));
  const unknown = bytes.slice();
  unknown[8]! ^= 1;
  assert.throws(() => decodeEvent(program, unknown), /unknown to this version/);
});

test('the events of a transaction come in their order, and none of one that failed', () => {
  const [first, second] = samples('events').map(({ program, data }) => ({ program, data: hexToBytes(data) }));
  const inner = [first!, second!].map(({ data }) => ({ programIdIndex: 2, data: getBase58Decoder().decode(data) }));
  const other = { programIdIndex: 0, data: getBase58Decoder().decode(first!.data) };
  const payer = address('1'.repeat(32));
  const transaction = (err: unknown) =>
    ({
      meta: {
        err,
        innerInstructions: [{ instructions: [inner[1]!, other] }, { instructions: [inner[0]!] }],
        loadedAddresses: { writable: [payer], readonly: [address(first!.program)] },
      },
      transaction: { message: { accountKeys: [payer] } },
    }) as unknown as TransactionWithEvents;
  const names = samples('events').map(({ event }) => event);
  assert.deepEqual(
    eventsOf(transaction(null)).map(({ name }) => name),
    [names[1], names[0]],
  );
  assert.deepEqual(eventsOf(transaction({ InstructionError: [0, 'Custom'] })), []);
});

test('every address is the one that the Rust client derives', async () => {
  const derived = new Set<string>();
  for (const { address: kind, program, seeds, is } of addressCases()) {
    if (kind === 'ata') {
      assert.equal(await client.findAssociatedTokenAddress(seeds.owner, seeds.mint, seeds.token_program), is);
    } else if (kind === 'program_data') {
      assert.equal(await client.findProgramDataAddress(seeds.program), is);
    } else {
      const find = GENERATED[program as Name][`find${pascalCase(kind)}Pda`];
      assert.ok(find, `no derivation of ${kind} in the ${program} program: see scripts/pdas.mjs`);
      // integers come as strings when they need 64 bits
      const given = Object.entries(seeds).map(([name, seed]) => [
        camelCase(name),
        /^\d+$/.test(`${seed}`) ? BigInt(`${seed}`) : seed,
      ]);
      const [found] = Object.keys(seeds).length > 0 ? await find(Object.fromEntries(given)) : await find();
      assert.equal(found, is, kind);
      derived.add(pascalCase(kind));
    }
  }
  const functions = new Set(Object.values(GENERATED).flatMap((generated) => Object.keys(generated)));
  const derivations = [...functions].map((name) => /^find(\w+)Pda$/.exec(name)).filter((match) => match !== null);
  for (const [name, kind] of derivations) {
    assert.ok(derived.has(kind!), `no case of ${name} is computed in Rust: see client/tests/vectors`);
  }
});
