"""Account layouts of the two programs and of token accounts: little-endian fields behind an 8-byte discriminator."""

import struct

from .solana import Difference, b58encode, need, sha256

ORACLES_MAX = 16
MAINTENANCE_PAST = 7


class Fields:
    """Reads named fields one after the other."""

    def __init__(self, data, name=None):
        self.data, self.at = data, 0
        if name is not None:
            need(data[:8] == sha256(f"account:{name}".encode())[:8], f"not a {name} account")
            self.at = 8

    def take(self, length):
        if self.at + length > len(self.data):
            raise Difference("the data ends inside of a field")
        found = self.data[self.at : self.at + length]
        self.at += length
        return found

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def address(self):
        return b58encode(self.take(32))

    def read(self, text):
        """`name:code` words: k address, h 32 bytes, otherwise a struct code."""
        found = {}
        for word in text.split():
            name, code = word.split(":")
            found[name] = self.address() if code == "k" else self.take(32) if code == "h" else self.number(code)
        return found

    def finish(self):
        need(self.at == len(self.data), f"{len(self.data) - self.at} bytes follow the end")


def network(data):
    fields = Fields(data, "Network")
    found = fields.read("version:B bump:B authority:k pending_authority:k guardian:k pending_guardian:k treasury_owner:k")
    found |= fields.read("pending_treasury_owner:k job_mint:k")
    found["mints"] = [fields.address() for _ in range(8)]
    found |= fields.read("mint_count:B fee_bps:H next_fee_bps:H next_fee_epoch:Q epoch_len:I bucket_len:I grace:I root_delay:I")
    found |= fields.read("hold_limit:I set_delay:I paused:I guardian_paused:I guardian_until:q project_count:Q seq:Q")
    return found


def oracle_set(data):
    fields = Fields(data, "OracleSet")
    entries = []
    for _ in range(2 * ORACLES_MAX):
        entries.append(fields.address())
        fields.take(104)
    found = fields.read("pending_at:q set_version:I count:B threshold:B")
    found["oracles"] = entries[: found["count"]]
    return found


def formula(fields):
    return fields.read("w_uptime:I w_task:I cap:Q min_uptime_bps:H")


def project(data):
    fields = Fields(data, "Project")
    found = fields.read("version:B bump:B index:Q owner:k pending:k settler:k collection:k reward_mint:k payment_mint:k")
    found |= fields.read("price:Q licences_max:I licences_sold:I")
    found["formula"] = formula(fields)
    found["next_formula"] = formula(fields)
    found |= fields.read("next_formula_epoch:Q max_budget:Q next_max_budget:Q next_budget_epoch:Q leaf_count:I next_epoch:Q")
    found |= fields.read("created_at:q withdraw_amount:Q withdraw_at:q pool_count:I reward_mode:B standard:B")
    found |= fields.read("budget_vault_bump:B closed:B seq:Q")
    return found


ROOT = "root:h epoch:Q total:Q count:I revision:I held_until:q held_version:I _pad:I pays_from:q"


def distribution(data):
    fields = Fields(data, "Distribution")
    found = fields.read("project:k mint:k vault:k budget_vault:k treasury:k allocated:Q claimed:Q topped_up:Q seq:Q")
    found |= fields.read("ledger_head:h open_epoch:Q open_budget:Q open_node_pool:Q open_revision:I open_state:B bump:B")
    found |= fields.read("version:B reward_mode:B voided_epoch:Q voided_revision:I leaves_max:I")
    fields.take(32 * ORACLES_MAX)
    found |= fields.read("votes_version:I pending_version:I pending_eta:q pending_ledger_head:h")
    fields.read(ROOT)
    found["roots"] = [fields.read(ROOT) for _ in range(4)]
    return found


def epoch(data):
    fields = Fields(data, "Epoch")
    found = fields.read("project:k points_root:h dataset_hash:h scores_hash:h rent_payer:k epoch:Q total_points:Q budget:Q")
    return found | fields.read("fee:Q node_pool:Q settled_at:q final_at:q revision:I node_count:I fee_bps:H status:B bump:B")


def view_set(data):
    fields = Fields(data, "ViewSet")
    found = fields.read("epoch:Q closed_at:q seq:Q rent_payer:k")
    found["view_hashes"] = [fields.take(32) for _ in range(ORACLES_MAX)]
    found["rows"] = [[fields.take(32) for _ in range(ORACLES_MAX)] for _ in range(ORACLES_MAX)]
    return found | fields.read("set_version:I in_count:B threshold:B")


def node(data):
    fields = Fields(data, "Node")
    found = fields.read("project:k licence:k licence_account:k node_key:k tenure:k pool:k metadata_hash:h bound_at:q accepted_at:q")
    found |= fields.read("thaw_at:q maintenance_start:q maintenance_end:q")
    fields.take(16 * MAINTENANCE_PAST)
    return found | fields.read("suspended_from:Q suspended_until:Q tenure_number:I serial:I status:B standard:B")


def tenure(data):
    fields = Fields(data, "Tenure")
    found = fields.read("node:k project:k distribution:k holder:k payout:k payout_owner:k operator:k claimed_total:Q")
    return found | fields.read("from_epoch:Q until_epoch:Q created_at:q leaf_index:I number:I operator_bps:H")


def job(data):
    fields = Fields(data, "Job")
    found = fields.read("submitter:k descriptor_hash:h refund_account:k rent_payer:k escrow:k result_hash:h outcome_hash:h")
    found["votes"] = [fields.take(32) for _ in range(ORACLES_MAX)]
    found |= fields.read("index:Q nonce:Q stake:Q tip:Q sponsored:Q to_nodes:Q to_treasury:Q refunded:Q owed:Q sponsors_left:Q")
    found |= fields.read("created_at:q deadline:q cancel_at:q settled_at:q seq:Q votes_version:I sponsor_count:I")
    return found | fields.read("attest_grace:I cancel_window:I fee_bps:H redundancy:B state:B node_count:B")


def bond(data):
    fields = Fields(data, "Bond")
    found = fields.read("tenure:k node:k holder:k staked:Q earned:Q unbonding:Q unbond_at:q seq:Q")
    return found | fields.read("withdrawn_total:Q earned_total:Q slashed_total:Q")


def jobs_config(data):
    fields = Fields(data, "JobsConfig")
    found = fields.read("network:k mint:k token_program:k bond_vault:k treasury:k default_stake:Q stake_min:Q sponsor_min:Q")
    found |= fields.read("job_count:Q bond_count:Q seq:Q attest_grace:I cancel_window:I unbond_delay:I slash_delay:I")
    return found | fields.read("decimals:B")


READERS = {
    "Network": network,
    "OracleSet": oracle_set,
    "Project": project,
    "Distribution": distribution,
    "Epoch": epoch,
    "ViewSet": view_set,
    "Node": node,
    "Tenure": tenure,
    "Job": job,
    "Bond": bond,
    "JobsConfig": jobs_config,
}
TAGS = {sha256(f"account:{name}".encode())[:8]: name for name in READERS}


def program_account(data):
    """(type, fields), or None for an account of no interest here."""
    name = TAGS.get(data[:8])
    return (name, READERS[name](data)) if name else None


def token_account(data):
    """Mint, owner, amount of a classic or Token-2022 token account."""
    need(len(data) >= 165, "not a token account")
    return b58encode(data[:32]), b58encode(data[32:64]), struct.unpack_from("<Q", data, 64)[0]


def mint(data):
    """Supply and decimals."""
    need(len(data) >= 82, "not a mint")
    return struct.unpack_from("<Q", data, 36)[0], data[44]
