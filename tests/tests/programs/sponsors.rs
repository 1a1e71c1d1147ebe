//! Money that others add to a job: who may, how much, and that each gets his own back.

use muster_jobs::{
    self as jobs, JobsError as E,
    state::{Outcome as JobOutcome, Sponsorship, failure_reason, job_state},
};
use muster_network::state::{Network, pause};
use muster_tests::world::*;

const FAILED: JobOutcome = JobOutcome::Failed { reason: failure_reason::NO_QUORUM };
const DAY: i64 = 86_400;

/// Two nodes, a submitted job, its submitter and somebody with 100 tokens.
fn submitted() -> (World, Wallet, Wallet) {
    let mut world = World::with_nodes(2);
    let submitter = world.funded(1_000 * TOKEN_UNIT);
    let sponsor = world.funded(100 * TOKEN_UNIT);
    world.submit(&submitter, world.submit_args(0)).unwrap();
    (world, submitter, sponsor)
}

fn escrow(world: &World) -> u64 {
    world.svm.tokens(&at::escrow(&world.job_at(0)))
}

#[test]
fn a_sponsorship_goes_into_the_escrow_and_a_second_one_adds_to_it() {
    // Given a submitted job.
    let (mut world, _, sponsor) = submitted();
    // When somebody sponsors it twice.
    world.sponsor(&sponsor, 0, 10 * TOKEN_UNIT).unwrap();
    world.sponsor(&sponsor, 0, 5 * TOKEN_UNIT).unwrap();
    // Then one sponsorship holds both amounts.
    let made: Sponsorship = world.svm.borsh(&at::sponsorship(&world.job_at(0), &sponsor.key()));
    assert_eq!((made.job, made.sponsor, made.amount), (world.job_at(0), sponsor.key(), 15 * TOKEN_UNIT));
    let job = world.job(0);
    assert_eq!((job.sponsored, job.sponsors_left, job.sponsor_count), (15 * TOKEN_UNIT, 15 * TOKEN_UNIT, 1));
    assert_eq!(escrow(&world), DEFAULT_STAKE + 15 * TOKEN_UNIT);
}

#[test]
fn a_completed_job_shares_the_sponsorships_and_returns_none() {
    // Given a job of 100 tokens with a tip of 20 and a sponsorship of 30.
    let (mut world, submitter, sponsor) = submitted();
    world.add_tip(&submitter, 0, 20 * TOKEN_UNIT).unwrap();
    world.sponsor(&sponsor, 0, 30 * TOKEN_UNIT).unwrap();
    // When it is completed by two nodes.
    let (outcome, bonds) = world.completed(&[0, 1]);
    world.decide(0, outcome, &bonds).unwrap();
    // Then 80 % of 150 is theirs, the rest the treasury's, and the escrow is gone.
    let job = world.job(0);
    assert_eq!((job.to_nodes, job.to_treasury, job.tip), (120 * TOKEN_UNIT, 30 * TOKEN_UNIT, 20 * TOKEN_UNIT));
    assert_eq!((job.refunded, job.owed, job.sponsors_left), (0, 0, 0));
    assert!(!world.exists(&at::escrow(&world.job_at(0))));
    // And closing the sponsorship pays nothing but its rent.
    let before = world.balance(&sponsor);
    world.refund_sponsor(&sponsor.key(), 0).unwrap();
    assert_eq!(world.balance(&sponsor), before);
    assert!(!world.exists(&at::sponsorship(&world.job_at(0), &sponsor.key())));
    assert_eq!(world.job(0).sponsor_count, 0);
}

/// Invariant I70.
#[test]
fn each_sponsor_of_a_failed_job_gets_his_own_money_back_and_the_last_one_closes_the_escrow() {
    // Given a job with two sponsors and a stranger's gift.
    let (mut world, submitter, first) = submitted();
    let second = world.funded(100 * TOKEN_UNIT);
    world.sponsor(&first, 0, 10 * TOKEN_UNIT).unwrap();
    world.sponsor(&second, 0, 25 * TOKEN_UNIT).unwrap();
    assert_refused(world.refund_sponsor(&first.key(), 0), E::JobOpen);
    // When it fails.
    world.decide(0, FAILED, &[]).unwrap();
    // Then the submitter has his stake, and the escrow holds exactly the sponsorships.
    assert_eq!(world.balance(&submitter), 1_000 * TOKEN_UNIT);
    assert_eq!((escrow(&world), world.job(0).sponsors_left), (35 * TOKEN_UNIT, 35 * TOKEN_UNIT));
    // And anybody returns each his own, once.
    world.refund_sponsor(&first.key(), 0).unwrap();
    assert_eq!((world.balance(&first), escrow(&world)), (100 * TOKEN_UNIT, 25 * TOKEN_UNIT));
    assert!(world.refund_sponsor(&first.key(), 0).is_err());
    world.refund_sponsor(&second.key(), 0).unwrap();
    assert_eq!(world.balance(&second), 100 * TOKEN_UNIT);
    assert!(!world.exists(&at::escrow(&world.job_at(0))));
    assert_eq!((world.job(0).sponsors_left, world.job(0).sponsor_count), (0, 0));
}

#[test]
fn a_gift_to_the_escrow_of_a_failed_job_keeps_no_refund_from_anybody() {
    let (mut world, submitter, sponsor) = submitted();
    world.sponsor(&sponsor, 0, 10 * TOKEN_UNIT).unwrap();
    world.decide(0, FAILED, &[]).unwrap();
    let source = at::ata(&submitter.key(), &world.mint, &TOKEN);
    let escrow = at::escrow(&world.job_at(0));
    litesvm_token::Transfer::new(&mut world.svm.inner, submitter.keypair(), &world.mint, &escrow, 7)
        .source(&source)
        .send()
        .unwrap();
    world.refund_sponsor(&sponsor.key(), 0).unwrap();
    assert_eq!(world.balance(&sponsor), 100 * TOKEN_UNIT + 7);
    assert!(!world.exists(&at::escrow(&world.job_at(0))));
}

#[test]
fn a_refund_goes_to_the_account_that_paid_and_the_rent_to_the_sponsor() {
    let (mut world, submitter, sponsor) = submitted();
    world.sponsor(&sponsor, 0, 10 * TOKEN_UNIT).unwrap();
    world.decide(0, FAILED, &[]).unwrap();
    let thief = at::ata(&submitter.key(), &world.mint, &TOKEN);
    let mut accounts = world.refund_sponsor_accounts(&sponsor.key(), 0);
    accounts.refund_account = thief;
    let ix = jobs_ix(accounts, jobs::instruction::RefundSponsor {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), E::WrongRefundAccount);
    let mut accounts = world.refund_sponsor_accounts(&sponsor.key(), 0);
    accounts.sponsor = submitter.key();
    let ix = jobs_ix(accounts, jobs::instruction::RefundSponsor {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), anchor_lang::error::ErrorCode::ConstraintHasOne);
    // A sponsorship of another job.
    world.submit(&submitter, world.submit_args(1)).unwrap();
    world.decide(1, FAILED, &[]).unwrap();
    let mut accounts = world.refund_sponsor_accounts(&sponsor.key(), 0);
    accounts.job = world.job_at(1);
    let ix = jobs_ix(accounts, jobs::instruction::RefundSponsor {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), anchor_lang::error::ErrorCode::ConstraintHasOne);
}

#[test]
fn a_sponsorship_below_the_minimum_is_refused() {
    let (mut world, _, sponsor) = submitted();
    assert_refused(world.sponsor(&sponsor, 0, TOKEN_UNIT - 1), E::SponsorshipTooSmall);
    world.sponsor(&sponsor, 0, TOKEN_UNIT).unwrap();
    assert_refused(world.sponsor(&sponsor, 0, TOKEN_UNIT - 1), E::SponsorshipTooSmall);
}

#[test]
fn a_job_has_at_most_32_sponsors_and_those_may_add() {
    let (mut world, _, first) = submitted();
    world.sponsor(&first, 0, TOKEN_UNIT).unwrap();
    for _ in 1..32 {
        let sponsor = world.funded(TOKEN_UNIT);
        world.sponsor(&sponsor, 0, TOKEN_UNIT).unwrap();
    }
    let late = world.funded(TOKEN_UNIT);
    assert_refused(world.sponsor(&late, 0, TOKEN_UNIT), E::TooManySponsors);
    world.sponsor(&first, 0, TOKEN_UNIT).unwrap();
    assert_eq!((world.job(0).sponsor_count, world.job(0).sponsored), (32, 33 * TOKEN_UNIT));
}

#[test]
fn nothing_is_added_after_the_deadline_a_cancellation_or_the_end() {
    let (base, submitter, sponsor) = submitted();
    let deadline = base.job(0).deadline;
    let mut last = base.clone();
    last.svm.set_time(deadline - 1);
    last.sponsor(&sponsor, 0, TOKEN_UNIT).unwrap();
    last.add_tip(&submitter, 0, 1).unwrap();
    let mut late = base.clone();
    late.svm.set_time(deadline);
    assert_refused(late.sponsor(&sponsor, 0, TOKEN_UNIT), E::DeadlinePassed);
    assert_refused(late.add_tip(&submitter, 0, 1), E::DeadlinePassed);
    let mut cancelled = base.clone();
    cancelled.request_cancel(&submitter, 0).unwrap();
    assert_refused(cancelled.sponsor(&sponsor, 0, TOKEN_UNIT), E::CancelRequested);
    assert_refused(cancelled.add_tip(&submitter, 0, 1), E::CancelRequested);
    let mut over = base;
    over.decide(0, FAILED, &[]).unwrap();
    assert_refused(over.sponsor(&sponsor, 0, TOKEN_UNIT), E::JobSettled);
    assert_refused(over.add_tip(&submitter, 0, 1), E::JobSettled);
}

#[test]
fn only_the_submitter_tips_and_only_from_his_own_account() {
    let (mut world, submitter, other) = submitted();
    assert_refused(world.add_tip(&other, 0, 1), E::NotSubmitter);
    assert_refused(world.add_tip(&submitter, 0, 0), E::ZeroAmount);
    let mut accounts = world.add_tip_accounts(&submitter.key(), 0);
    accounts.source = at::ata(&other.key(), &world.mint, &TOKEN);
    let ix = jobs_ix(accounts, jobs::instruction::AddTip { amount: 1 }, &[]);
    assert_refused(world.svm.send(&[ix], &[&submitter]), E::WrongSource);
    let mut accounts = world.sponsor_accounts(&other.key(), 0);
    accounts.source = at::ata(&submitter.key(), &world.mint, &TOKEN);
    let ix = jobs_ix(accounts, jobs::instruction::Sponsor { amount: TOKEN_UNIT }, &[]);
    assert_refused(world.svm.send(&[ix], &[&other]), E::WrongSource);
}

#[test]
fn a_pause_of_submissions_stops_sponsors_and_tips_and_no_refund() {
    let (mut world, submitter, sponsor) = submitted();
    world.sponsor(&sponsor, 0, TOKEN_UNIT).unwrap();
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = pause::SUBMIT);
    assert_refused(world.sponsor(&sponsor, 0, TOKEN_UNIT), E::Paused);
    assert_refused(world.add_tip(&submitter, 0, 1), E::Paused);
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = u32::MAX);
    world.decide(0, FAILED, &[]).unwrap();
    world.refund_sponsor(&sponsor.key(), 0).unwrap();
}

/// Invariant I71.
#[test]
fn a_submitter_whose_account_takes_no_money_keeps_nobody_else_from_theirs() {
    // Given a sponsored job that failed, and a settlement that leaves the refund account out.
    let (mut world, submitter, sponsor) = submitted();
    world.sponsor(&sponsor, 0, 10 * TOKEN_UNIT).unwrap();
    for oracle in 0..2 {
        world.attest(oracle, 0, &FAILED).unwrap();
    }
    let mut accounts = world.settle_job_accounts(0);
    accounts.refund_account = None;
    let ix = jobs_ix(accounts, jobs::instruction::SettleJob { outcome: FAILED }, &[]);
    world.svm.send(&[ix], &[]).unwrap();
    // Then the sponsor has his money, and the submitter's waits.
    world.refund_sponsor(&sponsor.key(), 0).unwrap();
    assert_eq!(world.balance(&sponsor), 100 * TOKEN_UNIT);
    assert_eq!((world.job(0).owed, world.job(0).refunded, escrow(&world)), (DEFAULT_STAKE, 0, DEFAULT_STAKE));
    let mut accounts = world.refund_submitter_accounts(0);
    accounts.refund_account = at::ata(&sponsor.key(), &world.mint, &TOKEN);
    let ix = jobs_ix(accounts, jobs::instruction::RefundSubmitter {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), E::WrongRefundAccount);
    // When anybody pays it out, once.
    world.refund_submitter(0).unwrap();
    assert_eq!(world.balance(&submitter), 1_000 * TOKEN_UNIT);
    assert_eq!((world.job(0).owed, world.job(0).refunded), (0, DEFAULT_STAKE));
    assert!(!world.exists(&at::escrow(&world.job_at(0))));
    assert_refused(world.refund_submitter(0), E::NothingOwed);
}

#[test]
fn the_escrow_closes_with_the_last_money_whoever_is_paid_first() {
    let (mut world, submitter, sponsor) = submitted();
    world.sponsor(&sponsor, 0, 10 * TOKEN_UNIT).unwrap();
    for oracle in 0..2 {
        world.attest(oracle, 0, &FAILED).unwrap();
    }
    let mut accounts = world.settle_job_accounts(0);
    accounts.refund_account = None;
    let ix = jobs_ix(accounts, jobs::instruction::SettleJob { outcome: FAILED }, &[]);
    world.svm.send(&[ix], &[]).unwrap();
    world.refund_submitter(0).unwrap();
    assert_eq!((world.balance(&submitter), escrow(&world)), (1_000 * TOKEN_UNIT, 10 * TOKEN_UNIT));
    world.refund_sponsor(&sponsor.key(), 0).unwrap();
    assert!(!world.exists(&at::escrow(&world.job_at(0))));
}

/// Invariant I74.
#[test]
fn a_jobs_account_closes_90_days_after_its_end_and_is_never_made_again() {
    // Given a failed job with one sponsor.
    let (mut world, submitter, sponsor) = submitted();
    world.sponsor(&sponsor, 0, TOKEN_UNIT).unwrap();
    assert_refused(world.close_job(0), E::JobOpen);
    world.decide(0, FAILED, &[]).unwrap();
    let end = world.job(0).settled_at;
    assert_eq!(world.job(0).state, job_state::FAILED);
    let (job, nonce) = (world.job_at(0), world.job(0).nonce);
    // Then it closes neither before its time nor while a sponsor has money in it.
    world.svm.set_time(end + 90 * DAY);
    assert_refused(world.close_job(0), E::RetentionRuns);
    world.refund_sponsor(&sponsor.key(), 0).unwrap();
    world.svm.set_time(end + 90 * DAY - 1);
    assert_refused(world.close_job(0), E::RetentionRuns);
    // When both are over, the rent goes to who paid it.
    world.svm.set_time(end + 90 * DAY);
    let mut accounts = world.close_job_accounts(0);
    accounts.rent_payer = sponsor.key();
    let ix = jobs_ix(accounts, jobs::instruction::CloseJob {}, &[]);
    assert_refused(world.svm.send(&[ix], &[]), anchor_lang::error::ErrorCode::ConstraintAddress);
    let before = world.svm.inner.get_balance(&submitter.key()).unwrap();
    world.close_job(0).unwrap();
    assert!(!world.exists(&job));
    assert!(world.svm.inner.get_balance(&submitter.key()).unwrap() > before);
    // And its address is not made again, nor its index taken.
    let again = jobs::SubmitArgs { nonce, ..world.submit_args(0) };
    assert_refused(world.submit(&submitter, again), E::NonceOutOfRange);
    world.submit(&submitter, world.submit_args(0)).unwrap();
    assert_eq!(world.job(1).submitter, submitter.key());
}
