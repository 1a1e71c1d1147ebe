//! Accounts: fixed size, versioned, with a reserved tail; zero-copy where they are hot.

// bytemuck's derives, through Anchor's `zero_copy`, write `unsafe impl`: they check at compile time
// that the layout has no padding and that every bit pattern is valid.
#![allow(unsafe_code)]

mod ballot;
mod distribution;
mod epoch;
mod network;
mod node;
mod oracle_set;
mod pool;
mod project;
mod split;
mod tenure;
mod terms;
mod view_set;

pub use ballot::*;
pub use distribution::*;
pub use epoch::*;
pub use network::*;
pub use node::*;
pub use oracle_set::*;
pub use pool::*;
pub use project::*;
pub use split::*;
pub use tenure::*;
pub use terms::*;
pub use view_set::*;
