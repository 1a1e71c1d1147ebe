//! One instruction per file: its arguments, its accounts, `validate`, the handler.

mod attest_job;
mod initialize_jobs;
mod open_bond;
mod settle_job;
mod submit;
mod withdraw;

pub use attest_job::*;
pub use initialize_jobs::*;
pub use open_bond::*;
pub use settle_job::*;
pub use submit::*;
pub use withdraw::*;
