//! What happens to machines and the network between them, until all is healed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::chain::state::Ix;
use super::exec::{Spawner, lock};
use super::weather::Weather;
use super::world::{World, node_place};

/// Whether something that comes every so many seconds on average comes in this second.
fn comes(world: &World, every_s: u64) -> bool {
    every_s > 0 && world.chance(1.0 / every_s as f64)
}

/// A second at a time.
pub async fn rage(world: Arc<World>, spawner: Spawner) {
    while !world.is_healed() {
        world.time.sleep(1_000).await;
        let weather = lock(&world.weather).clone();
        if comes(&world, weather.crashes_s) {
            // At one of the next calls, whatever it is; when nothing calls, a little later.
            let machine = world.below(world.machines.len() as u64) as usize;
            let calls = if world.chance(0.5) { world.below(40) } else { world.below(1_000) };
            world.machines[machine].switch.arm(calls as u32);
        }
        if comes(&world, weather.disk_full_s) {
            spawner.spawn(0, fill_a_disk(world.clone()));
        }
        if comes(&world, weather.clock_jumps_s) {
            spawner.spawn(0, set_a_clock(world.clone()));
        }
        if comes(&world, weather.empty_purses_s) {
            spawner.spawn(0, empty_a_purse(world.clone()));
        }
        if comes(&world, weather.partitions_s) {
            spawner.spawn(0, part(world.clone()));
        }
        if world.chance(weather.new_set_versions) {
            lock(&world.chain).submit(Ix::NewSetVersion, None);
        }
    }
}

async fn fill_a_disk(world: Arc<World>) {
    let machine = world.below(world.machines.len() as u64) as usize;
    world.note(|| format!("the disk of machine {machine} is full"));
    world.tried("a disk is full");
    world.machines[machine].disk.set_full(true);
    world.time.sleep(1_000 + world.below(15_000)).await;
    world.machines[machine].disk.set_full(false);
}

async fn set_a_clock(world: Arc<World>) {
    let hour = 3_600_000;
    let offset_ms = [hour, -hour, 20_000, -20_000, 4_000, -4_000][world.below(6) as usize];
    let places = world.machines.len() + world.nodes.len();
    let place = world.below(places as u64) as usize;
    let clock = match world.machines.get(place) {
        Some(machine) => &*machine.offset_ms,
        None => &world.nodes[place - world.machines.len()].offset_ms,
    };
    world.note(|| format!("the clock of machine {place} jumps by {offset_ms} ms"));
    world.tried("a clock jumps");
    clock.store(offset_ms, Ordering::SeqCst);
    world.time.sleep(5_000 + world.below(50_000)).await;
    clock.store(0, Ordering::SeqCst);
}

async fn empty_a_purse(world: Arc<World>) {
    let oracle = world.plan.oracles[world.below(world.plan.oracles.len() as u64) as usize].key();
    lock(&world.chain).fill_purse(&oracle, 0);
    world.time.sleep(5_000 + world.below(40_000)).await;
    lock(&world.chain).fill_purse(&oracle, u32::MAX);
}

/// Oracles and nodes fall into two halves.
async fn part(world: Arc<World>) {
    let places: Vec<usize> = (0..world.plan.oracles.len()).chain((0..world.plan.nodes.len()).map(node_place)).collect();
    let sides: Vec<bool> = places.iter().map(|_| world.chance(0.5)).collect();
    let mut cut = Vec::new();
    for (i, a) in places.iter().enumerate() {
        for (j, b) in places.iter().enumerate().skip(i + 1) {
            if sides[i] != sides[j] {
                cut.push((*a.min(b), *a.max(b)));
            }
        }
    }
    world.note(|| format!("a partition: {cut:?}"));
    world.tried("a partition");
    lock(&world.partition).extend(&cut);
    world.time.sleep(3_000 + world.below(30_000)).await;
    let mut partition = lock(&world.partition);
    for pair in &cut {
        partition.remove(pair);
    }
}

/// From now on everything works.
pub fn heal(world: &World) {
    world.note(|| "healed".to_owned());
    world.is_healed.store(true, Ordering::SeqCst);
    *lock(&world.weather) = Weather::fair();
    lock(&world.partition).clear();
    for machine in &world.machines {
        machine.switch.disarm();
        machine.disk.set_full(false);
        machine.offset_ms.store(0, Ordering::SeqCst);
        lock(&world.chain).fill_purse(&machine.key, u32::MAX);
    }
    for node in &world.nodes {
        node.offset_ms.store(0, Ordering::SeqCst);
    }
}
