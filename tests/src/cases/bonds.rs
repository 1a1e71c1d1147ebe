//! Bonds: what nodes earn by jobs and stake, and what a slash takes.

use muster_jobs::{self as jobs, state::Outcome};

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![
        open_bond(),
        withdraw(),
        stake(),
        unbond(),
        withdraw_unbonded(),
        vote_slash(),
        hold_slash(),
        void_slash(),
        execute_slash(),
    ]
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

/// Two nodes with as much in their bonds.
fn staked() -> World {
    let mut world = World::with_nodes(2);
    for node in world.nodes.clone() {
        world.stake(&node.holder, &node, 10 * TOKEN_UNIT).expect("the bond is staked");
    }
    world
}

fn stake() -> Case {
    let world = staked();
    let node = world.nodes[0].clone();
    let data = jobs::instruction::Stake { amount: TOKEN_UNIT };
    let ix = jobs_ix(world.stake_accounts(&node.holder.key(), &node), data, &[]);
    Case::new("stake", world, ix, vec![node.holder])
}

fn unbond() -> Case {
    let world = staked();
    let node = world.nodes[0].clone();
    let ix = jobs_ix(world.unbond_accounts(&node), jobs::instruction::Unbond { amount: TOKEN_UNIT }, &[]);
    Case::new("unbond", world, ix, vec![node.holder])
}

fn withdraw_unbonded() -> Case {
    let mut world = staked();
    let node = world.nodes[0].clone();
    world.unbond(&node, TOKEN_UNIT).expect("the stake is unbonded");
    let now = world.svm.now();
    world.svm.set_time(now + i64::from(world.jobs_args().unbond_delay));
    let ix = jobs_ix(world.withdraw_unbonded_accounts(&node), jobs::instruction::WithdrawUnbonded {}, &[]);
    Case::new("withdraw_unbonded", world, ix, vec![node.holder])
}

/// The vote that reaches the threshold.
fn vote_slash() -> Case {
    let mut world = staked();
    let node = world.nodes[0].clone();
    world.vote_slash(0, &node, world.slash_args(TOKEN_UNIT)).expect("the first oracle votes");
    let oracle = world.oracles[1].clone();
    let ix = jobs_ix(world.vote_slash_accounts(&oracle.key(), &node), world.slash_args(TOKEN_UNIT), &[]);
    Case::new("vote_slash", world, ix, vec![oracle])
}

/// A slash of each bond that waits for its delay.
fn slashing() -> (World, NodeOf) {
    let mut world = staked();
    for node in world.nodes.clone() {
        for oracle in 0..2 {
            world.vote_slash(oracle, &node, world.slash_args(TOKEN_UNIT)).expect("the oracle votes");
        }
    }
    let node = world.nodes[0].clone();
    (world, node)
}

fn hold_slash() -> Case {
    let (world, node) = slashing();
    let guardian = world.guardian.clone();
    let ix = jobs_ix(world.hold_slash_accounts(&node), jobs::instruction::HoldSlash {}, &[]);
    Case::new("hold_slash", world, ix, vec![guardian])
}

fn void_slash() -> Case {
    let (world, node) = slashing();
    let authority = world.authority.clone();
    let ix = jobs_ix(world.void_slash_accounts(&node), jobs::instruction::VoidSlash {}, &[]);
    Case::new("void_slash", world, ix, vec![authority])
}

fn execute_slash() -> Case {
    let (mut world, node) = slashing();
    let now = world.svm.now();
    world.svm.set_time(now + i64::from(world.jobs_args().slash_delay));
    let ix = jobs_ix(world.execute_slash_accounts(&node), jobs::instruction::ExecuteSlash {}, &[]);
    Case::new("execute_slash", world, ix, vec![])
}
