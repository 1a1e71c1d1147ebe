//! Steps with jobs that are sponsored, cancelled or expire, and with bonds that are staked or slashed.

use anchor_lang::Discriminator;
use bytemuck::pod_read_unaligned;
use muster_jobs::{
    self as jobs,
    state::{Bond, Job, Outcome as JobOutcome},
};
use solana_sdk::{
    account::{AccountSharedData, ReadableAccount},
    pubkey::Pubkey,
};

use super::{accounts::*, steps::*, svm::*};

/// What the worlds' slashes state.
pub const SLASH_REASON: u16 = 3;
pub const EVIDENCE: [u8; 32] = [6; 32];

/// The data of a submission whose bumps are right.
pub fn submit_data(submitter: &Pubkey, args: jobs::SubmitArgs) -> jobs::instruction::Submit {
    let seeds: &[&[u8]] = &[b"job", submitter.as_ref(), &args.nonce.to_le_bytes()];
    let (job, job_bump) = Pubkey::find_program_address(seeds, &jobs::ID);
    let (_, escrow_bump) = Pubkey::find_program_address(&[b"escrow", job.as_ref()], &jobs::ID);
    jobs::instruction::Submit { args, job_bump, escrow_bump }
}

impl World {
    /// A wallet with lamports and `amount` of the mint.
    pub fn funded(&mut self, amount: u64) -> Wallet {
        let wallet = Wallet::new();
        self.svm.airdrop(&wallet);
        self.fund_wallet(&wallet, amount);
        wallet
    }

    /// What a wallet's associated token account of the mint holds.
    pub fn balance(&self, wallet: &Wallet) -> u64 {
        self.svm.tokens(&at::ata(&wallet.key(), &self.mint, &TOKEN))
    }

    pub fn job(&self, index: u64) -> Job {
        self.svm.pod(&self.job_at(index))
    }

    /// Where the job of an index is, which its account alone says.
    pub fn job_at(&self, index: u64) -> Pubkey {
        let is_it = |account: &AccountSharedData| {
            let data = account.data();
            *account.owner() == jobs::ID
                && data.starts_with(Job::DISCRIMINATOR)
                && pod_read_unaligned::<Job>(&data[8..8 + size_of::<Job>()]).index == index
        };
        let mut all = self.svm.inner.accounts_db().inner.iter();
        *all.find(|(_, account)| is_it(account)).expect("the job exists").0
    }

    pub fn bond(&self, node: &NodeOf) -> Bond {
        self.svm.pod(&at::bond(&node.tenure))
    }

    /// Whether an account exists.
    pub fn exists(&self, address: &Pubkey) -> bool {
        self.svm.inner.get_account(address).is_some_and(|account| account.lamports > 0)
    }

    /// The outcome that pays these nodes, and their bonds in its order.
    pub fn completed(&self, nodes: &[usize]) -> (JobOutcome, Vec<Pubkey>) {
        let (tenures, bonds) = self.tenures_of(nodes);
        (JobOutcome::Completed { tenures, result_hash: [9; 32] }, bonds)
    }

    /// These nodes' tenures in an outcome's order, and their bonds.
    pub fn tenures_of(&self, nodes: &[usize]) -> (Vec<Pubkey>, Vec<Pubkey>) {
        let mut tenures: Vec<Pubkey> = nodes.iter().map(|node| self.nodes[*node].tenure).collect();
        tenures.sort_unstable();
        let bonds = tenures.iter().map(at::bond).collect();
        (tenures, bonds)
    }

    /// A threshold of oracles attests, then anybody settles.
    pub fn decide(&mut self, job: u64, outcome: JobOutcome, bonds: &[Pubkey]) -> Outcome {
        for oracle in 0..2 {
            self.attest(oracle, job, &outcome).expect("the outcome is attested");
        }
        self.settle_job(job, outcome, bonds)
    }

    pub fn set_jobs_config_accounts(&self) -> jobs::accounts::SetJobsConfig {
        jobs::accounts::SetJobsConfig {
            authority: self.authority.key(),
            network: at::network(),
            config: at::jobs_config(),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn set_jobs_config(&mut self, args: jobs::JobsConfigArgs) -> Outcome {
        let ix = jobs_ix(self.set_jobs_config_accounts(), jobs::instruction::SetJobsConfig { args }, &[]);
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn add_tip_accounts(&self, submitter: &Pubkey, job: u64) -> jobs::accounts::AddTip {
        let job = self.job_at(job);
        jobs::accounts::AddTip {
            submitter: *submitter,
            network: at::network(),
            config: at::jobs_config(),
            job,
            escrow: at::escrow(&job),
            source: at::ata(submitter, &self.mint, &TOKEN),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn add_tip(&mut self, submitter: &Wallet, job: u64, amount: u64) -> Outcome {
        let accounts = self.add_tip_accounts(&submitter.key(), job);
        let ix = jobs_ix(accounts, jobs::instruction::AddTip { amount }, &[]);
        self.svm.send(&[ix], &[submitter])
    }

    pub fn sponsor_accounts(&self, sponsor: &Pubkey, job: u64) -> jobs::accounts::Sponsor {
        let job = self.job_at(job);
        jobs::accounts::Sponsor {
            sponsor: *sponsor,
            network: at::network(),
            config: at::jobs_config(),
            job,
            sponsorship: at::sponsorship(&job, sponsor),
            escrow: at::escrow(&job),
            source: at::ata(sponsor, &self.mint, &TOKEN),
            mint: self.mint,
            token_program: TOKEN,
            system_program: SYSTEM,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn sponsor(&mut self, sponsor: &Wallet, job: u64, amount: u64) -> Outcome {
        let accounts = self.sponsor_accounts(&sponsor.key(), job);
        let ix = jobs_ix(accounts, jobs::instruction::Sponsor { amount }, &[]);
        self.svm.send(&[ix], &[sponsor])
    }

    pub fn refund_sponsor_accounts(&self, sponsor: &Pubkey, job: u64) -> jobs::accounts::RefundSponsor {
        let address = self.job_at(job);
        jobs::accounts::RefundSponsor {
            config: at::jobs_config(),
            job: address,
            sponsorship: at::sponsorship(&address, sponsor),
            sponsor: *sponsor,
            escrow: at::escrow(&address),
            refund_account: at::ata(sponsor, &self.mint, &TOKEN),
            rent_payer: self.job(job).rent_payer,
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn refund_sponsor(&mut self, sponsor: &Pubkey, job: u64) -> Outcome {
        let ix = jobs_ix(self.refund_sponsor_accounts(sponsor, job), jobs::instruction::RefundSponsor {}, &[]);
        self.svm.send(&[ix], &[])
    }

    pub fn refund_submitter_accounts(&self, job: u64) -> jobs::accounts::RefundSubmitter {
        let state = self.job(job);
        jobs::accounts::RefundSubmitter {
            config: at::jobs_config(),
            job: self.job_at(job),
            escrow: at::escrow(&self.job_at(job)),
            refund_account: state.refund_account,
            rent_payer: state.rent_payer,
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn refund_submitter(&mut self, job: u64) -> Outcome {
        let ix = jobs_ix(self.refund_submitter_accounts(job), jobs::instruction::RefundSubmitter {}, &[]);
        self.svm.send(&[ix], &[])
    }

    pub fn request_cancel_accounts(&self, submitter: &Pubkey, job: u64) -> jobs::accounts::RequestCancel {
        jobs::accounts::RequestCancel {
            submitter: *submitter,
            job: self.job_at(job),
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn request_cancel(&mut self, submitter: &Wallet, job: u64) -> Outcome {
        let accounts = self.request_cancel_accounts(&submitter.key(), job);
        let ix = jobs_ix(accounts, jobs::instruction::RequestCancel {}, &[]);
        self.svm.send(&[ix], &[submitter])
    }

    pub fn expire_accounts(&self, job: u64) -> jobs::accounts::Expire {
        let state = self.job(job);
        jobs::accounts::Expire {
            config: at::jobs_config(),
            oracle_set: at::oracle_set(),
            job: self.job_at(job),
            escrow: at::escrow(&self.job_at(job)),
            refund_account: Some(state.refund_account),
            rent_payer: state.rent_payer,
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn expire(&mut self, job: u64) -> Outcome {
        let ix = jobs_ix(self.expire_accounts(job), jobs::instruction::Expire {}, &[]);
        self.svm.send(&[ix], &[])
    }

    pub fn close_job_accounts(&self, job: u64) -> jobs::accounts::CloseJob {
        jobs::accounts::CloseJob {
            job: self.job_at(job),
            rent_payer: self.job(job).rent_payer,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn close_job(&mut self, job: u64) -> Outcome {
        let ix = jobs_ix(self.close_job_accounts(job), jobs::instruction::CloseJob {}, &[]);
        self.svm.send(&[ix], &[])
    }

    pub fn stake_accounts(&self, staker: &Pubkey, node: &NodeOf) -> jobs::accounts::Stake {
        jobs::accounts::Stake {
            staker: *staker,
            network: at::network(),
            config: at::jobs_config(),
            bond: at::bond(&node.tenure),
            bond_vault: at::bond_vault(),
            source: at::ata(staker, &self.mint, &TOKEN),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn stake(&mut self, staker: &Wallet, node: &NodeOf, amount: u64) -> Outcome {
        let accounts = self.stake_accounts(&staker.key(), node);
        let ix = jobs_ix(accounts, jobs::instruction::Stake { amount }, &[]);
        self.svm.send(&[ix], &[staker])
    }

    pub fn unbond_accounts(&self, node: &NodeOf) -> jobs::accounts::Unbond {
        jobs::accounts::Unbond {
            holder: node.holder.key(),
            config: at::jobs_config(),
            bond: at::bond(&node.tenure),
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn unbond(&mut self, node: &NodeOf, amount: u64) -> Outcome {
        let ix = jobs_ix(self.unbond_accounts(node), jobs::instruction::Unbond { amount }, &[]);
        self.svm.send(&[ix], &[&node.holder])
    }

    pub fn withdraw_unbonded_accounts(&self, node: &NodeOf) -> jobs::accounts::WithdrawUnbonded {
        jobs::accounts::WithdrawUnbonded {
            holder: node.holder.key(),
            config: at::jobs_config(),
            bond: at::bond(&node.tenure),
            bond_vault: at::bond_vault(),
            destination: at::ata(&node.holder.key(), &self.mint, &TOKEN),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn withdraw_unbonded(&mut self, node: &NodeOf) -> Outcome {
        let ix = jobs_ix(self.withdraw_unbonded_accounts(node), jobs::instruction::WithdrawUnbonded {}, &[]);
        self.svm.send(&[ix], &[&node.holder])
    }

    pub fn vote_slash_accounts(&self, oracle: &Pubkey, node: &NodeOf) -> jobs::accounts::VoteSlash {
        let bond = at::bond(&node.tenure);
        jobs::accounts::VoteSlash {
            oracle: *oracle,
            oracle_set: at::oracle_set(),
            config: at::jobs_config(),
            bond,
            slash: at::slash(&bond),
            system_program: SYSTEM,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    /// The vote that the worlds' oracles give, for `amount`.
    pub fn slash_args(&self, amount: u64) -> jobs::instruction::VoteSlash {
        jobs::instruction::VoteSlash { amount, reason: SLASH_REASON, evidence_hash: EVIDENCE, set_version: 1 }
    }

    pub fn vote_slash(&mut self, oracle: usize, node: &NodeOf, args: jobs::instruction::VoteSlash) -> Outcome {
        let signer = self.oracles[oracle].clone();
        let ix = jobs_ix(self.vote_slash_accounts(&signer.key(), node), args, &[]);
        self.svm.send(&[ix], &[&signer])
    }

    pub fn hold_slash_accounts(&self, node: &NodeOf) -> jobs::accounts::HoldSlash {
        let bond = at::bond(&node.tenure);
        jobs::accounts::HoldSlash {
            guardian: self.guardian.key(),
            network: at::network(),
            oracle_set: at::oracle_set(),
            bond,
            slash: at::slash(&bond),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn hold_slash(&mut self, node: &NodeOf) -> Outcome {
        let ix = jobs_ix(self.hold_slash_accounts(node), jobs::instruction::HoldSlash {}, &[]);
        let signer = self.guardian.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn void_slash_accounts(&self, node: &NodeOf) -> jobs::accounts::VoidSlash {
        let bond = at::bond(&node.tenure);
        jobs::accounts::VoidSlash {
            authority: self.authority.key(),
            network: at::network(),
            oracle_set: at::oracle_set(),
            bond,
            slash: at::slash(&bond),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn void_slash(&mut self, node: &NodeOf) -> Outcome {
        let ix = jobs_ix(self.void_slash_accounts(node), jobs::instruction::VoidSlash {}, &[]);
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn execute_slash_accounts(&self, node: &NodeOf) -> jobs::accounts::ExecuteSlash {
        let bond = at::bond(&node.tenure);
        jobs::accounts::ExecuteSlash {
            config: at::jobs_config(),
            oracle_set: at::oracle_set(),
            bond,
            slash: at::slash(&bond),
            bond_vault: at::bond_vault(),
            treasury: at::treasury(&self.mint),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn execute_slash(&mut self, node: &NodeOf) -> Outcome {
        let ix = jobs_ix(self.execute_slash_accounts(node), jobs::instruction::ExecuteSlash {}, &[]);
        self.svm.send(&[ix], &[])
    }
}
