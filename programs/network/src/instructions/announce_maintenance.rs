use anchor_lang::prelude::*;

use crate::{constants::*, emit::emit, errors::NetworkError, events::MaintenanceAnnounced, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct AnnounceMaintenance<'info> {
    /// The tenure's holder or operator.
    #[account(constraint = tenure.load()?.may_run(authority.key) @ NetworkError::NotHolderOrOperator)]
    pub authority: Signer<'info>,
    /// There is one network; the node names its project and its tenure.
    pub network: Box<Account<'info, Network>>,
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(
        mut,
        constraint = node.load()?.project == project.key() @ NetworkError::WrongProject,
        constraint = node.load()?.tenure == tenure.key() @ NetworkError::WrongTenure,
    )]
    pub node: AccountLoader<'info, Node>,
    pub tenure: AccountLoader<'info, Tenure>,
}

impl AnnounceMaintenance<'_> {
    fn validate(&self, start: i64, end: i64) -> Result<()> {
        // authority, network, project, tenure - checked by their types and constraints.
        let node = self.node.load()?;
        node.require_bound()?;
        let now = Clock::get()?.unix_timestamp;
        let announced = node.maintenance_end != 0;
        let begun = announced && node.maintenance_start <= now;
        require!(!begun || node.maintenance_end <= now, NetworkError::MaintenanceRuns);
        if start == 0 && end == 0 {
            require!(announced && !begun, NetworkError::NoMaintenance);
            return Ok(());
        }
        let earliest = now.saturating_add(i64::from(self.network.bucket_len));
        let latest = now.saturating_add(MAINTENANCE_WINDOW_S);
        require!((earliest..=latest).contains(&start) && end > start, NetworkError::MaintenanceOutOfRange);
        if begun {
            // What is over still excuses in the epochs that it touched, until they are settled.
            let last = self.network.epoch_at(node.maintenance_end - 1);
            require!(last < self.project.next_epoch, NetworkError::ChangePending);
        }
        Ok(())
    }

    /// Replaces what has not begun, whose seconds come back; zeros cancel it.
    #[access_control(ctx.accounts.validate(start, end))]
    pub fn announce_maintenance(ctx: Context<Self>, start: i64, end: i64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let accounts = &mut *ctx.accounts;
        let mut node = accounts.node.load_mut()?;
        let used_s = node.announce_maintenance(Maintenance { start, end }, now)?;
        let event = MaintenanceAnnounced {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: now,
            node: accounts.node.key(),
            start,
            end,
            used_s,
        };
        drop(node);
        emit(&event, &accounts.event_authority)
    }
}
