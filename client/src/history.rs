//! What happened to a project's tenures and nodes, out of the project's own stream of events: who may be paid for an
//! epoch follows from what was stamped before its end, whatever has happened since. Pure; [`crate::chain::Chain`] fetches.

use std::collections::HashMap;

use muster_protocol::{
    dataset::Member,
    membership::{self, KeyFacts, LeafMissing, TenureFacts},
    units::{EpochIndex, Schedule},
};
use solana_sdk::pubkey::Pubkey;

use crate::events::Event;

/// An event that does not follow on what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {got} of stream {stream} came where event {expected} of the project was due")]
pub struct OutOfOrder {
    pub stream: Pubkey,
    pub expected: u64,
    pub got: u64,
}

/// What an event changed.
#[derive(Clone, Copy, Debug)]
enum Change {
    Bound {
        node: Pubkey,
        tenure: Pubkey,
        leaf_index: u32,
        from_epoch: u64,
    },
    Accepted {
        node: Pubkey,
        node_key: Pubkey,
    },
    /// The tenure ends with the epoch before `until_epoch`.
    Ended {
        tenure: Pubkey,
        until_epoch: u64,
    },
    Suspended {
        node: Pubkey,
        from_epoch: u64,
        until_epoch: u64,
    },
    /// What is announced last stands: what it replaces has not begun, or its epochs are settled.
    Maintenance {
        node: Pubkey,
        start: i64,
        end: i64,
    },
}

/// See the module.
#[derive(Clone, Debug)]
pub struct History {
    project: Pubkey,
    last_seq: u64,
    /// With the clock's time, ascending.
    changes: Vec<(i64, Change)>,
}

impl History {
    /// Nothing has happened yet.
    pub fn new(project: Pubkey) -> Self {
        Self { project, last_seq: 0, changes: Vec::new() }
    }

    /// The project whose events these are.
    pub fn project(&self) -> &Pubkey {
        &self.project
    }

    /// Number of the last event that was applied: complete when it is the project account's `seq`.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Takes the next event of the project's stream. One that is known already changes nothing.
    pub fn apply(&mut self, event: &Event) -> Result<(), OutOfOrder> {
        let (stream, got, expected) = (event.stream(), event.seq(), self.last_seq + 1);
        if stream != self.project || got > expected {
            return Err(OutOfOrder { stream, expected, got });
        }
        if got == expected {
            self.last_seq = got;
            self.changes.extend(change(event).map(|change| (event.timestamp(), change)));
        }
        Ok(())
    }

    /// The rows of an epoch's dataset: see [`membership::members`].
    pub fn members(&self, schedule: &Schedule, epoch: EpochIndex) -> Result<Vec<Member>, LeafMissing> {
        let end_s = i64::try_from(schedule.epoch_end(epoch)).unwrap_or(i64::MAX);
        membership::members(schedule, epoch, self.tenures_before(end_s))
    }

    /// Every tenure as it was a moment before `moment`, Unix seconds.
    pub fn tenures_before(&self, moment: i64) -> Vec<TenureFacts> {
        let mut tenures: HashMap<Pubkey, TenureFacts> = HashMap::new();
        let mut current: HashMap<Pubkey, Pubkey> = HashMap::new();
        let mut suspended: HashMap<[u8; 32], (u64, u64)> = HashMap::new();
        let mut maintenance: HashMap<[u8; 32], (i64, i64)> = HashMap::new();
        for (timestamp, change) in self.changes.iter().take_while(|(timestamp, _)| *timestamp < moment) {
            match *change {
                Change::Bound { node, tenure, leaf_index, from_epoch } => {
                    current.insert(node, tenure);
                    let made = TenureFacts {
                        tenure: tenure.to_bytes(),
                        node: node.to_bytes(),
                        leaf_index,
                        created_at: *timestamp,
                        from_epoch,
                        until_epoch: u64::MAX,
                        key: None,
                        suspended: (0, 0),
                        maintenance: (0, 0),
                    };
                    // The same holder's tenure goes on, with a key that has yet to accept.
                    let facts = tenures.entry(tenure).or_insert(made);
                    (facts.until_epoch, facts.key) = (u64::MAX, None);
                }
                Change::Accepted { node, node_key } => {
                    if let Some(facts) = current.get(&node).and_then(|tenure| tenures.get_mut(tenure)) {
                        facts.key = Some(KeyFacts { node_key: node_key.to_bytes(), accepted_at: *timestamp });
                    }
                }
                Change::Ended { tenure, until_epoch } => {
                    if let Some(facts) = tenures.get_mut(&tenure) {
                        facts.until_epoch = until_epoch;
                    }
                }
                Change::Suspended { node, from_epoch, until_epoch } => {
                    suspended.insert(node.to_bytes(), (from_epoch, until_epoch));
                }
                Change::Maintenance { node, start, end } => {
                    maintenance.insert(node.to_bytes(), (start, end));
                }
            }
        }
        let of_node = |facts: TenureFacts| TenureFacts {
            suspended: suspended.get(&facts.node).copied().unwrap_or((0, 0)),
            maintenance: maintenance.get(&facts.node).copied().unwrap_or((0, 0)),
            ..facts
        };
        tenures.into_values().map(of_node).collect()
    }
}

/// What an event means to who is paid; most mean nothing.
fn change(event: &Event) -> Option<Change> {
    let suspended = |node, from_epoch, until_epoch| Some(Change::Suspended { node, from_epoch, until_epoch });
    match event {
        Event::NodeBound(e) => {
            Some(Change::Bound { node: e.node, tenure: e.tenure, leaf_index: e.leaf_index, from_epoch: e.from_epoch })
        }
        Event::NodeAccepted(e) => Some(Change::Accepted { node: e.node, node_key: e.node_key }),
        Event::NodeKeyRotated(e) => Some(Change::Accepted { node: e.node, node_key: e.node_key }),
        Event::NodeUnbound(e) => Some(Change::Ended { tenure: e.tenure, until_epoch: e.until_epoch }),
        Event::NodeDetached(e) => Some(Change::Ended { tenure: e.tenure, until_epoch: e.until_epoch }),
        Event::NodeSuspended(e) => suspended(e.node, e.from_epoch, e.until_epoch),
        Event::SuspensionLifted(e) => suspended(e.node, e.from_epoch, e.until_epoch),
        Event::MaintenanceAnnounced(e) => Some(Change::Maintenance { node: e.node, start: e.start, end: e.end }),
        Event::SuspensionVoted(e) if e.reached => suspended(e.node, e.from_epoch, e.until_epoch),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use muster_network::events::{LicenceSold, MaintenanceAnnounced, NodeAccepted, NodeBound, NodeUnbound};

    use super::*;

    const PROJECT: Pubkey = Pubkey::new_from_array([1; 32]);
    const NODE: Pubkey = Pubkey::new_from_array([2; 32]);

    fn key(id: u8) -> Pubkey {
        Pubkey::new_from_array([id; 32])
    }

    fn bound(seq: u64, timestamp: i64, tenure: u8, leaf_index: u32) -> Event {
        Event::NodeBound(NodeBound {
            stream: PROJECT,
            seq,
            timestamp,
            node: NODE,
            licence: key(3),
            serial: 0,
            holder: key(4),
            node_key: key(5),
            tenure: key(tenure),
            tenure_number: 1,
            leaf_index,
            from_epoch: timestamp as u64 / 120,
            payout: key(6),
            payout_owner: key(4),
            metadata_hash: [0; 32],
        })
    }

    fn accepted(seq: u64, timestamp: i64, node_key: u8) -> Event {
        Event::NodeAccepted(NodeAccepted { stream: PROJECT, seq, timestamp, node: NODE, node_key: key(node_key) })
    }

    fn unbound(seq: u64, timestamp: i64, tenure: u8, until_epoch: u64) -> Event {
        let thaw_at = until_epoch as i64 * 120;
        let tenure = key(tenure);
        Event::NodeUnbound(NodeUnbound { stream: PROJECT, seq, timestamp, node: NODE, tenure, until_epoch, thaw_at })
    }

    fn sold(seq: u64) -> Event {
        Event::LicenceSold(LicenceSold {
            stream: PROJECT,
            seq,
            timestamp: 0,
            licence: key(3),
            serial: 0,
            buyer: key(4),
            payment_mint: key(7),
            price: 1,
        })
    }

    fn history(events: &[Event]) -> History {
        let mut history = History::new(PROJECT);
        events.iter().for_each(|event| history.apply(event).unwrap());
        history
    }

    #[test]
    fn events_are_taken_in_their_own_order_once_each_and_of_one_project_alone() {
        let mut history = history(&[sold(1), bound(2, 600, 10, 0)]);
        // One that is known changes nothing.
        history.apply(&bound(2, 600, 10, 0)).unwrap();
        assert_eq!((history.last_seq(), history.tenures_before(601).len()), (2, 1));
        // One that comes too early, or from elsewhere, is refused.
        assert_eq!(history.apply(&accepted(4, 601, 5)).unwrap_err().expected, 3);
        let mut other = bound(3, 601, 11, 1);
        let Event::NodeBound(event) = &mut other else { unreachable!() };
        event.stream = key(9);
        assert_eq!(history.apply(&other).unwrap_err().stream, key(9));
        assert_eq!(history.last_seq(), 2);
    }

    #[test]
    fn what_happens_after_an_epoch_changes_nothing_in_it() {
        // Given a node that ran in epoch 5, whose holder unbound it in that epoch, and whose next holder bound it with
        // another key in epoch 6.
        let before = [sold(1), bound(2, 600, 10, 0), accepted(3, 605, 5), unbound(4, 700, 10, 6)];
        let after = [bound(5, 725, 11, 1), accepted(6, 730, 8)];
        let schedule = Schedule::new(120, 10).unwrap();
        let epoch = EpochIndex::new(5);
        let early = history(&before).members(&schedule, epoch).unwrap();
        // When epoch 5 is listed with all of that known, then it lists what it listed before.
        let late = history(&[&before[..], &after[..]].concat());
        assert_eq!(late.members(&schedule, epoch).unwrap(), early);
        assert_eq!((early[0].node_key, early[0].first_bucket.get()), ([5; 32], 1));
        // And epoch 6 lists the new tenure's key, and nothing more for the one that ended.
        let next = late.members(&schedule, EpochIndex::new(6)).unwrap();
        assert_eq!((next.len(), next[0].first_bucket.get()), (2, 12));
        assert_eq!((next[1].node_key, next[1].first_bucket.get()), ([8; 32], 1));
    }

    #[test]
    fn maintenance_excuses_in_the_epochs_that_it_was_announced_for() {
        let announced = |seq, timestamp, start, end| {
            let (stream, node, used_s) = (PROJECT, NODE, 0);
            Event::MaintenanceAnnounced(MaintenanceAnnounced { stream, seq, timestamp, node, start, end, used_s })
        };
        // Given maintenance that was announced in epoch 5, and cut short before it began.
        let events = [
            bound(1, 600, 10, 0),
            accepted(2, 605, 5),
            announced(3, 610, 720, 840),
            announced(4, 700, 720, 760),
            announced(5, 845, 0, 0),
        ];
        let schedule = Schedule::new(120, 10).unwrap();
        let excused = |epoch| history(&events).members(&schedule, EpochIndex::new(epoch)).unwrap()[0].excused;
        // When epochs are listed with all of that known, then what was announced later changes nothing in epoch 6.
        assert_eq!([5, 6, 7].map(excused), [0, 4, 0]);
    }

    #[test]
    fn the_same_holders_tenure_goes_on_with_the_key_that_accepts_then() {
        let events = [
            bound(1, 600, 10, 0),
            accepted(2, 605, 5),
            unbound(3, 700, 10, 6),
            bound(4, 850, 10, 0),
            accepted(5, 851, 5),
        ];
        let schedule = Schedule::new(120, 10).unwrap();
        let first = |epoch| history(&events).members(&schedule, EpochIndex::new(epoch)).unwrap()[0].first_bucket.get();
        // Epoch 6 passed without a key; 7 begins at 840 s.
        assert_eq!([5, 6, 7, 8].map(first), [1, 12, 2, 0]);
    }
}
