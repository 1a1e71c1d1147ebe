//! Who holds how many connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Limits, is_own};
use crate::http::addresses::network_of;

/// See the module.
#[derive(Debug, Default)]
pub struct Places {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    open: usize,
    /// Without this machine's own.
    by_address: HashMap<IpAddr, usize>,
    refused: u64,
}

/// One connection's; dropped with it.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A place for a connection of this address, unless all or its own are taken.
    pub fn take(self: &Arc<Self>, address: IpAddr, limits: &Limits) -> Option<Place> {
        let address = network_of(address);
        let mut held = self.held();
        let own = held.by_address.get(&address).copied().unwrap_or(0);
        if held.open >= limits.connections_max || own >= limits.per_address_max {
            held.refused += 1;
            return None;
        }
        held.open += 1;
        if !is_own(address) {
            held.by_address.insert(address, own + 1);
        }
        Some(Place { places: self.clone(), address })
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.held().open
    }

    /// Connections that were turned away since the start.
    pub fn refused(&self) -> u64 {
        self.held().refused
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held();
        held.open = held.open.saturating_sub(1);
        if let Some(own) = held.by_address.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                held.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_never_takes_all_places_and_a_place_comes_back() {
        let limits = Limits { per_address_max: 2, ..Limits::new(4) };
        let places: Arc<Places> = Arc::default();
        let [greedy, other, own] = ["203.0.113.1", "203.0.113.2", "127.0.0.1"].map(|text| text.parse().unwrap());
        let first = places.take(greedy, &limits).unwrap();
        let _second = places.take(greedy, &limits).unwrap();
        assert!(places.take(greedy, &limits).is_none(), "its own places are taken");
        let _others = [places.take(other, &limits).unwrap(), places.take(own, &limits).unwrap()];
        assert!(places.take(own, &limits).is_none(), "all places are taken");
        drop(first);
        assert_eq!((places.open(), places.refused()), (3, 2));
        assert!(places.take(greedy, &limits).is_some());
        assert_eq!(places.held().by_address.len(), 2, "whoever holds nothing costs nothing");
    }

    #[test]
    fn this_machines_own_connections_are_limited_in_all_alone() {
        let limits = Limits { per_address_max: 1, ..Limits::new(3) };
        let places: Arc<Places> = Arc::default();
        let own = "127.0.0.1".parse().unwrap();
        let held: Vec<_> = (0..4).map_while(|_| places.take(own, &limits)).collect();
        assert_eq!(held.len(), 3);
    }
}
