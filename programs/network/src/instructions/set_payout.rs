use anchor_lang::prelude::*;
use anchor_spl::associated_token::get_associated_token_address_with_program_id;

use crate::{emit::emit, errors::NetworkError, events::PayoutSet, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetPayout<'info> {
    #[account(constraint = holder.key() == tenure.load()?.holder @ NetworkError::NotHolder)]
    pub holder: Signer<'info>,
    /// Signs when the tenure has an operator.
    #[account(constraint = operator.key() == tenure.load()?.operator @ NetworkError::NotOperator)]
    pub operator: Option<Signer<'info>>,
    #[account(mut, address = tenure.load()?.project @ NetworkError::WrongProject)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut)]
    pub tenure: AccountLoader<'info, Tenure>,
    /// CHECK: the project's mint; its owner is the token program of the payout account.
    #[account(address = project.reward_mint)]
    pub reward_mint: UncheckedAccount<'info>,
}

impl SetPayout<'_> {
    fn validate(&self, payout_owner: &Pubkey) -> Result<()> {
        // holder, project, reward_mint - checked by their constraints.
        let has_operator = self.tenure.load()?.operator != Pubkey::default();
        require!(!has_operator || self.operator.is_some(), NetworkError::OperatorMustSign);
        require_keys_neq!(*payout_owner, Pubkey::default(), NetworkError::ZeroKey);
        Ok(())
    }

    /// Also of a past tenure, whose holder still claims.
    #[access_control(ctx.accounts.validate(&payout_owner))]
    pub fn set_payout(ctx: Context<Self>, payout_owner: Pubkey) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut tenure = accounts.tenure.load_mut()?;
        tenure.payout_owner = payout_owner;
        tenure.payout = get_associated_token_address_with_program_id(
            &payout_owner,
            accounts.reward_mint.key,
            accounts.reward_mint.owner,
        );
        let event = PayoutSet {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            tenure: accounts.tenure.key(),
            payout: tenure.payout,
            payout_owner,
        };
        drop(tenure);
        emit(&event, &accounts.event_authority)
    }
}
