//! What the programs keep, and what their instructions do to it: the handlers around the program's own rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anchor_lang::error::Error;
use anchor_lang::prelude::{Pubkey, require};
use bytemuck::Zeroable;
use muster_client::events::Event;
use muster_network::errors::NetworkError;
use muster_network::events::{
    MaintenanceAnnounced, NodeAccepted, NodeBound, NodeKeyRotated, NodeSuspended, NodeUnbound,
};
use muster_network::root_vote::{ApproveRootArgs, Before, cast};
use muster_network::state::{
    Distribution, Epoch, HeldPlace, Network, Node, OracleSet, Project, Root, Tenure, ViewSet, epoch_status,
    node_status, reward_mode, settlement_state,
};
use muster_network::statement::{Bounds, SettleEpochArgs};
use muster_protocol::merkle::{depth, distribution_leaf, root_from_proof};

use super::super::plants::Plant;

type Done = Result<(), Error>;
type Key = [u8; 32];

/// One project with everything that hangs on it.
#[derive(Clone)]
pub struct ProjectState {
    pub project: Project,
    pub distribution: Distribution,
    pub epochs: BTreeMap<u64, Epoch>,
    pub nodes: BTreeMap<Pubkey, Node>,
    pub tenures: BTreeMap<Pubkey, Tenure>,
    /// With their slots.
    pub events: Arc<Vec<(u64, Event)>>,
    pub budget: u64,
    pub vault: u64,
    pub treasury: u64,
    pub paid: u64,
    pub funded: u64,
    pub keys: BTreeSet<Pubkey>,
}

/// The accounts as of a slot.
#[derive(Clone)]
pub struct State {
    pub slot: u64,
    pub clock_s: i64,
    pub network: Network,
    pub set: OracleSet,
    pub projects: BTreeMap<Key, ProjectState>,
    pub view_sets: BTreeMap<u64, Arc<ViewSet>>,
    /// Transactions that an oracle can still pay for.
    pub fees: BTreeMap<Key, u32>,
    pub plant: Option<Plant>,
}

/// An instruction, by whoever may give it.
#[derive(Clone, Debug)]
pub enum Ix {
    CommitViews {
        oracle: Key,
        epoch: u64,
        hashes: Vec<Key>,
    },
    Approve {
        oracle: Key,
        project: Key,
        args: ApproveRootArgs,
    },
    Correct {
        oracle: Key,
        project: Key,
        args: ApproveRootArgs,
    },
    Settle {
        project: Key,
        args: SettleEpochArgs,
    },
    Void {
        project: Key,
    },
    Activate {
        project: Key,
    },
    /// A threshold of thieves approved this root once; the guardian holds it.
    ThievesAndHold {
        project: Key,
        root: Key,
    },
    Bind {
        project: Key,
        node: Pubkey,
        tenure: Pubkey,
        node_key: Pubkey,
        holder: Pubkey,
    },
    Accept {
        project: Key,
        node: Pubkey,
    },
    Rotate {
        project: Key,
        node: Pubkey,
        node_key: Pubkey,
    },
    Unbind {
        project: Key,
        node: Pubkey,
    },
    Thaw {
        project: Key,
        node: Pubkey,
    },
    Suspend {
        project: Key,
        node: Pubkey,
        epochs: u8,
    },
    Maintenance {
        project: Key,
        node: Pubkey,
        start: i64,
        end: i64,
    },
    Claim {
        project: Key,
        tenure: Pubkey,
        cumulative: u64,
        proof: Vec<Key>,
    },
    /// The same oracles under a new version: every open vote is void.
    NewSetVersion,
}

impl State {
    /// Does an instruction whole, or nothing.
    pub fn apply(&mut self, ix: &Ix) -> Done {
        let before = self.clone();
        let done = self.run(ix);
        if done.is_err() {
            *self = before;
        }
        done
    }

    fn run(&mut self, ix: &Ix) -> Done {
        match ix.clone() {
            Ix::CommitViews { oracle, epoch, hashes } => self.commit_views(oracle, epoch, &hashes),
            Ix::Approve { oracle, project, args } => self.approve(oracle, project, &args),
            Ix::Correct { oracle, project, args } => self.correct(oracle, project, &args),
            Ix::Settle { project, args } => self.settle(project, &args),
            Ix::Void { project } => self.void(project),
            Ix::Activate { project } => self.activate(project),
            Ix::ThievesAndHold { project, root } => self.thieves_and_hold(project, root),
            Ix::Claim { project, tenure, cumulative, proof } => self.claim(project, tenure, cumulative, &proof),
            Ix::NewSetVersion => {
                self.set.set_version += 1;
                Ok(())
            }
            registry => self.change_registry(registry),
        }
    }

    fn position(&self, oracle: &Key) -> Result<usize, Error> {
        self.set.position(&Pubkey::from(*oracle)).ok_or_else(|| NetworkError::NotOracle.into())
    }

    fn of(&mut self, project: Key) -> Result<&mut ProjectState, Error> {
        self.projects.get_mut(&project).ok_or_else(|| NetworkError::WrongSettlement.into())
    }

    fn grace_end(&self, epoch: u64) -> i64 {
        self.network.epoch_end(epoch) + i64::from(self.network.grace)
    }

    fn commit_views(&mut self, oracle: Key, epoch: u64, hashes: &[Key]) -> Done {
        let position = self.position(&oracle)?;
        require!(hashes.len() == usize::from(self.set.count), NetworkError::WrongHashCount);
        require!(self.clock_s >= self.network.epoch_end(epoch), NetworkError::EpochNotOver);
        let (now, grace_end, set) = (self.clock_s, self.grace_end(epoch), self.set);
        if self.view_sets.get(&epoch).is_some_and(|views| views.is_closed(now, grace_end)) {
            return Err(NetworkError::ViewsClosed.into());
        }
        let new = || Arc::new(ViewSet { epoch, ..ViewSet::zeroed() });
        let views = Arc::make_mut(self.view_sets.entry(epoch).or_insert_with(new));
        views.enter_set(&set);
        views.put_row(position, hashes);
        if now >= grace_end && views.in_count >= views.threshold {
            views.closed_at = now;
        }
        Ok(())
    }

    fn approve(&mut self, oracle: Key, project: Key, args: &ApproveRootArgs) -> Done {
        let (position, set, now) = (self.position(&oracle)?, self.set, self.clock_s);
        let eta = now + i64::from(self.network.root_delay);
        let of = self.of(project)?;
        let distribution = &mut of.distribution;
        distribution.require_unapproved(set.set_version)?;
        require!(
            args.epoch == distribution.open_epoch && args.revision == distribution.open_revision,
            NetworkError::WrongSettlement
        );
        let epoch = of.epochs.get_mut(&args.epoch).ok_or(NetworkError::WrongSettlement)?;
        let total = distribution.allocated + distribution.open_node_pool;
        let before = Before { total, count: distribution.roots[0].count, ledger_head: distribution.ledger_head };
        args.check(distribution, epoch, &before)?;
        if distribution.votes_version != set.set_version {
            distribution.clear_votes();
            distribution.votes_version = set.set_version;
            distribution.open_state = settlement_state::SETTLED;
            distribution.pending = Root::default();
            epoch.status = epoch_status::SETTLED;
        }
        let vote = args.vote_hash(&project.into(), set.set_version);
        if cast(&mut distribution.votes, position, vote, &set) >= set.threshold {
            distribution.open_state = settlement_state::APPROVED;
            distribution.pending_version = set.set_version;
            distribution.pending_eta = eta;
            distribution.pending_ledger_head = args.log_head;
            distribution.pending = args.to_root();
            epoch.status = epoch_status::APPROVED;
        }
        Ok(())
    }

    fn correct(&mut self, oracle: Key, project: Key, args: &ApproveRootArgs) -> Done {
        let (position, set, now) = (self.position(&oracle)?, self.set, self.clock_s);
        let from = now + i64::from(self.network.root_delay);
        let of = self.of(project)?;
        let distribution = &mut of.distribution;
        let epoch = of.epochs.get_mut(&args.epoch).ok_or(NetworkError::WrongSettlement)?;
        let place = distribution.held_place(args.epoch, now).ok_or(NetworkError::NotHeld)?;
        let (held, count) = match place {
            HeldPlace::Pending => {
                require!(distribution.pending_version == set.set_version, NetworkError::OracleSetChangedSince);
                (distribution.pending, distribution.roots[0].count)
            }
            HeldPlace::Active(0) => {
                require!(!distribution.is_approved(set.set_version), NetworkError::AlreadyApproved);
                (distribution.roots[0], distribution.roots[1].count)
            }
            HeldPlace::Active(_) => return Err(NetworkError::NotNewestRoot.into()),
        };
        require!(held.revision.checked_add(1) == Some(args.revision), NetworkError::WrongSettlement);
        let before = Before { total: held.total, count, ledger_head: distribution.ledger_head };
        args.check(distribution, epoch, &before)?;
        if distribution.correction_version != set.set_version {
            distribution.clear_corrections();
            distribution.correction_version = set.set_version;
        }
        let vote = args.vote_hash(&project.into(), set.set_version);
        if cast(&mut distribution.correction_votes, position, vote, &set) >= set.threshold {
            distribution.clear_corrections();
            if place == HeldPlace::Pending {
                distribution.correct_pending(args.to_root(), from, args.log_head);
            } else {
                distribution.correct_active(args.to_root(), from, args.log_head);
            }
            epoch.revision = args.revision;
        }
        Ok(())
    }

    fn settle(&mut self, project: Key, args: &SettleEpochArgs) -> Done {
        let now = self.clock_s;
        let views = self.view_sets.get(&args.epoch).ok_or(NetworkError::ViewsOpen)?.clone();
        let network = self.network.clone();
        let of = self.of(project)?;
        require!(of.distribution.open_state == settlement_state::NONE, NetworkError::SettlementOpen);
        require!(!of.epochs.contains_key(&args.epoch), NetworkError::SettlementOpen);
        args.check(&Bounds { network: &network, project: &of.project, views: &views, funds: of.budget, now })?;
        of.budget -= args.budget;
        of.vault += args.budget;
        let revision = of.distribution.first_revision(args.epoch);
        let booked = args.book(&network, of.distribution.reward_mode, revision, now)?;
        if booked.is_final {
            of.project.next_epoch = args.epoch + 1;
        }
        args.write_distribution(&mut of.distribution, &booked, of.project.leaf_count);
        let mut epoch = Epoch { project: project.into(), epoch: args.epoch, ..Epoch::zeroed() };
        args.write_epoch(&mut epoch, &booked);
        of.epochs.insert(args.epoch, epoch);
        Ok(())
    }

    fn void(&mut self, project: Key) -> Done {
        let version = self.set.set_version;
        let of = self.of(project)?;
        let distribution = &mut of.distribution;
        distribution.require_unapproved(version)?;
        of.vault -= distribution.open_budget;
        of.budget += distribution.open_budget;
        let (epoch, revision) = (distribution.open_epoch, distribution.open_revision);
        distribution.voided_epoch = distribution.voided_epoch.max(epoch);
        distribution.voided_revision = distribution.voided_revision.max(revision + 1);
        distribution.close_settlement();
        of.epochs.remove(&epoch);
        Ok(())
    }

    fn activate(&mut self, project: Key) -> Done {
        let (now, version) = (self.clock_s, self.set.set_version);
        let of = self.of(project)?;
        let distribution = &mut of.distribution;
        require!(distribution.open_state == settlement_state::APPROVED, NetworkError::NotApproved);
        require!(distribution.pending_version == version, NetworkError::OracleSetChangedSince);
        require!(now >= distribution.pending_eta, NetworkError::DelayRuns);
        require!(now >= distribution.pending.held_until, NetworkError::RootHeld);
        let epoch = of.epochs.get_mut(&distribution.open_epoch).ok_or(NetworkError::WrongSettlement)?;
        epoch.status = epoch_status::FINAL;
        epoch.final_at = now;
        let pending = distribution.pending;
        distribution.allocated += epoch.node_pool;
        require!(distribution.allocated == pending.total, NetworkError::WrongTotal);
        distribution.doubt_held(now);
        distribution.push_root(pending);
        distribution.ledger_head = distribution.pending_ledger_head;
        distribution.last_node_pool = epoch.node_pool;
        distribution.breaker_allowance = distribution.breaker_allowance.saturating_add(epoch.node_pool);
        distribution.close_settlement();
        of.vault -= epoch.fee;
        of.treasury += epoch.fee;
        of.project.next_epoch = epoch.epoch + 1;
        Ok(())
    }

    fn thieves_and_hold(&mut self, project: Key, root: Key) -> Done {
        let (now, version) = (self.clock_s, self.set.set_version);
        let held_until = now + i64::from(self.network.hold_limit);
        let distribution = &mut self.of(project)?.distribution;
        require!(distribution.is_approved(version), NetworkError::NotApproved);
        require!(distribution.reward_mode == reward_mode::ONCHAIN, NetworkError::PaidElsewhere);
        require!(distribution.pending.held_version != version, NetworkError::HeldBefore);
        distribution.pending.root = root;
        distribution.pending.held_until = held_until;
        distribution.pending.held_version = version;
        Ok(())
    }

    fn claim(&mut self, project: Key, tenure: Pubkey, cumulative: u64, proof: &[Key]) -> Done {
        let (now, plant) = (self.clock_s, self.plant);
        let of = self.of(project)?;
        let held = of.tenures.get_mut(&tenure).ok_or(NetworkError::ProofInvalid)?;
        let (program, index) = (muster_network::ID.to_bytes(), held.leaf_index);
        let distribution = &mut of.distribution;
        let leaf = distribution_leaf(&program, &held.distribution.to_bytes(), &tenure.to_bytes(), index, cumulative);
        let root = root_from_proof(&leaf, index, proof);
        let proven = distribution.paying_roots(now).any(|active| {
            active.root == root && active.count > index && proof.len() == usize::from(depth(active.count))
        });
        require!(proven, NetworkError::ProofInvalid);
        let owed = cumulative.saturating_sub(held.claimed_total);
        let left = distribution.claimable_total().saturating_sub(distribution.claimed);
        let amount = owed.min(distribution.allowance(now)).min(left);
        require!(amount > 0, NetworkError::NothingToClaim);
        distribution.breaker_paid += amount;
        distribution.claimed += amount;
        if plant != Some(Plant::ClaimsAreForgotten) {
            held.claimed_total += amount;
        }
        of.vault -= amount;
        of.paid += amount;
        Ok(())
    }

    fn change_registry(&mut self, ix: Ix) -> Done {
        let (now, slot, network) = (self.clock_s, self.slot, self.network.clone());
        let epoch = network.epoch_at(now);
        let (Ix::Bind { project, node, .. }
        | Ix::Accept { project, node }
        | Ix::Rotate { project, node, .. }
        | Ix::Unbind { project, node }
        | Ix::Thaw { project, node }
        | Ix::Suspend { project, node, .. }
        | Ix::Maintenance { project, node, .. }) = ix
        else {
            return Ok(());
        };
        let stream = Pubkey::from(project);
        let of = self.of(project)?;
        let (seq, timestamp) = (of.project.seq + 1, now);
        let account = of.nodes.entry(node).or_insert_with(|| Node {
            project: stream,
            status: node_status::FREE,
            ..Node::zeroed()
        });
        let event = match ix {
            Ix::Bind { tenure, node_key, holder, .. } => {
                require!(account.status == node_status::FREE, NetworkError::AlreadyBound);
                require!(!of.keys.contains(&node_key), NetworkError::NodeKeyTaken);
                let from_epoch = network.epoch_at(now.max(account.thaw_at));
                account.tenure_number += u32::from(account.tenure != tenure);
                (account.tenure, account.node_key, account.status) = (tenure, node_key, node_status::BOUND);
                (account.bound_at, account.accepted_at) = (now, 0);
                let leaves = of.project.leaf_count;
                let entry = of.tenures.entry(tenure).or_insert_with(|| Tenure {
                    node,
                    project: stream,
                    distribution: of.distribution.vault,
                    holder,
                    from_epoch,
                    created_at: now,
                    leaf_index: leaves,
                    ..Tenure::zeroed()
                });
                entry.until_epoch = u64::MAX;
                let made = *entry;
                of.project.leaf_count = leaves.max(made.leaf_index + 1);
                Event::NodeBound(NodeBound {
                    stream,
                    seq,
                    timestamp,
                    node,
                    licence: Pubkey::default(),
                    serial: 0,
                    holder,
                    node_key,
                    tenure,
                    tenure_number: account.tenure_number,
                    leaf_index: made.leaf_index,
                    from_epoch: made.from_epoch,
                    payout: Pubkey::default(),
                    payout_owner: holder,
                    metadata_hash: [0; 32],
                })
            }
            Ix::Accept { .. } => {
                require!(account.status == node_status::BOUND, NetworkError::NotBound);
                require!(of.keys.insert(account.node_key), NetworkError::NodeKeyTaken);
                (account.status, account.accepted_at) = (node_status::ACTIVE, now);
                Event::NodeAccepted(NodeAccepted { stream, seq, timestamp, node, node_key: account.node_key })
            }
            Ix::Rotate { node_key, .. } => {
                account.require_bound()?;
                require!(of.keys.insert(node_key), NetworkError::NodeKeyTaken);
                let old_key = account.node_key;
                of.keys.remove(&old_key);
                (account.node_key, account.status, account.accepted_at) = (node_key, node_status::ACTIVE, now);
                let (tenure, authority) = (account.tenure, Pubkey::default());
                let rotated = NodeKeyRotated { stream, seq, timestamp, node, tenure, authority, old_key, node_key };
                Event::NodeKeyRotated(rotated)
            }
            Ix::Unbind { .. } => {
                account.require_bound()?;
                (account.status, account.thaw_at) = (node_status::UNBINDING, network.epoch_end(epoch));
                let tenure = account.tenure;
                let held = of.tenures.get_mut(&tenure).ok_or(NetworkError::NotBound)?;
                held.until_epoch = epoch + 1;
                let (until_epoch, thaw_at) = (epoch + 1, account.thaw_at);
                Event::NodeUnbound(NodeUnbound { stream, seq, timestamp, node, tenure, until_epoch, thaw_at })
            }
            Ix::Thaw { .. } => {
                require!(account.status == node_status::UNBINDING && now >= account.thaw_at, NetworkError::NotBound);
                account.status = node_status::FREE;
                of.keys.remove(&account.node_key);
                return Ok(());
            }
            Ix::Suspend { epochs, .. } => {
                account.require_bound()?;
                account.suspend_by_owner(1, epochs, epoch, of.project.next_epoch)?;
                Event::NodeSuspended(NodeSuspended {
                    stream,
                    seq,
                    timestamp,
                    node,
                    reason: 1,
                    evidence_hash: [1; 32],
                    from_epoch: account.suspended_from_epoch,
                    until_epoch: account.suspended_until_epoch,
                })
            }
            Ix::Maintenance { start, end, .. } => {
                account.require_bound()?;
                let is_free = account.maintenance_end == 0;
                require!(is_free && start > now && end > start, NetworkError::MaintenanceOutOfRange);
                (account.maintenance_start, account.maintenance_end) = (start, end);
                let used_s = (end - start) as u64;
                Event::MaintenanceAnnounced(MaintenanceAnnounced { stream, seq, timestamp, node, start, end, used_s })
            }
            _ => return Ok(()),
        };
        of.project.seq = seq;
        Arc::make_mut(&mut of.events).push((slot, event));
        Ok(())
    }
}
