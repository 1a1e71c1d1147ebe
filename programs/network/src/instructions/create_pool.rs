use anchor_lang::prelude::*;

use crate::{
    constants::*,
    errors::NetworkError,
    events::PoolCreated,
    state::*,
    text::{padded, require_text},
};

/// What a pool is made of.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CreatePoolArgs {
    /// The project's `pool_count`: the index that the pool gets.
    pub index: u32,
    /// Nodes that it holds at most; 100 when none.
    pub capacity: Option<u16>,
    /// Up to 32 bytes.
    pub name: String,
}

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: CreatePoolArgs)]
pub struct CreatePool<'info> {
    #[account(mut, constraint = owner.key() == project.owner @ NetworkError::NotProjectOwner)]
    pub owner: Signer<'info>,
    /// Any account of this type is a project.
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(
        init, payer = owner, space = 8 + Pool::INIT_SPACE,
        seeds = [POOL_SEED, project.key().as_ref(), &args.index.to_le_bytes()], bump,
    )]
    pub pool: Box<Account<'info, Pool>>,
    pub system_program: Program<'info, System>,
}

impl CreatePool<'_> {
    fn validate(&self, args: &CreatePoolArgs) -> Result<()> {
        // owner, project, pool - checked by their constraints.
        require!(!self.project.closed, NetworkError::ProjectClosed);
        require!(args.index == self.project.pool_count, NetworkError::WrongPoolIndex);
        require!(args.capacity != Some(0), NetworkError::PoolCapacityInvalid);
        require_text(&args.name, NAME_LEN_MAX)
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn create_pool(ctx: Context<Self>, args: CreatePoolArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let capacity = args.capacity.unwrap_or(POOL_CAPACITY);
        accounts.pool.set_inner(Pool {
            version: ACCOUNT_VERSION,
            bump: ctx.bumps.pool,
            project: accounts.project.key(),
            index: args.index,
            capacity,
            count: 0,
            name: padded(&args.name),
            _reserved: [0; 64],
        });
        // An index is never used again, not even after the pool is closed.
        accounts.project.pool_count = args.index.checked_add(1).ok_or(NetworkError::Overflow)?;
        let event = PoolCreated {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            pool: accounts.pool.key(),
            index: args.index,
            capacity,
            name: args.name,
        };
        emit_cpi!(event);
        Ok(())
    }
}
