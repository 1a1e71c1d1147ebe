//! How many frames one address may send, before any signature is checked: what a forger can make this oracle compute.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;

use axum::http::HeaderMap;

use crate::core::node::{Rate, TokenBucket};

/// A thousand a second on end, of which a minute's may come at once: well over a hundred thousand nodes behind one
/// address at the usual two frames a bucket of 300 s.
pub const RATE: Rate = Rate { burst: 60_000, refill_ms: 1 };
/// Addresses that are remembered; the others share one allowance.
const ADDRESSES_MAX: usize = 65_536;
/// Where a proxy in front says who called it.
const FORWARDED: &str = "x-forwarded-for";
const OTHERS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// See the module.
pub struct Addresses {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, TokenBucket>>,
}

impl Addresses {
    /// Nobody has sent anything.
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes so many frames out of what an address may send.
    pub fn take(&self, address: IpAddr, frames: u32, now_ms: u64) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut key = network_of(address);
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| !bucket.is_full(&self.rate, now_ms));
            if buckets.len() >= ADDRESSES_MAX {
                key = OTHERS;
            }
        }
        buckets.entry(key).or_default().take_many(&self.rate, frames, now_ms)
    }
}

/// Who is limited: a whole /64 of IPv6, which one customer has.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !(u128::from(u64::MAX)))),
        address => address,
    }
}

/// Whom a request comes from; `None` for this machine itself, which is not limited. Only a proxy in front, if there is
/// one, is believed about others: it appends the address that called it.
pub fn caller(peer: SocketAddr, headers: &HeaderMap, behind_proxy: bool) -> Option<IpAddr> {
    let named = headers.get_all(FORWARDED).iter().next_back().and_then(|value| value.to_str().ok());
    let named = named.and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
    let address = named.filter(|_| behind_proxy).unwrap_or(peer.ip());
    (!address.to_canonical().is_loopback()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_that_sends_too_much_is_refused_and_the_others_are_not() {
        let addresses = Addresses::new(Rate { burst: 10, refill_ms: 100 });
        let forger = ip("203.0.113.1");
        assert!(addresses.take(forger, 10, 1_000));
        assert!(!addresses.take(forger, 1, 1_050) && addresses.take(ip("203.0.113.2"), 10, 1_050));
        // All or nothing; what was refused costs nothing.
        assert!(!addresses.take(forger, 3, 1_200) && addresses.take(forger, 2, 1_200));
        // A mapped address is the same one, and a customer has a whole network of IPv6.
        assert!(!addresses.take(ip("::ffff:203.0.113.1"), 1, 1_200));
        assert!(addresses.take(ip("2001:db8:1:2::1"), 10, 0) && !addresses.take(ip("2001:db8:1:2:ffff::9"), 1, 0));
        assert!(addresses.take(ip("2001:db8:1:3::1"), 10, 0));
    }

    #[test]
    fn many_addresses_cost_bounded_memory_and_no_honest_one_its_own_allowance() {
        let addresses = Addresses::new(Rate { burst: 2, refill_ms: 1_000_000 });
        let nth = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(0x0b00_0000 + n));
        assert!((0..ADDRESSES_MAX as u32).all(|n| addresses.take(nth(n), 1, 0)));
        // Those that come too late share one allowance.
        let late = ADDRESSES_MAX as u32;
        assert!(addresses.take(nth(late), 2, 0) && !addresses.take(nth(late + 1), 1, 0));
        assert!(addresses.take(nth(0), 1, 0), "one that is known keeps its own");
        assert_eq!(addresses.buckets.lock().unwrap().len(), ADDRESSES_MAX + 1);
        // When the others' are full again they are forgotten.
        assert!(addresses.take(nth(late), 2, 3_000_000));
        assert!(addresses.buckets.lock().unwrap().len() < 4);
    }

    #[test]
    fn a_proxy_is_believed_only_where_one_stands_in_front_and_only_its_own_word() {
        let peer = |text: &str| SocketAddr::new(ip(text), 5);
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED, "198.51.100.9, 203.0.113.1".parse().unwrap());
        assert_eq!(caller(peer("127.0.0.1"), &headers, true), Some(ip("203.0.113.1")));
        assert_eq!(caller(peer("127.0.0.1"), &headers, false), None);
        assert_eq!(caller(peer("192.0.2.7"), &headers, false), Some(ip("192.0.2.7")));
        headers.append(FORWARDED, "not an address".parse().unwrap());
        assert_eq!(caller(peer("192.0.2.7"), &headers, true), Some(ip("192.0.2.7")));
        assert_eq!(caller(peer("::ffff:127.0.0.1"), &HeaderMap::new(), false), None);
    }
}
