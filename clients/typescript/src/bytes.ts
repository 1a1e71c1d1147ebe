import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { createCodec, getEncodedSize, type Codec, type FixedSizeCodec, type ReadonlyUint8Array } from '@solana/kit';

export { bytesToHex, concatBytes, hexToBytes };

/** Bytes or figures that are not what the format allows: what was wrong, with which value. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** SHA-256 over the concatenation of `parts`. */
export function hash(...parts: readonly ReadonlyUint8Array[]): Uint8Array {
  const hasher = sha256.create();
  for (const part of parts) hasher.update(part as Uint8Array);
  return hasher.digest();
}

/** The bytes of an ASCII tag. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Negative, zero or positive, as `a` stands before, at or behind `b` in bytewise order. */
export function compareBytes(a: ReadonlyUint8Array, b: ReadonlyUint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}

/** Whether two byte strings are the same. */
export function equalBytes(a: ReadonlyUint8Array, b: ReadonlyUint8Array): boolean {
  return compareBytes(a, b) === 0;
}

/** Exactly `size` bytes; `field` is for the error's sentence. */
export function bytesCodec(field: string, size: number): FixedSizeCodec<ReadonlyUint8Array, Uint8Array> {
  return createCodec({
    fixedSize: size,
    write: (value: ReadonlyUint8Array, bytes, offset) => {
      if (value.length !== size) throw new WireError(`${field} has ${value.length} bytes, ${size} are needed`);
      bytes.set(value, offset);
      return offset + size;
    },
    read: (bytes, offset) => {
      const end = offset + size;
      if (bytes.length < end) throw new WireError(`the message ends after ${bytes.length} bytes inside of ${field}`);
      return [new Uint8Array(bytes.slice(offset, end)), end];
    },
  });
}

/** A SHA-256 digest. */
export function hashCodec(field: string) {
  return bytesCodec(field, 32);
}

/** A list behind its count. Kit's own takes the absence of both for an empty list. */
export function listCodec<From, To extends From>(
  item: Codec<From, To>,
  size: FixedSizeCodec<number | bigint, number>,
): Codec<readonly From[], To[]> {
  return createCodec({
    getSizeFromValue: (items: readonly From[]) =>
      items.reduce((sum, each) => sum + getEncodedSize(each, item), size.fixedSize),
    write: (items: readonly From[], bytes, offset) =>
      items.reduce((at, each) => item.write(each, bytes, at), size.write(items.length, bytes, offset)),
    read: (bytes, offset) => {
      let [count, at] = size.read(bytes, offset);
      const items: To[] = [];
      for (; count > 0; count--) {
        const [value, end] = item.read(bytes, at);
        items.push(value);
        at = end;
      }
      return [items, at];
    },
  });
}

/** One byte that stands for a name; an unknown one is refused. */
export function codeCodec<Name extends string>(field: string, codes: Readonly<Record<Name, number>>) {
  const names = new Map(Object.entries<number>(codes).map(([name, code]) => [code, name as Name]));
  return createCodec<Name, Name, 1>({
    fixedSize: 1,
    write: (name, bytes, offset) => {
      bytes[offset] = codes[name];
      return offset + 1;
    },
    read: (bytes, offset) => {
      const code = bytes[offset];
      const name = code === undefined ? undefined : names.get(code);
      if (name === undefined) throw new WireError(`${field} is ${code ?? 'missing'}, which is no known code`);
      return [name, offset + 1];
    },
  });
}

/** Refuses a value above `max`. */
export function atMost(field: string, value: number | bigint, max: number | bigint): void {
  if (value > max) throw new WireError(`${field} is ${value}, at most ${max} is allowed`);
}

/** Refuses a list that is not strictly ascending. */
export function strictlyAscending<T>(field: string, items: readonly T[], compare: (a: T, b: T) => number): void {
  for (let i = 1; i < items.length; i++) {
    if (compare(items[i - 1]!, items[i]!) >= 0)
      throw new WireError(`${field} number ${i} is not above the one before it`);
  }
}
