"""The demo's verifier reads what the protocol's golden vectors hold, and says the same sums."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from demo_verifier import solana, wire

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "protocol" / "vectors"


def vectors(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


class Vectors(unittest.TestCase):
    def test_frames_are_read_and_a_changed_byte_is_refused(self):
        readers = {"heartbeat": wire.heartbeat, "view": wire.view, "scores": wire.scores, "assignment": wire.assignment, "task result": wire.result}
        read = 0
        for case in vectors("frames"):
            reader = readers.get((case.get("frame") or "").rstrip(" 123"))
            if reader is None:
                continue
            domain = wire.Domain(bytes.fromhex(case["genesis_tag"]), bytes.fromhex(case["program"]))
            frame = bytes.fromhex(case["bytes"])
            reader(domain, frame)
            for position in (0, 20, len(frame) // 2, len(frame) - 1):
                bad = bytearray(frame)
                bad[position] ^= 1
                with self.assertRaises(solana.Difference):
                    reader(domain, bytes(bad))
            read += 1
        self.assertGreaterEqual(read, len(readers))

    def test_thresholds_and_shares(self):
        checked = 0
        for case in vectors("maths"):
            if case["rule"] == "threshold":
                self.assertEqual(wire.threshold(case["n"]), case["t"])
                checked += 1
            if case["rule"] == "pool_shares" and case.get("shares"):
                points = [int(p) for p in case["points"]]
                self.assertEqual(wire.pool_shares(points, int(case["pool"])), [int(s) for s in case["shares"]])
                checked += 1
        self.assertGreater(checked, 16)

    def test_trees_and_proofs(self):
        proofs = 0
        for case in vectors("merkle"):
            if "tree" not in case:
                continue
            leaves = [bytes.fromhex(leaf) for leaf in case["tree"]]
            self.assertEqual(wire.depth(len(leaves)), case["depth"])
            self.assertEqual(wire.tree(leaves)[-1][0].hex(), case["root"])
            for index, proof in enumerate(case["proofs"]):
                self.assertEqual(wire.climb(leaves[index], index, [bytes.fromhex(s) for s in proof]).hex(), case["root"])
                proofs += 1
        self.assertGreater(proofs, 0)

    def test_addresses(self):
        system = "11111111111111111111111111111111"
        self.assertEqual(solana.b58encode(bytes(32)), system)
        self.assertEqual(solana.key(system), bytes(32))
        # the associated token program's own example: a bump below 255 is found where the hash is a curve point
        found = solana.program_address("4eBcSu1x3m5bDsxZGTNS3nWJUiwQmpD7vWtdyHF9BE9s", b"network")
        self.assertEqual(len(solana.key(found)), 32)
        self.assertFalse(solana.on_curve(solana.key(found)))


if __name__ == "__main__":
    unittest.main()
