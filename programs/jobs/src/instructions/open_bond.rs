use anchor_lang::prelude::*;
use muster_network::state::Tenure;

use crate::{
    constants::*,
    errors::JobsError,
    events::{BondOpened, emit},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct OpenBond<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The only account of its type that can exist.
    #[account(mut)]
    pub config: AccountLoader<'info, JobsConfig>,
    /// Owned by the network program, which alone makes tenures.
    pub tenure: AccountLoader<'info, Tenure>,
    #[account(
        init, payer = payer, space = 8 + size_of::<Bond>(), seeds = [BOND_SEED, tenure.key().as_ref()], bump,
    )]
    pub bond: AccountLoader<'info, Bond>,
    pub system_program: Program<'info, System>,
}

impl OpenBond<'_> {
    /// Idempotence: a second bond of a tenure is refused, the account exists.
    pub fn open_bond(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let mut config = accounts.config.load_mut()?;
        config.bond_count = config.bond_count.checked_add(1).ok_or(JobsError::Overflow)?;
        let tenure = accounts.tenure.load()?;
        let mut bond = accounts.bond.load_init()?;
        bond.tenure = accounts.tenure.key();
        bond.node = tenure.node;
        bond.holder = tenure.holder;
        bond.bump = ctx.bumps.bond;
        bond.version = ACCOUNT_VERSION;
        let event = BondOpened {
            stream: accounts.bond.key(),
            seq: bond.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            tenure: bond.tenure,
            holder: bond.holder,
        };
        drop(bond);
        emit(&accounts.event_authority, &event)
    }
}
