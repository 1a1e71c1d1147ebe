//! Announced maintenance: when, how long, by whom.

use muster_network::{
    MAINTENANCE_WINDOW_S, NetworkError as E,
    state::{Node, Project},
};
use muster_tests::world::*;

const HOUR: i64 = 3_600;

fn announced(world: &World) -> (i64, i64) {
    let node: Node = world.svm.pod(&world.nodes[0].node);
    (node.maintenance_start, node.maintenance_end)
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
    let sent = announce(&mut world, earliest, earliest + 60).unwrap();
    assert_eq!(announced(&world), (earliest, earliest + 60));
    announce(&mut base.clone(), latest, latest + 60).unwrap();
    println!("announce_maintenance {} CU", sent.compute_units_consumed);
}

/// Takes `length` from `start` on, and waits until it is over and every epoch settled.
fn take(world: &mut World, start: i64, length: i64) {
    announce(world, start, start + length).unwrap();
    world.svm.set_time(start + length);
    settle_all(world);
}

/// Defends I44.
#[test]
fn no_thirty_days_hold_more_than_eight_hours_of_maintenance() {
    // Given two full budgets that somebody would take one after the other: at the end of thirty days, and at the next's start.
    let mut world = World::with_nodes(1);
    let first = world.svm.now() + 60;
    take(&mut world, first, 60);
    let late = first + MAINTENANCE_WINDOW_S - 9 * HOUR;
    world.svm.set_time(late - 60);
    assert_refused(announce(&mut world.clone(), late, late + 8 * HOUR), E::MaintenanceUsedUp);
    take(&mut world, late, 8 * HOUR - 60);
    // When thirty days have passed since the first, then the second still counts.
    let next = first + MAINTENANCE_WINDOW_S;
    world.svm.set_time(next - 60);
    assert_refused(announce(&mut world.clone(), next, next + 8 * HOUR), E::MaintenanceUsedUp);
    assert_refused(announce(&mut world.clone(), next, next + 61), E::MaintenanceUsedUp);
    assert_refused(announce(&mut world.clone(), next, i64::MAX), E::MaintenanceUsedUp);
    take(&mut world, next, 60);
    // And as much of it is free again as lies thirty days back, to the second.
    let again = late + MAINTENANCE_WINDOW_S - HOUR;
    world.svm.set_time(again - 60);
    assert_refused(announce(&mut world.clone(), again, again + 2 * HOUR), E::MaintenanceUsedUp);
    let again = again + HOUR;
    assert_refused(announce(&mut world.clone(), again, again + 8 * HOUR + 1), E::MaintenanceUsedUp);
    assert_refused(announce(&mut world.clone(), again, again + 8 * HOUR - 59), E::MaintenanceUsedUp);
    announce(&mut world, again, again + 8 * HOUR - 60).unwrap();
}

/// Defends I44.
#[test]
fn nobody_makes_the_program_forget_what_still_counts() {
    // Given eight hours, and then seven announcements of a minute each, thirty days after which the first counts no more.
    let mut world = World::with_nodes(1);
    let first = world.svm.now() + 60;
    take(&mut world, first, 7 * HOUR);
    for number in 1..8 {
        take(&mut world, first + number * 10 * HOUR, 60);
    }
    // When one more is announced that begins after the first has left its thirty days, to be replaced by an earlier one.
    let ahead = world.svm.now() + MAINTENANCE_WINDOW_S;
    assert_refused(announce(&mut world, ahead, ahead + 60), E::MaintenanceUsedUp);
    // Then it waits until the first counts no more for whatever could replace it.
    world.svm.set_time(first + 7 * HOUR + MAINTENANCE_WINDOW_S);
    let start = world.svm.now() + 60;
    announce(&mut world, start, start + 7 * HOUR).unwrap();
    announce(&mut world, 0, 0).unwrap();
}

#[test]
fn what_has_not_begun_is_replaced_or_cancelled_and_its_seconds_come_back() {
    let mut world = World::with_nodes(1);
    let now = world.svm.now();
    assert_refused(announce(&mut world, 0, 0), E::NoMaintenance);
    announce(&mut world, now + HOUR, now + 9 * HOUR).unwrap();
    announce(&mut world, now + 2 * HOUR, now + 3 * HOUR).unwrap();
    assert_eq!(announced(&world), (now + 2 * HOUR, now + 3 * HOUR));
    announce(&mut world, 0, 0).unwrap();
    assert_eq!(announced(&world), (0, 0));
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
