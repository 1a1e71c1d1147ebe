//! What every binary shares: key files, settings out of file, environment and flags, the log, how failures are
//! said.

pub mod database;
pub mod failure;
pub mod keys;
pub mod log;
pub mod settings;
pub mod solana_cli;
pub mod version;
