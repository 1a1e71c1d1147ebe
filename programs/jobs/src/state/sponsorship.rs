use anchor_lang::prelude::*;

/// What one sponsor put into one job.
#[account]
#[derive(InitSpace, Debug)]
pub struct Sponsorship {
    pub version: u8,
    pub bump: u8,
    pub job: Pubkey,
    pub sponsor: Pubkey,
    /// The token account that paid first; the refund goes there.
    pub refund_account: Pubkey,
    /// Base units of the job mint.
    pub amount: u64,
    pub _reserved: [u8; 32],
}
