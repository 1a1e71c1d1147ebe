"""Signed frames and files, by docs/wire.md."""

import struct

from .layouts import Fields
from .solana import ZERO, Difference, need, sha256, signed_by

HEARTBEAT, RESULT, VIEW, ASSIGNMENT, SCORES = 1, 3, 4, 5, 6


class Domain:
    def __init__(self, genesis_hash, program):
        self.header = genesis_hash[:8] + program

    def body(self, frame, kind, signer_at):
        """The body of a frame whose header and signature are good; the signer's key stands `signer_at` bytes into the frame."""
        need(len(frame) >= 48 + 64, "a frame is too short")
        need(frame[:8] == b"MSTR" + bytes([1, kind, 0, 0]), f"not a frame of kind {kind}")
        need(frame[8:48] == self.header, "the frame belongs to another network")
        signer = frame[signer_at : signer_at + 32]
        need(signed_by(signer, frame[:-64], frame[-64:]), f"a frame of kind {kind} is not signed by the key that it names")
        return Fields(frame[48:-64])


def bits(bitmap, buckets):
    """The set of buckets of a bitmap."""
    found = {bucket for bucket in range(len(bitmap) * 8) if bitmap[bucket // 8] >> bucket % 8 & 1}
    need(all(bucket < buckets for bucket in found), "a bitmap has bits beyond its buckets")
    return found


def heartbeat(domain, frame):
    fields = domain.body(frame, HEARTBEAT, 80)
    found = fields.read("oracle:h node_key:h epoch:Q bucket:I sent_at_ms:Q seq:Q bitmap_digest:h receipt_root:h status:B cpu:H memory:H n:B")
    fields.take(20 * found["n"])
    fields.finish()
    return found


def view(domain, frame):
    fields = domain.body(frame, VIEW, 48)
    found = fields.read("oracle:h epoch:Q buckets:I count:I")
    nodes, last = {}, b""
    for _ in range(found["count"]):
        node_key = fields.take(32)
        need(node_key > last, "the nodes of a view are not in order")
        last = node_key
        seen = bits(fields.take((found["buckets"] + 7) // 8), found["buckets"])
        for _ in range(fields.number("B")):
            fields.read("reason:B count:I")
        frame_bytes = fields.take(fields.number("H"))
        if frame_bytes:
            beat = heartbeat(domain, frame_bytes)
            need(beat["node_key"] == node_key and beat["oracle"] == found["oracle"], "a view holds another node's or oracle's heartbeat")
            need(beat["epoch"] == found["epoch"] and beat["bucket"] in seen, "a view's last heartbeat is not in its bitmap")
        else:
            need(not seen, "a view counts buckets without a heartbeat")
        nodes[node_key] = seen
    fields.finish()
    found["nodes"] = nodes
    return found


def scores(domain, frame):
    fields = domain.body(frame, SCORES, 88)
    found = fields.read("project:k epoch:Q settler:k count:I")
    entries, last = {}, -1
    for _ in range(found["count"]):
        index, bps = fields.number("I"), fields.number("H")
        need(index > last and bps <= 10_000, "the scores are out of order or range")
        entries[index], last = bps, index
    fields.finish()
    found["entries"] = entries
    return found


def assignment(domain, frame):
    fields = domain.body(frame, ASSIGNMENT, 84)
    found = fields.read("job:k attempt:I oracle:k assigned_at_ms:Q lease_until_ms:Q descriptor_hash:h n:B")
    found["nodes"] = [(fields.address(), fields.address()) for _ in range(found["n"])]
    fields.finish()
    found["hash"] = sha256(frame)
    return found


def result(domain, frame):
    fields = domain.body(frame, RESULT, 112)
    found = fields.read("job:k assignment:h node_key:k tenure:k status:B exit_code:i result_hash:h started_at_ms:Q finished_at_ms:Q")
    found |= fields.read("accuracy:I loss:Q epochs:I archive:h log:h seq:Q")
    fields.finish()
    return found


def depth(count):
    return max(1, (count - 1).bit_length()) if count > 1 else 1


def tree(leaves):
    """Levels of the positional tree, leaves first, all slots written out."""
    level = list(leaves) + [ZERO] * (2 ** depth(len(leaves)) - len(leaves))
    levels = [level]
    while len(level) > 1:
        level = [sha256(b"\1", level[i], level[i + 1]) for i in range(0, len(level), 2)]
        levels.append(level)
    return levels


def climb(leaf, index, proof):
    for sibling in proof:
        leaf = sha256(b"\1", sibling, leaf) if index & 1 else sha256(b"\1", leaf, sibling)
        index >>= 1
    return leaf


def points_leaf(index, tenure, points):
    return sha256(b"\0", struct.pack("<I", index), tenure, struct.pack("<Q", points))


def distribution_leaf(program, distribution, tenure, index, cumulative):
    return sha256(b"\0", program, distribution, tenure, struct.pack("<IQ", index, cumulative))


def pool_shares(points, pool):
    """floor(points x pool / total); the rest one unit each by largest remainder, ties to the lower index."""
    total = sum(points)
    if total == 0:
        raise Difference("a pool is shared and nobody has points")
    shares = [p * pool // total for p in points]
    rest = pool - sum(shares)
    for index in sorted(range(len(points)), key=lambda i: (-(points[i] * pool % total), i))[:rest]:
        shares[index] += 1
    return shares


def threshold(n):
    return next(t for t in range(1, n + 1) if 2 * t > n and 3 * t >= 2 * n)
