//! How bad it is: the rates of every fault, drawn once per seed, and none of them once all is healed.

use rand::Rng;
use rand::rngs::StdRng;

#[derive(Clone, Debug, Default)]
pub struct Weather {
    // The chain.
    pub skipped_slots: f64,
    pub forks: f64,
    pub slow_blocks: f64,
    // RPC.
    pub rpc_errors: f64,
    pub rpc_truncates: f64,
    /// An oracle's transaction lands or not, and its answer is lost.
    pub lost_answers: f64,
    /// Blocks that the worst node of three lags behind.
    pub rpc_lag: usize,
    // The network.
    pub loss: f64,
    pub duplicates: f64,
    pub delay_ms: u64,
    /// Seconds between two partitions, on average; 0 is never.
    pub partitions_s: u64,
    // Machines.
    pub crashes_s: u64,
    /// Of the crashes, those with the power gone; the others are of the process alone.
    pub power_cuts: f64,
    pub disk_full_s: u64,
    pub bit_flips_s: u64,
    pub clock_jumps_s: u64,
    pub empty_purses_s: u64,
    // Hostile senders.
    pub hostile_s: u64,
    // The project's side.
    pub settler_absent: f64,
    pub settler_late: f64,
    pub settler_wrong: f64,
    pub registry_changes_s: u64,
    pub thieves: f64,
    pub new_set_versions: f64,
}

impl Weather {
    /// Each kind of fault is there in about every second run, so that runs differ in kind.
    pub fn draw(rng: &mut StdRng) -> Self {
        let rate = |rng: &mut StdRng, most: f64| if rng.random_bool(0.5) { rng.random_range(0.0..most) } else { 0.0 };
        let every = |rng: &mut StdRng, least: u64, most: u64| {
            if rng.random_bool(0.5) { rng.random_range(least..most) } else { 0 }
        };
        Self {
            skipped_slots: rate(rng, 0.3),
            forks: rate(rng, 0.1),
            slow_blocks: rate(rng, 0.5),
            rpc_errors: rate(rng, 0.3),
            rpc_truncates: rate(rng, 0.2),
            lost_answers: rate(rng, 0.5),
            rpc_lag: every(rng, 1, 12) as usize,
            loss: rate(rng, 0.3),
            duplicates: rate(rng, 0.3),
            delay_ms: 5 + every(rng, 50, 3_000),
            partitions_s: every(rng, 10, 60),
            crashes_s: every(rng, 10, 60),
            power_cuts: rng.random_range(0.0..1.0),
            disk_full_s: every(rng, 30, 120),
            bit_flips_s: every(rng, 30, 120),
            clock_jumps_s: every(rng, 40, 160),
            empty_purses_s: every(rng, 30, 120),
            hostile_s: every(rng, 2, 10),
            settler_absent: rate(rng, 0.5),
            settler_late: rate(rng, 0.8),
            settler_wrong: rate(rng, 0.6),
            registry_changes_s: every(rng, 8, 40),
            thieves: rate(rng, 0.8),
            new_set_versions: rate(rng, 0.01),
        }
    }

    /// Everything works.
    pub fn fair() -> Self {
        Self { delay_ms: 20, ..Self::default() }
    }
}
