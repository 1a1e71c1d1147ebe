use anchor_lang::prelude::*;
use anchor_spl::token_interface::{self, CloseAccount, Mint, TokenAccount, TokenInterface, TransferChecked};
use muster_network::{mints::Transfer, state::OracleSet};
use muster_protocol::split::{elapsed_share, equal_shares, fee_and_pool};

use crate::{constants::*, errors::JobsError, events::*, state::*};

/// The bonds of the outcome's tenures follow as remaining accounts, writable, in the outcome's order.
#[event_cpi]
#[derive(Accounts)]
pub struct SettleJob<'info> {
    #[account(seeds = [CONFIG_SEED], bump = config.bump)]
    pub config: Box<Account<'info, JobsConfig>>,
    #[account(
        seeds = [muster_network::ORACLE_SET_SEED], bump = oracle_set.load()?.bump, seeds::program = muster_network::ID,
    )]
    pub oracle_set: AccountLoader<'info, OracleSet>,
    #[account(mut, seeds = [JOB_SEED, &job.load()?.index.to_le_bytes()], bump = job.load()?.bump)]
    pub job: AccountLoader<'info, Job>,
    #[account(mut, seeds = [ESCROW_SEED, job.key().as_ref()], bump = job.load()?.escrow_bump)]
    pub escrow: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(mut, seeds = [BOND_VAULT_SEED], bump = config.bond_vault_bump)]
    pub bond_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    #[account(
        mut, seeds = [muster_network::TREASURY_SEED, mint.key().as_ref()], bump, seeds::program = muster_network::ID,
    )]
    pub treasury: Box<InterfaceAccount<'info, TokenAccount>>,
    /// CHECK: the address is the one that the job recorded; it is read only when something goes back, so that a
    /// submitter who closes it does not keep the nodes from their pay.
    #[account(mut, address = job.load()?.refund_account @ JobsError::WrongRefundAccount)]
    pub refund_account: UncheckedAccount<'info>,
    /// CHECK: gets the escrow's rent back; the address is the one that the job recorded.
    #[account(mut, address = job.load()?.rent_payer)]
    pub rent_payer: UncheckedAccount<'info>,
    #[account(address = config.mint @ JobsError::WrongMint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    pub token_program: Interface<'info, TokenInterface>,
}

/// Who gets what of an escrow; the three sum to it.
struct Shares {
    /// To each named node.
    each: u64,
    to_nodes: u64,
    to_treasury: u64,
    refunded: u64,
}

impl<'info> SettleJob<'info> {
    fn validate(&self, outcome: &Outcome) -> Result<[u8; 32]> {
        // config, escrow, bond_vault, treasury, refund_account, rent_payer, mint - checked by their constraints.
        let job = self.job.load()?;
        require!(job.state == job_state::OPEN, JobsError::JobSettled);
        let set = self.oracle_set.load()?;
        let hash = outcome.hash(&self.job.key(), set.set_version)?;
        let votes = job.votes[..usize::from(set.count)].iter().filter(|vote| **vote == hash).count();
        require!(job.votes_version == set.set_version && votes >= usize::from(set.threshold), JobsError::NotAttested);
        Ok(hash)
    }

    /// Pays by the outcome, once; the job is terminal afterwards and its escrow closed.
    pub fn settle_job(ctx: Context<'info, Self>, outcome: Outcome) -> Result<()> {
        let outcome_hash = ctx.accounts.validate(&outcome)?;
        let now = Clock::get()?.unix_timestamp;
        let bonds = ctx.remaining_accounts;
        let accounts = &mut *ctx.accounts;
        let (tenures, result_hash, reason, state) = match &outcome {
            Outcome::Completed { tenures, result_hash } => (tenures.as_slice(), *result_hash, 0, job_state::COMPLETED),
            Outcome::Failed { reason } => (&[][..], [0; 32], *reason, job_state::FAILED),
            Outcome::Cancelled { tenures, .. } => (tenures.as_slice(), [0; 32], 0, job_state::CANCELLED),
        };
        let shares = accounts.shares(&outcome)?;
        let credits = credit_bonds(bonds, tenures, shares.each)?;
        accounts.pay(&shares)?;

        let mut job = accounts.job.load_mut()?;
        job.state = state;
        job.result_hash = result_hash;
        job.outcome_hash = outcome_hash;
        job.node_count = tenures.len() as u8;
        job.to_nodes = shares.to_nodes;
        job.to_treasury = shares.to_treasury;
        job.refunded = shares.refunded;
        job.settled_at = now;
        let event = JobFinished {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: now,
            state,
            outcome_hash,
            result_hash,
            reason,
            to_nodes: shares.to_nodes,
            to_treasury: shares.to_treasury,
            refunded: shares.refunded,
            credits,
        };
        drop(job);
        emit_cpi!(event);
        Ok(())
    }

    /// Completed: the whole prize is split, whatever somebody sent to the escrow included. Cancelled: the elapsed share of the stake is. Failed: all goes back.
    fn shares(&self, outcome: &Outcome) -> Result<Shares> {
        let job = self.job.load()?;
        let held = self.escrow.amount;
        let (prize, nodes) = match outcome {
            Outcome::Completed { tenures, .. } => {
                require!(!tenures.is_empty(), JobsError::WrongNodes);
                (held, tenures.len())
            }
            Outcome::Failed { reason } => {
                require!(failure_reason::is_known(*reason), JobsError::UnknownReason);
                (0, 0)
            }
            Outcome::Cancelled { started_at, tenures } => {
                require!(job.cancel_at != 0, JobsError::NotCancelled);
                let worked = *started_at != 0 && !tenures.is_empty();
                let elapsed =
                    if worked { elapsed_share(job.stake, *started_at, job.cancel_at, job.deadline) } else { 0 };
                (elapsed, tenures.len())
            }
        };
        let (_, pool) = fee_and_pool(prize, job.fee_bps);
        let each = if nodes == 0 { 0 } else { equal_shares(pool, nodes as u8).0 };
        let to_nodes = each.checked_mul(nodes as u64).ok_or(JobsError::Overflow)?;
        let to_treasury = prize.checked_sub(to_nodes).ok_or(JobsError::Overflow)?;
        let refunded = held.checked_sub(prize).ok_or(JobsError::Overflow)?;
        Ok(Shares { each, to_nodes, to_treasury, refunded })
    }

    /// Empties the escrow into bonds, treasury and refund, then closes it.
    fn pay(&mut self, shares: &Shares) -> Result<()> {
        let (index, bump) = {
            let job = self.job.load()?;
            (job.index.to_le_bytes(), job.bump)
        };
        let seeds: &[&[u8]] = &[JOB_SEED, &index, &[bump]];
        let signer = &[seeds];
        let job = self.job.to_account_info();
        let (mint, token_program) = (&self.mint, self.token_program.key());
        let send = |to: &mut InterfaceAccount<'info, TokenAccount>, amount: u64| {
            Transfer { from: &self.escrow, to, mint, authority: job.clone(), token_program }.send(amount, signer)
        };
        if shares.to_nodes > 0 {
            send(&mut self.bond_vault, shares.to_nodes)?;
        }
        if shares.to_treasury > 0 {
            send(&mut self.treasury, shares.to_treasury)?;
        }
        if shares.refunded > 0 {
            let refund = TransferChecked {
                from: self.escrow.to_account_info(),
                mint: mint.to_account_info(),
                to: self.refund_account.to_account_info(),
                authority: job.clone(),
            };
            let cpi = CpiContext::new_with_signer(token_program, refund, signer);
            token_interface::transfer_checked(cpi, shares.refunded, mint.decimals)?;
        }
        token_interface::close_account(CpiContext::new_with_signer(
            token_program,
            CloseAccount {
                account: self.escrow.to_account_info(),
                destination: self.rent_payer.to_account_info(),
                authority: job,
            },
            signer,
        ))
    }
}

/// Credits each tenure's bond. Tenures ascend strictly, so none is paid twice; holders are distinct.
fn credit_bonds<'info>(bonds: &'info [AccountInfo<'info>], tenures: &[Pubkey], each: u64) -> Result<Vec<BondCredit>> {
    require!(bonds.len() == tenures.len() && tenures.len() <= JOB_NODES_MAX, JobsError::WrongNodes);
    require!(tenures.windows(2).all(|pair| pair[0] < pair[1]), JobsError::WrongNodes);
    let mut credits: Vec<BondCredit> = Vec::with_capacity(tenures.len());
    let mut holders: Vec<Pubkey> = Vec::with_capacity(tenures.len());
    for (account, tenure) in bonds.iter().zip(tenures) {
        // Owner and discriminator by the loader, identity by the tenure: one bond per tenure exists.
        let loader = AccountLoader::<Bond>::try_from(account)?;
        let mut bond = loader.load_mut()?;
        require_keys_eq!(bond.tenure, *tenure, JobsError::WrongBond);
        require!(!holders.contains(&bond.holder), JobsError::WrongNodes);
        holders.push(bond.holder);
        bond.earned = bond.earned.checked_add(each).ok_or(JobsError::Overflow)?;
        bond.earned_total = bond.earned_total.checked_add(each).ok_or(JobsError::Overflow)?;
        credits.push(BondCredit {
            bond: account.key(),
            seq: bond.next_seq(),
            tenure: *tenure,
            amount: each,
            earned: bond.earned,
        });
    }
    Ok(credits)
}
