use anchor_lang::prelude::*;

/// One per network: the job mint, the limits, the counters that enumerate jobs and bonds.
#[account]
#[derive(InitSpace, Debug)]
pub struct JobsConfig {
    pub version: u8,
    pub bump: u8,
    pub bond_vault_bump: u8,
    pub network: Pubkey,
    /// The network's job mint.
    pub mint: Pubkey,
    /// Stake of a job that names none, base units.
    pub default_stake: u64,
    pub stake_min: u64,
    /// Seconds after the deadline in which oracles may still attest.
    pub attest_grace: u32,
    /// Seconds after a requested cancellation in which oracles may still attest.
    pub cancel_window: u32,
    /// Seconds between unbonding and withdrawal.
    pub unbond_delay: u32,
    pub job_count: u64,
    pub bond_count: u64,
    /// Last event of this account's stream.
    pub seq: u64,
    pub _reserved: [u8; 256],
}

impl JobsConfig {
    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}
