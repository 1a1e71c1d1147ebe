use anchor_lang::prelude::*;

use crate::{constants::BPS, emit::emit, errors::NetworkError, events::OperatorSet, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetOperator<'info> {
    #[account(constraint = holder.key() == tenure.load()?.holder @ NetworkError::NotHolder)]
    pub holder: Signer<'info>,
    #[account(mut, address = tenure.load()?.project @ NetworkError::WrongProject)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut)]
    pub tenure: AccountLoader<'info, Tenure>,
    /// The tenure's payout: what it pays the operator, the operator can count on.
    #[account(
        constraint = split.key() == tenure.load()?.payout_owner @ NetworkError::OperatorShareMissing,
        constraint = split.load()?.mint == project.reward_mint @ NetworkError::OperatorShareMissing,
    )]
    pub split: AccountLoader<'info, Split>,
}

impl SetOperator<'_> {
    fn validate(&self, operator: &Pubkey, bps: u16) -> Result<()> {
        // project, split - checked by their constraints.
        let tenure = self.tenure.load()?;
        require_keys_eq!(tenure.operator, Pubkey::default(), NetworkError::TenureHasOperator);
        let known = *operator != Pubkey::default() && *operator != tenure.holder;
        require!(known && (1..=BPS).contains(&bps), NetworkError::OperatorInvalid);
        require!(self.split.load()?.share_of(operator) >= bps, NetworkError::OperatorShareMissing);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&operator, bps))]
    pub fn set_operator(ctx: Context<Self>, operator: Pubkey, bps: u16) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut tenure = accounts.tenure.load_mut()?;
        tenure.operator = operator;
        tenure.operator_bps = bps;
        drop(tenure);
        let event = OperatorSet {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            tenure: accounts.tenure.key(),
            operator,
            bps,
        };
        emit(&event, &accounts.event_authority)
    }
}
