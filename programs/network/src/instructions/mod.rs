//! One instruction per file: its arguments, its accounts, `validate`, the handler.

mod accept_node;
mod activate_root;
mod approve_root;
mod bind;
mod buy_licence;
mod claim;
mod commit_views;
mod create_project;
mod fund_project;
mod initialize_network;
mod set_oracle_set;
mod settle_epoch;

pub use accept_node::*;
pub use activate_root::*;
pub use approve_root::*;
pub use bind::*;
pub use buy_licence::*;
pub use claim::*;
pub use commit_views::*;
pub use create_project::*;
pub use fund_project::*;
pub use initialize_network::*;
pub use set_oracle_set::*;
pub use settle_epoch::*;
