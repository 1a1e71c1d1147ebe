import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  batchLeaf,
  bytesToHex,
  depth,
  distributionLeaf,
  hexToBytes,
  LEAVES_MAX,
  MerkleTree,
  pointsLeaf,
  verifyProof,
} from '../src/index.js';
import { addressOf, golden, type Case } from './vectors.js';

const LEAVES: Record<string, (c: Case) => Uint8Array> = {
  points: (c) => pointsLeaf(c.index, addressOf(c.tenure), BigInt(c.points)),
  distribution: (c) => {
    const [program, distribution, tenure] = [c.program, c.distribution, c.tenure].map(addressOf);
    return distributionLeaf(program!, distribution!, tenure!, c.index, BigInt(c.cumulative));
  },
  batch: (c) => batchLeaf(hexToBytes(c.frame_hash), BigInt(c.received_at_ms)),
};

test('leaves, roots and proofs are those of the programs', () => {
  const seen = { leaves: 0, proofs: 0 };
  for (const each of golden('merkle.json')) {
    if (each.leaf !== undefined) {
      assert.equal(bytesToHex(LEAVES[each.leaf]!(each)), each.hash);
      seen.leaves++;
      continue;
    }
    const leaves = each.tree.map(hexToBytes);
    const tree = new MerkleTree(leaves);
    assert.equal(depth(leaves.length), each.depth);
    assert.equal(bytesToHex(tree.root as Uint8Array), each.root);
    each.proofs.forEach((proof: string[], i: number) => {
      assert.deepEqual(
        tree.proof(i).map((sibling) => bytesToHex(sibling as Uint8Array)),
        proof,
      );
      assert.ok(verifyProof(tree.root, leaves[i], i, leaves.length, proof.map(hexToBytes)));
      seen.proofs++;
    });
  }
  assert.deepEqual(seen, { leaves: 3, proofs: 32 });
});

test('a proof holds for its leaf, place, count and length alone', () => {
  const leaves = [1, 2, 3].map((n) => new Uint8Array(32).fill(n));
  const tree = new MerkleTree(leaves);
  const proof = tree.proof(1);
  const holds = (leaf: number, index: number, count: number, path = proof) =>
    verifyProof(tree.root, leaves[leaf]!, index, count, path);
  assert.ok(holds(1, 1, 3));
  assert.ok(!holds(0, 1, 3) && !holds(1, 0, 3) && !holds(1, 1, 5) && !holds(1, 1, 3, proof.slice(1)));
  assert.ok(!holds(1, 3, 3) && !holds(1, -1, 3) && !holds(1, 1.5, 3) && !holds(1, 1, LEAVES_MAX + 1));
  assert.throws(() => tree.proof(3), /no leaf 3/);
});
