//! What a seed decides before the run: who takes part, who lies, how bad it is.

use anchor_lang::prelude::Pubkey;
use muster_protocol::sig::SigningKey;
use muster_protocol::units::Schedule;
use muster_protocol::wire::Domain;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::plants::Plant;
use super::weather::Weather;

pub const EPOCH_S: u64 = 60;
pub const BUCKET_S: u64 = 10;
pub const GRACE_S: u32 = 22;
pub const ROOT_DELAY_S: u32 = 6;
/// Requests that wait for an oracle's committer at most.
pub const QUEUE_REQUESTS_MAX: usize = 16;

/// What an oracle does that is not honest. At most n - threshold of a set do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Signs another view for everybody who asks.
    Equivocates,
    /// Signs one view with bits that were never acknowledged.
    ClaimsMore,
    /// Signs one view without bits.
    ClaimsLess,
    /// Votes for roots that it did not compute.
    WrongRoot,
    /// Names views that nobody signed.
    NamesOthers,
    /// Answers every question with bytes of its own.
    ServesGarbage,
    /// Answers no question.
    IsSilent,
    /// Another process runs with its key and another disk.
    RunsTwice,
}

const LIES: [Lie; 8] = [
    Lie::Equivocates,
    Lie::ClaimsMore,
    Lie::ClaimsLess,
    Lie::WrongRoot,
    Lie::NamesOthers,
    Lie::ServesGarbage,
    Lie::IsSilent,
    Lie::RunsTwice,
];

#[derive(Clone)]
pub struct OraclePlan {
    pub seed: [u8; 32],
    pub url: String,
    pub lie: Option<Lie>,
}

impl OraclePlan {
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.seed)
    }

    pub fn key(&self) -> [u8; 32] {
        self.signing_key().verifying_key().to_bytes()
    }
}

#[derive(Clone)]
pub struct ProjectPlan {
    pub address: [u8; 32],
    pub is_external: bool,
    pub posts_scores: bool,
    pub min_uptime_bps: u16,
    settler_seed: [u8; 32],
}

impl ProjectPlan {
    pub fn settler(&self) -> SigningKey {
        SigningKey::from_bytes(&self.settler_seed)
    }

    pub fn settler_key(&self) -> [u8; 32] {
        self.settler().verifying_key().to_bytes()
    }
}

/// A node; its keys, tenures and holders are numbered, for they change.
#[derive(Clone)]
pub struct NodePlan {
    pub number: u8,
    pub project: usize,
}

impl NodePlan {
    pub fn signing_key(&self, generation: u8) -> SigningKey {
        let mut seed = [40; 32];
        (seed[0], seed[1]) = (self.number, generation);
        SigningKey::from_bytes(&seed)
    }

    pub fn key(&self, generation: u8) -> [u8; 32] {
        self.signing_key(generation).verifying_key().to_bytes()
    }

    fn named(&self, kind: u8, generation: u8) -> Pubkey {
        let mut bytes = [kind; 32];
        (bytes[0], bytes[1]) = (self.number, generation);
        bytes.into()
    }

    pub fn address(&self) -> Pubkey {
        self.named(60, 0)
    }

    pub fn tenure(&self, generation: u8) -> Pubkey {
        self.named(80, generation)
    }

    pub fn holder(&self, generation: u8) -> Pubkey {
        self.named(100, generation)
    }
}

#[derive(Clone)]
pub struct Plan {
    pub first_epoch: u64,
    pub oracles: Vec<OraclePlan>,
    pub threshold: u8,
    pub projects: Vec<ProjectPlan>,
    pub nodes: Vec<NodePlan>,
    pub weather: Weather,
    /// Milliseconds after the start at which everything is healed.
    pub heal_after_ms: u64,
    pub plant: Option<Plant>,
}

impl Plan {
    pub fn draw(seed: u64, plant: Option<Plant>) -> (Self, StdRng) {
        let mut rng = StdRng::seed_from_u64(seed);
        let count = rng.random_range(3..=4usize);
        // The least t with 2t > n and 3t >= 2n.
        let threshold = (1..=count).find(|t| 2 * t > count && 3 * t >= 2 * count).unwrap_or(count) as u8;
        let lie = rng.random_bool(0.5).then(|| (rng.random_range(0..count), LIES[rng.random_range(0..LIES.len())]));
        let oracles = (0..count).map(|place| OraclePlan {
            seed: [1 + place as u8; 32],
            url: format!("sim://{place}"),
            lie: lie.filter(|(liar, _)| *liar == place && plant.is_none()).map(|(_, lie)| lie),
        });
        let oracles = oracles.collect();
        let projects: Vec<ProjectPlan> = (0..rng.random_range(1..=2u8))
            .map(|number| ProjectPlan {
                address: [200 + number; 32],
                is_external: number == 1 && rng.random_bool(0.3),
                posts_scores: rng.random_bool(0.5),
                min_uptime_bps: if rng.random_bool(0.3) { 5_000 } else { 0 },
                settler_seed: [220 + number; 32],
            })
            .collect();
        let nodes = (0..rng.random_range(3..=5u8))
            .map(|number| NodePlan { number, project: usize::from(number) % projects.len() })
            .collect();
        let weather = Weather::draw(&mut rng);
        let heal_after_ms = rng.random_range(2 * EPOCH_S..3 * EPOCH_S) * 1000;
        let first_epoch = 28_000_000;
        let plan = Self { first_epoch, oracles, threshold, projects, nodes, weather, heal_after_ms, plant };
        (plan, rng)
    }

    pub fn schedule(&self) -> Schedule {
        Schedule::new(EPOCH_S, BUCKET_S).expect("a bucket divides the epoch")
    }

    pub fn domain(&self) -> Domain {
        Domain::new(&self.genesis_hash(), muster_network::ID.to_bytes())
    }

    pub fn genesis_hash(&self) -> [u8; 32] {
        [4; 32]
    }

    pub fn start_ms(&self) -> u64 {
        self.first_epoch * EPOCH_S * 1000
    }
}
