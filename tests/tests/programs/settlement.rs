use muster_network::{
    self as network, NetworkError as E,
    state::{Distribution, Epoch, Project, epoch_status, settlement_state},
};
use muster_tests::world::*;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;

/// Two nodes, an epoch whose views are closed.
fn closed() -> (World, u64) {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    (world, epoch)
}

fn halves() -> [u64; 2] {
    [POOL / 2, POOL / 2]
}

fn distribution(world: &World) -> Distribution {
    world.svm.pod(&at::distribution(&world.project))
}

#[test]
fn a_settled_epoch_moves_its_whole_budget_into_the_vault() {
    // Given a funded project and a closed view set.
    let (mut world, epoch) = closed();
    let budget_vault = at::budget_vault(&world.project);
    let before = world.svm.tokens(&budget_vault);
    // When the settler settles.
    let settled = world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    // Then the budget lies in the distribution's vault; neither fee nor pool is booked yet.
    let state = distribution(&world);
    assert_eq!(world.svm.tokens(&state.vault), BUDGET);
    assert_eq!(world.svm.tokens(&budget_vault), before - BUDGET);
    assert_eq!((state.open_state, state.open_node_pool, state.allocated), (settlement_state::SETTLED, POOL, 0));
    let stated: Epoch = world.svm.pod(&at::epoch(&world.project, epoch));
    assert_eq!((stated.fee + stated.node_pool, stated.fee_bps), (BUDGET, 2_000));
    println!("settle_epoch: {} CU", settled.compute_units_consumed);
}

#[test]
fn the_fee_goes_to_the_treasury_once_at_activation() {
    let (mut world, epoch) = closed();
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, &halves())).unwrap();
    }
    let now = world.svm.now();
    world.svm.set_time(now + i64::from(ROOT_DELAY));
    world.activate(epoch).unwrap();
    let state = distribution(&world);
    assert_eq!(world.svm.tokens(&at::treasury(&world.mint)), BUDGET - POOL);
    assert_eq!(world.svm.tokens(&state.vault), POOL);
    assert_eq!((state.allocated, state.roots[0].total, state.open_state), (POOL, POOL, settlement_state::NONE));
    let head = state.pending_ledger_head;
    assert_eq!((state.ledger_head, head != [0; 32]), (head, true));
    let project: Project = world.svm.borsh(&world.project);
    assert_eq!(project.next_epoch, epoch + 1);
    let stated: Epoch = world.svm.pod(&at::epoch(&world.project, epoch));
    assert_eq!(stated.status, epoch_status::FINAL);
    assert!(world.activate(epoch).is_err(), "once");
}

#[test]
fn a_budget_of_zero_is_final_at_once() {
    let (mut world, epoch) = closed();
    world.settle(World::empty_settle_args(epoch)).unwrap();
    let project: Project = world.svm.borsh(&world.project);
    assert_eq!((project.next_epoch, distribution(&world).open_state), (epoch + 1, settlement_state::NONE));
    assert!(world.settle(world.settle_args(epoch, BUDGET)).is_err(), "never again");
}

#[test]
fn a_settlement_without_a_budget_states_nothing() {
    // Given that no oracle approves it, a settler could make any figure final.
    let (base, epoch) = closed();
    let right = World::empty_settle_args(epoch);
    for args in [
        network::SettleEpochArgs { total_points: u64::MAX, node_count: 1, ..right.clone() },
        network::SettleEpochArgs { node_count: 2, ..right.clone() },
        network::SettleEpochArgs { points_root: [66; 32], ..right.clone() },
        network::SettleEpochArgs { dataset_hash: [66; 32], ..right.clone() },
        network::SettleEpochArgs { scores_hash: [66; 32], ..right.clone() },
    ] {
        assert_refused(base.clone().settle(args), E::UnapprovedStatement);
    }
}

#[test]
fn skipped_epochs_can_never_be_settled() {
    let mut world = World::with_nodes(2);
    let (skipped, epoch) = (world.epoch() + 1, world.epoch() + 3);
    world.close_views(skipped);
    world.pay_epoch(epoch, BUDGET, &halves());
    assert_refused(world.settle(world.settle_args(skipped, BUDGET)), E::EpochPassed);
}

#[test]
fn a_wrong_settlement_is_refused() {
    let (base, epoch) = closed();
    let right = base.settle_args(epoch, BUDGET);
    let cases = [
        (E::BudgetAboveMax, network::SettleEpochArgs { budget: MAX_BUDGET + 1, ..right.clone() }),
        (E::NothingToReward, network::SettleEpochArgs { total_points: 0, ..right.clone() }),
        (E::NothingToReward, network::SettleEpochArgs { points_root: [0; 32], ..right.clone() }),
        (E::NothingToReward, network::SettleEpochArgs { dataset_hash: [0; 32], ..right.clone() }),
        (E::NodeCountInvalid, network::SettleEpochArgs { node_count: 3, ..right.clone() }),
        (E::NodeCountInvalid, network::SettleEpochArgs { node_count: 0, ..right.clone() }),
    ];
    for (expected, args) in cases {
        assert_refused(base.clone().settle(args), expected);
    }
}

#[test]
fn only_the_settler_settles() {
    let (mut world, epoch) = closed();
    let owner = world.owner.clone();
    let mut accounts = world.settle_accounts(epoch);
    accounts.settler = owner.key();
    let args = world.settle_args(epoch, BUDGET);
    let ix = network_ix(accounts, network::instruction::SettleEpoch { args });
    assert_refused(world.svm.send(&[ix], &[&owner]), E::NotSettler);
}

#[test]
fn an_epoch_is_settled_after_its_views_closed() {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.go_after(epoch, 1);
    assert!(world.settle(world.settle_args(epoch, BUDGET)).is_err(), "no view set exists");
    for oracle in 0..2 {
        world.commit_views(oracle, epoch, vec![[1; 32], [2; 32], [3; 32]]).unwrap();
    }
    assert_refused(world.settle(world.settle_args(epoch, BUDGET)), E::ViewsOpen);
}

#[test]
fn one_settlement_is_open_at_a_time() {
    let (mut world, epoch) = closed();
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    world.close_views(epoch + 1);
    assert_refused(world.settle(world.settle_args(epoch + 1, BUDGET)), E::SettlementOpen);
}

#[test]
fn a_budget_must_be_in_the_budget_vault() {
    let mut world = World::with_network();
    world.create_project(world.project_args()).unwrap();
    let owner = world.owner.clone();
    world.fund_wallet(&owner, 0);
    world.add_node(0);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    assert_refused(world.settle(world.settle_args(epoch, 1)), E::BudgetUnfunded);
}

#[test]
fn a_threshold_of_equal_votes_approves_and_votes_are_replaceable() {
    // Given a settlement.
    let (mut world, epoch) = closed();
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    // When one oracle votes for a wrong root twice, nothing is approved: a vote replaces itself.
    let wrong = world.approve_args(epoch, &[POOL, 0]);
    let voted = world.approve(0, wrong.clone()).unwrap();
    world.approve(0, wrong).unwrap();
    assert_eq!(distribution(&world).open_state, settlement_state::SETTLED);
    // And when it changes its mind and another agrees, the root is approved with its delay.
    world.approve(0, world.approve_args(epoch, &halves())).unwrap();
    world.approve(1, world.approve_args(epoch, &halves())).unwrap();
    let state = distribution(&world);
    assert_eq!(state.open_state, settlement_state::APPROVED);
    assert_eq!(state.pending.root, world.tree(&halves()).root());
    assert_eq!(state.pending_eta, world.svm.now() + i64::from(ROOT_DELAY));
    // Then a third vote is refused, and no activation comes before the delay.
    assert_refused(world.approve(2, world.approve_args(epoch, &halves())), E::AlreadyApproved);
    assert_refused(world.activate(epoch), E::DelayRuns);
    println!("approve_root: {} CU", voted.compute_units_consumed);
}

#[test]
fn a_vote_that_does_not_fit_the_settlement_is_refused() {
    let (mut base, epoch) = closed();
    assert!(base.approve(0, base.approve_args(epoch, &halves())).is_err(), "nothing is settled");
    base.settle(base.settle_args(epoch, BUDGET)).unwrap();
    let right = base.approve_args(epoch, &halves());
    let cases = [
        (E::WrongSettlement, network::ApproveRootArgs { revision: 1, ..right.clone() }),
        (E::ZeroRoot, network::ApproveRootArgs { root: [0; 32], ..right.clone() }),
        (E::WrongTotal, network::ApproveRootArgs { total: POOL + 1, ..right.clone() }),
        (E::WrongTotal, network::ApproveRootArgs { total: POOL - 1, ..right.clone() }),
        (E::WrongLeafCount, network::ApproveRootArgs { count: 0, ..right.clone() }),
        (E::WrongLeafCount, network::ApproveRootArgs { count: 3, ..right.clone() }),
        (E::WrongDataset, network::ApproveRootArgs { dataset_hash: [9; 32], ..right.clone() }),
        (E::WrongLedgerHead, network::ApproveRootArgs { log_head: [9; 32], ..right.clone() }),
    ];
    for (expected, args) in cases {
        assert_refused(base.clone().approve(0, args), expected);
    }
    let stranger = Wallet::new();
    let accounts = base.approve_accounts(&stranger.key(), epoch);
    let ix = network_ix(accounts, network::instruction::ApproveRoot { args: right });
    assert_refused(base.svm.send(&[ix], &[&stranger]), E::NotOracle);
}

#[test]
fn nothing_is_activated_without_a_threshold() {
    let (mut world, epoch) = closed();
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    world.approve(0, world.approve_args(epoch, &halves())).unwrap();
    world.approve(1, world.approve_args(epoch, &[POOL, 0])).unwrap();
    world.go_after(epoch, 10_000);
    assert_refused(world.activate(epoch), E::NotApproved);
}

#[test]
fn fees_reach_no_account_but_the_treasury() {
    let (mut world, epoch) = closed();
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, &halves())).unwrap();
    }
    world.go_after(epoch, 10_000);
    let mut accounts = world.activate_accounts(epoch);
    accounts.treasury = at::ata(&world.owner.key(), &world.mint, &TOKEN);
    let ix = network_ix(accounts, network::instruction::ActivateRoot {});
    assert!(world.svm.send(&[ix], &[]).is_err());
}
