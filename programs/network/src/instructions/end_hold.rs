use anchor_lang::prelude::*;

use crate::{authority::require_no_nonce, emit::emit, errors::NetworkError, events::HoldEnded, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct EndHold<'info> {
    #[account(constraint = authority.key() == network.authority @ NetworkError::NotAuthority)]
    pub authority: Signer<'info>,
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    /// CHECK: the instructions sysvar, checked where it is read.
    pub instructions: UncheckedAccount<'info>,
}

impl EndHold<'_> {
    fn validate(&self) -> Result<()> {
        // authority - checked by its constraint. distribution - any; its root in the handler.
        require_no_nonce(&self.instructions)
    }

    /// The root goes on as if it had not been held; the guardian has used his hold up.
    #[access_control(ctx.accounts.validate())]
    pub fn end_hold(ctx: Context<Self>, epoch: u64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let mut distribution = accounts.distribution.load_mut()?;
        let root = distribution.end_hold(epoch, now).ok_or(NetworkError::NotHeld)?;
        let (revision, root) = (root.revision, root.root);
        let event = HoldEnded {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            project: distribution.project,
            epoch,
            revision,
            root,
        };
        drop(distribution);
        emit(&event, &ctx.accounts.event_authority)
    }
}
