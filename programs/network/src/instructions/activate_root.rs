use anchor_lang::prelude::*;

use crate::{constants::*, emit::emit, errors::NetworkError, events::RootActivated, mints::RawTransfer, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct ActivateRoot<'info> {
    /// There is one.
    pub network: Box<Account<'info, Network>>,
    /// There is one.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(mut, address = distribution.load()?.project)]
    pub project: Box<Account<'info, Project>>,
    #[account(mut)]
    pub distribution: AccountLoader<'info, Distribution>,
    #[account(
        mut,
        constraint = epoch.load()?.project == project.key() @ NetworkError::WrongSettlement,
        constraint = epoch.load()?.epoch == distribution.load()?.open_epoch @ NetworkError::WrongSettlement,
    )]
    pub epoch: AccountLoader<'info, Epoch>,
    /// CHECK: by its address.
    #[account(mut, address = distribution.load()?.vault)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(mut, address = distribution.load()?.treasury)]
    pub treasury: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = distribution.load()?.mint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: the program that owns the vault.
    #[account(address = *vault.owner)]
    pub token_program: UncheckedAccount<'info>,
}

impl ActivateRoot<'_> {
    fn validate(&self) -> Result<()> {
        // project, epoch, vault, treasury, mint - checked by their constraints.
        let now = Clock::get()?.unix_timestamp;
        self.network.require_running(pause::ACTIVATE, now)?;
        let distribution = self.distribution.load()?;
        require!(distribution.open_state == settlement_state::APPROVED, NetworkError::NotApproved);
        require!(
            distribution.pending_version == self.oracle_set.load()?.set_version,
            NetworkError::OracleSetChangedSince
        );
        require!(now >= distribution.pending_eta, NetworkError::DelayRuns);
        require!(now >= distribution.pending.held_until, NetworkError::RootHeld);
        Ok(())
    }

    #[access_control(ctx.accounts.validate())]
    pub fn activate_root(ctx: Context<Self>) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let (fee, node_pool, budget) = accounts.book(now)?;
        accounts.pay_fee(fee)?;
        let mut distribution = accounts.distribution.load_mut()?;
        let root = distribution.roots[0];
        let event = RootActivated {
            stream: accounts.distribution.key(),
            seq: distribution.next_seq(),
            timestamp: now,
            project: accounts.project.key(),
            epoch: root.epoch,
            revision: root.revision,
            root: root.root,
            total: root.total,
            count: root.count,
            budget,
            fee,
            node_pool,
            log_head: distribution.ledger_head,
        };
        drop(distribution);
        emit(&event, &ctx.accounts.event_authority)
    }

    /// The split happens here, once per project and epoch: fee to the treasury, the rest to the nodes.
    fn book(&mut self, now: i64) -> Result<(u64, u64, u64)> {
        let mut epoch = self.epoch.load_mut()?;
        epoch.status = epoch_status::FINAL;
        epoch.final_at = now;
        let mut distribution = self.distribution.load_mut()?;
        let (fee, node_pool, budget) = (epoch.fee, epoch.node_pool, distribution.open_budget);
        require!(fee.checked_add(node_pool) == Some(budget), NetworkError::Overflow);
        let pending = distribution.pending;
        distribution.allocated = distribution.allocated.checked_add(node_pool).ok_or(NetworkError::Overflow)?;
        require!(distribution.allocated == pending.total, NetworkError::WrongTotal);
        distribution.doubt_held(now);
        distribution.push_root(pending);
        distribution.ledger_head = distribution.pending_ledger_head;
        distribution.last_node_pool = node_pool;
        // A root that arrives within the breaker's epoch widens it by its own pool.
        distribution.breaker_allowance = distribution.breaker_allowance.saturating_add(node_pool);
        distribution.close_settlement();
        self.project.next_epoch = epoch.epoch.checked_add(1).ok_or(NetworkError::Overflow)?;
        Ok((fee, node_pool, budget))
    }

    fn pay_fee(&self, fee: u64) -> Result<()> {
        if fee == 0 {
            return Ok(());
        }
        let bump = self.distribution.load()?.bump;
        let project = self.project.key();
        let seeds: &[&[u8]] = &[DISTRIBUTION_SEED, project.as_ref(), &[bump]];
        RawTransfer {
            from: &self.vault,
            to: &self.treasury,
            mint: &self.mint,
            authority: self.distribution.as_ref(),
            token_program: self.token_program.key,
        }
        .send(fee, &[seeds])
    }
}
