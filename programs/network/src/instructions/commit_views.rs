use anchor_lang::prelude::*;

use crate::{binding::is_new, constants::*, emit::emit, errors::NetworkError, events::ViewsCommitted, state::*};

#[event_cpi]
#[derive(Accounts)]
#[instruction(epoch: u64)]
pub struct CommitViews<'info> {
    #[account(mut)]
    pub oracle: Signer<'info>,
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    /// There is one.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(
        init_if_needed, payer = oracle, space = 8 + size_of::<ViewSet>(),
        seeds = [VIEWS_SEED, &epoch.to_le_bytes()], bump,
    )]
    pub view_set: AccountLoader<'info, ViewSet>,
    pub system_program: Program<'info, System>,
}

impl CommitViews<'_> {
    fn validate(&self, epoch: u64, hashes: &[[u8; 32]]) -> Result<()> {
        // view_set - in the handler.
        let set = self.oracle_set.load()?;
        require!(set.position(&self.oracle.key()).is_some(), NetworkError::NotOracle);
        require!(hashes.len() == usize::from(set.count), NetworkError::WrongHashCount);
        let now = Clock::get()?.unix_timestamp;
        require!(now >= self.network.epoch_end(epoch), NetworkError::EpochNotOver);
        // What was closed after the retention is never made again.
        require!(!is_past_retention(epoch, self.network.epoch_at(now)), NetworkError::EpochTooOld);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(epoch, &hashes))]
    pub fn commit_views(ctx: Context<Self>, epoch: u64, hashes: Vec<[u8; 32]>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let set = accounts.oracle_set.load()?;
        let position = set.position(&accounts.oracle.key()).ok_or(NetworkError::NotOracle)?;
        let grace_end = accounts.network.epoch_end(epoch).saturating_add(i64::from(accounts.network.grace));

        let new = is_new(&accounts.view_set.to_account_info())?;
        let mut views = if new { accounts.view_set.load_init()? } else { accounts.view_set.load_mut()? };
        if new {
            views.epoch = epoch;
            views.rent_payer = accounts.oracle.key();
            views.bump = ctx.bumps.view_set;
            views.version = ACCOUNT_VERSION;
        } else {
            require!(!views.is_closed(now, grace_end), NetworkError::ViewsClosed);
        }
        views.enter_set(&set);
        views.put_row(position, &hashes);
        let closed = now >= grace_end && views.in_count >= views.threshold;
        if closed {
            views.closed_at = now;
        }
        let event = ViewsCommitted {
            stream: accounts.view_set.key(),
            seq: views.next_seq(),
            timestamp: now,
            epoch,
            set_version: views.set_version,
            oracle: accounts.oracle.key(),
            oracle_index: position as u8,
            hashes,
            in_count: views.in_count,
            closed,
        };
        drop(views);
        drop(set);
        emit(&event, &ctx.accounts.event_authority)
    }
}
