use anchor_lang::prelude::*;

use crate::constants::{BPS, RECIPIENTS_MAX};

/// Divides what its token account receives by fixed shares; immutable but for what was released.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Split {
    pub creator: Pubkey,
    pub mint: Pubkey,
    /// The split's associated token account of the mint: a payout account.
    pub vault: Pubkey,
    pub recipients: [Pubkey; RECIPIENTS_MAX],
    /// Base units paid to each recipient so far.
    pub released: [u64; RECIPIENTS_MAX],
    pub released_total: u64,
    /// Last event of this account's stream.
    pub seq: u64,
    /// Basis points; they sum to 10,000.
    pub shares_bps: [u16; RECIPIENTS_MAX],
    pub id: u32,
    /// Recipients.
    pub count: u8,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 1],
    pub _reserved: [u8; 64],
}

impl Split {
    /// A recipient's share in basis points; 0 for anybody else.
    pub fn share_of(&self, key: &Pubkey) -> u16 {
        let recipients = self.recipients.iter().zip(self.shares_bps).take(usize::from(self.count));
        recipients.filter(|(recipient, _)| *recipient == key).map(|(_, share)| share).sum()
    }

    /// The recipient of a number.
    pub fn recipient(&self, index: u8) -> Option<Pubkey> {
        self.recipients.get(..usize::from(self.count))?.get(usize::from(index)).copied()
    }

    /// What is due to a recipient while the vault holds `balance`: his share of all that ever came in, rounded down,
    /// less what he got. In whatever order they are paid, nobody gets more than his share.
    pub fn due(&self, index: usize, balance: u64) -> Option<u64> {
        let received = u128::from(balance.checked_add(self.released_total)?);
        let share = received.checked_mul(u128::from(self.shares_bps[index]))? / u128::from(BPS);
        Some(u64::try_from(share).ok()?.saturating_sub(self.released[index]))
    }

    /// The number of this account's next event.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}
