use anchor_lang::prelude::*;

use crate::{emit::emit, errors::NetworkError, events::EpochClosed, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct CloseEpoch<'info> {
    #[account(mut, constraint = distribution.load()?.project == epoch.load()?.project @ NetworkError::WrongSettlement)]
    pub distribution: AccountLoader<'info, Distribution>,
    #[account(mut, close = rent_payer)]
    pub epoch: AccountLoader<'info, Epoch>,
    /// CHECK: gets the rent that it paid.
    #[account(mut, address = epoch.load()?.rent_payer @ NetworkError::NotRentPayer)]
    pub rent_payer: UncheckedAccount<'info>,
}

impl CloseEpoch<'_> {
    fn validate(&self) -> Result<()> {
        // rent_payer - checked by its constraint.
        let (distribution, epoch) = (self.distribution.load()?, self.epoch.load()?);
        require!(epoch.status == epoch_status::FINAL, NetworkError::EpochNotFinal);
        let now = Clock::get()?.unix_timestamp;
        require!(is_past_retention(epoch.epoch, distribution.epoch_at(now)), NetworkError::RetentionRuns);
        // A correction of a held root needs the statement: so the newest one's, which may yet be held, stays.
        let newest = &distribution.roots[0];
        require!(newest.count == 0 || newest.epoch != epoch.epoch, NetworkError::StatementNeeded);
        require!(distribution.held_place(epoch.epoch, now).is_none(), NetworkError::RetentionRuns);
        Ok(())
    }

    /// A final epoch is passed for ever: its account is never made again.
    #[access_control(ctx.accounts.validate())]
    pub fn close_epoch(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut distribution = accounts.distribution.load_mut()?;
        let event = EpochClosed {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            project: distribution.project,
            epoch: accounts.epoch.load()?.epoch,
            rent_payer: accounts.rent_payer.key(),
        };
        drop(distribution);
        emit(&event, &ctx.accounts.event_authority)
    }
}
