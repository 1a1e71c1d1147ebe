use anchor_lang::prelude::*;
use anchor_spl::token_2022::{self, ThawAccount, Token2022};

use crate::{constants::*, emit::emit, errors::NetworkError, events::NodeThawed, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct Thaw<'info> {
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut, constraint = node.load()?.project == project.key() @ NetworkError::WrongProject)]
    pub node: AccountLoader<'info, Node>,
    /// CHECK: the licence, of whatever standard.
    #[account(address = node.load()?.licence)]
    pub licence: UncheckedAccount<'info>,
    /// CHECK: what `bind` froze, if it froze anything.
    #[account(mut, address = node.load()?.licence_account)]
    pub licence_account: UncheckedAccount<'info>,
    pub token_2022_program: Program<'info, Token2022>,
}

impl Thaw<'_> {
    fn validate(&self) -> Result<()> {
        // project, node, licence, licence_account - checked by their constraints. Never paused.
        let node = self.node.load()?;
        require!(node.status == node_status::UNBINDING, NetworkError::NotUnbinding);
        require!(Clock::get()?.unix_timestamp >= node.thaw_at, NetworkError::ThawRuns);
        Ok(())
    }

    #[access_control(ctx.accounts.validate())]
    pub fn thaw(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut node = accounts.node.load_mut()?;
        node.status = node_status::FREE;
        node.accepted_at = 0;
        let (standard, tenure) = (node.standard, node.tenure);
        drop(node);
        if standard == licence_standard::TOKEN_2022 {
            accounts.thaw_licence()?;
        }
        let event = NodeThawed {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            node: accounts.node.key(),
            tenure,
        };
        emit(&event, &accounts.event_authority)
    }

    /// The holder may sell again.
    fn thaw_licence(&self) -> Result<()> {
        let seeds: &[&[u8]] = &[PROJECT_SEED, &self.project.index.to_le_bytes(), &[self.project.bump]];
        token_2022::thaw_account(CpiContext::new_with_signer(
            self.token_2022_program.key(),
            ThawAccount {
                account: self.licence_account.to_account_info(),
                mint: self.licence.to_account_info(),
                authority: self.project.to_account_info(),
            },
            &[seeds],
        ))
    }
}
