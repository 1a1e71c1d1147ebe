use muster_jobs::{
    self as jobs, JobsError as E,
    state::{Bond, Job, JobsConfig, Outcome as JobOutcome, failure_reason, job_state},
};
use muster_network::state::Tenure;
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

/// Three nodes and a submitted job.
fn submitted() -> (World, Wallet) {
    let mut world = World::with_nodes(3);
    let submitter = Wallet::new();
    world.svm.airdrop(&submitter);
    world.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    world.submit(&submitter, world.submit_args(0)).unwrap();
    (world, submitter)
}

fn attest(world: &mut World, outcome: &JobOutcome) {
    for oracle in 0..2 {
        world.attest(oracle, 0, outcome).unwrap();
    }
}

/// Limits that no config may have.
fn wrong_limits(right: &jobs::JobsConfigArgs) -> [jobs::JobsConfigArgs; 11] {
    [
        jobs::JobsConfigArgs { stake_min: 0, ..right.clone() },
        jobs::JobsConfigArgs { default_stake: right.stake_min - 1, ..right.clone() },
        jobs::JobsConfigArgs { sponsor_min: 0, ..right.clone() },
        jobs::JobsConfigArgs { attest_grace: 0, ..right.clone() },
        jobs::JobsConfigArgs { attest_grace: 7 * 86_400 + 1, ..right.clone() },
        jobs::JobsConfigArgs { cancel_window: 0, ..right.clone() },
        jobs::JobsConfigArgs { cancel_window: 7 * 86_400 + 1, ..right.clone() },
        jobs::JobsConfigArgs { slash_delay: 0, ..right.clone() },
        // A holder who begins to unbond when a slash is decided would be gone before it.
        jobs::JobsConfigArgs { slash_delay: right.unbond_delay, ..right.clone() },
        jobs::JobsConfigArgs { unbond_delay: right.slash_delay, ..right.clone() },
        jobs::JobsConfigArgs { unbond_delay: 60 * 86_400 + 1, ..right.clone() },
    ]
}

#[test]
fn the_networks_authority_initialises_the_jobs_program() {
    let world = World::with_network();
    let config: JobsConfig = world.svm.pod(&at::jobs_config());
    assert_eq!((config.mint, config.default_stake, config.seq), (world.mint, DEFAULT_STAKE, 1));
}

#[test]
fn others_and_wrong_limits_do_not_initialise_it() {
    let mut base = World::bare();
    base.initialize_network(base.network_args()).unwrap();
    let thief = Wallet::new();
    base.svm.airdrop(&thief);
    let mut accounts = base.initialize_jobs_accounts();
    accounts.authority = thief.key();
    let args = base.jobs_args();
    let ix = jobs_ix(accounts, jobs::instruction::InitializeJobs { args }, &[]);
    assert_refused(base.svm.send(&[ix], &[&thief]), E::NotAuthority);
    let right = base.jobs_args();
    for args in wrong_limits(&right) {
        assert_refused(base.clone().initialize_jobs(args), E::ConfigInvalid);
    }
    let payer = base.svm.payer.clone();
    let other = litesvm_token::CreateMint::new(&mut base.svm.inner, payer.keypair()).send().unwrap();
    let mut accounts = base.initialize_jobs_accounts();
    accounts.mint = other;
    let authority = base.authority.clone();
    let ix = jobs_ix(accounts, jobs::instruction::InitializeJobs { args: right }, &[]);
    assert_refused(base.svm.send(&[ix], &[&authority]), E::WrongMint);
}

#[test]
fn the_networks_authority_changes_the_limits_for_what_comes() {
    // Given a job that was submitted under the first limits.
    let (mut world, submitter) = submitted();
    let right = world.jobs_args();
    // Then neither others nor wrong limits change them.
    let mut accounts = world.set_jobs_config_accounts();
    accounts.authority = submitter.key();
    let ix = jobs_ix(accounts, jobs::instruction::SetJobsConfig { args: right.clone() }, &[]);
    assert_refused(world.svm.send(&[ix], &[&submitter]), E::NotAuthority);
    for args in wrong_limits(&right) {
        assert_refused(world.set_jobs_config(args), E::ConfigInvalid);
    }
    // When the authority does.
    let longest = jobs::JobsConfigArgs { attest_grace: 7 * 86_400, cancel_window: 7 * 86_400, ..right };
    world.set_jobs_config(longest).unwrap();
    // Then the next job has them, and the first keeps its own.
    world.submit(&submitter, world.submit_args(1)).unwrap();
    let windows = |job: Job| (job.attest_grace, job.cancel_window);
    assert_eq!(windows(world.job(0)), (600, 600));
    assert_eq!(windows(world.job(1)), (604_800, 604_800));
    let config: JobsConfig = world.svm.pod(&at::jobs_config());
    assert_eq!((config.attest_grace, config.seq), (604_800, 2));
}

#[test]
fn a_tenure_has_one_bond_and_its_holder_is_the_tenures() {
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    let bond: Bond = world.svm.pod(&at::bond(&node.tenure));
    assert_eq!((bond.tenure, bond.holder, bond.seq), (node.tenure, node.holder.key(), 1));
    assert!(world.open_bond(&node).is_err());
    // An account that the network program does not own is no tenure.
    let fake = Pubkey::new_unique();
    let tenure: Tenure = world.svm.pod(&node.tenure);
    let mut account = world.svm.inner.get_account(&node.tenure).unwrap();
    account.owner = jobs::ID;
    account.data[8..8 + size_of::<Tenure>()].copy_from_slice(bytemuck::bytes_of(&tenure));
    world.svm.inner.set_account(fake, account).unwrap();
    let ix = jobs_ix(world.open_bond_accounts(fake), jobs::instruction::OpenBond {}, &[]);
    assert!(world.svm.send(&[ix], &[]).is_err());
}

#[test]
fn a_submitted_job_holds_stake_and_tip_in_escrow() {
    let mut world = World::with_nodes(1);
    let submitter = Wallet::new();
    world.svm.airdrop(&submitter);
    world.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    let args = jobs::SubmitArgs { tip: 5, ..world.submit_args(0) };
    let sent = world.submit(&submitter, args).unwrap();
    assert_eq!(world.svm.tokens(&at::escrow(&world.job_at(0))), DEFAULT_STAKE + 5);
    let state = world.job(0);
    assert_eq!((state.stake, state.tip, state.fee_bps, state.redundancy), (DEFAULT_STAKE, 5, 2_000, 2));
    assert_eq!((state.state, state.submitter), (job_state::OPEN, submitter.key()));
    assert!(sent.compute_units_consumed <= 12_000, "submit: {} CU", sent.compute_units_consumed);
}

/// Every second one at once, as one wallet after the other reads the chain and sends.
#[test]
fn nobody_who_submits_all_the_time_keeps_others_from_it() {
    // Given somebody who prepares a submission while somebody else's come in.
    let mut world = World::with_nodes(1);
    let (submitter, busy) = (world.funded(DEFAULT_STAKE), world.funded(10 * DEFAULT_STAKE));
    let args = world.submit_args(0);
    for number in 0..10 {
        world.submit(&busy, world.submit_args(number)).unwrap();
    }
    // When he sends what he prepared, with a nonce that the other has used too.
    world.submit(&submitter, args.clone()).unwrap();
    // Then it is his job, and the index still counts all.
    let job: Job = world.svm.pod(&at::job(&submitter.key(), args.nonce));
    assert_eq!((job.submitter, job.nonce, job.index), (submitter.key(), args.nonce, 10));
    // And one submitter's nonce is one job, also with another bump.
    assert!(world.submit(&busy, jobs::SubmitArgs { stake: Some(TOKEN_UNIT), ..args }).is_err(), "submitted twice");
}

/// Invariant I74.
#[test]
fn a_nonce_lies_within_an_hour_of_the_clock() {
    let mut world = World::with_nodes(1);
    let submitter = world.funded(4 * DEFAULT_STAKE);
    let right = world.submit_args(0);
    let wrong = [0, 1, right.nonce - 3_600_001, right.nonce + 3_600_001, right.nonce / 1_000, u64::MAX];
    for nonce in wrong {
        let refused = world.clone().submit(&submitter, jobs::SubmitArgs { nonce, ..right.clone() });
        assert_refused(refused, E::NonceOutOfRange);
    }
    for nonce in [right.nonce - 3_600_000, right.nonce + 3_600_000] {
        world.submit(&submitter, jobs::SubmitArgs { nonce, ..right.clone() }).unwrap();
    }
}

#[test]
fn nobody_submits_at_an_address_of_somebody_elses() {
    // Given a victim's address to be, at which somebody has put lamports.
    let mut world = World::with_nodes(1);
    let (victim, thief) = (world.funded(DEFAULT_STAKE), world.funded(DEFAULT_STAKE));
    let args = world.submit_args(0);
    let address = at::job(&victim.key(), args.nonce);
    world.svm.inner.airdrop(&address, 1_000_000).unwrap();
    // When the thief submits there, or the victim himself, then it is the victim's alone.
    let accounts = jobs::accounts::Submit { job: address, ..world.submit_accounts(&thief.key(), args.nonce) };
    let ix = jobs_ix(accounts, submit_data(&thief.key(), args.clone()), &[]);
    assert!(world.svm.send(&[ix], &[&thief]).is_err());
    world.submit(&victim, args).unwrap();
    assert_eq!(world.svm.pod::<Job>(&address).submitter, victim.key());
}

#[test]
fn a_wrong_submission_is_refused() {
    let mut base = World::with_nodes(1);
    let submitter = Wallet::new();
    base.svm.airdrop(&submitter);
    base.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    let right = base.submit_args(0);
    let now = base.svm.now();
    let cases = [
        (E::StakeTooSmall, jobs::SubmitArgs { stake: Some(TOKEN_UNIT - 1), ..right.clone() }),
        (E::DeadlineOutOfRange, jobs::SubmitArgs { deadline: now, ..right.clone() }),
        (E::DeadlineOutOfRange, jobs::SubmitArgs { deadline: now + 30 * 86_400 + 1, ..right.clone() }),
        (E::RedundancyOutOfRange, jobs::SubmitArgs { redundancy: 9, ..right.clone() }),
        (E::ZeroDescriptor, jobs::SubmitArgs { descriptor_hash: [0; 32], ..right.clone() }),
    ];
    for (expected, args) in cases {
        assert_refused(base.clone().submit(&submitter, args), expected);
    }
    let poor = jobs::SubmitArgs { stake: Some(1_001 * TOKEN_UNIT), ..right };
    assert!(base.submit(&submitter, poor).is_err());
}

#[test]
fn a_completed_job_pays_eighty_percent_to_the_nodes_and_the_rest_to_the_treasury() {
    // Given a job whose result a threshold of oracles attested.
    let (mut world, _) = submitted();
    let (outcome, bonds) = world.completed(&[0, 2]);
    let attested = world.attest(0, 0, &outcome).unwrap();
    assert_refused(world.settle_job(0, outcome.clone(), &bonds), E::NotAttested);
    world.attest(1, 0, &outcome).unwrap();
    // When anybody settles it.
    let settled = world.settle_job(0, outcome.clone(), &bonds).unwrap();
    // Then each node has 40 tokens in its bond, the treasury 20, and the escrow is gone.
    for node in [0, 2] {
        let bond: Bond = world.svm.pod(&at::bond(&world.nodes[node].tenure));
        assert_eq!((bond.earned, bond.seq), (40 * TOKEN_UNIT, 2));
    }
    assert_eq!(world.svm.tokens(&at::bond_vault()), 80 * TOKEN_UNIT);
    assert_eq!(world.svm.tokens(&at::treasury(&world.mint)), 20 * TOKEN_UNIT);
    assert!(world.svm.inner.get_account(&at::escrow(&world.job_at(0))).is_none_or(|account| account.lamports == 0));
    let state = world.job(0);
    assert_eq!((state.state, state.to_nodes, state.result_hash), (job_state::COMPLETED, 80 * TOKEN_UNIT, [9; 32]));
    // And nobody settles or attests it again.
    assert!(world.settle_job(0, outcome.clone(), &bonds).is_err());
    assert_refused(world.attest(2, 0, &outcome), E::JobSettled);
    let units = [attested.compute_units_consumed, settled.compute_units_consumed];
    assert!(units[0] <= 8_000 && units[1] <= 14_000, "attest_job {} CU, settle_job {} CU", units[0], units[1]);
}

#[test]
fn a_failed_job_gives_everything_back() {
    let (mut world, submitter) = submitted();
    let account = at::ata(&submitter.key(), &world.mint, &TOKEN);
    let before = world.svm.tokens(&account);
    let outcome = JobOutcome::Failed { reason: failure_reason::IMAGE };
    attest(&mut world, &outcome);
    world.settle_job(0, outcome, &[]).unwrap();
    assert_eq!(world.svm.tokens(&account), before + DEFAULT_STAKE);
    assert_eq!((world.job(0).state, world.job(0).refunded), (job_state::FAILED, DEFAULT_STAKE));
}

#[test]
fn a_failure_without_a_known_reason_settles_nothing() {
    let (mut world, _) = submitted();
    for reason in [0, failure_reason::NO_NODES + 1] {
        let outcome = JobOutcome::Failed { reason };
        attest(&mut world, &outcome);
        assert_refused(world.settle_job(0, outcome, &[]), E::UnknownReason);
    }
}

#[test]
fn dust_of_the_equal_shares_goes_to_the_treasury() {
    let mut world = World::with_nodes(3);
    let submitter = Wallet::new();
    world.svm.airdrop(&submitter);
    world.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    let stake = TOKEN_UNIT + 1;
    world.submit(&submitter, jobs::SubmitArgs { stake: Some(stake), redundancy: 3, ..world.submit_args(0) }).unwrap();
    let (outcome, bonds) = world.completed(&[0, 1, 2]);
    attest(&mut world, &outcome);
    world.settle_job(0, outcome, &bonds).unwrap();
    let state = world.job(0);
    let pool = stake - stake * 2_000 / 10_000;
    assert_eq!(state.to_nodes, pool / 3 * 3);
    assert_eq!(state.to_nodes + state.to_treasury, stake);
}

#[test]
fn a_vote_is_replaceable_and_counts_once() {
    let (mut world, _) = submitted();
    let (outcome, bonds) = world.completed(&[0, 1]);
    let failed = JobOutcome::Failed { reason: failure_reason::NO_QUORUM };
    world.attest(0, 0, &outcome).unwrap();
    world.attest(0, 0, &outcome).unwrap();
    assert_refused(world.settle_job(0, outcome.clone(), &bonds), E::NotAttested);
    world.attest(1, 0, &failed).unwrap();
    assert_refused(world.settle_job(0, failed, &[]), E::NotAttested);
    world.attest(1, 0, &outcome).unwrap();
    world.settle_job(0, outcome, &bonds).unwrap();
}

#[test]
fn only_oracles_attest_and_never_nothing() {
    let (mut world, _) = submitted();
    let stranger = Wallet::new();
    let accounts = world.attest_accounts(&stranger.key(), 0);
    let ix = jobs_ix(accounts, jobs::instruction::AttestJob { outcome_hash: [1; 32], set_version: 1 }, &[]);
    assert_refused(world.svm.send(&[ix], &[&stranger]), E::NotOracle);
    let oracle = world.oracles[0].clone();
    let accounts = world.attest_accounts(&oracle.key(), 0);
    let ix = jobs_ix(accounts, jobs::instruction::AttestJob { outcome_hash: [0; 32], set_version: 1 }, &[]);
    assert_refused(world.svm.send(&[ix], &[&oracle]), E::ZeroOutcome);
}

#[test]
fn a_vote_for_another_set_version_is_refused_and_keeps_the_earlier_ones() {
    // Given a vote under the set in force.
    let (mut world, _) = submitted();
    let (outcome, bonds) = world.completed(&[0, 1]);
    world.attest(0, 0, &outcome).unwrap();
    // When an oracle votes under a version that is gone or not yet there.
    let oracle = world.oracles[1].clone();
    for set_version in [0, 2] {
        let outcome_hash = outcome.hash(&world.job_at(0), set_version).unwrap();
        let accounts = world.attest_accounts(&oracle.key(), 0);
        let ix = jobs_ix(accounts, jobs::instruction::AttestJob { outcome_hash, set_version }, &[]);
        assert_refused(world.svm.send(&[ix], &[&oracle]), E::WrongSetVersion);
    }
    // Then the right one still completes the threshold.
    world.attest(1, 0, &outcome).unwrap();
    world.settle_job(0, outcome, &bonds).unwrap();
}

#[test]
fn an_attested_job_pays_only_the_bonds_that_it_names() {
    let (mut world, _) = submitted();
    let (outcome, bonds) = world.completed(&[0, 1]);
    attest(&mut world, &outcome);
    let other = at::bond(&world.nodes[2].tenure);
    assert_refused(world.settle_job(0, outcome.clone(), &[bonds[0], other]), E::WrongBond);
    assert_refused(world.settle_job(0, outcome.clone(), &[bonds[1], bonds[0]]), E::WrongBond);
    assert_refused(world.settle_job(0, outcome.clone(), &bonds[..1]), E::WrongNodes);
    let (another, others) = world.completed(&[0, 2]);
    assert_refused(world.settle_job(0, another, &others), E::NotAttested);
}

#[test]
fn no_tenure_and_no_holder_is_paid_twice() {
    let (mut world, _) = submitted();
    let tenure = world.nodes[0].tenure;
    let twice = JobOutcome::Completed { tenures: vec![tenure, tenure], result_hash: [9; 32] };
    attest(&mut world, &twice);
    assert_refused(world.settle_job(0, twice, &[at::bond(&tenure), at::bond(&tenure)]), E::WrongNodes);
    let nobody = JobOutcome::Completed { tenures: vec![], result_hash: [9; 32] };
    attest(&mut world, &nobody);
    assert_refused(world.settle_job(0, nobody, &[]), E::WrongNodes);
    // Two tenures of one holder.
    let twin = at::bond(&world.nodes[1].tenure);
    let holder = world.nodes[0].holder.key();
    world.svm.edit_pod(&twin, |bond: &mut Bond| bond.holder = holder);
    let (outcome, bonds) = world.completed(&[0, 1]);
    attest(&mut world, &outcome);
    assert_refused(world.settle_job(0, outcome, &bonds), E::WrongNodes);
}

#[test]
fn a_cancellation_that_nobody_requested_settles_nothing() {
    let (mut world, _) = submitted();
    let outcome = JobOutcome::Cancelled { started_at: 0, tenures: vec![] };
    attest(&mut world, &outcome);
    assert_refused(world.settle_job(0, outcome, &[]), E::NotCancelled);
}

#[test]
fn refunds_reach_no_account_but_the_recorded_one() {
    let (mut world, _) = submitted();
    let outcome = JobOutcome::Failed { reason: failure_reason::IMAGE };
    attest(&mut world, &outcome);
    let mut accounts = world.settle_job_accounts(0);
    accounts.refund_account = Some(at::ata(&world.owner.key(), &world.mint, &TOKEN));
    let ix = jobs_ix(accounts, jobs::instruction::SettleJob { outcome }, &[]);
    assert_refused(world.svm.send(&[ix], &[]), E::WrongRefundAccount);
}

#[test]
fn a_holder_withdraws_what_his_bond_earned_and_no_more() {
    let (mut world, _) = submitted();
    let (outcome, bonds) = world.completed(&[0, 1]);
    attest(&mut world, &outcome);
    world.settle_job(0, outcome, &bonds).unwrap();
    let node = world.nodes[0].clone();
    let account = at::ata(&node.holder.key(), &world.mint, &TOKEN);
    let before = world.svm.tokens(&account);
    assert_refused(world.withdraw(&node, 40 * TOKEN_UNIT + 1), E::AmountOutOfRange);
    assert_refused(world.withdraw(&node, 0), E::AmountOutOfRange);
    world.withdraw(&node, 15 * TOKEN_UNIT).unwrap();
    world.withdraw(&node, 25 * TOKEN_UNIT).unwrap();
    assert_eq!(world.svm.tokens(&account), before + 40 * TOKEN_UNIT);
    assert_refused(world.withdraw(&node, 1), E::AmountOutOfRange);
    let bond: Bond = world.svm.pod(&at::bond(&node.tenure));
    assert_eq!((bond.earned, bond.withdrawn_total), (0, 40 * TOKEN_UNIT));
}

#[test]
fn nobody_else_withdraws_and_never_into_the_vault() {
    let (mut world, _) = submitted();
    let (outcome, bonds) = world.completed(&[0, 1]);
    attest(&mut world, &outcome);
    world.settle_job(0, outcome, &bonds).unwrap();
    let thief = world.nodes[2].holder.clone();
    let mut accounts = world.withdraw_accounts(&world.nodes[0]);
    accounts.holder = thief.key();
    let ix = jobs_ix(accounts, jobs::instruction::Withdraw { amount: 1 }, &[]);
    assert_refused(world.svm.send(&[ix], &[&thief]), E::NotHolder);
    let holder = world.nodes[0].holder.clone();
    let mut accounts = world.withdraw_accounts(&world.nodes[0]);
    accounts.destination = at::bond_vault();
    let ix = jobs_ix(accounts, jobs::instruction::Withdraw { amount: 1 }, &[]);
    assert_refused(world.svm.send(&[ix], &[&holder]), E::VaultDelta);
}
