//! An oracle's RPC: three nodes behind one address, one of which lags; answers that do not come, come late, are cut
//! short, twice there or in another order; transactions that land although their answer is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anchor_lang::prelude::Pubkey;
use muster_client::chain::Followed;
use muster_network::state::{Distribution, Epoch, Network, Node, OracleSet, Project, Tenure, ViewSet};
use muster_oracle::registry::ledger::{Answer, LedgerError};
use muster_oracle::registry::rpc::{Accounts, Order, Rpc};
use rand::seq::SliceRandom;

use super::super::disk::Crash;
use super::super::exec::lock;
use super::super::liar;
use super::super::plants::Plant;
use super::super::world::{Machine, World};
use super::Status;
use super::state::{Ix, State};

/// Nodes behind the address.
const NODES: u64 = 3;

pub struct SimRpc {
    pub world: Arc<World>,
    pub machine: usize,
}

impl SimRpc {
    fn machine(&self) -> &Machine {
        &self.world.machines[self.machine]
    }

    /// The way to the node and back; nothing comes of it when the machine went off.
    async fn call(&self, what: &'static str) -> Result<(), LedgerError> {
        let world = &self.world;
        if self.machine().switch.call(what) != Crash::No || self.machine().switch.is_off() {
            std::future::pending::<()>().await;
        }
        let errors = lock(&world.weather).rpc_errors;
        let delay_ms = 5 + world.below(if world.chance(errors) { 4_000 } else { 60 });
        world.time.sleep(delay_ms).await;
        let is_dead = world.has_planted(Plant::AnOracleNeverHeals) && self.machine().place == 0;
        if world.chance(errors) || (is_dead && world.elapsed_ms() > 30_000) {
            world.note(|| format!("oracle {} {what}: no answer", self.machine().place));
            return Err(LedgerError::new(format!("{what}: the node gave no answer")));
        }
        Ok(())
    }

    /// The state that some node answers from, if it has reached the slot.
    fn state(&self, min_slot: u64) -> Result<Arc<State>, LedgerError> {
        let lag = lock(&self.world.weather).rpc_lag;
        let node = self.world.below(NODES) as usize;
        let state = lock(&self.world.chain).finalised(lag * node / (NODES as usize - 1));
        if state.slot < min_slot && !self.world.has_planted(Plant::NodesIgnoreTheSlot) {
            return Err(LedgerError::new(format!("the node is at slot {}, {min_slot} is asked for", state.slot)));
        }
        Ok(state)
    }

    async fn read(&self, what: &'static str, min_slot: u64) -> Result<Arc<State>, LedgerError> {
        self.call(what).await?;
        self.state(min_slot)
    }

    /// A list as it arrives; says whether something was left out.
    fn list<T: Clone>(&self, mut all: Vec<T>) -> (Vec<T>, bool) {
        let truncates = lock(&self.world.weather).rpc_truncates;
        let is_cut = !all.is_empty() && self.world.chance(truncates);
        if is_cut {
            all.remove(self.world.below(all.len() as u64) as usize);
        } else if !all.is_empty() && self.world.chance(truncates) {
            let twice = all[self.world.below(all.len() as u64) as usize].clone();
            all.push(twice);
        }
        all.shuffle(&mut *lock(&self.world.rng));
        (all, is_cut)
    }

    async fn all<T: Clone>(
        &self,
        what: &'static str,
        min_slot: u64,
        pick: impl Fn(&State) -> Accounts<T>,
    ) -> Result<(Accounts<T>, bool), LedgerError> {
        match self.read(what, min_slot).await {
            Ok(state) => Ok(self.list(pick(&state))),
            Err(_) if self.world.has_planted(Plant::ErrorsAreAbsent) => Ok((Vec::new(), false)),
            Err(error) => Err(error),
        }
    }

    async fn deliver(&self, order: Order) -> Result<String, LedgerError> {
        let (world, machine) = (&self.world, self.machine());
        let (what, ix) = match order {
            Order::CommitViews { epoch, hashes } => {
                let hashes = liar::named(world, machine, epoch, hashes);
                ("commit_views", Ix::CommitViews { oracle: machine.key, epoch, hashes })
            }
            Order::ApproveRoot { project, mut args } => {
                if world.has_planted(Plant::VotesTwice) && machine.place == 0 {
                    args.root[0] ^= world.below(2) as u8;
                }
                ("approve_root", Ix::Approve { oracle: machine.key, project, args })
            }
            Order::CorrectRoot { project, args } => {
                ("correct_root", Ix::Correct { oracle: machine.key, project, args })
            }
        };
        let crash = if machine.switch.is_off() { Crash::Before } else { machine.switch.call(what) };
        if crash == Crash::Before {
            std::future::pending::<()>().await;
        }
        super::super::truth::sent(world, machine, &ix);
        let (lost, errors) = {
            let weather = lock(&world.weather);
            (weather.lost_answers, weather.rpc_errors)
        };
        world.time.sleep(5 + world.below(50)).await;
        if world.chance(errors) {
            return Err(LedgerError::new(format!("{what}: the node gave no answer; nothing was sent")));
        }
        if !lock(&world.chain).can_pay(&machine.key) {
            world.tried("an empty purse is waited out");
            return Err(LedgerError::unfunded(format!("{what}: the oracle cannot pay the fee")));
        }
        let refused = lock(&world.chain).preflight(&ix).err();
        if let Some(name) = refused {
            world.note(|| format!("oracle {} {what}: refused: {name}", machine.place));
            return Err(LedgerError::refused(&name, format!("{what}: {name}")));
        }
        let id = lock(&world.chain).submit(ix, Some(machine.key));
        world.note(|| format!("oracle {} {what}: transaction {id} is on its way", machine.place));
        if crash == Crash::After {
            std::future::pending::<()>().await;
        }
        if world.chance(lost) {
            world.tried("an answer is lost although the transaction travels");
            world.time.sleep(1_000 + world.below(4_000)).await;
            return Err(LedgerError::new(format!("{what}: the node's answer was lost")));
        }
        loop {
            world.time.sleep(400).await;
            let status = lock(&world.chain).status(id);
            match status {
                Status::Waits => {}
                Status::Confirmed => return Ok(format!("transaction {id}")),
                Status::Refused(name) => return Err(LedgerError::refused(&name, format!("{what}: {name}"))),
                Status::Expired => return Err(LedgerError::new(format!("{what}: not confirmed in time"))),
            }
        }
    }
}

impl Rpc for SimRpc {
    fn clock(&self) -> Answer<'_, (i64, u64)> {
        Box::pin(async {
            let state = self.read("clock", 0).await?;
            Ok((state.clock_s, state.slot))
        })
    }

    fn network(&self, min_slot: u64) -> Answer<'_, Option<Network>> {
        Box::pin(async move { Ok(Some(self.read("network", min_slot).await?.network.clone())) })
    }

    fn oracle_set(&self, min_slot: u64) -> Answer<'_, Option<OracleSet>> {
        Box::pin(async move { Ok(Some(self.read("oracle_set", min_slot).await?.set)) })
    }

    fn projects(&self, min_slot: u64) -> Answer<'_, Accounts<Project>> {
        Box::pin(async move {
            let pick = |state: &State| {
                state.projects.iter().map(|(key, of)| (Pubkey::from(*key), of.project.clone())).collect()
            };
            Ok(self.all("projects", min_slot, pick).await?.0)
        })
    }

    fn distributions(&self, min_slot: u64) -> Answer<'_, Accounts<Distribution>> {
        Box::pin(async move {
            let pick =
                |state: &State| state.projects.values().map(|of| (of.distribution.vault, of.distribution)).collect();
            Ok(self.all("distributions", min_slot, pick).await?.0)
        })
    }

    fn tenures(&self, min_slot: u64) -> Answer<'_, Accounts<Tenure>> {
        Box::pin(async move {
            let pick = |state: &State| {
                state.projects.values().flat_map(|of| of.tenures.iter().map(|(key, one)| (*key, *one))).collect()
            };
            let (all, is_cut) = self.all("tenures", min_slot, pick).await?;
            self.machine().was_told_less.store(is_cut, Ordering::SeqCst);
            Ok(all)
        })
    }

    fn nodes(&self, min_slot: u64) -> Answer<'_, Accounts<Node>> {
        Box::pin(async move {
            let pick = |state: &State| {
                state.projects.values().flat_map(|of| of.nodes.iter().map(|(key, one)| (*key, *one))).collect()
            };
            let (all, is_cut) = self.all("nodes", min_slot, pick).await?;
            let machine = self.machine();
            if is_cut {
                machine.was_told_less.store(true, Ordering::SeqCst);
            }
            if !machine.was_told_less.load(Ordering::SeqCst) {
                machine.told_all_at_ms.store(self.world.time.now_ms(), Ordering::SeqCst);
            }
            Ok(all)
        })
    }

    fn view_set(&self, epoch: u64, min_slot: u64) -> Answer<'_, Option<ViewSet>> {
        Box::pin(async move { Ok(self.read("view_set", min_slot).await?.view_sets.get(&epoch).map(|views| **views)) })
    }

    fn settlement(&self, project: [u8; 32], epoch: u64, min_slot: u64) -> Answer<'_, Option<Epoch>> {
        Box::pin(async move {
            let state = self.read("settlement", min_slot).await?;
            Ok(state.projects.get(&project).and_then(|of| of.epochs.get(&epoch)).copied())
        })
    }

    fn follow<'a>(&'a self, followed: &'a mut Followed) -> Answer<'a, bool> {
        Box::pin(async move {
            let state = self.read("follow", 0).await?;
            let project = followed.history().project().to_bytes();
            let events = state.projects.get(&project).map(|of| of.events.as_slice()).unwrap_or_default();
            if followed.next_slot() > state.slot {
                return Ok(true);
            }
            let slots = followed.next_slot()..=state.slot;
            let new = events.iter().filter(|(slot, _)| slots.contains(slot)).map(|(_, event)| event.clone());
            let (events, is_cut) = self.list(new.collect());
            if is_cut {
                self.world.tried("a history with a gap is read again");
            }
            followed.take(events, state.slot).map_err(|error| LedgerError::new(error.to_string()))?;
            Ok(true)
        })
    }

    fn lamports(&self) -> Answer<'_, u64> {
        Box::pin(async move {
            let state = self.read("lamports", 0).await?;
            Ok(state.fees.get(&self.machine().key).map_or(0, |left| u64::from(*left) * 5_000))
        })
    }

    fn send(&self, order: Order) -> Answer<'_, String> {
        Box::pin(self.deliver(order))
    }
}
