use anchor_lang::prelude::*;

/// What a tenure staked and earned by jobs; only the tenure's holder withdraws.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Bond {
    pub tenure: Pubkey,
    pub node: Pubkey,
    /// The tenure's holder.
    pub holder: Pubkey,
    /// Base units of the job mint, as every amount here.
    pub staked: u64,
    pub earned: u64,
    pub unbonding: u64,
    pub unbond_at: i64,
    /// Last event of this account's stream.
    pub seq: u64,
    pub withdrawn_total: u64,
    pub earned_total: u64,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 6],
    pub _reserved: [u8; 128],
}

impl Bond {
    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}
