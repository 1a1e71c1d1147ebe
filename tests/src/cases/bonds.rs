//! Bonds: what nodes earn by jobs and stake.

use muster_jobs::{self as jobs, state::Outcome};

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![open_bond(), withdraw()]
}

fn open_bond() -> Case {
    let mut world = World::with_nodes(1);
    let (holder, key) = (Wallet::new(), Wallet::new());
    world.svm.airdrop(&holder);
    world.fund_wallet(&holder, PRICE);
    world.buy_licence(&holder, 1, PRICE).expect("the licence is bought");
    let licence = at::licence(&world.project, 1);
    let node = at::node(&licence);
    let made = NodeOf { holder, key, licence, node, tenure: at::tenure(&node, 1) };
    world.bind(&made).expect("the licence is bound");
    let ix = jobs_ix(world.open_bond_accounts(made.tenure), jobs::instruction::OpenBond {}, &[]);
    Case::new("open_bond", world, ix, vec![])
}

fn withdraw() -> Case {
    let mut world = World::with_nodes(2);
    let submitter = Wallet::new();
    world.svm.airdrop(&submitter);
    world.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    world.submit(&submitter, world.submit_args(0)).expect("the job is submitted");
    let tenure = world.nodes[0].tenure;
    let outcome = Outcome::Completed { tenures: vec![tenure], result_hash: [9; 32] };
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).expect("the oracle votes");
    }
    world.settle_job(0, outcome, &[at::bond(&tenure)]).expect("the job is settled");
    let holder = world.nodes[0].holder.clone();
    let data = jobs::instruction::Withdraw { amount: TOKEN_UNIT };
    let ix = jobs_ix(world.withdraw_accounts(&world.nodes[0]), data, &[]);
    Case::new("withdraw", world, ix, vec![holder])
}
