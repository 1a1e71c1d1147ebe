"""What is recomputed, and what it is compared with: the summary, and what stands on chain."""

import json
import struct

from .layouts import Fields
from .solana import ZERO, b58encode, event_tag, key, need, program_address, same, sha256
from . import wire


def network(e):
    """the network's figures"""
    stated, chain = e.summary["network"], e.network
    for name in ("fee_bps", "epoch_len", "bucket_len"):
        same(name, stated[name], chain[name])
    same("fee in the epoch", e.epoch["fee_bps"], chain["fee_bps"])
    same("oracles", stated["oracles"], e.set["count"])
    same("threshold", stated["threshold"], wire.threshold(e.set["count"]))
    same("threshold on chain", e.set["threshold"], stated["threshold"])
    same("genesis hash", stated["genesis_hash"], e.index["genesis_hash"])
    same("programs", stated["programs"], {"network": e.network_program, "jobs": e.jobs_program})
    same("mint", stated["mint"], e.mint)
    same("the network's job mint", chain["job_mint"], e.mint)
    same("the project's mints", (e.project["reward_mint"], e.project["payment_mint"]), (e.mint, e.mint))
    same("epoch of the account", e.epoch["epoch"], e.epoch_number)
    same("final", e.epoch["status"], 3)
    return f"{stated['oracles']} oracles, threshold {stated['threshold']}"


def views(e):
    """the oracles' views, their signatures and which are in"""
    files = {frame[48:80]: frame for frame in e.files("views")}
    same("oracles of the summary", [o["key"] for o in e.summary["oracles"]], e.set["oracles"])
    agreed = []
    for column, oracle in enumerate(e.set["oracles"]):
        named = [row[column] for row in e.views["rows"][: e.set["count"]] if row[column] != ZERO]
        in_hash = next((h for h in named if named.count(h) >= e.views["threshold"]), ZERO)
        same(f"view of {oracle} that is in", e.views["view_hashes"][column].hex(), in_hash.hex())
        agreed.append(in_hash)
        same(f"view hash of {oracle}", e.summary["oracles"][column]["view_hash"], "" if in_hash == ZERO else in_hash.hex())
    same("views that are in", e.views["in_count"], sum(h != ZERO for h in agreed))
    need(e.views["in_count"] >= e.set["threshold"], "fewer views are in than the threshold")
    decoded = {}
    for public, frame in files.items():
        found = wire.view(e.domain, frame)
        need(b58encode(public) in e.set["oracles"], "a view of an oracle that is not in the set")
        same("epoch of a view", found["epoch"], e.epoch_number)
        same("buckets of a view", found["buckets"], e.network["epoch_len"] // e.network["bucket_len"])
        column = e.set["oracles"].index(b58encode(public))
        if agreed[column] != ZERO:
            same(f"hash of the view of {b58encode(public)}", sha256(frame).hex(), agreed[column].hex())
            decoded[column] = found
    missing = [e.set["oracles"][c] for c, h in enumerate(agreed) if h != ZERO and c not in decoded]
    need(not missing, f"the bytes of a view that is in are missing: {missing}")
    e.agreed, e.in_views = agreed, decoded
    return f"{len(decoded)} of {len(agreed)} views are in"


def rows(e):
    """Row by row what the dataset must hold: index, tenure, node, node key, first bucket, counted, excused, uptime, score, points."""
    epoch_len, bucket_len = e.network["epoch_len"], e.network["bucket_len"]
    buckets, start = epoch_len // bucket_len, e.epoch_number * epoch_len
    formula = e.project["next_formula"] if e.epoch_number >= e.project["next_formula_epoch"] else e.project["formula"]
    found = []
    for position, (address, tenure) in enumerate(t for t in e.tenures if t[1]["created_at"] < start + epoch_len):
        same("leaf index", tenure["leaf_index"], position)
        node = e.nodes[tenure["node"]]
        need(node["tenure"] == address and tenure["until_epoch"] > e.epoch_number, "a tenure of the demo has ended")
        need(node["maintenance_start"] == 0 and node["suspended_from"] == 0, "a node of the demo was in maintenance or suspended")
        first = buckets
        if node["accepted_at"] and tenure["from_epoch"] <= e.epoch_number:
            first = min(buckets, -(-max(0, node["accepted_at"] - start) // bucket_len))
        public = key(node["node_key"])
        seen = [v["nodes"].get(public, set()) for v in e.in_views.values()]
        counted = sum(sum(b in s for s in seen) >= e.set["threshold"] for b in range(first, buckets))
        uptime = 10_000 * min(counted, buckets) // buckets
        score = e.scores.get(position, 0)
        points = 0
        if uptime >= formula["min_uptime_bps"]:
            points = min(formula["cap"], (formula["w_uptime"] * uptime + formula["w_task"] * score) // 10_000)
        found.append((position, key(address), key(tenure["node"]), public, first, counted, 0, uptime, score, points))
    e.formula = formula
    return found


def dataset(e):
    """the dataset, byte by byte, and the points root"""
    e.scores = {}
    if e.epoch["scores_hash"] != ZERO:
        frame = e.bytes("scores.bin")
        same("scores hash", e.epoch["scores_hash"].hex(), sha256(frame).hex())
        found = wire.scores(e.domain, frame)
        stated = (found["project"], found["epoch"], found["settler"])
        same("what the scores are of", stated, (e.project_address, e.epoch_number, e.project["settler"]))
        e.scores = found["entries"]
    e.rows = rows(e)
    out = b"MSDS" + struct.pack("<H", 1) + key(e.index["genesis_hash"])
    for address in (e.network_program, e.network_address, e.project_address, e.distribution_address):
        out += key(address)
    out += struct.pack("<QIII", e.epoch_number, e.network["epoch_len"], e.network["bucket_len"], e.set["set_version"])
    out += bytes([e.set["threshold"], e.set["count"]])
    for oracle, view_hash in zip(e.set["oracles"], e.agreed):
        out += key(oracle) + view_hash
    f = e.formula
    out += struct.pack("<IIQH", f["w_uptime"], f["w_task"], f["cap"], f["min_uptime_bps"]) + e.epoch["scores_hash"]
    out += struct.pack("<I", len(e.rows))
    for index, tenure, node, public, first, counted, excused, uptime, score, points in e.rows:
        out += struct.pack("<I", index) + tenure + node + public
        out += struct.pack("<IIIHHQ", first, counted, excused, uptime, score, points)
    total = sum(row[9] for row in e.rows)
    out += struct.pack("<Q", total)
    need(out == e.bytes("dataset.bin"), "dataset.bin is not what the views and the chain give")
    same("dataset hash on chain", e.epoch["dataset_hash"].hex(), sha256(out).hex())
    root = wire.tree([wire.points_leaf(row[0], row[1], row[9]) for row in e.rows])[-1][0]
    same("points root on chain", e.epoch["points_root"].hex(), root.hex())
    same("total points on chain", e.epoch["total_points"], total)
    same("rows on chain", e.epoch["node_count"], len(e.rows))
    same("total points", e.summary["epoch"]["total_points"], total)
    same("nodes of the summary", len(e.summary["nodes"]), len(e.rows))
    for stated in e.summary["nodes"]:
        row = e.rows[stated["index"]]
        name = f"node {stated['node']}"
        same(f"{name}: tenure", key(stated["tenure"]), row[1])
        same(f"{name}: node", key(stated["node"]), row[2])
        same(f"{name}: buckets", stated["buckets"], row[5])
        same(f"{name}: points", stated["points"], row[9])
        same(f"{name}: holder", stated["holder"], e.tenures[row[0]][1]["holder"])
        same(f"{name}: licence", stated["licence"], e.nodes[stated["node"]]["licence"])
        same(f"{name}: its address", stated["node"], program_address(e.network_program, b"node", key(stated["licence"])))
    return f"{len(e.rows)} rows, {total} points, {len(out)} bytes"


def settlement(e):
    """fee, shares, leaf file, distribution root, votes and ledger"""
    epoch, stated = e.epoch, e.summary["epoch"]
    fee = epoch["budget"] * epoch["fee_bps"] // 10_000
    pool = epoch["budget"] - fee
    same("fee and pool on chain", (epoch["fee"], epoch["node_pool"]), (fee, pool))
    figures = {"epoch": e.epoch_number, "budget": str(epoch["budget"]), "fee": str(fee), "node_pool": str(pool)}
    for name, value in figures.items():
        same(name, stated[name], value)
    roots = e.distribution["roots"]
    need(roots[1]["count"] == 0, "the demo settles one epoch, and there are two roots")
    cumulative = wire.pool_shares([row[9] for row in e.rows], pool)
    e.cumulative, program, distribution = cumulative, key(e.network_program), key(e.distribution_address)
    out = b"MSLF" + struct.pack("<H", 1) + program + distribution
    out += struct.pack("<QIQQI", e.epoch_number, epoch["revision"], pool, sum(cumulative), len(cumulative))
    for row, amount in zip(e.rows, cumulative):
        out += row[1] + struct.pack("<Q", amount)
    need(out == e.bytes("leaves.bin"), "leaves.bin is not what points and pool give")
    leaves = [wire.distribution_leaf(program, distribution, row[1], row[0], c) for row, c in zip(e.rows, cumulative)]
    levels = wire.tree(leaves)
    root = levels[-1][0]
    expected = {"root": root, "epoch": e.epoch_number, "total": pool, "count": len(leaves), "revision": epoch["revision"]}
    for name, value in expected.items():
        same(f"active {name}", roots[0][name], value)
    same("root", stated["root"], root.hex())
    same("allocated", e.distribution["allocated"], pool)
    for node in e.summary["nodes"]:
        index, proof = node["index"], [bytes.fromhex(h) for h in node["proof"]]
        same("cumulative", node["cumulative"], str(cumulative[index]))
        need(len(proof) == wire.depth(len(leaves)), "a proof has the wrong length")
        same("root of a proof", wire.climb(leaves[index], index, proof).hex(), root.hex())
        same("claimed", node["claimed"], str(e.tenures[index][1]["claimed_total"]))
    settled_epoch = struct.pack("<QI", e.epoch_number, epoch["revision"])
    ledger = sha256(b"muster:ledger:1", ZERO, key(e.project_address), settled_epoch, epoch["points_root"], root,
                    struct.pack("<Q", pool), epoch["dataset_hash"])
    same("ledger head", e.distribution["ledger_head"].hex(), ledger.hex())
    vote = settled_epoch + root + struct.pack("<QI", pool, len(leaves)) + epoch["dataset_hash"] + ledger
    votes = {}
    for _, data, accounts in e.calls(e.network_program, "approve_root"):
        if data[:8] == settled_epoch[:8]:
            votes[accounts[0]] = data == vote
    need(set(votes) <= set(e.set["oracles"]), "a vote by somebody who is no oracle")
    need(sum(votes.values()) >= e.set["threshold"], "fewer oracles than the threshold voted for this root")
    return f"budget {epoch['budget']}, fee {fee}, {sum(votes.values())} votes for {root.hex()[:16]}"


def signatures(e):
    """the named transactions do what they are named for"""
    stated, number = e.summary["signatures"], struct.pack("<Q", e.epoch_number)
    of_epoch = lambda name: [s for s, data, _ in e.calls(e.network_program, name) if data[:8] == number]
    same("commit_views", sorted(stated["commit_views"]), sorted(of_epoch("commit_views")))
    same("approve", sorted(stated["approve"]), sorted(of_epoch("approve_root")))
    same("settle", [stated["settle"]], of_epoch("settle_epoch"))
    same("activate", [stated["activate"]], [s for s, _, _ in e.calls(e.network_program, "activate_root")])
    same("claims", sorted(stated["claims"]), sorted(s for s, _, _ in e.calls(e.network_program, "claim")))
    names = ("submit", "attest_job", "settle_job", "withdraw")
    same("jobs", sorted(set(stated["jobs"])), sorted({s for n in names for s, _, _ in e.calls(e.jobs_program, n)}))
    _, data, accounts = next(c for c in e.calls(e.network_program, "settle_epoch") if c[0] == stated["settle"])
    epoch = e.epoch
    said = number + epoch["points_root"] + struct.pack("<QIQ", epoch["total_points"], epoch["node_count"], epoch["budget"])
    same("arguments of the settlement", data, said + epoch["dataset_hash"] + epoch["scores_hash"])
    same("settler", accounts[0], e.project["settler"])
    rows_named = {}
    for _, data, accounts in e.calls(e.network_program, "commit_views"):
        if data[:8] == number:
            rows_named[accounts[0]] = [data[12 + 32 * i : 44 + 32 * i] for i in range(struct.unpack_from("<I", data, 8)[0])]
    for position, oracle in enumerate(e.set["oracles"]):
        row = rows_named.get(oracle, [ZERO] * e.set["count"])
        same(f"row of {oracle} on chain", e.views["rows"][position][: e.set["count"]], row)
    return f"{len(e.transactions)} transactions, each signed"


def claims(e):
    """claims: arguments, proofs, amounts, compute units and bytes"""
    paid, units, lengths = {}, [], []
    leaves_root = e.distribution["roots"][0]["root"]
    for signature, data, accounts in e.calls(e.network_program, "claim"):
        transaction = e.transactions[signature]
        cumulative, length = struct.unpack_from("<QI", data)
        need(length % 32 == 0, "a proof is whole hashes")
        proof = [data[12 + at : 44 + at] for at in range(0, length, 32)]
        address = accounts[0]
        tenure = next(t for a, t in e.tenures if a == address)
        index = tenure["leaf_index"]
        leaf = wire.distribution_leaf(key(e.network_program), key(e.distribution_address), key(address), index, cumulative)
        same("root of a claim's proof", wire.climb(leaf, index, proof).hex(), leaves_root.hex())
        same("what is claimed", cumulative, e.cumulative[index])
        amounts = [a for s, d, a in transaction.transfers(e.tokens_after, e.mint) if (s, d) == (e.vault, tenure["payout"])]
        need(len(amounts) == 1, f"{signature} pays {len(amounts)} times")
        paid[address] = paid.get(address, 0) + amounts[0]
        units.append(transaction.meta["computeUnitsConsumed"])
        lengths.append(transaction.bytes)
    for address, tenure in e.tenures:
        same(f"claimed by {address}", paid.get(address, 0), tenure["claimed_total"])
    stated = e.summary["claims"]
    same("sum of claims", stated["sum"], str(sum(paid.values())))
    same("claims booked", e.distribution["claimed"], sum(paid.values()))
    same("claim transactions", stated["transactions"], len(lengths))
    same("most compute units of a claim", stated["cu_max"], max(units))
    same("most bytes of a claim", stated["bytes_max"], max(lengths))
    return f"{len(lengths)} claims pay {sum(paid.values())}; at most {max(units)} CU, {max(lengths)} bytes"


def quorum(e, address, job, status):
    """Tenures and result of the first assignment with a quorum of equal results of this status."""
    folder = ("jobs", address)
    same("descriptor hash", sha256(e.bytes(*folder, "descriptor.json")).hex(), job["descriptor_hash"].hex())
    assignments = [wire.assignment(e.domain, frame) for frame in e.files(*folder, "assignments")]
    results = [wire.result(e.domain, frame) for frame in e.files(*folder, "results")]
    order = lambda a: (a["attempt"], e.set["oracles"].index(a["oracle"]))
    needed = job["redundancy"] or 2
    for assignment in sorted(assignments, key=order):
        same("job of an assignment", (assignment["job"], assignment["descriptor_hash"]), (address, job["descriptor_hash"]))
        own = {r["tenure"]: r for r in results if r["assignment"] == assignment["hash"] and (r["tenure"], r["node_key"]) in assignment["nodes"]}
        for candidate in own.values():
            equal = {t: r for t, r in own.items() if r["status"] == status and (status != 1 or r["result_hash"] == candidate["result_hash"])}
            if candidate["status"] == status and len(equal) >= needed:
                return equal
    need(False, f"no quorum of results of status {status} for job {address}")


def job_outcome(e, address, job, body):
    expected = sha256(b"muster:outcome:1", key(address), struct.pack("<I", e.set["set_version"]), body)
    same(f"outcome of {address}", job["outcome_hash"].hex(), expected.hex())
    votes = {a[0] for _, d, a in e.calls(e.jobs_program, "attest_job") if d[:32] == expected}
    need(len(votes & set(e.set["oracles"])) >= e.set["threshold"], f"fewer oracles than the threshold attested {address}")


def completed(e, address, job, stated):
    results = quorum(e, address, job, 1)
    one = next(iter(results.values()))
    need(one["result_hash"] != ZERO, "an empty result")
    ordered = sorted(key(t) for t in results)
    job_outcome(e, address, job, b"\0" + struct.pack("<I", len(ordered)) + b"".join(ordered) + one["result_hash"])
    prize = job["stake"] + job["tip"] + job["sponsored"]
    each = (prize - prize * job["fee_bps"] // 10_000) // len(ordered)
    money = {"to_nodes": each * len(ordered), "to_treasury": prize - each * len(ordered), "refunded": 0}
    for name, value in money.items():
        same(f"{name} on chain", job[name], value)
    tenures = dict(e.tenures)
    holders = {tenures[t]["holder"] for t in results}
    same("distinct holders", len(holders), len(ordered))
    figures = {
        "state": "completed", "stake": str(job["stake"]), "to_nodes": str(money["to_nodes"]), "to_treasury": str(money["to_treasury"]),
        "replicas": len(ordered), "result_hash": job["result_hash"].hex(), "accuracy": one["accuracy"] / 1e6,
    }
    for name, value in figures.items():
        same(f"job {name}", stated[name], value)
    same("result hash", job["result_hash"].hex(), one["result_hash"].hex())
    same("nodes of the job", sorted(stated["nodes"]), sorted(tenures[t]["node"] for t in results))
    same("accuracies", {(r["accuracy"], r["loss"], r["epochs"]) for r in results.values()}, {(one["accuracy"], one["loss"], one["epochs"])})
    for bond in e.bonds.values():
        same("earned by a bond", bond["earned_total"], each if bond["tenure"] in results else 0)
        same("a bond's books", bond["earned"] + bond["withdrawn_total"], bond["earned_total"])


def failed(e, address, job, stated):
    quorum(e, address, job, 2)
    job_outcome(e, address, job, b"\1" + struct.pack("<H", 1))
    prize = job["stake"] + job["tip"] + job["sponsored"]
    same("refund on chain", (job["to_nodes"], job["to_treasury"], job["refunded"]), (0, 0, prize))
    for name, value in {"state": "failed", "stake": str(job["stake"]), "refunded": str(prize)}.items():
        same(f"job {name}", stated[name], value)


def jobs(e):
    """jobs: descriptors, assignments, signed results, quorum, outcome, split"""
    same("jobs of the summary", sorted(j["job"] for j in e.summary["jobs"]), sorted(e.jobs))
    for stated in e.summary["jobs"]:
        job = e.jobs[stated["job"]]
        same("its address", stated["job"], program_address(e.jobs_program, b"job", key(job["submitter"]), struct.pack("<Q", job["nonce"])))
        {2: completed, 3: failed}[job["state"]](e, stated["job"], job, stated)
    states = sorted(job["state"] for job in e.jobs.values())
    same("states", states, [2, 3])
    return "one completed and paid, one failed and refunded"


def accounts(e):
    """every token account of the mint: before, each transfer, after"""
    balance = {address: amount for address, (_, amount) in e.tokens_before.items()}
    same("supply before", sum(balance.values()), e.supply)
    known, moved = e.tokens_before | e.tokens_after, 0
    for transaction in e.transactions.values():
        for source, target, amount in transaction.transfers(known, e.mint):
            balance[source] = balance.get(source, 0) - amount
            balance[target] = balance.get(target, 0) + amount
            moved += 1
    after = {address: amount for address, (_, amount) in e.tokens_after.items()}
    for address in balance | after:
        same(f"balance of {address} after all transfers", balance.get(address, 0), after.get(address, 0))
    same("supply after", sum(after.values()), e.supply)
    stated = {a["address"]: (a["before"], a["after"]) for a in e.summary["accounts"]}
    same("addresses stated once", len(stated), len(e.summary["accounts"]))
    before = {address: amount for address, (_, amount) in e.tokens_before.items()}
    expected = {a: (str(before.get(a, 0)), str(after.get(a, 0))) for a in balance | after}
    same("accounts of the mint", stated, expected)
    roles = {"treasury": e.treasury, "budget_vault": e.budget_vault, "distribution_vault": e.vault, "bond_vault": e.bond_vault}
    found = {a["role"]: a["address"] for a in e.summary["accounts"]}
    same("roles stated once", len(found), len(e.summary["accounts"]))
    for role, address in roles.items():
        same(f"address of the {role}", found.get(role), address)
    return f"{len(expected)} accounts, {moved} transfers"


def conservation(e):
    """what came in is what went out and what is still held"""
    flows = [flow for t in e.transactions.values() for flow in t.transfers(e.tokens_before | e.tokens_after, e.mint)]
    budgets = sum(amount for _, target, amount in flows if target == e.budget_vault)
    stakes = sum(job["stake"] + job["tip"] + job["sponsored"] for job in e.jobs.values())
    prices = e.project["licences_sold"] * e.project["price"]
    bought = [e.transactions[s] for s, _, _ in e.calls(e.network_program, "buy_licence")]
    sellers = sum(a for t in bought for _, d, a in t.transfers(e.tokens_after, e.mint) if e.tokens_after[d][0] == e.project["owner"])
    held = lambda address: e.tokens_after.get(address, ("", 0))[1]
    escrows = sum(held(program_address(e.jobs_program, b"escrow", key(job))) for job in e.jobs)
    withdrawn = sum(bond["withdrawn_total"] for bond in e.bonds.values())
    refunds = sum(job["refunded"] for job in e.jobs.values())
    paid_in = budgets + stakes + prices
    paid_out = held(e.treasury) + sellers + e.distribution["claimed"] + withdrawn + refunds
    still = held(e.budget_vault) + held(e.vault) + held(e.bond_vault) + escrows
    same("conserved", e.summary["conserved"], paid_in == paid_out + still)
    same("what came in", paid_in, paid_out + still)
    return f"{budgets} + {stakes} + {prices} in; {paid_out} out, {still} held"


def events(e):
    """the indexer's events are those of the transactions, and no number of any stream is missing"""
    finished, streams, found = event_tag("JobFinished"), {}, []
    for transaction in e.transactions.values():
        for _, tag, body, index, _ in transaction.events(e.programs):
            stream, seq = b58encode(body[:32]), struct.unpack_from("<Q", body, 32)[0]
            streams.setdefault(stream, []).append(seq)
            found.append((transaction.signature, index, stream, seq))
            if tag == finished:
                fields = Fields(body[48:])
                fields.read("state:B outcome:h result:h reason:H to_nodes:Q to_treasury:Q refunded:Q owed:Q sponsors:Q "
                            "number:Q ledger_head:h")
                for _ in range(fields.number("I")):
                    credit = fields.read("bond:k seq:Q tenure:k amount:Q earned:Q")
                    streams.setdefault(credit["bond"], []).append(credit["seq"])
    gap = 0
    for kind in e.kinds.values():
        for address, account in kind.items():
            if account.get("seq"):
                seen = sorted(streams.pop(address, []))
                gap += account["seq"] - len(set(seen))
                same(f"events of {address}", seen, list(range(1, account["seq"] + 1)))
    need(not streams, f"events of accounts that are not there: {sorted(streams)}")
    rows_ = [(r["signature"], r["instruction_index"], r["stream"], int(r["seq"])) for r in json.loads(e.bytes("chain_events.json"))]
    same("events in PostgreSQL", sorted(rows_), sorted(found))
    same("chain_events", e.summary["postgres"]["chain_events"], len(found))
    same("gap", e.summary["postgres"]["gap"], gap)
    return f"{len(found)} events, gap {gap}"


ALL = [network, views, dataset, settlement, signatures, claims, jobs, accounts, conservation, events]
