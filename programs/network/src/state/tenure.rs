use anchor_lang::prelude::*;

/// `until_epoch` of a tenure that has not ended.
pub const EPOCH_NEVER: u64 = u64::MAX;

/// One holder's time with a node: its own leaf, payout and claimed total.
/// Its holder keeps authority over it for ever, with or without the licence.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Tenure {
    pub node: Pubkey,
    pub project: Pubkey,
    pub distribution: Pubkey,
    pub holder: Pubkey,
    /// Token account that claims pay.
    pub payout: Pubkey,
    /// Owner that the payout account must have.
    pub payout_owner: Pubkey,
    /// Runs the node for a share; zero when the holder runs it.
    pub operator: Pubkey,
    /// Base units of the reward mint paid so far.
    pub claimed_total: u64,
    /// First epoch in which this tenure can earn.
    pub from_epoch: u64,
    /// First epoch in which it no longer can; `EPOCH_NEVER` while it lasts.
    pub until_epoch: u64,
    pub created_at: i64,
    pub leaf_index: u32,
    pub number: u32,
    pub operator_bps: u16,
    pub bump: u8,
    pub version: u8,
    pub _padding: [u8; 4],
    pub _reserved: [u8; 128],
}

impl Tenure {
    /// Whether a signer may run the node: the holder, or the operator that he named.
    pub fn may_run(&self, signer: &Pubkey) -> bool {
        *signer == self.holder || *signer == self.operator
    }
}
