use anchor_lang::prelude::*;

use crate::{
    constants::{FEE_BPS_MAX, FEE_CHANGE_EPOCHS, MINTS_MAX},
    errors::NetworkError,
};

/// What a pause may stop. Unbind, thaw, claim, release, cancel, expire, refunds, unbond and withdraw have no bit.
pub mod pause {
    /// `buy_licence` and `gift_licence`.
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
    /// Every bit that means something.
    pub const ALL: u32 = BUY | BIND | STAKE | SUBMIT | SETTLE | APPROVE | ACTIVATE;
}

/// The network's cold keys, as `propose_authority` and `accept_authority` name them.
pub mod authority_role {
    /// Configuration and oracles.
    pub const AUTHORITY: u8 = 0;
    /// Pauses and holds.
    pub const GUARDIAN: u8 = 1;
    /// Withdraws the treasury.
    pub const TREASURY_OWNER: u8 = 2;
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
    /// Never the authority's key.
    pub guardian: Pubkey,
    /// Proposed by the authority.
    pub pending_guardian: Pubkey,
    pub treasury_owner: Pubkey,
    /// Proposed by the treasury owner.
    pub pending_treasury_owner: Pubkey,
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
    /// End of the guardian's last pause as it was announced, also when it was ended early; zero before the first.
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

    /// Announces the fee of an epoch to come and of all later ones. An announced change that has not begun is replaced.
    pub fn change_fee(&mut self, fee_bps: u16, from_epoch: u64, current: u64) -> Result<()> {
        require!(from_epoch > current, NetworkError::FeeEpochPast);
        if current >= self.next_fee_epoch {
            let settled_late = self.next_fee_epoch.saturating_add(FEE_CHANGE_EPOCHS);
            require!(current >= settled_late, NetworkError::FeeChangeTooSoon);
            self.fee_bps = self.next_fee_bps;
        }
        self.next_fee_bps = fee_bps;
        self.next_fee_epoch = from_epoch;
        self.invariant()
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

    /// Refuses a signer who does not propose the next holder of an `authority_role`.
    pub fn require_superior(&self, role: u8, signer: &Pubkey) -> Result<()> {
        match role {
            authority_role::AUTHORITY | authority_role::GUARDIAN => {
                require_keys_eq!(*signer, self.authority, NetworkError::NotAuthority);
            }
            authority_role::TREASURY_OWNER => {
                require_keys_eq!(*signer, self.treasury_owner, NetworkError::NotTreasuryOwner);
            }
            _ => return err!(NetworkError::UnknownRole),
        }
        Ok(())
    }

    /// Holder and proposed holder of an `authority_role`.
    pub fn seat(&mut self, role: u8) -> Result<(&mut Pubkey, &mut Pubkey)> {
        match role {
            authority_role::AUTHORITY => Ok((&mut self.authority, &mut self.pending_authority)),
            authority_role::GUARDIAN => Ok((&mut self.guardian, &mut self.pending_guardian)),
            authority_role::TREASURY_OWNER => Ok((&mut self.treasury_owner, &mut self.pending_treasury_owner)),
            _ => err!(NetworkError::UnknownRole),
        }
    }

    /// Whether projects may pay and sell in a mint.
    pub fn allows_mint(&self, mint: &Pubkey) -> bool {
        self.allowed_mints[..usize::from(self.allowed_mint_count)].contains(mint)
    }

    /// Takes a mint off the list; the job mint stays the first.
    pub fn forbid_mint(&mut self, mint: &Pubkey) {
        let count = usize::from(self.allowed_mint_count);
        if let Some(position) = self.allowed_mints[..count].iter().position(|allowed| allowed == mint) {
            self.allowed_mints[position..count].rotate_left(1);
            self.allowed_mints[count - 1] = Pubkey::default();
            self.allowed_mint_count -= 1;
        }
    }

    /// Begins a guardian's pause, or ends one by zero bits. Ending it early renews no right: the next one counts from
    /// the end that was announced.
    pub fn pause_as_guardian(&mut self, bits: u32, now: i64) -> Result<()> {
        if bits != 0 {
            let hold_limit = i64::from(self.hold_limit);
            let may_pause_at = self.guardian_pause_until.saturating_add(hold_limit);
            require!(now >= may_pause_at, NetworkError::GuardianPauseTooSoon);
            self.guardian_pause_until = now.checked_add(hold_limit).ok_or(NetworkError::Overflow)?;
        }
        self.guardian_paused = bits;
        Ok(())
    }

    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Must hold at the end of every instruction that writes the network.
    pub fn invariant(&self) -> Result<()> {
        require_keys_neq!(self.authority, self.guardian, NetworkError::AuthorityIsGuardian);
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
