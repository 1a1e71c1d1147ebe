// One sample of every instruction's data, account and event: fixed values of the IDL's types, with their bytes. Both the
// generated decoders and the Rust client are tested against them.
import { getAddressDecoder } from '@solana/kit';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const integer = (bytes, value) => {
  const out = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) out[i] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn);
  return out;
};

/** Values that differ from field to field, so that no two can be exchanged unseen. */
class Source {
  constructor(types) {
    this.types = new Map(types.map((entry) => [entry.name, entry.type]));
    this.count = 0n;
  }

  /** The next value of a type: its JSON and its Borsh bytes. */
  next(type) {
    if (typeof type === 'string') return this.primitive(type);
    if (type.defined) return this.defined(type.defined.name);
    if (type.vec) return this.vec(type.vec);
    if (type.option) return this.option(type.option);
    const [item, length] = type.array;
    if (item === 'u8') return this.bytes(length);
    return this.list(Array.from({ length }, () => this.next(item)));
  }

  primitive(type) {
    this.count += 1n;
    const number = /^([ui])(8|16|32|64)$/.exec(type);
    if (number) return this.number(number[1], Number(number[2]));
    if (type === 'bool') return { json: this.count % 2n === 0n, bytes: Buffer.from([Number(this.count % 2n === 0n)]) };
    if (type === 'pubkey') {
      const { bytes } = this.bytes(32);
      return { json: getAddressDecoder().decode(bytes), bytes };
    }
    if (type === 'bytes') {
      const { json, bytes } = this.bytes(5);
      return { json, bytes: Buffer.concat([integer(4, 5n), bytes]) };
    }
    if (type === 'string') {
      const text = `text ${this.count} \u00fc`;
      const utf8 = Buffer.from(text);
      return { json: text, bytes: Buffer.concat([integer(4, BigInt(utf8.length)), utf8]) };
    }
    throw new Error(`no sample of the type ${type}: teach scripts/samples.mjs about it`);
  }

  number(sign, bits) {
    const wide = this.count * 0x9e3779b97f4a7c15n;
    if (sign === 'u') {
      const value = BigInt.asUintN(bits, wide);
      return { json: bits === 64 ? value.toString() : Number(value), bytes: integer(bits / 8, value) };
    }
    // within what JSON holds exactly
    const value = BigInt.asIntN(Math.min(bits, 53), wide);
    return { json: Number(value), bytes: integer(bits / 8, value) };
  }

  bytes(length) {
    this.count += 1n;
    const bytes = Buffer.from(Array.from({ length }, (_, i) => Number((this.count * 7n + BigInt(i)) % 256n)));
    return { json: hex(bytes), bytes };
  }

  vec(item) {
    const { json, bytes } = this.list([this.next(item), this.next(item)]);
    return { json, bytes: Buffer.concat([integer(4, 2n), bytes]) };
  }

  option(item) {
    const { json, bytes } = this.next(item);
    return { json, bytes: Buffer.concat([Buffer.from([1]), bytes]) };
  }

  list(items) {
    return { json: items.map(({ json }) => json), bytes: Buffer.concat(items.map(({ bytes }) => bytes)) };
  }

  defined(name) {
    const type = this.types.get(name);
    if (type.kind === 'struct') return this.fields(type.fields ?? []);
    const [variant] = type.variants;
    const { json, bytes } = this.fields(variant.fields ?? []);
    return { json: { [variant.name]: json }, bytes: Buffer.concat([Buffer.from([0]), bytes]) };
  }

  fields(fields) {
    const values = fields.map(({ name, type }) => [name, this.next(type)]);
    return {
      json: Object.fromEntries(values.map(([name, { json }]) => [name, json])),
      bytes: Buffer.concat(values.map(([, { bytes }]) => bytes)),
    };
  }
}

/** What `emit_cpi!` writes first: sha256("anchor:event")[..8], the other way round. */
const EVENT_TAG = Buffer.from('e445a52e51cb9a1d', 'hex');

export function samples(idls) {
  const programs = Object.values(idls);
  const each = (list, sample) =>
    programs.flatMap((idl) => (idl[list] ?? []).map((entry) => sample(idl, entry, new Source(idl.types))));
  return {
    instructions: each('instructions', (idl, { name, discriminator, args }, source) => {
      const { json, bytes } = source.fields(args);
      return { instruction: name, program: idl.address, args: json, data: hex([...discriminator, ...bytes]) };
    }),
    accounts: each('accounts', (idl, { name, discriminator }, source) => {
      const { json, bytes } = source.defined(name);
      return { account: name, program: idl.address, fields: json, data: hex([...discriminator, ...bytes]) };
    }),
    events: each('events', (idl, { name, discriminator }, source) => {
      const { json, bytes } = source.defined(name);
      const { stream, seq, timestamp, ...fields } = json;
      const event = { event: name, program: idl.address, stream, seq, timestamp, fields };
      return { ...event, data: hex([...EVENT_TAG, ...discriminator, ...bytes]) };
    }),
  };
}
