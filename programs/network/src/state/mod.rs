//! Accounts: fixed size, versioned, with a reserved tail; zero-copy where they are hot.

// bytemuck's derives, through Anchor's `zero_copy`, write `unsafe impl`: they check at compile time
// that the layout has no padding and that every bit pattern is valid.
#![allow(unsafe_code)]

mod distribution;
mod epoch;
mod network;
mod node;
mod oracle_set;
mod project;
mod tenure;
mod view_set;

pub use distribution::*;
pub use epoch::*;
pub use network::*;
pub use node::*;
pub use oracle_set::*;
pub use project::*;
pub use tenure::*;
pub use view_set::*;
