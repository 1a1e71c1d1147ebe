//! Substitutes that are accepted on purpose. A line that nothing needs fails the test.

use std::collections::BTreeSet;

use super::{
    spoilt::{Kind, Spoilt},
    state::Type,
};

/// One slot of one instruction, and what may be passed there instead.
struct Free {
    instruction: &'static str,
    /// Its name, or its name and the type of what stands there, if only that may be exchanged.
    slot: &'static str,
    kinds: &'static [Kind],
    reason: &'static str,
}

const fn free(instruction: &'static str, slot: &'static str, kinds: &'static [Kind], reason: &'static str) -> Free {
    Free { instruction, slot, kinds, reason }
}

use Kind::*;

/// In place of an instruction's name.
const ANY: &str = "any instruction";
/// Any wallet that signs.
const ANY_WALLET: &[Kind] = &[OtherType, Stranger];

const PAYER: &str = "pays the rent, gains nothing";
const HIS_OWN: &str = "whoever signs does it to what is his";
const BY_ADDRESS: &str = "known by its recorded or derived address, where only this one can be";

const FREE: &[Free] = &[
    free(ANY, "mint", &[Impostor], BY_ADDRESS),
    free(ANY, "reward_mint", &[Impostor], BY_ADDRESS),
    // The network, its authorities and oracles.
    free("initialize_network", "payer", ANY_WALLET, PAYER),
    free("allow_mint", "payer", ANY_WALLET, PAYER),
    free("withdraw_treasury", "destination", &[Twin, OtherOwner], "the treasury's owner names who gets it"),
    free("set_oracle_url", "oracle", &[Another], "every oracle has a URL of its own"),
    // Projects.
    free("create_project", "owner", ANY_WALLET, "anybody creates a project, and owns it"),
    free("fund_project", "source", &[Twin], "any account of the funder pays"),
    free("propose_owner", "project", &[Another], HIS_OWN),
    free("set_settler", "project", &[Another], HIS_OWN),
    free("set_formula", "project", &[Another], HIS_OWN),
    free("set_max_epoch_budget", "project", &[Another], HIS_OWN),
    free("announce_withdrawal", "project", &[Another], HIS_OWN),
    free("withdraw_budget", "destination", &[Twin, OtherOwner], "the project's owner names who gets it"),
    free("close_project", "project", &[Another], HIS_OWN),
    // Pools.
    free("set_pool_capacity", "pool", &[Another], HIS_OWN),
    free("join_pool", "pool", &[Another], "the holder chooses among the project's pools"),
    free("leave_pool", "signer", &[OtherType], "the project's owner may remove a node too"),
    // Licences.
    free("buy_licence", "payment_source", &[Twin], "any account of the buyer pays"),
    free("link_collection", "collection: mint", &[Impostor], "its metadata speaks for a collection"),
    free("link_collection", "metadata", &[Surplus], "a Core collection has none"),
    free(
        "link_collection",
        "program",
        &[Another, OtherType, Stranger, Nothing],
        "stands for an absent account already",
    ),
    // Nodes.
    free("bind", "licence_account", &[Twin], "a licence's supply is one: only one account holds it"),
    free("bind_asset", "licence_account: token account", &[Twin, Impostor], "the supply is one, of one token program"),
    free("bind_asset", "metadata", &[Surplus], "a Core asset has none"),
    free("bind_asset", "edition", &[Surplus], "a Core asset has none"),
    free("bind_asset", "program", &[Another, OtherType, Stranger, Nothing], "stands for an absent account already"),
    free("detach", "licence", &[Impostor], "what another program owns is no licence any more"),
    free("detach", "licence_account", &[Impostor], "what another program owns is no licence any more"),
    free("detach", "metadata", &[Impostor], "what another program owns is no licence any more"),
    free("accept_node", "payer", ANY_WALLET, PAYER),
    free("suspend_node", "node", &[Another], HIS_OWN),
    free("vote_suspension", "oracle", &[Another], "every oracle has a vote of its own"),
    // Settlement.
    free("commit_views", "oracle", &[Another], "every oracle has a row of its own"),
    free("approve_root", "oracle", &[Another], "every oracle has a vote of its own"),
    free("correct_root", "oracle", &[Another], "every oracle has a vote of its own"),
    free("void_settlement", "caller", &[OtherType], "the settler may, as the owner may"),
    free("top_up", "source", &[Twin], "any account of the payer pays"),
    free("close_epoch", "epoch", &[Another], "any epoch that is old enough"),
    free("close_views", "view_set", &[Another], "any view set that is old enough"),
    // Jobs.
    free("submit", "source", &[Twin], "any account of the submitter pays, and is the one that gets refunds"),
    free("attest_job", "oracle", &[Another], "every oracle has a vote of its own"),
    free("attest_job", "job", &[Another], "the hash binds its job: on another it is a vote for nothing"),
    free("settle_job", "refund_account", &[Impostor], "the recorded address, read only when something goes back"),
    free("settle_job", "refund_account", &[Absent], "left out, the submitter's money waits for refund_submitter"),
    free("settle_job", "bond_vault", &[Impostor], BY_ADDRESS),
    free("settle_job", "treasury", &[Impostor], BY_ADDRESS),
    free("add_tip", "source", &[Twin], "any account of the submitter pays"),
    free("sponsor", "source", &[Twin], "any account of the sponsor pays, and is the one that gets refunds"),
    free("expire", "refund_account", &[Absent], "left out, the submitter's money waits for refund_submitter"),
    // Bonds.
    free("open_bond", "payer", ANY_WALLET, PAYER),
    free("withdraw", "destination", &[Twin, OtherOwner], "the holder names who gets his own money"),
    free("stake", "source", &[Twin], "any account of the staker pays"),
    free("stake", "bond", &[Another], "anybody stakes into any bond; what is staked is the bond's holder's"),
    free("withdraw_unbonded", "destination", &[Twin, OtherOwner], "the holder names who gets his own money"),
    free("vote_slash", "oracle", &[Another], "every oracle has a vote of its own"),
];

/// Types of which no second account of one identity exists, because the programs make them at one address only:
/// instructions may know them by their type, or by what they say, without deriving the address again.
const ONLY_ONE: &[(&str, &str)] = &[
    ("Network", "made once"),
    ("OracleSet", "made once, with the network"),
    ("JobsConfig", "made once"),
    ("Project", "one an index; what belongs to it names its address"),
    ("Distribution", "one a project, which it names"),
    ("Epoch", "one a project and epoch, which it names"),
    ("ViewSet", "one an epoch, which it names"),
    ("Pool", "one a project and index; its nodes name its address"),
    ("Node", "one a licence; its tenures name its address"),
    ("Tenure", "one a node and number; its bond names its address"),
    ("KeyMarker", "a node has one at a time, which names it"),
    ("Job", "one an index; votes bind its address"),
    ("Sponsorship", "one a job and sponsor, whom it names"),
    ("Bond", "one a tenure, which it names"),
    ("Slash", "one a bond, which it names"),
];

/// The line that allows it.
pub fn find(instruction: &str, slot: &str, spoilt: &Spoilt) -> Option<usize> {
    let of_type = format!("{slot}: {}", spoilt.slot_type);
    let allows = |line: &Free| {
        [instruction, ANY].contains(&line.instruction)
            && [slot, &of_type].contains(&line.slot)
            && line.kinds.contains(&spoilt.kind)
    };
    let only_one = || match &spoilt.slot_type {
        Type::Ours(name) if spoilt.kind == Twin => ONLY_ONE.iter().position(|(one, _)| one == name),
        _ => None,
    };
    FREE.iter().position(allows).or_else(|| only_one().map(|line| FREE.len() + line))
}

/// Lines that nothing needed.
pub fn unused(used: &BTreeSet<usize>) -> Vec<String> {
    let free = FREE.iter().map(|line| format!("{}.{} ({})", line.instruction, line.slot, line.reason));
    let only_one = ONLY_ONE.iter().map(|(name, reason)| format!("of the one {name} ({reason})"));
    let unused = free.chain(only_one).enumerate().filter(|(line, _)| !used.contains(line));
    unused.map(|(_, text)| format!("the exception {text} is not needed: no such substitute was accepted")).collect()
}
