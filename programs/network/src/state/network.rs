use anchor_lang::prelude::*;

use crate::{
    constants::{FEE_BPS_MAX, MINTS_MAX},
    errors::NetworkError,
};

/// What a pause may stop. Unbind, thaw, claim, release, cancel, expire, refunds, unbond and withdraw have no bit.
pub mod pause {
    /// `buy_licence`.
    pub const BUY: u32 = 1;
    /// `bind` and `accept_node`.
    pub const BIND: u32 = 1 << 1;
    /// Staking into bonds.
    pub const STAKE: u32 = 1 << 2;
    /// Submitting jobs.
    pub const SUBMIT: u32 = 1 << 3;
    /// `settle_epoch`.
    pub const SETTLE: u32 = 1 << 4;
    /// `approve_root`.
    pub const APPROVE: u32 = 1 << 5;
    /// `activate_root`.
    pub const ACTIVATE: u32 = 1 << 6;
}

/// One deployment: its authorities, its clock and its fee.
#[account]
#[derive(InitSpace, Debug)]
pub struct Network {
    pub version: u8,
    pub bump: u8,
    pub authority: Pubkey,
    /// Proposed by the authority, becomes it by accepting; zero when none is proposed.
    pub pending_authority: Pubkey,
    pub guardian: Pubkey,
    pub treasury_owner: Pubkey,
    /// Mint of stakes, bonds and job rewards; immutable.
    pub job_mint: Pubkey,
    /// Mints in which projects may pay and sell; the job mint is the first.
    pub allowed_mints: [Pubkey; MINTS_MAX],
    pub allowed_mint_count: u8,
    /// Basis points of every budget and job that go to the treasury.
    pub fee_bps: u16,
    /// Takes effect from `next_fee_epoch`.
    pub next_fee_bps: u16,
    pub next_fee_epoch: u64,
    /// Seconds; immutable.
    pub epoch_len: u32,
    /// Seconds; divides `epoch_len`; immutable.
    pub bucket_len: u32,
    /// Seconds after an epoch's end in which views are committed.
    pub grace: u32,
    /// Seconds between a root's approval and its activation.
    pub root_delay: u32,
    /// Seconds that a hold or a guardian's pause may last.
    pub hold_limit: u32,
    /// Seconds before a change of the oracle set takes effect.
    pub oracle_set_delay: u32,
    /// Bits of `pause`, set by the authority.
    pub paused: u32,
    /// Bits of `pause`, set by the guardian; they lapse at `guardian_pause_until`.
    pub guardian_paused: u32,
    pub guardian_pause_until: i64,
    pub project_count: u64,
    /// Last event of this account's stream.
    pub seq: u64,
    pub _reserved: [u8; 256],
}

impl Network {
    /// The fee that holds in an epoch.
    pub fn fee_bps_at(&self, epoch: u64) -> u16 {
        if epoch >= self.next_fee_epoch { self.next_fee_bps } else { self.fee_bps }
    }

    /// The epoch of a moment of the clock.
    pub fn epoch_at(&self, unix_timestamp: i64) -> u64 {
        unix_timestamp.max(0) as u64 / u64::from(self.epoch_len)
    }

    /// First second after an epoch, saturating.
    pub fn epoch_end(&self, epoch: u64) -> i64 {
        let end = epoch.saturating_add(1).saturating_mul(u64::from(self.epoch_len));
        i64::try_from(end).unwrap_or(i64::MAX)
    }

    /// Refuses when the authority or a live pause of the guardian has stopped `bit`.
    pub fn require_running(&self, bit: u32, now: i64) -> Result<()> {
        let guardian = if now < self.guardian_pause_until { self.guardian_paused } else { 0 };
        require!((self.paused | guardian) & bit == 0, NetworkError::Paused);
        Ok(())
    }

    /// Whether projects may pay and sell in a mint.
    pub fn allows_mint(&self, mint: &Pubkey) -> bool {
        self.allowed_mints[..usize::from(self.allowed_mint_count)].contains(mint)
    }

    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Must hold at the end of every instruction that writes the network.
    pub fn invariant(&self) -> Result<()> {
        require!(self.fee_bps <= FEE_BPS_MAX && self.next_fee_bps <= FEE_BPS_MAX, NetworkError::FeeTooHigh);
        require!(
            self.bucket_len > 0 && self.epoch_len.is_multiple_of(self.bucket_len),
            NetworkError::BucketMustDivideEpoch
        );
        require!(self.root_delay <= self.epoch_len / 2, NetworkError::RootDelayTooLong);
        require!(self.grace <= self.epoch_len, NetworkError::GraceTooLong);
        require!(
            self.oracle_set_delay > 0 && self.oracle_set_delay < self.hold_limit,
            NetworkError::OracleSetDelayTooLong
        );
        Ok(())
    }
}
