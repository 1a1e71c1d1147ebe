import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hexToBytes, seedSigner, verifySignature } from '../src/index.js';
import { golden } from './vectors.js';

test('every signature has the verdict of the one rule', () => {
  const verdicts = { true: 0, false: 0 };
  for (const { name, key, message, signature, valid } of golden('signatures.json')) {
    assert.equal(verifySignature(hexToBytes(key), hexToBytes(message), hexToBytes(signature)), valid, name);
    verdicts[`${valid as boolean}`]++;
  }
  assert.ok(verdicts.true >= 5 && verdicts.false >= 90, JSON.stringify(verdicts));
});

test('keys and signatures of other lengths are no error, and not valid', async () => {
  const { publicKey, sign } = seedSigner(new Uint8Array(32).fill(7));
  const message = new Uint8Array([1, 2, 3]);
  const signature = await sign(message);
  assert.ok(verifySignature(publicKey, message, signature));
  assert.ok(!verifySignature(publicKey.slice(1), message, signature));
  assert.ok(!verifySignature(publicKey, message, signature.slice(1)));
  assert.ok(!verifySignature(publicKey, message, new Uint8Array(65)));
});
