use anchor_lang::prelude::*;
use muster_network::state::OracleSet;
use muster_protocol::split::{elapsed_share, equal_shares, fee_and_pool};

use crate::{
    constants::*,
    errors::JobsError,
    escrow::Escrow,
    events::*,
    state::*,
    tokens::{Tokens, balance},
};

/// The bonds of the outcome's tenures follow as remaining accounts, writable, in the outcome's order.
#[event_cpi]
#[derive(Accounts)]
pub struct SettleJob<'info> {
    /// The only account of its type that can exist.
    #[account(mut)]
    pub config: AccountLoader<'info, JobsConfig>,
    /// The only account of its type that can exist.
    pub oracle_set: AccountLoader<'info, OracleSet>,
    /// Made by `submit` alone.
    #[account(mut)]
    pub job: AccountLoader<'info, Job>,
    /// CHECK: by its address.
    #[account(mut, address = job.load()?.escrow @ JobsError::WrongVault)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(mut, address = config.load()?.bond_vault @ JobsError::WrongVault)]
    pub bond_vault: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(mut, address = config.load()?.treasury @ JobsError::WrongVault)]
    pub treasury: UncheckedAccount<'info>,
    /// CHECK: the address is the one that the job recorded. Left out, the submitter's money waits in the escrow: who
    /// makes his account refuse money does not keep others from theirs.
    #[account(mut, address = job.load()?.refund_account @ JobsError::WrongRefundAccount)]
    pub refund_account: Option<UncheckedAccount<'info>>,
    /// CHECK: gets the escrow's rent back; the address is the one that the job recorded.
    #[account(mut, address = job.load()?.rent_payer)]
    pub rent_payer: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.mint @ JobsError::WrongMint)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: by its address.
    #[account(address = config.load()?.token_program @ JobsError::WrongTokenProgram)]
    pub token_program: UncheckedAccount<'info>,
}

/// Who gets what of an escrow; `to_*` sum to it.
struct Shares {
    /// To each named node.
    each: u64,
    to_nodes: u64,
    to_treasury: u64,
    to_submitter: u64,
    to_sponsors: u64,
}

impl<'info> SettleJob<'info> {
    fn validate(&self, outcome: &Outcome) -> Result<[u8; 32]> {
        // escrow, bond_vault, treasury, refund_account, rent_payer, mint, token_program - checked by their constraints.
        let job = self.job.load()?;
        job.require_open()?;
        let set = self.oracle_set.load()?;
        let hash = outcome.hash(&self.job.key(), set.set_version)?;
        require!(job.votes_for(&hash, &set) >= usize::from(set.threshold), JobsError::NotAttested);
        Ok(hash)
    }

    /// Pays by the outcome, once; the job is over afterwards. Its escrow stays while it holds what sponsors or the
    /// submitter have to get.
    pub fn settle_job(ctx: Context<'info, Self>, outcome: Outcome) -> Result<()> {
        let outcome_hash = ctx.accounts.validate(&outcome)?;
        let bonds = ctx.remaining_accounts;
        let accounts = &mut *ctx.accounts;
        let (tenures, result_hash, reason, state) = match &outcome {
            Outcome::Completed { tenures, result_hash } => (tenures.as_slice(), *result_hash, 0, job_state::COMPLETED),
            Outcome::Failed { reason } => (&[][..], [0; 32], *reason, job_state::FAILED),
            Outcome::Cancelled { tenures, .. } => (tenures.as_slice(), [0; 32], 0, job_state::CANCELLED),
        };
        let shares = accounts.shares(&outcome)?;
        let credits = credit_bonds(bonds, tenures, shares.each)?;
        let (refunded, owed) = accounts.pay(&shares)?;

        let mut job = accounts.job.load_mut()?;
        job.state = state;
        job.result_hash = result_hash;
        job.outcome_hash = outcome_hash;
        job.node_count = tenures.len() as u8;
        job.to_nodes = shares.to_nodes;
        job.to_treasury = shares.to_treasury;
        job.refunded = refunded;
        job.owed = owed;
        job.sponsors_left = shares.to_sponsors;
        job.settled_at = Clock::get()?.unix_timestamp;
        let mut config = accounts.config.load_mut()?;
        config.chain(&accounts.job.key(), &job)?;
        let event = JobFinished {
            stream: accounts.job.key(),
            seq: job.next_seq(),
            timestamp: job.settled_at,
            state,
            outcome_hash,
            result_hash,
            reason,
            to_nodes: shares.to_nodes,
            to_treasury: shares.to_treasury,
            refunded,
            owed,
            to_sponsors: shares.to_sponsors,
            number: config.finished_count,
            ledger_head: config.ledger_head,
            credits,
        };
        drop(job);
        drop(config);
        emit(&accounts.event_authority, &event)
    }

    /// Completed: the whole prize is split, sponsorships and whatever somebody sent to the escrow included. Cancelled:
    /// the elapsed share of the stake is. Else all goes back, to each what he brought.
    fn shares(&self, outcome: &Outcome) -> Result<Shares> {
        let job = self.job.load()?;
        let held = balance(&self.escrow)?;
        let (prize, to_sponsors, nodes) = match outcome {
            Outcome::Completed { tenures, .. } => {
                require!(!tenures.is_empty(), JobsError::WrongNodes);
                (held, 0, tenures.len())
            }
            Outcome::Failed { reason } => {
                require!(failure_reason::is_known(*reason), JobsError::UnknownReason);
                (0, job.sponsors_left, 0)
            }
            Outcome::Cancelled { started_at, tenures } => {
                require!(job.cancel_at != 0, JobsError::NotCancelled);
                let worked = *started_at != 0 && !tenures.is_empty();
                let elapsed =
                    if worked { elapsed_share(job.stake, *started_at, job.cancel_at, job.deadline) } else { 0 };
                (elapsed, job.sponsors_left, tenures.len())
            }
        };
        let (_, pool) = fee_and_pool(prize, job.fee_bps);
        let each = if nodes == 0 { 0 } else { equal_shares(pool, nodes as u8).0 };
        let to_nodes = each.checked_mul(nodes as u64).ok_or(JobsError::Overflow)?;
        let to_treasury = prize.checked_sub(to_nodes).ok_or(JobsError::Overflow)?;
        let back = held.checked_sub(prize).ok_or(JobsError::Overflow)?;
        let to_submitter = back.checked_sub(to_sponsors).ok_or(JobsError::Overflow)?;
        Ok(Shares { each, to_nodes, to_treasury, to_submitter, to_sponsors })
    }

    /// Moves everything but the sponsors' money out, and closes the escrow when it is empty. Returns what the submitter
    /// got and what is owed to him.
    fn pay(&self, shares: &Shares) -> Result<(u64, u64)> {
        let decimals = self.config.load()?.decimals;
        let tokens = Tokens { mint: &self.mint, program: &self.token_program, decimals };
        let escrow = Escrow { job: &self.job, account: &self.escrow, tokens };
        escrow.pay(&self.bond_vault, shares.to_nodes)?;
        escrow.pay(&self.treasury, shares.to_treasury)?;
        let (refunded, owed) = escrow.pay_or_owe(self.refund_account.as_deref(), shares.to_submitter)?;
        if owed == 0 && shares.to_sponsors == 0 {
            escrow.close(&self.rent_payer)?;
        }
        Ok((refunded, owed))
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
