//! Roots that the guardian holds, corrections of them, and money that makes up for what a wrong one paid.

use muster_network::{
    self as network, NetworkError as E,
    state::{Root, settlement_state},
};
use muster_tests::world::*;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;
const HALVES: [u64; 2] = [POOL / 2, POOL / 2];
/// What thieves of a threshold of oracle keys would approve.
const WRONG: [u64; 2] = [POOL, 0];

/// Two nodes, and a root of `amounts` that waits for its delay.
fn approved(amounts: &[u64]) -> (World, u64) {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    approve(&mut world, epoch, amounts);
    (world, epoch)
}

/// Two nodes, and an active root of `amounts`.
fn active(amounts: &[u64]) -> (World, u64) {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, amounts);
    (world, epoch)
}

fn approve(world: &mut World, epoch: u64, amounts: &[u64]) {
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, amounts)).unwrap();
    }
}

/// A threshold of votes for a root in the place of the held one.
fn correct(world: &mut World, epoch: u64, revision: u32, amounts: &[u64]) {
    for oracle in 0..2 {
        world.correct(oracle, world.vote_args(epoch, revision, amounts)).unwrap();
    }
}

fn wait(world: &mut World, seconds: i64) {
    let now = world.svm.now();
    world.svm.set_time(now + seconds);
}

fn hold_limit(world: &World) -> i64 {
    i64::from(world.network_args().hold_limit)
}

fn balance(world: &World, node: usize) -> u64 {
    world.svm.tokens(&at::ata(&world.nodes[node].holder.key(), &world.mint, &TOKEN))
}

#[test]
fn a_held_root_is_not_activated_until_the_hold_lapses() {
    // Given an approved root that the guardian holds.
    let (mut world, epoch) = approved(&WRONG);
    world.hold(epoch).unwrap();
    // When its delay is over.
    world.pass_root_delay();
    assert_refused(world.activate(epoch), E::RootHeld);
    // Then it activates when the hold is over, and no earlier.
    let until = world.distribution().pending.held_until;
    assert_eq!(until, world.svm.now() - i64::from(ROOT_DELAY) + hold_limit(&world));
    world.svm.set_time(until - 1);
    assert_refused(world.activate(epoch), E::RootHeld);
    world.svm.set_time(until);
    world.activate(epoch).unwrap();
}

#[test]
fn a_held_active_root_pays_nothing_and_the_one_before_it_still_does() {
    // Given two active roots, of which the guardian holds the newer.
    let (mut world, epoch) = active(&HALVES);
    let second = [POOL / 2, POOL / 2 + POOL];
    world.pay_epoch(epoch + 1, BUDGET, &second);
    world.hold(epoch + 1).unwrap();
    // Then only the older one pays.
    assert_refused(world.claim(1, &second), E::ProofInvalid);
    world.claim(1, &HALVES).unwrap();
    assert_eq!(world.distribution().claimed, HALVES[1]);
    // And the newer one after the hold.
    let limit = hold_limit(&world);
    wait(&mut world, limit);
    let before = balance(&world, 1);
    world.claim(1, &second).unwrap();
    assert_eq!(balance(&world, 1), before + POOL);
}

#[test]
fn a_root_is_held_once_under_one_oracle_set() {
    let (mut world, epoch) = active(&HALVES);
    world.hold(epoch).unwrap();
    assert_refused(world.hold(epoch), E::HeldBefore);
    let limit = hold_limit(&world);
    wait(&mut world, limit);
    assert_refused(world.hold(epoch), E::HeldBefore);
    world.claim(0, &HALVES).unwrap();
    // A new set may have been stolen in its turn: it is held once more.
    world.change_oracle_set();
    world.hold(epoch).unwrap();
    assert_refused(world.claim(1, &HALVES), E::ProofInvalid);
}

#[test]
fn only_the_newest_root_is_held() {
    let (mut world, epoch) = active(&HALVES);
    assert_refused(world.hold(epoch + 1), E::NotNewestRoot);
    world.pay_epoch(epoch + 1, BUDGET, &[POOL, POOL]);
    assert_refused(world.hold(epoch), E::NotNewestRoot);
    // One that waits for its delay is the newest too, as is the one that pays until then.
    world.close_views(epoch + 2);
    world.settle(world.settle_args(epoch + 2, BUDGET)).unwrap();
    approve(&mut world, epoch + 2, &[POOL, 2 * POOL]);
    world.clone().hold(epoch + 1).unwrap();
    world.hold(epoch + 2).unwrap();
    // What an earlier set approved is none.
    world.change_oracle_set();
    assert_refused(world.hold(epoch + 2), E::NotNewestRoot);
    world.hold(epoch + 1).unwrap();
}

#[test]
fn nothing_is_held_before_there_is_a_root() {
    let mut world = World::with_nodes(2);
    assert_refused(world.hold(0), E::NotNewestRoot);
}

#[test]
fn only_the_guardian_holds_and_only_the_authority_ends_a_hold() {
    let (mut world, epoch) = active(&HALVES);
    for thief in [world.authority.clone(), world.settler.clone(), world.oracles[0].clone()] {
        let ix = network_ix(world.hold_accounts(&thief.key()), network::instruction::HoldRoot { epoch });
        assert_refused(world.svm.send(&[ix], &[&thief]), E::NotGuardian);
    }
    world.hold(epoch).unwrap();
    for thief in [world.guardian.clone(), world.settler.clone(), world.oracles[0].clone()] {
        let ix = network_ix(world.end_hold_accounts(&thief.key()), network::instruction::EndHold { epoch });
        assert_refused(world.svm.send(&[ix], &[&thief]), E::NotAuthority);
    }
}

#[test]
fn the_authority_ends_a_hold_and_the_guardian_has_used_it_up() {
    let (mut world, epoch) = active(&HALVES);
    assert_refused(world.end_hold(epoch), E::NotHeld);
    world.hold(epoch).unwrap();
    assert_refused(world.end_hold(epoch + 1), E::NotHeld);
    world.end_hold(epoch).unwrap();
    world.claim(0, &HALVES).unwrap();
    assert_refused(world.end_hold(epoch), E::NotHeld);
    assert_refused(world.hold(epoch), E::HeldBefore);
    // One that waits goes on with its own delay.
    let (mut world, epoch) = approved(&HALVES);
    world.hold(epoch).unwrap();
    world.end_hold(epoch).unwrap();
    assert_refused(world.activate(epoch), E::DelayRuns);
    world.pass_root_delay();
    world.activate(epoch).unwrap();
}

#[test]
fn a_hold_of_a_root_that_is_no_longer_the_newest_is_ended_too() {
    let (mut world, epoch) = active(&HALVES);
    world.hold(epoch).unwrap();
    world.pay_epoch(epoch + 1, BUDGET, &[POOL, POOL]);
    assert_eq!(world.distribution().roots[1].epoch, epoch);
    assert_refused(world.claim(0, &HALVES), E::ProofInvalid);
    world.end_hold(epoch).unwrap();
    world.claim(0, &HALVES).unwrap();
}

#[test]
fn a_held_pending_root_is_corrected_and_activates_after_its_own_delay() {
    // Given a wrong root that is approved and held.
    let (mut world, epoch) = approved(&WRONG);
    let total = world.distribution().pending.total;
    world.hold(epoch).unwrap();
    wait(&mut world, i64::from(ROOT_DELAY));
    // When a threshold votes for the right one.
    let right = world.vote_args(epoch, 1, &HALVES);
    world.correct(0, right.clone()).unwrap();
    assert_eq!(world.distribution().pending.root, world.tree(&WRONG).root(), "one vote is no threshold");
    world.correct(1, right.clone()).unwrap();
    // Then it has the held one's place, in the next revision, and a delay of its own.
    let state = world.distribution();
    let eta = world.svm.now() + i64::from(ROOT_DELAY);
    assert_eq!((state.pending.root, state.pending.revision, state.pending_eta), (right.root, 1, eta));
    assert_eq!((state.pending.total, state.pending.held_until, state.open_revision), (total, 0, 1));
    assert_refused(world.activate(epoch), E::DelayRuns);
    world.pass_root_delay();
    world.activate(epoch).unwrap();
    let state = world.distribution();
    assert_eq!((state.ledger_head, state.allocated, world.epoch_account(epoch).revision), (right.log_head, POOL, 1));
    world.claim(1, &HALVES).unwrap();
    assert_refused(world.claim(0, &WRONG), E::ProofInvalid);
}

#[test]
fn a_held_active_root_is_corrected_and_pays_after_the_delay() {
    // Given a wrong root that paid a part before it was held.
    let (mut world, epoch) = active(&WRONG);
    let head = world.distribution().ledger_head;
    world.claim(0, &WRONG).unwrap();
    let paid = world.distribution().claimed;
    assert!(paid > 0);
    world.hold(epoch).unwrap();
    // When it is corrected.
    let right = world.vote_args(epoch, 1, &HALVES);
    correct(&mut world, epoch, 1, &HALVES);
    // Then the ledger goes on from the held one's head, and nothing is allocated twice.
    let state = world.distribution();
    assert_eq!((state.roots[0].root, state.ledger_head), (right.root, right.log_head));
    assert_ne!(head, right.log_head);
    assert_eq!((state.allocated, state.roots[1], state.claimed), (POOL, Root::default(), paid));
    // It pays after the delay; and what is left of the money, no more.
    assert_refused(world.claim(1, &HALVES), E::ProofInvalid);
    assert_refused(world.claim(0, &WRONG), E::ProofInvalid);
    world.pass_root_delay();
    let before = balance(&world, 1);
    let claimed = world.claim(1, &HALVES);
    if paid == POOL {
        assert_refused(claimed, E::NothingToClaim);
    } else {
        claimed.unwrap();
        assert_eq!(balance(&world, 1), before + (POOL - paid).min(HALVES[1]));
    }
}

#[test]
fn money_that_is_added_pays_what_a_wrong_root_took() {
    // Given a distribution that a wrong root emptied, and its correction.
    let (mut world, epoch) = active(&WRONG);
    world.claim(0, &WRONG).unwrap();
    assert_eq!(world.distribution().claimed, POOL);
    world.hold(epoch).unwrap();
    correct(&mut world, epoch, 1, &HALVES);
    world.pass_root_delay();
    assert!(world.claim(1, &HALVES).is_err(), "the vault is empty");
    // When anybody adds what is missing.
    let owner = world.owner.clone();
    assert_refused(world.top_up(&owner, 0), E::ZeroAmount);
    world.top_up(&owner, HALVES[1]).unwrap();
    assert_eq!(world.distribution().topped_up, HALVES[1]);
    // Then who lost gets his share, in as many epochs as the breaker needs.
    let before = balance(&world, 1);
    for _ in 0..20 {
        let _ = world.claim(1, &HALVES);
        wait(&mut world, i64::from(EPOCH_LEN));
    }
    assert_eq!(balance(&world, 1), before + HALVES[1]);
    assert_eq!((world.distribution().claimed, world.svm.tokens(&world.distribution().vault)), (POOL + HALVES[1], 0));
}

#[test]
fn money_is_added_from_ones_own_account_and_to_the_vault_alone() {
    let (mut world, _) = active(&HALVES);
    let owner = world.owner.clone();
    let holder = world.nodes[0].holder.key();
    for spoil in 0..3 {
        let mut accounts = world.top_up_accounts(&owner.key());
        match spoil {
            0 => accounts.source = at::ata(&holder, &world.mint, &TOKEN),
            1 => accounts.vault = at::budget_vault(&world.project),
            _ => accounts.source = accounts.vault,
        }
        let ix = network_ix(accounts, network::instruction::TopUp { amount: 5 });
        assert!(world.svm.send(&[ix], &[&owner]).is_err(), "{spoil}");
    }
}

#[test]
fn only_a_held_root_is_corrected() {
    for (mut world, epoch) in [approved(&WRONG), active(&WRONG)] {
        assert_refused(world.correct(0, world.vote_args(epoch, 1, &HALVES)), E::NotHeld);
        world.hold(epoch).unwrap();
        world.clone().correct(0, world.vote_args(epoch, 1, &HALVES)).unwrap();
        let limit = hold_limit(&world);
        wait(&mut world, limit);
        assert_refused(world.correct(0, world.vote_args(epoch, 1, &HALVES)), E::NotHeld);
    }
}

#[test]
fn a_correction_has_the_held_roots_epoch_total_and_dataset() {
    for (mut base, epoch) in [approved(&WRONG), active(&WRONG)] {
        base.hold(epoch).unwrap();
        let right = base.vote_args(epoch, 1, &HALVES);
        let cases = [
            (E::WrongSettlement, network::ApproveRootArgs { revision: 0, ..right.clone() }),
            (E::WrongSettlement, network::ApproveRootArgs { revision: 2, ..right.clone() }),
            (E::WrongSettlement, network::ApproveRootArgs { epoch: epoch + 1, ..right.clone() }),
            (E::ZeroRoot, network::ApproveRootArgs { root: [0; 32], ..right.clone() }),
            (E::WrongTotal, network::ApproveRootArgs { total: POOL + 1, ..right.clone() }),
            (E::WrongTotal, network::ApproveRootArgs { total: POOL - 1, ..right.clone() }),
            (E::WrongLeafCount, network::ApproveRootArgs { count: 0, ..right.clone() }),
            (E::WrongLeafCount, network::ApproveRootArgs { count: 3, ..right.clone() }),
            (E::WrongDataset, network::ApproveRootArgs { dataset_hash: [9; 32], ..right.clone() }),
            (E::WrongLedgerHead, network::ApproveRootArgs { log_head: [9; 32], ..right.clone() }),
        ];
        for (expected, args) in cases {
            let mut world = base.clone();
            let oracle = world.oracles[0].clone();
            let accounts = world.correct_accounts(&oracle.key(), epoch);
            let ix = network_ix(accounts, network::instruction::CorrectRoot { args });
            assert_refused(world.svm.send(&[ix], &[&oracle]), expected);
        }
        let stranger = Wallet::new();
        let accounts = base.correct_accounts(&stranger.key(), epoch);
        let ix = network_ix(accounts, network::instruction::CorrectRoot { args: right });
        assert_refused(base.svm.send(&[ix], &[&stranger]), E::NotOracle);
    }
}

#[test]
fn a_vote_on_a_correction_is_replaceable_and_counts_once() {
    let (mut world, epoch) = approved(&WRONG);
    world.hold(epoch).unwrap();
    let other = [POOL / 4, POOL - POOL / 4];
    for _ in 0..3 {
        world.correct(0, world.vote_args(epoch, 1, &HALVES)).unwrap();
    }
    world.correct(1, world.vote_args(epoch, 1, &other)).unwrap();
    assert_eq!(world.distribution().pending.revision, 0);
    world.correct(0, world.vote_args(epoch, 1, &other)).unwrap();
    assert_eq!(world.distribution().pending.root, world.tree(&other).root());
    assert_eq!(world.distribution().correction_votes, [[0; 32]; 16]);
}

#[test]
fn votes_of_an_earlier_set_correct_nothing() {
    let (mut world, epoch) = active(&WRONG);
    world.hold(epoch).unwrap();
    world.correct(0, world.vote_args(epoch, 1, &HALVES)).unwrap();
    world.change_oracle_set();
    world.correct(1, world.vote_args(epoch, 1, &HALVES)).unwrap();
    assert_eq!(world.distribution().roots[0].revision, 0, "one vote of the new set");
    world.correct(0, world.vote_args(epoch, 1, &HALVES)).unwrap();
    assert_eq!(world.distribution().roots[0].revision, 1);
    // What an earlier set approved is voted on again, not corrected.
    let (mut world, epoch) = approved(&WRONG);
    world.hold(epoch).unwrap();
    world.change_oracle_set();
    assert_refused(world.correct(0, world.vote_args(epoch, 1, &HALVES)), E::OracleSetChangedSince);
    approve(&mut world, epoch, &HALVES);
    assert_eq!(world.distribution().pending.root, world.tree(&HALVES).root());
}

#[test]
fn thieves_of_a_threshold_do_not_correct_their_way_out_of_a_hold() {
    // Given a root of theirs that is held, and their correction of it.
    let (mut world, epoch) = active(&WRONG);
    world.hold(epoch).unwrap();
    let theirs = [POOL - 1, 1];
    correct(&mut world, epoch, 1, &theirs);
    // Then the guardian holds the correction before it pays, and the next one.
    world.hold(epoch).unwrap();
    world.pass_root_delay();
    assert_refused(world.claim(0, &theirs), E::ProofInvalid);
    correct(&mut world, epoch, 2, &WRONG);
    world.hold(epoch).unwrap();
    world.pass_root_delay();
    assert_refused(world.claim(0, &WRONG), E::ProofInvalid);
    // And while they correct nothing, the hold lapses once and for all.
    assert_refused(world.hold(epoch), E::HeldBefore);
}

#[test]
fn a_correction_voids_the_votes_on_the_next_root() {
    // Given a held root, and one vote on the next one.
    let (mut world, epoch) = active(&WRONG);
    world.close_views(epoch + 1);
    world.settle(world.settle_args(epoch + 1, BUDGET)).unwrap();
    world.hold(epoch).unwrap();
    let on_wrong = world.approve_args(epoch + 1, &[2 * POOL, 0]);
    world.approve(0, on_wrong.clone()).unwrap();
    // When the held root is corrected.
    correct(&mut world, epoch, 1, &HALVES);
    // Then what was computed on top of the wrong one is refused.
    assert_eq!(world.distribution().votes, [[0; 32]; 16]);
    assert_refused(world.approve(1, on_wrong), E::WrongLedgerHead);
    let right = [POOL, POOL];
    approve(&mut world, epoch + 1, &right);
    world.pass_root_delay();
    world.activate(epoch + 1).unwrap();
    assert_eq!(world.distribution().allocated, 2 * POOL);
    world.claim(1, &right).unwrap();
}

#[test]
fn a_root_under_an_approved_one_is_corrected_no_more() {
    let (mut world, epoch) = active(&WRONG);
    world.close_views(epoch + 1);
    world.settle(world.settle_args(epoch + 1, BUDGET)).unwrap();
    world.hold(epoch).unwrap();
    approve(&mut world, epoch + 1, &[2 * POOL, 0]);
    assert_refused(world.correct(0, world.vote_args(epoch, 1, &HALVES)), E::AlreadyApproved);
    world.pass_root_delay();
    world.activate(epoch + 1).unwrap();
    assert_refused(world.correct(0, world.vote_args(epoch, 1, &HALVES)), E::NotNewestRoot);
}

#[test]
fn a_pause_stops_corrections_and_no_hold() {
    let (mut world, epoch) = approved(&WRONG);
    world.svm.edit::<network::state::Network>(&at::network(), |network| network.paused = u32::MAX);
    world.hold(epoch).unwrap();
    assert_refused(world.correct(0, world.vote_args(epoch, 1, &HALVES)), E::Paused);
    world.end_hold(epoch).unwrap();
}

#[test]
fn a_held_root_stays_approved() {
    let (mut world, epoch) = approved(&HALVES);
    world.hold(epoch).unwrap();
    assert_eq!(world.distribution().open_state, settlement_state::APPROVED);
    let settler = world.settler.clone();
    assert_refused(world.void(&settler, epoch), E::AlreadyApproved);
    assert_refused(world.approve(2, world.approve_args(epoch, &HALVES)), E::AlreadyApproved);
}
