//! Power cuts: a real oracle under load is killed at random moments, what it had not synced is dropped, kept or torn, and
//! whatever it acknowledged must be there when it starts again (O1).
//!
//! `MUSTER_CRASH_CYCLES` says how many times (20), `MUSTER_CRASH_SEED` repeats the random choices of a run.

mod disk;
mod fake_chain;
mod load;
mod process;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use fake_chain::FakeChain;
use load::Load;
use process::{Bench, Oracle};

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// So many power cuts; the error says what was lost.
async fn cut_power(cycles: u64, seed: u64, syncs_are_noted: bool) -> Result<(Load, u64), String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let chain = FakeChain::start().await;
    let bench = Bench::new(&chain, syncs_are_noted);
    let mut load = Load::new();
    for cycle in 0..=cycles {
        let told = |why| format!("cycle {cycle} of seed {seed}: {why}");
        let oracle = Oracle::start(&bench, cycle).await.map_err(told)?;
        load.check(&oracle).await.map_err(told)?;
        if cycle < cycles {
            let lasts = Duration::from_millis(rng.random_range(50..1_500));
            load.run(&oracle, lasts).await;
        }
        let loss = oracle.cut_power(&mut rng);
        println!("cycle {cycle}: {} acknowledged so far; {loss}", load.acknowledged());
    }
    Ok((load, bench.oldest_segment()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_every_power_cut() {
    let seed = from_env("MUSTER_CRASH_SEED", rand::random());
    println!("MUSTER_CRASH_SEED={seed}");
    let cycles = from_env("MUSTER_CRASH_CYCLES", 20);
    let (load, oldest_segment) = cut_power(cycles, seed, true).await.unwrap();
    assert!(oldest_segment > 0 || cycles < 20, "no start needed a snapshot");
    assert!(load.acknowledged() > 100, "hardly anything was acknowledged");
    assert!(load.confirmed() > 10, "hardly any acknowledgement was given again");
}

/// The check is alive: where no sync takes effect, it finds something missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_sync_is_noticed() {
    let lost = cut_power(4, 1, false).await.err();
    println!("{}", lost.expect("no sync took effect and nothing was missed"));
}
