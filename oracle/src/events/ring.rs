//! The last events, in order of their numbers. Bounded: the oldest go first, and a reader that comes too late learns how
//! many it missed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Draft, Event};

/// Events that are kept.
pub const EVENTS_MAX: usize = 4_096;

/// See the module.
#[derive(Clone, Debug)]
pub struct Ring {
    capacity: usize,
    next_id: u64,
    events: VecDeque<Arc<Event>>,
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Events that are gone between what the reader had and the first of these.
    pub missed: u64,
    /// In order.
    pub events: Vec<Arc<Event>>,
}

impl Ring {
    /// Nothing has happened.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, next_id: 1, events: VecDeque::new() }
    }

    /// As it was kept: the newest events, ascending, and the number of the next one.
    pub fn restore(capacity: usize, next_id: u64, events: Vec<Event>) -> Self {
        let newest = events.last().map_or(0, |event| event.id);
        let mut ring = Self { capacity, next_id: next_id.max(newest + 1), events: VecDeque::new() };
        ring.events.extend(events.into_iter().map(Arc::new));
        ring.trim();
        ring
    }

    fn trim(&mut self) {
        let excess = self.events.len().saturating_sub(self.capacity);
        self.events.drain(..excess);
    }

    /// Numbers and keeps what happened.
    pub fn push(&mut self, draft: Draft, at_ms: u64) {
        let Draft { kind, project, data } = draft;
        let project = project.map(|project| bs58::encode(project).into_string());
        let event = Event { id: self.next_id, kind: kind.to_owned(), at_ms, project, data };
        self.next_id += 1;
        self.events.push_back(Arc::new(event));
        self.trim();
    }

    /// Number of the next event.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// All that is kept.
    pub fn events(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.events.iter()
    }

    /// At most `limit` events with numbers above `id`. A number that is not given yet counts as the newest one.
    pub fn after(&self, id: u64, limit: usize) -> Page {
        let id = id.min(self.next_id - 1);
        let at = self.events.partition_point(|event| event.id <= id);
        let events: Vec<_> = self.events.iter().skip(at).take(limit).cloned().collect();
        let first = events.first().map_or(self.next_id, |event| event.id);
        Page { missed: first - id - 1, events }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::kind;
    use proptest::prelude::*;
    use serde_json::json;

    fn draft(n: u64) -> Draft {
        Draft { kind: kind::ORACLE_ALERT, project: None, data: json!({"n": n}) }
    }

    proptest! {
        #[test]
        fn a_reader_gets_every_event_once_in_order_or_learns_how_many_it_missed(
            capacity in 1usize..8, steps in prop::collection::vec((0u8..6, 1usize..4, any::<bool>()), 0..40),
        ) {
            let mut ring = Ring::new(capacity);
            let (mut told, mut cursor, mut seen, mut missed) = (0, 0, 0, 0);
            for (pushes, limit, restarts) in steps {
                for _ in 0..pushes {
                    ring.push(draft(told), 5);
                    told += 1;
                }
                if restarts {
                    let kept = ring.events().map(|event| (**event).clone()).collect();
                    ring = Ring::restore(capacity, ring.next_id(), kept);
                }
                let page = ring.after(cursor, limit);
                missed += page.missed;
                cursor += page.missed;
                for event in page.events {
                    cursor += 1;
                    prop_assert_eq!((event.id, &event.data), (cursor, &json!({"n": cursor - 1})));
                    seen += 1;
                }
                prop_assert!(ring.events().count() <= capacity);
            }
            prop_assert_eq!(cursor, seen + missed);
            prop_assert_eq!(ring.next_id(), told + 1);
        }
    }

    #[test]
    fn a_number_from_the_future_is_the_newest_one() {
        let mut ring = Ring::new(4);
        ring.push(draft(0), 1);
        assert_eq!(ring.after(99, 10), Page { missed: 0, events: vec![] });
        ring.push(draft(1), 1);
        assert_eq!(ring.after(u64::MAX, 10).events.len(), 0);
        assert_eq!(ring.after(1, 10).events.len(), 1);
    }
}
