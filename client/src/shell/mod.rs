//! What every binary shares: key files, settings out of file, environment and flags, the log.

pub mod keys;
pub mod log;
pub mod settings;
pub mod solana_cli;
pub mod version;
