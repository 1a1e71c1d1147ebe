/** What every signed message shares: `header | body | signature`, the signature over everything before it. */
import { getAddressEncoder, type Address, type Codec, type ReadonlyUint8Array } from '@solana/kit';

import { ascii, concatBytes, equalBytes, WireError } from '../bytes.js';
import { SIGNATURE_LEN, verifySignature, type SignBytes } from '../signature.js';

const MAGIC = ascii('MSTR');
const VERSION = 1;

/** Bytes of the common header. */
export const HEADER_LEN = 48;

/** Which network a frame belongs to: nothing signed for one network or cluster means anything in another. */
export interface Domain {
  /** The first 8 bytes of the cluster's genesis hash. */
  readonly genesisTag: ReadonlyUint8Array;
  /** Address of the network program. */
  readonly program: Address;
}

/** A kind of message. */
export interface FrameType<T> {
  readonly name: string;
  /** The header's kind. */
  readonly kind: number;
  /** The most bytes of a whole frame. */
  readonly lenMax: number;
  readonly body: Codec<T>;
  /** The field that names who signs. */
  signer(value: T): Address;
  /** Throws where the layout alone allows too much. */
  validate(value: T): void;
}

/** The common header of a kind of message. */
export function frameHeader(domain: Domain, kind: number): Uint8Array {
  if (domain.genesisTag.length !== 8)
    throw new WireError(`the genesis tag has 8 bytes, not ${domain.genesisTag.length}`);
  const program = getAddressEncoder().encode(domain.program);
  return concatBytes(
    MAGIC,
    new Uint8Array([VERSION, kind, 0, 0]),
    domain.genesisTag as Uint8Array,
    program as Uint8Array,
  );
}

/** What is signed: header and body. */
export function signingBytes<T>(type: FrameType<T>, domain: Domain, value: T): Uint8Array {
  type.validate(value);
  const bytes = concatBytes(frameHeader(domain, type.kind), type.body.encode(value) as Uint8Array);
  checkLength(type, bytes.length + SIGNATURE_LEN);
  return bytes;
}

/** The whole frame; `sign` must be of the key that the body names. */
export async function encodeSigned<T>(
  type: FrameType<T>,
  domain: Domain,
  value: T,
  sign: SignBytes,
): Promise<Uint8Array> {
  const signed = signingBytes(type, domain, value);
  const signature = await sign(signed);
  if (!verifySignature(getAddressEncoder().encode(type.signer(value)), signed, signature)) {
    throw new WireError(`the signing key is not the one that the ${type.name} names, ${type.signer(value)}`);
  }
  return concatBytes(signed, signature);
}

/** Decodes a frame, and verifies its signature by the key that it names. Whether that key may sign is another question. */
export function decodeVerified<T>(type: FrameType<T>, domain: Domain, frame: ReadonlyUint8Array): T {
  checkLength(type, frame.length);
  checkHeader(type, domain, frame);
  const end = frame.length - SIGNATURE_LEN;
  const value = decodeExactly(type.name, type.body, frame.slice(0, end), HEADER_LEN);
  type.validate(value);
  if (!verifySignature(getAddressEncoder().encode(type.signer(value)), frame.slice(0, end), frame.slice(end))) {
    throw new WireError(`the signature of the ${type.name} is not valid for ${type.signer(value)}`);
  }
  return value;
}

/** Decodes bytes of which nothing may be left. */
export function decodeExactly<T>(name: string, codec: Codec<T>, bytes: ReadonlyUint8Array, offset: number): T {
  const [value, end] = readOrThrow(name, codec, bytes, offset);
  if (end !== bytes.length) throw new WireError(`${bytes.length - end} bytes follow the end of the ${name}`);
  return value;
}

function readOrThrow<T>(name: string, codec: Codec<T>, bytes: ReadonlyUint8Array, offset: number): [T, number] {
  try {
    return codec.read(bytes as Uint8Array, offset);
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError(`the bytes are no ${name}: ${(error as Error).message}`, { cause: error });
  }
}

function checkLength<T>(type: FrameType<T>, len: number): void {
  if (len > type.lenMax) throw new WireError(`the ${type.name} has ${len} bytes, at most ${type.lenMax} are allowed`);
  if (len < HEADER_LEN + SIGNATURE_LEN) throw new WireError(`${len} bytes are too few for a ${type.name}`);
}

function checkHeader<T>(type: FrameType<T>, domain: Domain, frame: ReadonlyUint8Array): void {
  const expected = frameHeader(domain, type.kind);
  const same = (from: number, to: number) => equalBytes(frame.slice(from, to), expected.slice(from, to));
  if (!same(0, 4)) throw new WireError('the frame does not start with MSTR');
  if (!same(4, 5)) throw new WireError(`version ${frame[4]} of the format is unknown here, ${VERSION} is known`);
  if (!same(5, 6)) throw new WireError(`the frame is of kind ${frame[5]}, expected ${type.kind}, a ${type.name}`);
  if (!same(6, 8)) throw new WireError('the reserved field of the header is not zero');
  if (!same(8, HEADER_LEN)) throw new WireError('the frame belongs to another cluster or network program');
}
