//! Announced maintenance: when, how long, by whom.

use muster_network::{
    MAINTENANCE_MAX_S, MAINTENANCE_WINDOW_S, NetworkError as E,
    state::{Node, Project},
};
use muster_tests::world::*;

const HOUR: i64 = 3_600;

fn used(world: &World) -> (i64, i64, u64) {
    let node: Node = world.svm.pod(&world.nodes[0].node);
    (node.maintenance_start, node.maintenance_end, node.maintenance_used_s)
}

fn announce(world: &mut World, start: i64, end: i64) -> Outcome {
    let node = world.nodes[0].clone();
    world.announce_maintenance(&node, &node.holder, start, end)
}

/// As if every epoch so far had been settled.
fn settle_all(world: &mut World) {
    let next = world.epoch() + 1;
    world.svm.edit(&world.project.clone(), |project: &mut Project| project.next_epoch = next);
}

#[test]
fn maintenance_is_announced_at_least_a_bucket_ahead() {
    let base = World::with_nodes(1);
    let now = base.svm.now();
    let (earliest, latest) = (now + i64::from(BUCKET_LEN), now + MAINTENANCE_WINDOW_S);
    let wrong = [
        (earliest - 1, earliest + 60),
        (latest + 1, latest + 60),
        (earliest, earliest),
        (earliest + 1, earliest),
        (0, 60),
        (now + 100, 0),
        (i64::MIN, i64::MAX),
    ];
    for (start, end) in wrong {
        assert_refused(announce(&mut base.clone(), start, end), E::MaintenanceOutOfRange);
    }
    let mut world = base.clone();
    let announced = announce(&mut world, earliest, earliest + 60).unwrap();
    assert_eq!(used(&world), (earliest, earliest + 60, 60));
    announce(&mut base.clone(), latest, latest + 60).unwrap();
    println!("announce_maintenance {} CU", announced.compute_units_consumed);
}

#[test]
fn maintenance_takes_at_most_eight_hours_of_a_window() {
    // Given seven hours that are over.
    let mut world = World::with_nodes(1);
    let start = world.svm.now() + 60;
    announce(&mut world, start, start + 7 * HOUR).unwrap();
    world.svm.set_time(start + 7 * HOUR);
    settle_all(&mut world);
    // Then one more fits into the window, not a second longer.
    let next = world.svm.now() + 60;
    assert_refused(announce(&mut world.clone(), next, next + HOUR + 1), E::MaintenanceUsedUp);
    assert_refused(announce(&mut world.clone(), next, i64::MAX), E::MaintenanceUsedUp);
    announce(&mut world, next, next + HOUR).unwrap();
    assert_eq!(used(&world).2, MAINTENANCE_MAX_S);
    // And eight again, thirty days after the window began.
    let window_end = start - 60 + MAINTENANCE_WINDOW_S;
    world.svm.set_time(window_end - 1);
    settle_all(&mut world);
    assert_refused(announce(&mut world.clone(), window_end + 60, window_end + 61), E::MaintenanceUsedUp);
    world.svm.set_time(window_end);
    announce(&mut world, window_end + 60, window_end + 60 + 8 * HOUR).unwrap();
    assert_eq!(used(&world).2, MAINTENANCE_MAX_S);
}

#[test]
fn what_has_not_begun_is_replaced_or_cancelled_and_its_seconds_come_back() {
    let mut world = World::with_nodes(1);
    let now = world.svm.now();
    assert_refused(announce(&mut world, 0, 0), E::NoMaintenance);
    announce(&mut world, now + HOUR, now + 9 * HOUR).unwrap();
    announce(&mut world, now + 2 * HOUR, now + 3 * HOUR).unwrap();
    assert_eq!(used(&world), (now + 2 * HOUR, now + 3 * HOUR, 3_600));
    announce(&mut world, 0, 0).unwrap();
    assert_eq!(used(&world), (0, 0, 0));
    assert_refused(announce(&mut world, 0, 0), E::NoMaintenance);
    // Not when it has begun; it counts whole.
    announce(&mut world, now + 60, now + 60 + HOUR).unwrap();
    world.svm.set_time(now + 60);
    assert_refused(announce(&mut world, 0, 0), E::MaintenanceRuns);
    assert_refused(announce(&mut world, now + HOUR, now + 2 * HOUR), E::MaintenanceRuns);
    world.svm.set_time(now + 60 + HOUR);
    assert_refused(announce(&mut world, 0, 0), E::NoMaintenance);
}

/// Defends I44.
#[test]
fn an_epoch_that_may_be_settled_still_finds_its_maintenance() {
    let mut world = World::with_nodes(1);
    let start = world.svm.now() + 60;
    announce(&mut world, start, start + 60).unwrap();
    world.svm.set_time(start + 60);
    let last = (start + 59) as u64 / u64::from(EPOCH_LEN);
    let next = world.svm.now() + 60;
    let project = world.project;
    world.svm.edit(&project, |project: &mut Project| project.next_epoch = last);
    assert_refused(announce(&mut world, next, next + 60), E::ChangePending);
    world.svm.edit(&project, |project: &mut Project| project.next_epoch = last + 1);
    announce(&mut world, next, next + 60).unwrap();
}

#[test]
fn only_who_runs_the_node_announces() {
    let mut world = World::with_nodes(2);
    let (node, other) = (world.nodes[0].clone(), world.nodes[1].clone());
    let start = world.svm.now() + 60;
    let end = start + 60;
    for stranger in [&other.holder, &world.owner.clone(), &node.key] {
        world.svm.airdrop(stranger);
        assert_refused(world.announce_maintenance(&node, stranger, start, end), E::NotHolderOrOperator);
    }
    let foreign = NodeOf { tenure: other.tenure, ..node.clone() };
    assert_refused(world.announce_maintenance(&foreign, &other.holder, start, end), E::WrongTenure);
    world.free(&node);
    assert_refused(world.announce_maintenance(&node, &node.holder, start, end), E::NotBound);
}
