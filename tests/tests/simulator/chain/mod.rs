//! A chain: a block a second unless the slot is skipped, final after a lag, and forks before it that drop what was
//! confirmed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use anchor_lang::error::Error;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::weather::Weather;
use state::{Ix, State};

pub mod genesis;
pub mod rpc;
pub mod state;

/// Blocks until one is final.
pub const FINALITY: usize = 6;
/// Blocks that lagging nodes may still answer as of.
const KEPT: usize = 64;
/// Blocks in which a transaction may land.
const LIVES: u64 = 20;

pub type TxId = u64;

/// What the cluster knows of a transaction.
#[derive(Clone, Debug)]
pub enum Status {
    Waits,
    Confirmed,
    Refused(String),
    Expired,
}

struct Tx {
    id: TxId,
    ix: Ix,
    /// Who pays, if it is an oracle.
    payer: Option<[u8; 32]>,
    expires: u64,
}

struct Block {
    before: Arc<State>,
    after: Arc<State>,
    txs: Vec<Tx>,
}

pub struct Chain {
    head: State,
    blocks: VecDeque<Block>,
    mempool: Vec<Tx>,
    statuses: BTreeMap<TxId, Status>,
    next_id: TxId,
    slot: u64,
    /// What no fork reaches: the newest slot that was final.
    final_slot: u64,
    pub forks: u64,
    pub dropped: u64,
    pub skipped: u64,
}

fn name_of(error: &Error) -> String {
    match error {
        Error::AnchorError(error) => error.error_name.clone(),
        Error::ProgramError(error) => error.program_error.to_string(),
    }
}

impl Chain {
    pub fn new(genesis: State) -> Self {
        let state = Arc::new(genesis.clone());
        let block = || Block { before: state.clone(), after: state.clone(), txs: Vec::new() };
        Self {
            slot: genesis.slot,
            final_slot: genesis.slot,
            head: genesis,
            blocks: (0..=FINALITY).map(|_| block()).collect(),
            mempool: Vec::new(),
            statuses: BTreeMap::new(),
            next_id: 0,
            forks: 0,
            dropped: 0,
            skipped: 0,
        }
    }

    /// The newest final state, or so many blocks older.
    pub fn finalised(&self, lag: usize) -> Arc<State> {
        let newest = self.blocks.iter().rposition(|block| block.after.slot <= self.final_slot).unwrap_or_default();
        self.blocks[newest.saturating_sub(lag)].after.clone()
    }

    /// What would be refused now, as a node's simulation tells.
    pub fn preflight(&self, ix: &Ix) -> Result<(), String> {
        self.head.clone().apply(ix).map_err(|error| name_of(&error))
    }

    pub fn submit(&mut self, ix: Ix, payer: Option<[u8; 32]>) -> TxId {
        self.next_id += 1;
        self.statuses.insert(self.next_id, Status::Waits);
        self.mempool.push(Tx { id: self.next_id, ix, payer, expires: self.slot + LIVES });
        self.next_id
    }

    pub fn status(&self, id: TxId) -> Status {
        self.statuses.get(&id).cloned().unwrap_or(Status::Expired)
    }

    pub fn can_pay(&self, oracle: &[u8; 32]) -> bool {
        self.head.fees.get(oracle).is_some_and(|left| *left > 0)
    }

    pub fn fill_purse(&mut self, oracle: &[u8; 32], transactions: u32) {
        self.head.fees.insert(*oracle, transactions);
    }

    /// A second has passed.
    pub fn advance(&mut self, clock_s: i64, weather: &Weather, rng: &mut StdRng) {
        self.slot += 1;
        if rng.random_bool(weather.skipped_slots) {
            self.skipped += 1;
            return;
        }
        if rng.random_bool(weather.forks) {
            self.fork(rng);
        }
        let before = self.blocks.back().map(|block| block.after.clone());
        let before = before.unwrap_or_else(|| Arc::new(self.head.clone()));
        self.head.slot = self.slot;
        self.head.clock_s = clock_s.max(self.head.clock_s);
        let mut waiting = std::mem::take(&mut self.mempool);
        waiting.shuffle(rng);
        let mut txs = Vec::new();
        for tx in waiting {
            if tx.expires < self.slot {
                self.statuses.insert(tx.id, Status::Expired);
            } else if rng.random_bool(weather.slow_blocks) {
                self.mempool.push(tx);
            } else {
                let status = match self.head.apply(&tx.ix) {
                    Ok(()) => Status::Confirmed,
                    Err(error) => Status::Refused(name_of(&error)),
                };
                if let Some(left) = tx.payer.and_then(|payer| self.head.fees.get_mut(&payer)) {
                    *left = left.saturating_sub(1);
                }
                self.statuses.insert(tx.id, status);
                txs.push(tx);
            }
        }
        self.blocks.push_back(Block { before, after: Arc::new(self.head.clone()), txs });
        while self.blocks.len() > KEPT {
            self.blocks.pop_front();
        }
        let deep = self.blocks.len().saturating_sub(1 + FINALITY);
        self.final_slot = self.final_slot.max(self.blocks[deep].after.slot);
    }

    /// The newest blocks, none of them final, never were. What was in them travels again, or is lost.
    fn fork(&mut self, rng: &mut StdRng) {
        self.forks += 1;
        let clock_s = self.head.clock_s;
        for _ in 0..rng.random_range(1..FINALITY) {
            let Some(block) = self.blocks.pop_back_if(|block| block.after.slot > self.final_slot) else { break };
            self.head = (*block.before).clone();
            for tx in block.txs {
                self.dropped += 1;
                if rng.random_bool(0.5) {
                    self.mempool.push(tx);
                }
            }
        }
        self.head.clock_s = clock_s;
    }
}
