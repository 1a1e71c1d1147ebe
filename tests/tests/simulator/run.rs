//! One run, from a seed to its verdict.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checks;
use super::exec::{Exec, Spawner, lock};
use super::hostile;
use super::machine;
use super::node;
use super::plan::{EPOCH_S, Plan};
use super::plants::Plant;
use super::project;
use super::storm;
use super::truth;
use super::world::World;

/// Epochs after the healing within which everything must have gone on.
const CONVERGES_WITHIN: u64 = 12;

/// What a run came to.
pub struct Outcome {
    pub seed: u64,
    pub hash: [u8; 32],
    pub violations: Vec<(&'static str, String)>,
    pub tried: BTreeMap<&'static str, u64>,
    pub crashes: BTreeMap<&'static str, u64>,
    pub lines: Vec<String>,
    pub plan: String,
}

async fn produce_blocks(world: Arc<World>) {
    loop {
        world.time.sleep(1_000).await;
        let weather = lock(&world.weather).clone();
        let clock_s = (world.time.now_ms() / 1_000) as i64;
        lock(&world.chain).advance(clock_s, &weather, &mut lock(&world.rng));
        truth::chain_moved(&world);
    }
}

fn spawn_all(world: &Arc<World>, spawner: &Spawner) {
    spawner.spawn(0, produce_blocks(world.clone()));
    for at in 0..world.machines.len() {
        spawner.spawn(0, machine::supervise(world.clone(), at, spawner.clone()));
    }
    for number in 0..world.plan.nodes.len() {
        node::start(world, number, spawner);
        spawner.spawn(0, project::change_registry(world.clone(), number));
    }
    for number in 0..world.plan.projects.len() {
        spawner.spawn(0, project::settle(world.clone(), number));
        spawner.spawn(0, project::post_scores(world.clone(), number));
        spawner.spawn(0, project::crank(world.clone(), number));
    }
    spawner.spawn(0, hostile::run(world.clone(), spawner.clone()));
    spawner.spawn(0, hostile::poison(world.clone()));
    spawner.spawn(0, storm::rage(world.clone(), spawner.clone()));
}

/// Runs a seed to its end, or to its first violation.
pub fn run(seed: u64, plant: Option<Plant>, traces: bool) -> Outcome {
    let (plan, rng) = Plan::draw(seed, plant);
    let mut exec = Exec::new(plan.start_ms());
    let world = World::new(plan, rng, exec.time.clone(), traces);
    let start_ms = world.plan.start_ms();
    let heal_ms = start_ms + world.plan.heal_after_ms;
    let end_ms = (heal_ms / 1_000 / EPOCH_S + CONVERGES_WITHIN) * EPOCH_S * 1_000;
    spawn_all(&world, &exec.spawner);
    let is_bad = || !lock(&world.truth).violations.is_empty();
    let mut at_ms = start_ms;
    let mut is_healed = false;
    while at_ms < end_ms && !is_bad() && !(is_healed && checks::is_over(&world)) {
        at_ms = (at_ms + 1_000).min(end_ms);
        exec.run_until(at_ms);
        if at_ms >= heal_ms && !is_healed {
            is_healed = true;
            storm::heal(&world);
        }
    }
    if !is_bad() {
        checks::check(&world);
    }
    // A process holds the world that holds it.
    world.machines.iter().for_each(|machine| drop(lock(&machine.running).take()));
    let (forks, dropped, skipped) = {
        let chain = lock(&world.chain);
        (chain.forks, chain.dropped, chain.skipped)
    };
    let mut truth = lock(&world.truth);
    for (what, count) in
        [("a fork", forks), ("a fork drops what was confirmed", dropped), ("a slot is skipped", skipped)]
    {
        *truth.tried.entry(what).or_default() += count;
    }
    let trace = lock(&world.trace);
    let Plan { oracles, threshold, weather, heal_after_ms, .. } = &world.plan;
    let lies: Vec<_> = oracles.iter().map(|oracle| oracle.lie).collect();
    Outcome {
        seed,
        hash: trace.hash,
        violations: truth.violations.clone(),
        tried: truth.tried.clone(),
        crashes: truth.crashes.clone(),
        lines: trace.lines.clone().unwrap_or_default(),
        plan: format!("lies {lies:?}, threshold {threshold}, healed after {heal_after_ms} ms, {weather:?}"),
    }
}
