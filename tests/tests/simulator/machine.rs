//! An oracle on a machine: started as the server starts it, without sockets and threads; crashed, started again.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use muster_client::chain::Chain as ClientChain;
use muster_oracle::clock;
use muster_oracle::context::{ClockFn, Identity, OracleContext, peer_client};
use muster_oracle::core::Config;
use muster_oracle::core::node::Rate;
use muster_oracle::epochs::Epochs;
use muster_oracle::epochs::store::Store;
use muster_oracle::ingest::committer::open_log;
use muster_oracle::ingest::{Committer, Handle, Start, StartError, Turn};
use muster_oracle::log::{LogError, Options, Position};
use muster_oracle::ops::Ops;
use muster_oracle::registry::Registry;
use muster_oracle::registry::ledger::{ChainLedger, Ledger};
use muster_oracle::registry::poll::Poll;
use muster_oracle::settings::{Settings, SettingsArgs};
use solana_sdk::signature::Keypair;
use tokio::sync::watch;

use super::chain::rpc::SimRpc;
use super::disk::Flip;
use super::exec::{Group, Spawner, lock};
use super::net::SimPeers;
use super::plan::{Lie, QUEUE_REQUESTS_MAX};
use super::plants::Plant;
use super::truth;
use super::world::World;

/// Where its files are, on its own disk.
pub const FOLDER: &str = "/oracle";
/// An idle oracle commits an empty batch this often.
const TICK_MS: u64 = 10_000;
/// Between two rounds over the epochs: slower than the server's second, for there are a thousand runs.
const DRIVE_MS: u64 = 1_700;
/// Between two looks at the chain.
const POLL_MS: u64 = 2_900;
/// Small, so that a run has many segments.
const SEGMENT_BYTES_MAX: u64 = 8 << 10;

/// Never called: what an oracle without jobs keeps of RPC and HTTP.
static UNUSED: LazyLock<(ClientChain, reqwest::Client)> = LazyLock::new(|| {
    let http = peer_client(Duration::from_secs(1)).expect("a client without a connection");
    (ClientChain::new("http://127.0.0.1:1"), http)
});

/// Messages that reached one process, and requests that wait in it.
#[derive(Default)]
pub struct Traffic {
    pub delivered: AtomicU64,
    pub shed: AtomicU64,
    pub waiting: AtomicU64,
}

/// A process.
#[derive(Clone)]
pub struct Running {
    pub handle: Handle,
    pub epochs: Arc<Epochs>,
    pub ctx: Arc<OracleContext>,
    pub traffic: Arc<Traffic>,
}

fn clock_of(world: &Arc<World>, machine: usize) -> ClockFn {
    let (time, offset_ms) = (world.time.clone(), world.machines[machine].offset_ms.clone());
    Arc::new(move || time.now_ms().saturating_add_signed(offset_ms.load(Ordering::SeqCst)))
}

/// Keeps an oracle running for ever: starts it again whenever its process or its machine went down.
pub async fn supervise(world: Arc<World>, machine: usize, spawner: Spawner) {
    let of = &world.machines[machine];
    loop {
        of.switch.turn_on();
        let group = world.time.new_group();
        spawner.spawn(group, run(world.clone(), machine, group, spawner.clone()));
        of.switch.went_off.wait(&world.time, u64::MAX / 4).await;
        of.switch.turn_off();
        world.time.end(group);
        if let Some(running) = lock(&of.running).take() {
            truth::ended(&world, of, &running);
        }
        // The executor drops its tasks before anything else happens.
        world.time.sleep(1).await;
        let exit = lock(&of.exit).take();
        let weather = lock(&world.weather).clone();
        let is_power_cut = exit.is_none() && world.chance(weather.power_cuts);
        if is_power_cut {
            of.disk.power_cut(&mut lock(&world.rng));
        } else {
            of.disk.restart();
        }
        world.note(|| format!("oracle {} is down (power cut: {is_power_cut}): {exit:?}", of.place));
        let flip = rot(&world, machine, weather.bit_flips_s);
        let wait_ms = if world.chance(0.2) { 30_000 } else { 3_000 };
        world.time.sleep(300 + world.below(if world.is_healed() { 500 } else { wait_ms })).await;
        if let Some(flip) = flip {
            notice(&world, machine, &flip).await;
        }
    }
}

/// Now and then a synced bit of the log rots while the machine is off.
fn rot(world: &World, machine: usize, bit_flips_s: u64) -> Option<Flip> {
    if bit_flips_s == 0 || world.is_healed() || !world.chance(0.3) {
        return None;
    }
    let flip = world.machines[machine].disk.flip_early(".seg", &mut lock(&world.rng))?;
    world.note(|| format!("oracle {}: {flip:?}", world.machines[machine].place));
    Some(flip)
}

/// A rotten log must be noticed at the start and never be started on; then the operator puts a copy in its place.
async fn notice(world: &Arc<World>, machine: usize, flip: &Flip) {
    let of = &world.machines[machine];
    of.switch.turn_on();
    let opened = open_log(Arc::new(of.disk.clone()), Path::new(FOLDER), of.key, log_options(clock_of(world, machine)));
    let replayed = opened.and_then(|mut log| log.replay(&Position::START, &mut |_, _| Ok(())));
    match replayed {
        Err(LogError::Damaged { .. } | LogError::OtherOracle { .. }) => world.tried("S1 rot is noticed"),
        Err(error) => world.note(|| format!("oracle {}: {error}", of.place)),
        Ok(()) if of.is_honest() => {
            world.fail("S1", format!("oracle {} starts on a log with a flipped bit: {flip:?}", of.place));
        }
        Ok(()) => {}
    }
    of.disk.mend(flip);
}

/// A process, from its start to its end; says why it ended.
async fn run(world: Arc<World>, machine: usize, group: Group, spawner: Spawner) {
    let why = match start(&world, machine, group, &spawner).await {
        Ok(committer) => {
            let of = &world.machines[machine];
            commit(&world, machine, committer).await;
            lock(&of.running).as_ref().and_then(|running| running.handle.failure())
        }
        Err(why) => Some(why),
    };
    let of = &world.machines[machine];
    if !of.switch.is_off() {
        *lock(&of.exit) = Some(why.unwrap_or_default());
        of.switch.turn_off();
    }
}

/// Takes the committer's turns until the log fails.
async fn commit(world: &Arc<World>, machine: usize, mut committer: Committer) {
    let of = &world.machines[machine];
    let mut committed_ms = world.time.now_ms();
    loop {
        let is_idle_for_long = world.time.now_ms() - committed_ms >= TICK_MS;
        match committer.turn(Duration::ZERO, is_idle_for_long) {
            Turn::Stopped => return,
            Turn::Committed => committed_ms = world.time.now_ms(),
            Turn::Idle => {}
        }
        truth::counted(world, of);
        of.bell.wait(&world.time, 250).await;
    }
}

/// Small segments, so that a run has many.
fn log_options(clock: ClockFn) -> Options {
    Options { segment_bytes_max: SEGMENT_BYTES_MAX, reserve_bytes: 1 << 20, clock }
}

async fn start(world: &Arc<World>, machine: usize, group: Group, spawner: &Spawner) -> Result<Committer, String> {
    let of = &world.machines[machine];
    let plan = &world.plan.oracles[of.place];
    let ledger: Arc<dyn Ledger> = Arc::new(ChainLedger::over(SimRpc { world: world.clone(), machine }));
    let first = ledger.registry().await.map_err(|error| error.to_string())?;
    let (pictures, registry) = watch::channel(Arc::new(first));
    let storage = Arc::new(of.disk.clone());
    let mut key = [0; 64];
    key[..32].copy_from_slice(&plan.seed);
    key[32..].copy_from_slice(&of.key);
    let identity = Identity::new(Keypair::try_from(key.as_slice()).map_err(|error| error.to_string())?);
    let args = SettingsArgs { data_dir: Some(FOLDER.into()), ..SettingsArgs::defaults() };
    let fakes = of.lie == Some(Lie::WrongRoot) || (of.place == 0 && world.has_planted(Plant::ComputesOtherwise));
    let settings = Settings { fakes_wrong_bit: fakes, ..Settings::new(&args, String::new()) };
    let frozen_before = Store::new(storage.clone(), &settings.data_dir).frozen_before(&of.key);
    let seen = Arc::default();
    let clock = clock_of(world, machine);
    let started = Start {
        config: Config {
            domain: world.plan.domain(),
            signing_key: identity.signing_key.clone(),
            schedule: world.plan.schedule(),
            rate: Rate { burst: 40, refill_ms: 250 },
        },
        frozen_before: frozen_before.map_err(|error| error.to_string())?,
        log: open_log(storage.clone(), &settings.data_dir, of.key, log_options(clock.clone()))
            .map_err(|error| error.to_string())?,
        snapshots: None,
        registry: registry.borrow().clone(),
        seen: Arc::clone(&seen),
        clock: clock.clone(),
        tick_every: Duration::from_millis(TICK_MS),
        queue_requests_max: QUEUE_REQUESTS_MAX,
    };
    let (handle, committer) = started.prepare().map_err(|error: StartError| error.to_string())?;
    let (chain, http) = UNUSED.clone();
    let ctx = Arc::new(OracleContext {
        identity,
        domain: world.plan.domain(),
        genesis_hash: world.plan.genesis_hash(),
        schedule: world.plan.schedule(),
        chain,
        registry: registry.clone(),
        seen,
        clock: clock.clone(),
        storage,
        to_peers: Arc::new(SimPeers { world: world.clone(), machine }),
        ops: Arc::new(Ops::new(0)),
        http,
        settings,
    });
    let epochs = Arc::new(Epochs::new(ctx.clone(), ledger.clone(), handle.clone()));
    let running = Running { handle: handle.clone(), epochs: epochs.clone(), ctx: ctx.clone(), traffic: Arc::default() };
    truth::started(world, of, &running);
    *lock(&of.running) = Some(running);
    world.note(|| format!("oracle {} is up", of.place));
    spawner.spawn(group, poll(world.clone(), Poll { ledger, pictures, clock, failures: 0 }));
    spawner.spawn(group, forward(world.clone(), machine, registry, handle.clone()));
    spawner.spawn(group, drive(world.clone(), machine, epochs));
    spawner.spawn(group, compare_clocks(world.clone(), machine, ctx, handle));
    Ok(committer)
}

async fn poll(world: Arc<World>, mut poll: Poll) {
    loop {
        poll.once().await;
        world.time.sleep(POLL_MS * u64::from(poll.failures.clamp(1, 8))).await;
    }
}

async fn forward(world: Arc<World>, machine: usize, mut pictures: watch::Receiver<Arc<Registry>>, handle: Handle) {
    while pictures.changed().await.is_ok() {
        let picture = pictures.borrow_and_update().clone();
        world.note(|| format!("oracle {machine} has a picture as of slot {}", picture.slot));
        truth::pictured(&world, &world.machines[machine], &picture);
        handle.registry(picture);
        world.machines[machine].bell.ring();
    }
}

async fn drive(world: Arc<World>, machine: usize, epochs: Arc<Epochs>) {
    let of = &world.machines[machine];
    loop {
        epochs.tick().await;
        of.bell.ring();
        truth::look_at(&world, of);
        world.time.sleep(DRIVE_MS).await;
    }
}

async fn compare_clocks(world: Arc<World>, machine: usize, ctx: Arc<OracleContext>, handle: Handle) {
    loop {
        world.time.sleep(15_000).await;
        let is_unsure = clock::is_unsure(&ctx).await;
        if is_unsure {
            world.tried("a clock that is far off is unsure");
        }
        handle.clock_unsure(is_unsure);
        world.machines[machine].bell.ring();
    }
}

/// Where reads past all faults begin.
pub fn inspected(world: &World, machine: usize) -> Store {
    Store::new(Arc::new(world.machines[machine].disk.inspected()), Path::new(FOLDER))
}
