//! A network in LiteSVM, made by the real programs: what every test of the programs starts from.
//!
//! `World::with_*` build one step upon another; each step is cached once per process and cloned. The `*_accounts`
//! methods give an instruction's right accounts, which a test may then spoil.

mod accounts;
mod asset_bytes;
mod assets;
mod authorities;
mod jobs;
mod nodes;
mod owners;
mod pools;
mod settlement;
mod steps;
mod svm;

pub use accounts::*;
pub use asset_bytes::*;
pub use assets::*;
pub use jobs::*;
pub use settlement::*;
pub use steps::*;
pub use svm::*;
