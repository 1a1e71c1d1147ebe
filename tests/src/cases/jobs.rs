//! Jobs: their terms, submission, attestation, settlement and every other end.

use muster_jobs::{self as jobs, state::Outcome};
use solana_sdk::pubkey::Pubkey;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![
        set_jobs_config(),
        submit(),
        add_tip(),
        sponsor(),
        attest_job(),
        settle_job(),
        settle_failed_job(),
        refund_submitter(),
        refund_sponsor(),
        request_cancel(),
        expire(),
        close_job(),
    ]
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
    let args = world.submit_args(0);
    let accounts = world.submit_accounts(&submitter.key(), args.nonce);
    let ix = jobs_ix(accounts, submit_data(&submitter.key(), args), &[]);
    Case::new("submit", world, ix, vec![submitter])
}

fn attest_job() -> Case {
    let outcome = Outcome::Failed { reason: 1 };
    let world = attested(&outcome);
    let oracle = world.oracles[1].clone();
    let outcome_hash = outcome.hash(&world.job_at(0), 1).expect("the outcome is hashed");
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

fn set_jobs_config() -> Case {
    let world = World::with_network();
    let authority = world.authority.clone();
    let data = jobs::instruction::SetJobsConfig { args: world.jobs_args() };
    let ix = jobs_ix(world.set_jobs_config_accounts(), data, &[]);
    Case::new("set_jobs_config", world, ix, vec![authority])
}

/// A job, and the one who submitted it.
fn submitted() -> (World, Wallet) {
    let (mut world, submitter) = submitter();
    world.submit(&submitter, world.submit_args(0)).expect("the job is submitted");
    (world, submitter)
}

fn add_tip() -> Case {
    let (world, submitter) = submitted();
    let data = jobs::instruction::AddTip { amount: TOKEN_UNIT };
    let ix = jobs_ix(world.add_tip_accounts(&submitter.key(), 0), data, &[]);
    Case::new("add_tip", world, ix, vec![submitter])
}

/// The first money of a sponsor, besides another's.
fn sponsor() -> Case {
    let (mut world, _) = submitted();
    let [first, second] = [world.nodes[0].holder.clone(), world.nodes[1].holder.clone()];
    world.sponsor(&first, 0, TOKEN_UNIT).expect("the job is sponsored");
    let data = jobs::instruction::Sponsor { amount: TOKEN_UNIT };
    let ix = jobs_ix(world.sponsor_accounts(&second.key(), 0), data, &[]);
    Case::new("sponsor", world, ix, vec![second])
}

/// A failed job of two sponsors, whose settlement left the submitter's account out.
fn owing() -> (World, Wallet) {
    let outcome = Outcome::Failed { reason: 1 };
    let (mut world, _) = submitted();
    let sponsors = [world.nodes[0].holder.clone(), world.nodes[1].holder.clone()];
    for sponsor in &sponsors {
        world.sponsor(sponsor, 0, TOKEN_UNIT).expect("the job is sponsored");
    }
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).expect("the oracle votes");
    }
    let mut accounts = world.settle_job_accounts(0);
    accounts.refund_account = None;
    let ix = jobs_ix(accounts, jobs::instruction::SettleJob { outcome }, &[]);
    world.svm.send(&[ix], &[]).expect("the job is settled");
    let [first, _] = sponsors;
    (world, first)
}

fn refund_submitter() -> Case {
    let (world, _) = owing();
    let ix = jobs_ix(world.refund_submitter_accounts(0), jobs::instruction::RefundSubmitter {}, &[]);
    Case::new("refund_submitter", world, ix, vec![])
}

fn refund_sponsor() -> Case {
    let (world, sponsor) = owing();
    let accounts = world.refund_sponsor_accounts(&sponsor.key(), 0);
    Case::new("refund_sponsor", world, jobs_ix(accounts, jobs::instruction::RefundSponsor {}, &[]), vec![])
}

fn request_cancel() -> Case {
    let (world, submitter) = submitted();
    let accounts = world.request_cancel_accounts(&submitter.key(), 0);
    let ix = jobs_ix(accounts, jobs::instruction::RequestCancel {}, &[]);
    Case::new("request_cancel", world, ix, vec![submitter])
}

/// A job that nobody decided.
fn expire() -> Case {
    let (mut world, _) = submitted();
    let end = world.job(0).deadline + i64::from(world.jobs_args().attest_grace);
    world.svm.set_time(end + 1);
    let ix = jobs_ix(world.expire_accounts(0), jobs::instruction::Expire {}, &[]);
    Case::new("expire", world, ix, vec![])
}

fn close_job() -> Case {
    let (mut world, _) = submitted();
    world.decide(0, Outcome::Failed { reason: 1 }, &[]).expect("the job is settled");
    let now = world.svm.now();
    world.svm.set_time(now + jobs::RETENTION_S);
    let ix = jobs_ix(world.close_job_accounts(0), jobs::instruction::CloseJob {}, &[]);
    Case::new("close_job", world, ix, vec![])
}
