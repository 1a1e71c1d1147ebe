//! A program that answers with what an arithmetic operation gives on chain, so that a test can hold it against the
//! host's answer. Never deployed: it exists because the toolchain's parts come from different houses.

use anchor_lang::prelude::*;
use solana_compiler_builtins as _;

pub mod ops;

declare_id!("Conformance11111111111111111111111111111111");

#[program]
pub mod muster_conformance {
    use super::*;

    /// Returns [`ops::run`] of the arguments as 16 little-endian bytes of return data.
    pub fn run(_ctx: Context<Run>, op: u8, a: u128, b: u128) -> Result<u128> {
        Ok(ops::run(op, a, b))
    }
}

#[derive(Accounts)]
pub struct Run<'info> {
    pub payer: Signer<'info>,
}
