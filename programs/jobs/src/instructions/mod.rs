//! One instruction per file: its arguments, its accounts, `validate`, the handler.

use anchor_lang::prelude::*;
use muster_network::state::NetworkTerms;

use crate::errors::JobsError;

mod add_tip;
mod attest_job;
mod close_job;
mod execute_slash;
mod expire;
mod hold_slash;
mod initialize_jobs;
mod open_bond;
mod refund_sponsor;
mod refund_submitter;
mod request_cancel;
mod set_jobs_config;
mod settle_job;
mod sponsor;
mod stake;
mod submit;
mod unbond;
mod void_slash;
mod vote_slash;
mod withdraw;
mod withdraw_unbonded;

pub use add_tip::*;
pub use attest_job::*;
pub use close_job::*;
pub use execute_slash::*;
pub use expire::*;
pub use hold_slash::*;
pub use initialize_jobs::*;
pub use open_bond::*;
pub use refund_sponsor::*;
pub use refund_submitter::*;
pub use request_cancel::*;
pub use set_jobs_config::*;
pub use settle_job::*;
pub use sponsor::*;
pub use stake::*;
pub use submit::*;
pub use unbond::*;
pub use void_slash::*;
pub use vote_slash::*;
pub use withdraw::*;
pub use withdraw_unbonded::*;

/// The network's terms, unless it pauses `bit`: refused by this program's own error, the network's has another number
/// here.
fn running_network(network: &AccountInfo, bit: u32, now: i64) -> Result<NetworkTerms> {
    let terms = NetworkTerms::read(network)?;
    terms.require_running(bit, now).map_err(|_| JobsError::Paused)?;
    Ok(terms)
}
