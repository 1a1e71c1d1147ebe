use anchor_lang::prelude::*;
use muster_network::state::Tenure;

use crate::{constants::*, events::BondOpened, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct OpenBond<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(mut, seeds = [CONFIG_SEED], bump = config.bump)]
    pub config: Box<Account<'info, JobsConfig>>,
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
        accounts.config.bond_count += 1;
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
        drop(tenure);
        emit_cpi!(event);
        Ok(())
    }
}
