//! Random sequences of all instructions, by honest and hostile actors, on the real programs; after each step the chain is
//! compared with a reference model and with every invariant of docs/invariants.md.
//!
//! `reference` is the model; `registry`, `authorities`, `projects`, `nodes`, `assets`, `epochs`, `settlements`, `jobs` and
//! `bonds` say what an action does and what the model says of it; `machine` sends and compares; `invariants` scans the
//! chain; `liveness` ends a sequence. Every verdict is the model's: what it says must be accepted must be, what it says
//! must be refused must be.
//!
//! `MUSTER_MODEL_SEQUENCES` (2,000), `MUSTER_MODEL_STEPS` (60) and `MUSTER_MODEL_SEED` (1) set the size. Two tests run half
//! of the sequences each, so that two cores work, and print what they exercised (`--no-capture`): an instruction that was
//! never accepted, or an invariant that was never checked, fails them. A sequence that fails is shrunk and printed; keep
//! it as a case in `regressions`.

mod actions;
mod alarms;
mod assets;
mod authorities;
mod bonds;
mod epochs;
mod invariants;
mod jobs;
mod liveness;
mod machine;
mod nodes;
mod projects;
mod reference;
mod registry;
mod regressions;
mod settlements;
mod tally;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

use self::{
    actions::{Action, Amount, Jump, Pick, Twist, Who, any_action},
    machine::{Broken, Done, Machine, network_with_people},
    reference::HOLDERS,
};

/// Every instruction of both programs: each must be accepted in a run.
const INSTRUCTIONS: &[&str] = &[
    "initialize_network",
    "set_oracle_set",
    "set_oracle_url",
    "propose_authority",
    "accept_authority",
    "set_fee",
    "allow_mint",
    "forbid_mint",
    "set_paused",
    "guardian_pause",
    "withdraw_treasury",
    "create_project",
    "propose_owner",
    "accept_owner",
    "set_settler",
    "set_formula",
    "set_max_epoch_budget",
    "set_sale",
    "announce_withdrawal",
    "withdraw_budget",
    "close_project",
    "create_pool",
    "close_pool",
    "set_pool_capacity",
    "join_pool",
    "leave_pool",
    "fund_project",
    "buy_licence",
    "gift_licence",
    "link_collection",
    "bind_asset",
    "detach",
    "bind",
    "accept_node",
    "unbind",
    "thaw",
    "rotate_node_key",
    "set_payout",
    "create_split",
    "release",
    "set_operator",
    "release_operator",
    "set_metadata",
    "announce_maintenance",
    "suspend_node",
    "vote_suspension",
    "lift_suspension",
    "appeal",
    "commit_views",
    "settle_epoch",
    "approve_root",
    "replace_settlement",
    "void_settlement",
    "hold_root",
    "end_hold",
    "correct_root",
    "top_up",
    "close_epoch",
    "close_views",
    "activate_root",
    "claim",
    "initialize_jobs",
    "set_jobs_config",
    "open_bond",
    "submit",
    "attest_job",
    "settle_job",
    "add_tip",
    "sponsor",
    "request_cancel",
    "expire",
    "refund_submitter",
    "refund_sponsor",
    "close_job",
    "withdraw",
    "stake",
    "unbond",
    "withdraw_unbonded",
    "vote_slash",
    "hold_slash",
    "void_slash",
    "execute_slash",
];

/// Size of the usual run.
const SEQUENCES: u64 = 2_000;
const STEPS: u64 = 60;
/// Steps between two scans of the whole chain.
const SCAN_EVERY: usize = 15;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

impl Machine {
    /// One action, then the checks of what it wrote.
    pub fn run(&mut self, action: &Action) -> Done {
        use Action as A;
        self.trail.push(format!("{action:?}"));
        match *action {
            A::Wait { jump } => self.wait(jump),
            A::Reinitialise { who } => self.reinitialise(who)?,
            A::HandOver { role, to } => self.hand_over(role, to)?,
            A::Resell { licence, to, key } => self.resell(licence, to, key)?,
            A::Operate { tenure, split } => self.operate(tenure, split)?,
            A::SetJobsConfig { who, grace, delay, twist } => self.set_jobs_config(who, grace, delay, twist)?,
            A::SetOracles { who, set } if who == Who::Right && !set.one_in(4) => self.change_oracles(set)?,
            A::SetOracles { who, set } => self.set_oracles(who, set)?,
            A::SetOracleUrl { oracle, twist } => self.set_oracle_url(oracle, twist)?,
            A::ProposeAuthority { role, to, who } => self.propose_authority(role, to, who)?,
            A::AcceptAuthority { role, who } => self.accept_authority(role, who)?,
            A::SetFee { who, fee, ahead } => self.set_fee(who, fee, ahead)?,
            A::ListMint { who, on } => self.list_mint(who, on)?,
            A::SetPaused { who, bit } => self.set_paused(who, bit)?,
            A::GuardianPause { who, bit } => self.guardian_pause(who, bit)?,
            A::WithdrawTreasury { who, mint, amount } => self.withdraw_treasury(who, mint, amount)?,
            A::CreateProject { owner, twist } => self.create_project(owner, twist)?,
            A::ProposeOwner { project, who, to } => self.propose_owner(project, who, to)?,
            A::AcceptOwner { project, who } => self.accept_owner(project, who)?,
            A::SetSettler { project, who, to } => self.set_settler(project, who, to)?,
            A::SetFormula { project, who, weight } => self.set_formula(project, who, weight)?,
            A::SetMaxBudget { project, who, amount } => self.set_max_budget(project, who, amount)?,
            A::SetSale { project, who, price, licences } => self.set_sale(project, who, price, licences)?,
            A::AnnounceWithdrawal { project, who, amount } => self.announce_withdrawal(project, who, amount)?,
            A::WithdrawBudget { project, who, amount } => self.withdraw_budget(project, who, amount)?,
            A::CloseProject { project, who } => self.close_project(project, who)?,
            A::CreatePool { project, who, capacity } => self.create_pool(project, who, capacity)?,
            A::ClosePool { project, who, pool } => self.close_pool(project, who, pool)?,
            A::SetPoolCapacity { project, who, pool, capacity } => {
                self.set_pool_capacity(project, who, pool, capacity)?;
            }
            A::JoinPool { licence, who, pool } => self.join_pool(licence, who, pool)?,
            A::LeavePool { licence, who } => self.leave_pool(licence, who)?,
            A::Fund { project, from, amount } => self.fund(project, from, amount)?,
            A::Donate { from, to, amount } => self.donate(from, to, amount)?,
            A::Buy { project, buyer, twist } => self.buy(project, buyer, twist)?,
            A::Sell { licence, to } => self.sell(licence, to)?,
            A::Bind { licence, key, who, payout, twist } => self.bind(licence, key, who, payout, twist)?,
            A::LinkCollection { project, who, twist } => self.link_collection(project, who, twist)?,
            A::MintAsset { project, to } => self.mint_asset(project, to)?,
            A::Detach { licence } => self.detach(licence)?,
            A::Gift { project, who, to } => self.gift(project, who, to)?,
            A::Unbind { licence, who } => self.unbind(licence, who)?,
            A::Thaw { licence } => self.thaw(licence)?,
            A::Rotate { licence, who, key } => self.rotate(licence, who, key)?,
            A::SetPayout { tenure, who, to, operator_signs } => self.set_payout(tenure, who, to, operator_signs)?,
            A::CreateSplit { creator, mint, share, twist } => self.create_split(creator, mint, share, twist)?,
            A::Release { split, recipient } => self.release(split, recipient)?,
            A::SetOperator { tenure, who, bps } => self.set_operator(tenure, who, bps)?,
            A::ReleaseOperator { tenure, who } => self.release_operator(tenure, who)?,
            A::SetMetadata { licence, who } => self.set_metadata(licence, who)?,
            A::AnnounceMaintenance { licence, who, ahead, length } => {
                self.announce_maintenance(licence, who, ahead, length)?;
            }
            A::Suspend { licence, who, epochs } => self.suspend(licence, who, epochs)?,
            A::VoteSuspension { licence, oracle, epochs, twist } => {
                self.vote_suspension(licence, oracle, epochs, twist)?;
            }
            A::SuspendAll { licence, epochs } => self.suspend_all(licence, epochs)?,
            A::Lift { licence, who } => self.lift(licence, who)?,
            A::Appeal { licence, who, twist } => self.appeal(licence, who, twist)?,
            A::Accept { licence, twist } => self.accept(licence, twist)?,
            A::CommitViews { oracle, age, twist } => self.commit_views(oracle, age, twist)?,
            A::CloseViews { age } => self.close_views(age)?,
            A::Settle { project, age, who, amount, twist } => self.settle(project, age, who, amount, twist)?,
            A::Approve { project, oracle, variant, twist } => self.approve(project, oracle, variant, twist)?,
            A::ApproveAll { project, variant } => self.approve_all(project, variant)?,
            A::Replace { project, who, amount } => self.replace(project, who, amount)?,
            A::Void { project, who } => self.void(project, who)?,
            A::Hold { project, who, twist } => self.hold(project, who, twist)?,
            A::EndHold { project, who } => self.end_hold(project, who)?,
            A::Correct { project, oracle, variant, twist } => self.correct(project, oracle, variant, twist)?,
            A::CorrectAll { project, variant } => self.correct_all(project, variant)?,
            A::TopUp { project, from, amount } => self.top_up(project, from, amount)?,
            A::CloseEpoch { project, epoch } => self.close_epoch(project, epoch)?,
            A::RemoveViews { epoch } => self.remove_views(epoch)?,
            A::Activate { project, twist } => self.activate(project, twist)?,
            A::Claim { tenure, root, twist } => self.claim(tenure, root, twist)?,
            A::PayEpoch { project, amount, variant } => self.pay_epoch(project, amount, variant)?,
            A::OpenBond { tenure } => self.open_bond(tenure)?,
            A::Submit { who, stake, tip, twist } => self.submit(who, stake, tip, twist)?,
            A::Attest { job, oracle, outcome, twist } => self.attest(job, oracle, outcome, twist)?,
            A::AttestAll { job, outcome } => self.attest_all(job, outcome)?,
            A::FinishJob { job, outcome } => self.finish_job(job, outcome)?,
            A::SettleJob { job, outcome, twist } => self.settle_job(job, outcome, twist)?,
            A::AddTip { job, who, amount } => self.add_tip(job, who, amount)?,
            A::Sponsor { job, who, amount } => self.sponsor(job, who, amount)?,
            A::RequestCancel { job, who } => self.request_cancel(job, who)?,
            A::Expire { job } => self.expire(job)?,
            A::RefundSubmitter { job } => self.refund_submitter(job)?,
            A::RefundSponsor { job, who } => self.refund_sponsor(job, who)?,
            A::CloseJob { job } => self.close_job(job)?,
            A::Withdraw { bond, who, amount } => self.withdraw(bond, who, amount)?,
            A::Stake { bond, who, amount } => self.stake(bond, who, amount)?,
            A::Unbond { bond, who, amount } => self.unbond(bond, who, amount)?,
            A::WithdrawUnbonded { bond, who } => self.withdraw_unbonded(bond, who)?,
            A::VoteSlash { bond, oracle, amount, twist } => self.vote_slash(bond, oracle, amount, twist)?,
            A::SlashAll { bond, amount } => self.slash_all(bond, amount)?,
            A::HoldSlash { bond, who } => self.hold_slash(bond, who)?,
            A::VoidSlash { bond, who } => self.void_slash(bond, who)?,
            A::ExecuteSlash { bond } => self.execute_slash(bond)?,
        }
        self.check_touched()
    }

    /// A whole sequence on a copy of a prepared network.
    fn run_sequence(&mut self, actions: &[Action], ends_alive: bool) -> Done {
        for (step, action) in actions.iter().enumerate() {
            self.run(action)?;
            self.tally.borrow_mut().steps += 1;
            if step % SCAN_EVERY == SCAN_EVERY - 1 {
                self.check_all()?;
            }
        }
        self.check_all()?;
        if ends_alive {
            self.everybody_gets_out()?;
            self.check_all()?;
        }
        self.tally.borrow_mut().sequences += 1;
        Ok(())
    }
}

/// Networks from which sequences start: two projects with holders and nodes; and one that has lived for a while.
fn prepared() -> Done<Vec<Machine>> {
    let mut young = network_with_people();
    young.list_mint(Who::Right, Pick(0))?;
    for owner in 0..4 {
        young.create_project(Pick(owner), Twist::Honest)?;
        young.fund(Pick(owner), Pick(owner), Amount(4_000 * muster_tests::world::TOKEN_UNIT))?;
    }
    young.link_collection(Pick(3), Who::Right, Twist::Honest)?;
    for serial in 0..8_u8 {
        let project = [0, 0, 0, 1, 1, 2, 3, 3][usize::from(serial)];
        let holder = Pick(serial % HOLDERS.len() as u8);
        match project {
            3 => young.mint_asset(Pick(0), holder)?,
            _ => young.buy(Pick(project), holder, Twist::Honest)?,
        }
        young.bind(Pick(serial), Pick(serial), Who::Right, Pick(0), Twist::Honest)?;
        young.accept(Pick(serial), Twist::Honest)?;
        young.open_bond(Pick(serial))?;
    }
    young.check_all()?;

    let mut lived = young.clone();
    for epoch in 0..3_u8 {
        for project in 0..4 {
            lived.pay_epoch(Pick(project), Amount(1_000_000_000), Pick(epoch))?;
        }
        lived.claim(Pick(epoch), Pick(0), Twist::Honest)?;
        lived.submit(Pick(epoch), Amount(200_000_000), Pick(epoch), Twist::Honest)?;
    }
    lived.attest_all(Pick(0), Pick(0))?;
    lived.settle_job(Pick(0), Pick(0), Twist::Honest)?;
    lived.wait(Jump::AfterEpoch(0));
    lived.check_all()?;
    // Of the lived one, with operators, pools, stakes and sponsors.
    let mut busy = lived.clone();
    for holder in 0..4_u8 {
        busy.create_split(Pick(holder), Pick(0), Pick(holder), Twist::Honest)?;
        busy.stake(Pick(holder), Pick(holder), Amount(300_000_000))?;
        busy.create_pool(Pick(holder % 2), Who::Right, Pick(1 + holder))?;
    }
    for licence in 0..5_u8 {
        busy.operate(Pick(licence), Pick(licence))?;
        busy.join_pool(Pick(licence), Who::Right, Pick(licence))?;
        busy.sponsor(Pick(licence), Pick(licence), Amount(40_000_000))?;
    }
    busy.pay_epoch(Pick(0), Amount(500_000_000), Pick(1))?;
    busy.check_all()?;
    busy.trail.clear();
    young.trail.clear();
    lived.trail.clear();
    Ok(vec![young, lived, busy])
}

/// Leaves out actions, many at a time and then one by one, for as long as the sequence still fails.
fn minimal(from: &Machine, ends_alive: bool, mut actions: Vec<Action>) -> (Vec<Action>, Machine, Broken) {
    let fails = |actions: &[Action]| {
        let mut machine = from.clone();
        let run = catch_unwind(AssertUnwindSafe(|| machine.run_sequence(actions, ends_alive)));
        let broken = run.unwrap_or_else(|_| Err(Broken("the model panicked, see above".to_owned()))).err();
        broken.map(|broken| (machine, broken))
    };
    let (mut machine, mut broken) = fails(&actions).expect("the sequence fails again");
    let mut chunk = actions.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        while at < actions.len() {
            let mut fewer = actions.clone();
            fewer.drain(at..(at + chunk).min(fewer.len()));
            match fails(&fewer) {
                Some(failure) => ((machine, broken), actions) = (failure, fewer),
                None => at += chunk,
            }
        }
        chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2) };
    }
    (actions, machine, broken)
}

/// Runs half of all sequences.
fn half(number: u8) {
    let cases = setting("MUSTER_MODEL_SEQUENCES", SEQUENCES).div_ceil(2) as u32;
    let steps = setting("MUSTER_MODEL_STEPS", STEPS) as usize;
    let mut seed = [number; 32];
    seed[..8].copy_from_slice(&setting("MUSTER_MODEL_SEED", 1).to_le_bytes());
    let config = Config { cases, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let networks = prepared().expect("honest people get along");
    let sequences = (any::<Pick>(), prop::bool::weighted(0.25), prop::collection::vec(any_action(), steps));
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let outcome = runner.run(&sequences, |(network, ends_alive, actions)| {
        let mut machine = networks[network.index(networks.len())].clone();
        machine.run_sequence(&actions, ends_alive).map_err(|broken| TestCaseError::fail(broken.0))
    });
    if let Err(TestError::Fail(_, (network, ends_alive, actions))) = &outcome {
        let network = network.index(networks.len());
        let (actions, machine, broken) = minimal(&networks[network], *ends_alive, actions.clone());
        let trail = machine.trail.join("\n");
        panic!("network {network}, ends alive {ends_alive}\n{actions:#?}\n{trail}\n{}", broken.0);
    }
    outcome.expect("the sequences run");
    let missing = networks[0].tally.borrow().report(INSTRUCTIONS);
    // A run that is smaller than the usual one may miss what is rare.
    let is_usual = u64::from(cases) * 2 >= SEQUENCES && steps as u64 >= STEPS;
    assert!(missing.is_empty() || !is_usual, "not exercised: {missing:#?}");
}

#[test]
fn whatever_happens_every_invariant_holds_first_half() {
    half(1);
}

#[test]
fn whatever_happens_every_invariant_holds_second_half() {
    half(2);
}
