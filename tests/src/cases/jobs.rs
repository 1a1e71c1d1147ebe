//! Jobs: submission, attestation, settlement.

use muster_jobs::{self as jobs, state::Outcome};
use solana_sdk::pubkey::Pubkey;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![submit(), attest_job(), settle_job(), settle_failed_job()]
}

/// Three nodes and somebody who can pay for jobs.
fn submitter() -> (World, Wallet) {
    let mut world = World::with_nodes(3);
    let submitter = Wallet::new();
    world.svm.airdrop(&submitter);
    world.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    (world, submitter)
}

/// A job that the first oracle has voted on.
fn attested(outcome: &Outcome) -> World {
    let (mut world, submitter) = submitter();
    world.submit(&submitter, world.submit_args(0)).expect("the job is submitted");
    world.attest(0, 0, outcome).expect("the first oracle votes");
    world
}

/// The outcome that pays the first two nodes, and their bonds in its order.
fn completed(world: &World) -> (Outcome, Vec<Pubkey>) {
    let mut tenures: Vec<Pubkey> = world.nodes[..2].iter().map(|node| node.tenure).collect();
    tenures.sort_unstable();
    let bonds = tenures.iter().map(at::bond).collect();
    (Outcome::Completed { tenures, result_hash: [9; 32] }, bonds)
}

fn submit() -> Case {
    let (world, submitter) = submitter();
    let data = submit_data(world.submit_args(0));
    let ix = jobs_ix(world.submit_accounts(&submitter.key(), 0), data, &[]);
    Case::new("submit", world, ix, vec![submitter])
}

fn attest_job() -> Case {
    let outcome = Outcome::Failed { reason: 1 };
    let world = attested(&outcome);
    let oracle = world.oracles[1].clone();
    let outcome_hash = outcome.hash(&at::job(0), 1).expect("the outcome is hashed");
    let data = jobs::instruction::AttestJob { outcome_hash, set_version: 1 };
    let ix = jobs_ix(world.attest_accounts(&oracle.key(), 0), data, &[]);
    Case::new("attest_job", world, ix, vec![oracle])
}

/// Pays the nodes and the treasury.
fn settle_job() -> Case {
    let (mut world, submitter) = submitter();
    let (outcome, bonds) = completed(&world);
    world.submit(&submitter, world.submit_args(0)).expect("the job is submitted");
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).expect("the oracle votes");
    }
    let ix = jobs_ix(world.settle_job_accounts(0), jobs::instruction::SettleJob { outcome }, &bonds);
    Case::new("settle_job", world, ix, vec![])
}

/// Pays the refund.
fn settle_failed_job() -> Case {
    let outcome = Outcome::Failed { reason: 1 };
    let mut world = attested(&outcome);
    world.attest(1, 0, &outcome).expect("the second oracle votes");
    let ix = jobs_ix(world.settle_job_accounts(0), jobs::instruction::SettleJob { outcome }, &[]);
    Case::new("settle_job", world, ix, vec![])
}
