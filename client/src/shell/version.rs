//! The version that every binary reports.

/// The workspace's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
