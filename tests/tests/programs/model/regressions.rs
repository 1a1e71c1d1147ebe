//! Sequences in which model and programs once disagreed, as they were shrunk.

use muster_tests::world::TOKEN_UNIT;

use super::{
    actions::{Action, Amount, Jump, Pick, Twist, Who},
    prepared,
};

/// The networks of `prepared`.
const YOUNG: usize = 0;
const LIVED: usize = 1;
const BUSY: usize = 2;

fn replay(network: usize, actions: &[Action]) {
    let mut machine = prepared().expect("honest people get along")[network].clone();
    if let Err(broken) = machine.run_sequence(actions, true) {
        panic!("{}\n{}", machine.trail.join("\n"), broken.0);
    }
}

#[test]
fn a_buyer_may_name_the_key_that_his_bind_frees() {
    let buy = Action::Buy { project: Pick(0), buyer: Pick(1), twist: Twist::Honest };
    let resell = |to| Action::Resell { licence: Pick(6), to: Pick(to), key: Pick(6) };
    replay(YOUNG, &[buy, resell(3), resell(0)]);
}

#[test]
fn an_epoch_whose_budget_vault_is_empty_is_settled_without_a_statement() {
    let pay = Action::PayEpoch { project: Pick(3), amount: Amount(2_000 * TOKEN_UNIT), variant: Pick(0) };
    replay(LIVED, &[pay.clone(), pay.clone(), pay.clone(), pay]);
}

#[test]
fn views_of_an_epoch_past_its_retention_are_refused() {
    let commit = |age| Action::CommitViews { oracle: Pick(1), age: Pick(age), twist: Twist::Honest };
    replay(YOUNG, &[commit(0), Action::Wait { jump: Jump::Months }, commit(245), commit(0)]);
}

#[test]
fn a_job_that_is_over_has_nothing_to_share_when_it_is_settled_again() {
    let attest = |outcome| Action::AttestAll { job: Pick(0), outcome: Pick(outcome) };
    let settle = |outcome| Action::SettleJob { job: Pick(0), outcome: Pick(outcome), twist: Twist::Honest };
    let cancel = Action::RequestCancel { job: Pick(1), who: Who::Right };
    replay(LIVED, &[cancel, Action::Wait { jump: Jump::Seconds(20) }, attest(1), settle(1), settle(253), settle(251)]);
}

#[test]
fn holder_and_operator_correct_a_payout_that_is_a_split_of_another_mint() {
    let split = Action::CreateSplit { creator: Pick(0), mint: Pick(171), share: Pick(4), twist: Twist::Honest };
    let payout = Action::SetPayout { tenure: Pick(0), who: Who::Right, to: Pick(4), operator_signs: Pick(0) };
    let pay = Action::PayEpoch { project: Pick(0), amount: Amount(100 * TOKEN_UNIT), variant: Pick(0) };
    replay(BUSY, &[split, payout, pay]);
}

#[test]
fn a_root_that_is_held_when_its_successor_comes_pays_nothing_beside_it() {
    let hold = Action::Hold { project: Pick(0), who: Who::Right, twist: Twist::Honest };
    let pay = Action::PayEpoch { project: Pick(0), amount: Amount(600 * TOKEN_UNIT), variant: Pick(1) };
    let claim = |root| Action::Claim { tenure: Pick(0), root: Pick(root), twist: Twist::Honest };
    replay(LIVED, &[hold, pay, claim(201), Action::Wait { jump: Jump::HoldLimit }, claim(201), claim(0)]);
}
