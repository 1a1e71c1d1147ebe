/**
 * The one rule for Ed25519 signatures: canonical `A` and `R`, `s < L`, small-order `A` and `R` refused, and the
 * cofactored equation. WebCrypto's verdict differs on crafted keys, so it is not asked.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import type { ReadonlyUint8Array } from '@solana/kit';

/** Bytes of a signature. */
export const SIGNATURE_LEN = 64;

/** Signs bytes; a wallet, a key in WebCrypto or {@link seedSigner}. */
export type SignBytes = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** The key whose 32-byte seed is in memory. */
export function seedSigner(seed: ReadonlyUint8Array): { publicKey: Uint8Array; sign: SignBytes } {
  const secret = new Uint8Array(seed);
  return { publicKey: ed25519.getPublicKey(secret), sign: (message) => ed25519.sign(message, secret) };
}

/** Whether `signature` over `message` is good for the key. Never throws. */
export function verifySignature(
  key: ReadonlyUint8Array,
  message: ReadonlyUint8Array,
  signature: ReadonlyUint8Array,
): boolean {
  if (key.length !== 32 || signature.length !== SIGNATURE_LEN) return false;
  if (!isAllowedPoint(key) || !isAllowedPoint(signature.slice(0, 32))) return false;
  try {
    // the equation of ZIP 215 is the cofactored one; its looser encodings were refused above
    return ed25519.verify(new Uint8Array(signature), new Uint8Array(message), new Uint8Array(key), { zip215: true });
  } catch {
    return false;
  }
}

function isAllowedPoint(encoded: ReadonlyUint8Array): boolean {
  try {
    // strict decoding refuses y >= p and x = 0 with a sign
    return !ed25519.Point.fromBytes(new Uint8Array(encoded), false).isSmallOrder();
  } catch {
    return false;
  }
}
