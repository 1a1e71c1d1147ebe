//! Typed client of the two programs, and the shell that every tool shares: keys, configuration, RPC.
//!
//! [`addresses`] and [`instructions`] build what goes to the chain, [`accounts`] and [`events`] read what comes from
//! it, [`chain`] talks to an RPC node with bounded retries. Nothing here holds a rule of the protocol: those live in
//! `muster_protocol`.

pub mod accounts;
pub mod addresses;
pub mod chain;
pub mod errors;
pub mod events;
pub mod history;
pub mod instructions;
pub mod ledger;
pub mod licences;
pub mod members;
pub mod shell;
pub mod tlog;
pub mod transactions;

pub use muster_jobs;
pub use muster_network;
pub use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Signature};
