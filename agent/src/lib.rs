//! The node agent: heartbeats, work and what a holder sees of the node.
//!
//! [`core`] decides (data in, data out), [`container`] runs tasks in locked-down containers, [`run`] is the shell around
//! both: sockets, disk and clock. Each verb of `muster-agent` is a module of its own.

pub mod cli;
pub mod container;
pub mod core;
pub mod data_dir;
pub mod failure;
pub mod init;
pub mod join;
pub mod network;
pub mod oracle_api;
pub mod profile;
pub mod receipts;
pub mod run;
pub mod settings;
pub mod status;
