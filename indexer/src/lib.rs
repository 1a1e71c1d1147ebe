//! The chain in PostgreSQL, and the API over it.
//!
//! [`source`] reads finalised transactions, [`decode`] turns them into events, [`store`] writes them and folds them
//! into state tables with the cursor in one database transaction, [`follow`] drives the three. [`verify`] rebuilds the
//! state from the events and compares it with the chain. [`api`] serves what the tables hold; [`datasets`] adds the
//! uptime rows that the chain names by hash alone.

pub mod api;
pub mod datasets;
pub mod dump;
pub mod follow;
pub mod settings;
pub mod source;
pub mod status;
pub mod store;
pub mod verify;

pub use muster_client::transactions as decode;
