//! The oracle: heartbeats and results in, points and settlements out. A pure core ([`core`]) and a shell around it.

pub mod clock;
pub mod context;
pub mod core;
pub mod epochs;
pub mod events;
pub mod http;
pub mod ingest;
pub mod jobs;
pub mod ledger;
pub mod log;
pub mod ops;
pub mod poot;
pub mod projects;
pub mod registry;
pub mod serve;
pub mod server;
pub mod settings;
pub mod signer;
pub mod transparency;
pub mod witness;
