"""Solana's own formats: base58, program addresses, transactions as RPC returns them."""

import base64
import hashlib
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
ZERO = bytes(32)


class Difference(Exception):
    """The evidence does not give what somebody stated."""


def need(condition, text):
    if not condition:
        raise Difference(text)


def same(what, stated, found):
    need(stated == found, f"{what}: stated {stated!r}, the evidence gives {found!r}")


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def b58encode(data):
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + text


def b58decode(text):
    number = 0
    for letter in text:
        number = number * 58 + ALPHABET.index(letter)
    zeros = len(text) - len(text.lstrip("1"))
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes(zeros) + body


def key(text):
    """The 32 bytes of an address."""
    data = b58decode(text)
    need(len(data) == 32, f"{text} is not an address")
    return data


def signed_by(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P


def on_curve(data):
    y = int.from_bytes(data, "little")
    y &= (1 << 255) - 1
    if y >= P:
        y -= P
    u = (y * y - 1) % P
    v = (D * y * y + 1) % P
    x2 = u * pow(v, P - 2, P) % P
    return x2 == 0 or pow(x2, (P - 1) // 2, P) == 1


def program_address(program, *seeds):
    """find_program_address: the first bump from 255 down whose hash is not a curve point."""
    for bump in range(255, -1, -1):
        found = sha256(*seeds, bytes([bump]), key(program), b"ProgramDerivedAddress")
        if not on_curve(found):
            return b58encode(found)
    raise Difference("no program address")


def compact(number):
    """Solana's compact-u16."""
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


class Transaction:
    """A transaction as getTransaction returned it with encoding "json", its message rebuilt and its signatures checked."""

    def __init__(self, signature, returned):
        self.signature = signature
        self.slot = returned["slot"]
        self.meta = returned["meta"]
        self.message = returned["transaction"]["message"]
        self.signatures = returned["transaction"]["signatures"]
        same("first signature", signature, self.signatures[0])
        need(self.meta["err"] is None, f"{signature} failed: {self.meta['err']}")
        loaded = self.meta.get("loadedAddresses") or {}
        self.keys = self.message["accountKeys"] + loaded.get("writable", []) + loaded.get("readonly", [])
        self.bytes = self.check_signatures()
        self.instructions = self.flatten()

    def message_bytes(self):
        message, header = self.message, self.message["header"]
        lookups = message.get("addressTableLookups")
        out = bytes([0x80]) if lookups is not None else b""
        out += bytes([header["numRequiredSignatures"], header["numReadonlySignedAccounts"], header["numReadonlyUnsignedAccounts"]])
        out += compact(len(message["accountKeys"])) + b"".join(key(text) for text in message["accountKeys"])
        out += key(message["recentBlockhash"])
        out += compact(len(message["instructions"]))
        for instruction in message["instructions"]:
            data = b58decode(instruction["data"])
            accounts = bytes(instruction["accounts"])
            out += bytes([instruction["programIdIndex"]]) + compact(len(accounts)) + accounts + compact(len(data)) + data
        if lookups is not None:
            out += compact(len(lookups))
            for lookup in lookups:
                out += key(lookup["accountKey"])
                for part in ("writableIndexes", "readonlyIndexes"):
                    out += compact(len(lookup[part])) + bytes(lookup[part])
        return out

    def check_signatures(self):
        """Length of the transaction on the wire."""
        message = self.message_bytes()
        need(len(self.signatures) == self.message["header"]["numRequiredSignatures"], f"{self.signature}: signatures are missing")
        for signer, signature in zip(self.message["accountKeys"], self.signatures):
            need(signed_by(key(signer), message, b58decode(signature)), f"{self.signature}: {signer} did not sign these bytes")
        return len(compact(len(self.signatures))) + 64 * len(self.signatures) + len(message)

    def flatten(self):
        """Every instruction, inner ones behind their outer one: (program, accounts, data, outer index, inner index)."""
        inner = {group["index"]: group["instructions"] for group in self.meta.get("innerInstructions") or []}
        found = []
        for index, outer in enumerate(self.message["instructions"]):
            found.append(self.resolve(outer, index, None))
            for position, instruction in enumerate(inner.get(index, [])):
                found.append(self.resolve(instruction, index, position))
        return found

    def resolve(self, instruction, index, position):
        accounts = [self.keys[account] for account in instruction["accounts"]]
        return self.keys[instruction["programIdIndex"]], accounts, b58decode(instruction["data"]), index, position

    def transfers(self, accounts_of_mint, mint):
        """Token transfers of the mint: (from, to, amount)."""
        for program, accounts, data, _, _ in self.instructions:
            if program not in (TOKEN, TOKEN_2022) or not data:
                continue
            if data[0] == 3 and accounts[0] in accounts_of_mint:
                yield accounts[0], accounts[1], struct.unpack_from("<Q", data, 1)[0]
            elif data[0] == 12 and accounts[1] == mint:
                yield accounts[0], accounts[2], struct.unpack_from("<Q", data, 1)[0]
            elif data[0] in (7, 8, 14, 15) and mint in accounts[:2]:
                raise Difference(f"{self.signature} mints or burns {mint} after the distribution")

    def calls(self, program, name):
        """Arguments and accounts of the calls of one Anchor instruction."""
        tag = sha256(f"global:{name}".encode())[:8]
        return [(data[8:], accounts) for caller, accounts, data, _, _ in self.instructions if caller == program and data[:8] == tag]

    def events(self, programs):
        """emit_cpi! events: (program, discriminator, body, outer index, inner index)."""
        tag = sha256(b"anchor:event")[:8][::-1]
        for program, _, data, index, position in self.instructions:
            if position is not None and program in programs and data[:8] == tag:
                yield program, data[8:16], data[16:], index, position


def event_tag(name):
    return sha256(f"event:{name}".encode())[:8]


def raw(account):
    return base64.b64decode(account["data"])
