use anchor_lang::prelude::*;

use crate::constants::{ORACLES_MAX, URL_LEN_MAX};

/// One oracle of the set.
#[zero_copy]
#[derive(Debug)]
pub struct OracleEntry {
    pub key: Pubkey,
    /// UTF-8, the first `url_len` bytes.
    pub url: [u8; URL_LEN_MAX],
    pub url_len: u8,
    pub _padding: [u8; 7],
}

impl OracleEntry {
    /// The oracle's base URL; empty if its bytes are not UTF-8.
    pub fn url(&self) -> &str {
        let len = usize::from(self.url_len).min(URL_LEN_MAX);
        core::str::from_utf8(&self.url[..len]).unwrap_or("")
    }

    /// Replaces the URL, whose length the caller has checked.
    pub fn put_url(&mut self, url: &str) {
        self.url = [0; URL_LEN_MAX];
        self.url[..url.len()].copy_from_slice(url.as_bytes());
        self.url_len = url.len() as u8;
    }
}

/// The oracles whose threshold speaks for the network.
#[account(zero_copy)]
#[derive(Debug)]
pub struct OracleSet {
    pub oracles: [OracleEntry; ORACLES_MAX],
    /// The set that takes over at `pending_at`, as it was named; empty when none waits.
    pub pending: [OracleEntry; ORACLES_MAX],
    pub pending_at: i64,
    /// Raised by every change; votes of another version are void.
    pub set_version: u32,
    pub count: u8,
    /// The least t with 2t > n and 3t >= 2n; computed, never configured.
    pub threshold: u8,
    pub pending_count: u8,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 7],
    pub _reserved: [u8; 128],
}

impl OracleSet {
    /// The oracles in force.
    pub fn active(&self) -> &[OracleEntry] {
        &self.oracles[..usize::from(self.count).min(ORACLES_MAX)]
    }

    /// Position of a key in the set.
    pub fn position(&self, key: &Pubkey) -> Option<usize> {
        self.active().iter().position(|oracle| oracle.key == *key)
    }
}
