"""The evidence folder, read and indexed; nothing is believed yet."""

import json
import struct

from .layouts import mint, program_account, token_account
from .solana import Difference, Transaction, key, need, program_address, raw
from .wire import Domain


class Evidence:
    def __init__(self, folder):
        self.folder = folder / "evidence"
        self.summary = json.loads((folder / "summary.json").read_text())
        self.index = json.loads((self.folder / "index.json").read_text())
        chain = json.loads((self.folder / "chain.json").read_text())["accounts"]
        self.raw = {account["address"]: account for account in chain}
        need(len(self.raw) == len(chain), "chain.json names an account twice")
        self.network_program = self.index["programs"]["network"]
        self.jobs_program = self.index["programs"]["jobs"]
        self.programs = (self.network_program, self.jobs_program)
        self.mint = self.index["mint"]
        self.kinds = {}
        for address, account in self.raw.items():
            if account["owner"] in self.programs:
                found = program_account(raw(account))
                if found:
                    self.kinds.setdefault(found[0], {})[address] = found[1]
        self.addresses()
        self.domain = Domain(key(self.index["genesis_hash"]), key(self.network_program))
        self.tokens_before = self.tokens(json.loads((self.folder / "before.json").read_text())["accounts"])
        self.tokens_after = self.tokens(chain)
        self.supply, self.decimals = mint(raw(self.raw[self.mint]))
        self.transactions = {}
        for file in sorted((self.folder / "transactions").iterdir()):
            self.transactions[file.stem] = Transaction(file.stem, json.loads(file.read_text()))

    def addresses(self):
        """Accounts of which there is one, by the addresses that the programs derive."""
        network, jobs = self.network_program, self.jobs_program
        self.network_address = program_address(network, b"network")
        self.network = self.one("Network", self.network_address)
        self.set = self.one("OracleSet", program_address(network, b"oracles"))
        self.project_address = self.index["project"]
        self.project = self.one("Project", self.project_address)
        project = key(self.project_address)
        self.epoch_number = self.index["epoch"]
        number = struct.pack("<Q", self.epoch_number)
        self.distribution_address = program_address(network, b"distribution", project)
        self.distribution = self.one("Distribution", self.distribution_address)
        self.epoch = self.one("Epoch", program_address(network, b"epoch", project, number))
        self.views = self.one("ViewSet", program_address(network, b"views", number))
        self.budget_vault = program_address(network, b"budget", project)
        self.vault = program_address(network, b"vault", key(self.distribution_address))
        self.treasury = program_address(network, b"treasury", key(self.mint))
        self.bond_vault = program_address(jobs, b"bonds")
        self.bonds = self.kinds.get("Bond", {})
        self.jobs = self.kinds.get("Job", {})
        self.nodes = self.kinds.get("Node", {})
        tenures = self.kinds.get("Tenure", {})
        mine = [(address, t) for address, t in tenures.items() if t["project"] == self.project_address]
        self.tenures = sorted(mine, key=lambda entry: entry[1]["leaf_index"])

    def one(self, kind, address):
        found = self.kinds.get(kind, {}).get(address)
        if found is None:
            raise Difference(f"chain.json has no {kind} at {address}")
        return found

    def tokens(self, accounts):
        """Token accounts of the mint: address -> (owner, amount)."""
        found = {}
        for account in accounts:
            data = raw(account)
            if account["owner"] == self.index["programs"]["token"] and len(data) >= 165:
                held, owner, amount = token_account(data)
                if held == self.mint:
                    found[account["address"]] = (owner, amount)
        return found

    def bytes(self, *path):
        return self.folder.joinpath(*path).read_bytes()

    def files(self, *path):
        folder = self.folder.joinpath(*path)
        return [file.read_bytes() for file in sorted(folder.iterdir())] if folder.is_dir() else []

    def calls(self, program, name):
        """(signature, arguments, accounts) of every call of an instruction."""
        found = [(t, *call) for t in self.transactions.values() for call in t.calls(program, name)]
        return [(t.signature, data, accounts) for t, data, accounts in sorted(found, key=lambda entry: entry[0].slot)]
