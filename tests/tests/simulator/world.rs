//! What all parts of a run share.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::{Either, select};
use muster_protocol::hash::hashv;
use rand::Rng;
use rand::rngs::StdRng;

use super::chain::Chain;
use super::disk::{Crash, Hook, SimDisk};
use super::exec::{Bell, Time, lock};
use super::machine::Running;
use super::plan::{Lie, Plan};
use super::plants::Plant;
use super::truth::Truth;
use super::weather::Weather;

/// Turns a machine off at one of its calls to disk, chain or peers.
#[derive(Default)]
pub struct Switch {
    /// Calls until it goes off.
    countdown: Mutex<Option<u32>>,
    is_off: AtomicBool,
    /// Before the call or after it, by turns of the countdown.
    calls: AtomicU64,
    pub crashed_at: Mutex<Vec<&'static str>>,
    pub went_off: Bell,
}

impl Switch {
    pub fn arm(&self, calls: u32) {
        *lock(&self.countdown) = Some(calls);
    }

    pub fn disarm(&self) {
        *lock(&self.countdown) = None;
    }

    pub fn turn_on(&self) {
        self.disarm();
        self.went_off.still();
        self.is_off.store(false, Ordering::SeqCst);
    }

    pub fn turn_off(&self) {
        self.is_off.store(true, Ordering::SeqCst);
        self.went_off.ring();
    }

    pub fn is_off(&self) -> bool {
        self.is_off.load(Ordering::SeqCst)
    }

    pub fn call(&self, what: &'static str) -> Crash {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let mut countdown = lock(&self.countdown);
        match &mut *countdown {
            Some(0) => {
                *countdown = None;
                drop(countdown);
                lock(&self.crashed_at).push(what);
                self.turn_off();
                if number.is_multiple_of(2) { Crash::Before } else { Crash::After }
            }
            Some(left) => {
                *left -= 1;
                Crash::No
            }
            None => Crash::No,
        }
    }
}

/// A machine that runs an oracle; it outlives the processes on it.
pub struct Machine {
    /// Its oracle's place in the set.
    pub place: usize,
    pub key: [u8; 32],
    pub lie: Option<Lie>,
    pub disk: SimDisk,
    pub switch: Arc<Switch>,
    pub offset_ms: Arc<AtomicI64>,
    pub running: Mutex<Option<Running>>,
    /// Rung when its committer has something to do.
    pub bell: Arc<Bell>,
    /// The newest list of nodes left some out.
    pub was_told_less: AtomicBool,
    /// When the newest full list of nodes came, milliseconds.
    pub told_all_at_ms: AtomicU64,
    /// Why its last process ended by itself.
    pub exit: Mutex<Option<String>>,
}

impl Machine {
    /// Neither a liar, nor one whose key runs twice.
    pub fn is_honest(&self) -> bool {
        self.lie.is_none()
    }
}

/// A node's machine.
pub struct NodeMachine {
    /// Which of its keys it signs with.
    pub key_generation: AtomicU8,
    pub tenure_generation: AtomicU8,
    pub offset_ms: AtomicI64,
}

/// Hash over all that happened, and the lines of it if somebody reads them.
pub struct Trace {
    pub hash: [u8; 32],
    pub lines: Option<Vec<String>>,
}

pub struct World {
    pub plan: Plan,
    pub time: Arc<Time>,
    pub rng: Mutex<StdRng>,
    pub weather: Mutex<Weather>,
    pub chain: Mutex<Chain>,
    pub machines: Vec<Machine>,
    pub nodes: Vec<NodeMachine>,
    /// Pairs of places that do not reach each other; nodes are at 100 + number.
    pub partition: Mutex<BTreeSet<(usize, usize)>>,
    pub truth: Mutex<Truth>,
    pub trace: Mutex<Trace>,
    pub is_healed: AtomicBool,
}

/// The place of a node, for partitions.
pub fn node_place(node: usize) -> usize {
    100 + node
}

impl World {
    pub fn new(plan: Plan, rng: StdRng, time: Arc<Time>, traces: bool) -> Arc<Self> {
        let mut machines = Vec::new();
        for (place, oracle) in plan.oracles.iter().enumerate() {
            let count = if oracle.lie == Some(Lie::RunsTwice) { 2 } else { 1 };
            for _ in 0..count {
                let switch = Arc::new(Switch::default());
                let hook: Hook = Arc::new({
                    let switch = switch.clone();
                    move |what| if switch.is_off() { Crash::Before } else { switch.call(what) }
                });
                machines.push(Machine {
                    place,
                    key: oracle.key(),
                    lie: oracle.lie,
                    disk: SimDisk::new(hook, plan.plant.filter(|_| place == 0)),
                    switch,
                    offset_ms: Arc::default(),
                    running: Mutex::default(),
                    bell: Arc::default(),
                    was_told_less: AtomicBool::default(),
                    told_all_at_ms: AtomicU64::default(),
                    exit: Mutex::default(),
                });
            }
        }
        let node = |_| NodeMachine {
            key_generation: AtomicU8::default(),
            tenure_generation: AtomicU8::default(),
            offset_ms: AtomicI64::default(),
        };
        Arc::new(Self {
            chain: Mutex::new(Chain::new(super::chain::genesis::genesis(&plan))),
            weather: Mutex::new(plan.weather.clone()),
            nodes: plan.nodes.iter().map(node).collect(),
            time,
            rng: Mutex::new(rng),
            machines,
            partition: Mutex::default(),
            truth: Mutex::default(),
            trace: Mutex::new(Trace { hash: [0; 32], lines: traces.then(Vec::new) }),
            is_healed: AtomicBool::default(),
            plan,
        })
    }

    pub fn has_planted(&self, plant: Plant) -> bool {
        self.plan.plant == Some(plant)
    }

    pub fn is_healed(&self) -> bool {
        self.is_healed.load(Ordering::SeqCst)
    }

    /// Milliseconds of the run so far.
    pub fn elapsed_ms(&self) -> u64 {
        self.time.now_ms() - self.plan.start_ms()
    }

    pub fn chance(&self, p: f64) -> bool {
        p > 0.0 && lock(&self.rng).random_bool(p.min(1.0))
    }

    pub fn below(&self, n: u64) -> u64 {
        if n == 0 { 0 } else { lock(&self.rng).random_range(0..n) }
    }

    pub fn note(&self, what: impl FnOnce() -> String) {
        let now_ms = self.elapsed_ms();
        let line = format!("{:>4}.{:03} {}", now_ms / 1000, now_ms % 1000, what());
        let mut trace = lock(&self.trace);
        trace.hash = hashv(&[&trace.hash, line.as_bytes()]);
        if let Some(lines) = &mut trace.lines {
            lines.push(line);
        }
    }

    /// A property does not hold.
    pub fn fail(&self, property: &'static str, why: String) {
        self.note(|| format!("VIOLATION of {property}: {why}"));
        lock(&self.truth).violations.push((property, why));
    }

    /// A property was tried once more.
    pub fn tried(&self, property: &'static str) {
        *lock(&self.truth).tried.entry(property).or_default() += 1;
    }

    pub fn are_apart(&self, a: usize, b: usize) -> bool {
        lock(&self.partition).contains(&(a.min(b), a.max(b)))
    }

    /// A message's way; none if it is lost. Whoever is apart loses everything.
    pub async fn travel(&self, from: usize, to: usize) -> Option<()> {
        let (loss, delay_ms) = {
            let weather = lock(&self.weather);
            (weather.loss, weather.delay_ms)
        };
        let is_lost = self.are_apart(from, to) || self.chance(loss);
        let delay_ms = 1 + self.below(delay_ms);
        self.time.sleep(delay_ms).await;
        (!is_lost && !self.are_apart(from, to)).then_some(())
    }

    /// What comes within so many milliseconds.
    pub async fn within<T>(&self, ms: u64, future: impl Future<Output = Option<T>>) -> Option<T> {
        let sleep = pin!(self.time.sleep(ms));
        match select(pin!(future), sleep).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => None,
        }
    }

    /// A machine that answers for an oracle now: one of both if its key runs twice.
    pub fn answering(&self, place: usize) -> Option<&Machine> {
        let up: Vec<&Machine> =
            self.machines.iter().filter(|machine| machine.place == place && lock(&machine.running).is_some()).collect();
        match up.len() {
            0 => None,
            1 => Some(up[0]),
            n => Some(up[self.below(n as u64) as usize]),
        }
    }
}
