//! Suspension: by whom, from when, how long, and what goes on meanwhile.

use muster_network::{
    self as network, NetworkError as E, SuspensionArgs,
    state::{Ballot, Node, OracleSet, Project, suspended_by},
};
use muster_tests::world::*;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;

fn span(world: &World) -> (u64, u64, u8) {
    let node: Node = world.svm.pod(&world.nodes[0].node);
    (node.suspended_from_epoch, node.suspended_until_epoch, node.suspended_by)
}

fn suspend(world: &mut World, epochs: u8) -> Outcome {
    let node = world.nodes[0].clone();
    world.suspend_node(&node, World::suspension_args(epochs))
}

fn vote(world: &mut World, oracle: usize, epochs: u8) -> Outcome {
    let node = world.nodes[0].clone();
    world.vote_suspension(oracle, &node, World::suspension_args(epochs))
}

fn lift(world: &mut World) -> Outcome {
    let node = world.nodes[0].clone();
    world.lift_suspension(&node)
}

#[test]
fn the_owner_suspends_from_the_next_epoch_for_at_most_ten() {
    let base = World::with_nodes(1);
    let epoch = base.epoch();
    for epochs in [0, 11, 255] {
        assert_refused(suspend(&mut base.clone(), epochs), E::SuspensionInvalid);
    }
    let node = base.nodes[0].clone();
    let args = SuspensionArgs { evidence_hash: [0; 32], ..World::suspension_args(1) };
    assert_refused(base.clone().suspend_node(&node, args), E::SuspensionInvalid);
    let mut world = base.clone();
    let done = suspend(&mut world, 10).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 11, suspended_by::OWNER));
    println!("suspend_node {} CU", done.compute_units_consumed);
}

#[test]
fn nobody_else_suspends_or_lifts() {
    let mut world = World::with_nodes(1);
    suspend(&mut world, 1).unwrap();
    let node = world.nodes[0].clone();
    for thief in [world.settler.clone(), world.authority.clone(), world.oracles[0].clone(), node.holder.clone()] {
        let mut accounts = world.suspend_accounts(&node);
        accounts.owner = thief.key();
        let data = network::instruction::SuspendNode { args: World::suspension_args(1) };
        assert_refused(world.svm.send(&[network_ix(accounts, data)], &[&thief]), E::NotProjectOwner);
        let mut accounts = world.lift_accounts(&node);
        accounts.owner = thief.key();
        let ix = network_ix(accounts, network::instruction::LiftSuspension {});
        assert_refused(world.svm.send(&[ix], &[&thief]), E::NotProjectOwner);
    }
    // Nor the owner of another project.
    let mut other = world.clone();
    other.owner = Wallet::new();
    let owner = other.owner.clone();
    other.svm.airdrop(&owner);
    (other.project, other.nodes) = (at::project(1), Vec::new());
    let args = network::CreateProjectArgs { index: 1, ..other.project_args() };
    other.create_project(args).unwrap();
    assert_refused(other.suspend_node(&node, World::suspension_args(1)), E::WrongProject);
}

#[test]
fn a_running_suspension_is_extended_and_never_shortened_by_suspending_again() {
    let mut world = World::with_nodes(1);
    let epoch = world.epoch();
    suspend(&mut world, 3).unwrap();
    suspend(&mut world, 1).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 4, suspended_by::OWNER));
    // In its last epoch it goes on without a gap.
    world.go_after(epoch + 2, 0);
    suspend(&mut world, 5).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 9, suspended_by::OWNER));
}

/// Defends I45.
#[test]
fn an_epoch_that_may_be_settled_still_finds_its_suspension() {
    // Given a suspension that is over and whose epochs are not settled.
    let mut world = World::with_nodes(1);
    let epoch = world.epoch();
    suspend(&mut world, 2).unwrap();
    world.go_after(epoch + 3, 0);
    // Then another begins only when they are, or have passed.
    assert_refused(suspend(&mut world, 1), E::ChangePending);
    let project = world.project;
    world.svm.edit(&project, |project: &mut Project| project.next_epoch = epoch + 2);
    assert_refused(suspend(&mut world, 1), E::ChangePending);
    world.svm.edit(&project, |project: &mut Project| project.next_epoch = epoch + 3);
    suspend(&mut world, 1).unwrap();
    assert_eq!(span(&world), (epoch + 5, epoch + 6, suspended_by::OWNER));
}

#[test]
fn the_owner_lifts_what_he_imposed_from_the_next_epoch() {
    let mut world = World::with_nodes(1);
    let epoch = world.epoch();
    assert_refused(lift(&mut world), E::NotSuspended);
    suspend(&mut world, 10).unwrap();
    // Before it begins it never was,
    let mut early = world.clone();
    lift(&mut early).unwrap();
    assert_eq!(span(&early), (epoch + 1, epoch + 1, suspended_by::OWNER));
    // after that the current epoch is its last.
    world.go_after(epoch + 1, 0);
    lift(&mut world).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 3, suspended_by::OWNER));
    assert_refused(lift(&mut world), E::NotSuspended);
}

/// Defends I11.
#[test]
fn a_threshold_of_oracles_suspends_and_lifts() {
    let mut world = World::with_nodes(1);
    let epoch = world.epoch();
    // One vote, however often, suspends nobody.
    let voted = vote(&mut world, 0, 4).unwrap();
    vote(&mut world, 0, 4).unwrap();
    vote(&mut world, 1, 5).unwrap();
    assert_eq!(span(&world), (0, 0, suspended_by::NOBODY));
    // Two that are equal do, and the ballot is empty again.
    vote(&mut world, 1, 4).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 5, suspended_by::ORACLES));
    let ballot: Ballot = world.svm.pod(&at::ballot(&world.nodes[0].node));
    assert_eq!(ballot.votes, [[0; 32]; 16]);
    // The owner neither lifts nor takes it over; the oracles shorten or lift it.
    assert_refused(lift(&mut world), E::SuspendedByOracles);
    assert_refused(suspend(&mut world, 10), E::SuspendedByOracles);
    vote(&mut world, 1, 2).unwrap();
    vote(&mut world, 2, 2).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 3, suspended_by::ORACLES));
    vote(&mut world, 0, 0).unwrap();
    vote(&mut world, 2, 0).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 1, suspended_by::ORACLES));
    // What nobody suspended nobody lifts.
    vote(&mut world, 0, 0).unwrap();
    assert_refused(vote(&mut world, 1, 0), E::NotSuspended);
    println!("vote_suspension {} CU", voted.compute_units_consumed);
}

#[test]
fn the_oracles_word_stands_over_the_owners() {
    let mut world = World::with_nodes(1);
    let epoch = world.epoch();
    suspend(&mut world, 10).unwrap();
    vote(&mut world, 0, 3).unwrap();
    vote(&mut world, 1, 3).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 4, suspended_by::ORACLES));
    // In its last epoch the owner may add his own, and take back no more than that.
    world.go_after(epoch + 2, 0);
    suspend(&mut world, 2).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 6, suspended_by::OWNER));
    lift(&mut world).unwrap();
    assert_eq!(span(&world), (epoch + 1, epoch + 4, suspended_by::OWNER));
}

/// Defends I20.
#[test]
fn a_wrong_vote_is_refused_and_votes_of_an_earlier_set_are_void() {
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    let send = |world: &mut World, oracle: &Wallet, args: SuspensionArgs, set_version: u32| {
        let accounts = world.vote_suspension_accounts(&node, &oracle.key());
        let ix = network_ix(accounts, network::instruction::VoteSuspension { args, set_version });
        world.svm.send(&[ix], &[oracle])
    };
    let (oracle, stranger) = (world.oracles[0].clone(), world.owner.clone());
    let args = World::suspension_args(2);
    assert_refused(send(&mut world, &stranger, args, 1), E::NotOracle);
    assert_refused(send(&mut world, &oracle, args, 2), E::OracleSetChangedSince);
    assert_refused(send(&mut world, &oracle, World::suspension_args(11), 1), E::SuspensionInvalid);
    let unproven = SuspensionArgs { evidence_hash: [0; 32], ..args };
    assert_refused(send(&mut world, &oracle, unproven, 1), E::SuspensionInvalid);
    // A vote of the first set does not count in the second.
    send(&mut world, &oracle, args, 1).unwrap();
    world.svm.edit_pod(&at::oracle_set(), |set: &mut OracleSet| set.set_version = 2);
    let second = world.oracles[1].clone();
    send(&mut world, &second, args, 2).unwrap();
    assert_eq!(span(&world).2, suspended_by::NOBODY);
    send(&mut world, &oracle, args, 2).unwrap();
    assert_eq!(span(&world).2, suspended_by::ORACLES);
}

#[test]
fn a_suspension_stops_neither_claims_nor_leaving_and_stays_with_the_node() {
    // Given a suspended node to which an earlier epoch owes something.
    let mut world = World::with_nodes(2);
    let node = world.nodes[0].clone();
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, &[POOL, 0]);
    suspend(&mut world, 10).unwrap();
    let until = span(&world).1;
    // Then it claims, names its payout, and leaves,
    world.claim(0, &[POOL, 0]).unwrap();
    world.set_payout(&node, None, node.holder.key()).unwrap();
    world.free(&node);
    // and whoever buys it has a suspended node.
    let buyer = Wallet::new();
    world.svm.airdrop(&buyer);
    world.send_licence(&node, &buyer).unwrap();
    let bought = NodeOf { holder: buyer, key: Wallet::new(), tenure: at::tenure(&node.node, 2), ..node };
    world.bind_number(&bought, 2).unwrap();
    world.accept(&bought).unwrap();
    assert_eq!(span(&world).1, until);
}

#[test]
fn who_runs_a_suspended_node_appeals() {
    let mut world = World::with_nodes(2);
    let (node, other) = (world.nodes[0].clone(), world.nodes[1].clone());
    assert_refused(world.appeal(&node, &node.holder, [5; 32]), E::NotSuspended);
    suspend(&mut world, 1).unwrap();
    assert_refused(world.appeal(&node, &other.holder, [5; 32]), E::NotHolderOrOperator);
    assert_refused(world.appeal(&node, &node.holder, [0; 32]), E::ZeroHash);
    let foreign = NodeOf { tenure: other.tenure, ..node.clone() };
    assert_refused(world.appeal(&foreign, &other.holder, [5; 32]), E::WrongTenure);
    let before = span(&world);
    world.appeal(&node, &node.holder, [5; 32]).unwrap();
    let state: Node = world.svm.pod(&node.node);
    assert_eq!((state.appeal_hash, span(&world)), ([5; 32], before));
    // Nothing is left to appeal against when it is over.
    world.go_after(before.1 - 1, 0);
    assert_refused(world.appeal(&node, &node.holder, [6; 32]), E::NotSuspended);
}
