/** Signed HTTP requests: the header `muster-signature: base58key.timestamp_ms.hexnonce.hexsignature`. */
import {
  address,
  getAddressDecoder,
  getAddressEncoder,
  getU64Encoder,
  type Address,
  type ReadonlyUint8Array,
} from '@solana/kit';

import { ascii, bytesToHex, concatBytes, hash, hexToBytes, WireError } from '../bytes.js';
import { verifySignature, type SignBytes } from '../signature.js';
import { frameHeader, type Domain } from './frame.js';

export const REQUEST_HEADER = 'muster-signature';
/** How far a request's time may be off the server's clock. */
export const REQUEST_AGE_MAX_MS = 30_000n;
const KIND = 8;
const VALUE = /^([1-9A-HJ-NP-Za-km-z]{32,44})\.(0|[1-9]\d{0,19})\.([0-9a-fA-F]{32})\.([0-9a-fA-F]{128})$/;

/** What is signed of a request. */
export interface HttpRequest {
  /** In capitals. */
  readonly method: string;
  /** With its query, as sent. */
  readonly path: string;
  readonly body: ReadonlyUint8Array;
}

export function requestSigningBytes(
  domain: Domain,
  key: Address,
  timestampMs: bigint,
  nonce: ReadonlyUint8Array,
  { method, path, body }: HttpRequest,
): Uint8Array {
  if (nonce.length !== 16) throw new WireError('the nonce of a request has 16 bytes');
  const parts = [getAddressEncoder().encode(key), getU64Encoder().encode(timestampMs), nonce] as Uint8Array[];
  return concatBytes(frameHeader(domain, KIND), ...parts, hash(ascii(`${method} ${path}`)), hash(body));
}

/** The header's value; `nonce` is 16 random bytes. */
export async function signRequest(
  domain: Domain,
  publicKey: ReadonlyUint8Array,
  sign: SignBytes,
  nowMs: bigint,
  nonce: ReadonlyUint8Array,
  request: HttpRequest,
): Promise<string> {
  const key = getAddressDecoder().decode(publicKey);
  const signature = await sign(requestSigningBytes(domain, key, nowMs, nonce, request));
  return `${key}.${nowMs}.${bytesToHex(new Uint8Array(nonce))}.${bytesToHex(signature)}`;
}

/** Who signed the request; throws if nobody did, or too long ago. */
export function verifyRequest(domain: Domain, value: string, nowMs: bigint, request: HttpRequest): Address {
  const match = VALUE.exec(value);
  if (!match) throw new WireError(`the ${REQUEST_HEADER} header is not base58key.timestamp_ms.hexnonce.hexsignature`);
  const [key, signedAtMs] = [address(match[1]!), BigInt(match[2]!)];
  const [nonce, signature] = [hexToBytes(match[3]!), hexToBytes(match[4]!)];
  const age = signedAtMs > nowMs ? signedAtMs - nowMs : nowMs - signedAtMs;
  if (age > REQUEST_AGE_MAX_MS) {
    throw new WireError(`the request was signed at ${signedAtMs} ms, more than 30 s off the server's ${nowMs} ms`);
  }
  const signed = requestSigningBytes(domain, key, signedAtMs, nonce, request);
  if (!verifySignature(getAddressEncoder().encode(key), signed, signature)) {
    throw new WireError(`the signature of the request is not valid for ${key}`);
  }
  return key;
}
