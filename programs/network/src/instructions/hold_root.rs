use anchor_lang::prelude::*;

use crate::{authority::require_no_nonce, emit::emit, errors::NetworkError, events::RootHeld, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct HoldRoot<'info> {
    #[account(constraint = guardian.key() == network.guardian @ NetworkError::NotGuardian)]
    pub guardian: Signer<'info>,
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    /// There is one.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    /// CHECK: the instructions sysvar, checked where it is read.
    pub instructions: UncheckedAccount<'info>,
}

impl HoldRoot<'_> {
    fn validate(&self) -> Result<()> {
        // guardian - checked by its constraint. distribution - any; its root in the handler.
        require_no_nonce(&self.instructions)
    }

    /// The approved root, or the newest active one, neither activates nor pays while it is held; earlier ones still pay.
    #[access_control(ctx.accounts.validate())]
    pub fn hold_root(ctx: Context<Self>, epoch: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let set_version = accounts.oracle_set.load()?.set_version;
        let held_until = now.saturating_add(i64::from(accounts.network.hold_limit));
        let mut distribution = accounts.distribution.load_mut()?;
        // One that waits shields none that pays: whoever approved a wrong root would approve the next to keep it.
        let waits = distribution.is_approved(set_version) && distribution.pending.epoch == epoch;
        let root = if waits { &mut distribution.pending } else { &mut distribution.roots[0] };
        require!(root.count > 0 && root.epoch == epoch, NetworkError::NotNewestRoot);
        require!(root.held_version != set_version, NetworkError::HeldBefore);
        root.held_until = held_until;
        root.held_version = set_version;
        let (revision, root) = (root.revision, root.root);
        let event = RootHeld {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            project: distribution.project,
            epoch,
            revision,
            root,
            is_active: !waits,
            held_until,
            set_version,
        };
        drop(distribution);
        emit(&event, &ctx.accounts.event_authority)
    }
}
