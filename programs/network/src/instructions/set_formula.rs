use anchor_lang::prelude::*;

use crate::{errors::NetworkError, events::FormulaChanged, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct SetFormula<'info> {
    #[account(constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    /// The only account of its type.
    pub network: Box<Account<'info, Network>>,
}

impl SetFormula<'_> {
    fn validate(&self, formula: &PointsFormula) -> Result<()> {
        // owner, project, network - checked by their constraints. Whether it may change - by `change_formula`.
        formula.validate()
    }

    /// From the next epoch on, so that every epoch has one formula from its first second to its settlement.
    #[access_control(ctx.accounts.validate(&formula))]
    pub fn set_formula(ctx: Context<Self>, formula: PointsFormula) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let current = ctx.accounts.network.epoch_at(now);
        let project = &mut ctx.accounts.project;
        let from_epoch = project.change_formula(formula, current)?;
        let event =
            FormulaChanged { stream: project.key(), seq: project.next_seq(), timestamp: now, formula, from_epoch };
        emit_cpi!(event);
        Ok(())
    }
}
