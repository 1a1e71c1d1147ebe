use muster_network::{
    self as network,
    authority::INSTRUCTIONS_SYSVAR,
    state::{Distribution, Epoch, ViewSet, reward_mode},
};
use muster_protocol::votes::{LedgerEntry, ledger_head};
use solana_sdk::pubkey::Pubkey;

use super::{accounts::*, steps::*, svm::*};

/// How long an epoch's statement and views stay on-chain.
pub const RETENTION_EPOCHS: u64 = 90;

impl World {
    /// A project whose rewards are paid elsewhere, with `count` nodes.
    pub fn with_external_project(count: u32) -> Self {
        let mut world = Self::with_network();
        let args = network::CreateProjectArgs { reward_mode: reward_mode::EXTERNAL, ..world.project_args() };
        world.create_project(args).expect("the project is created");
        let owner = world.owner.clone();
        world.fund_wallet(&owner, 1_000 * TOKEN_UNIT);
        for serial in 0..count {
            world.add_node(serial);
        }
        world
    }

    pub fn distribution(&self) -> Distribution {
        self.svm.pod(&at::distribution(&self.project))
    }

    pub fn epoch_account(&self, epoch: u64) -> Epoch {
        self.svm.pod(&at::epoch(&self.project, epoch))
    }

    /// A vote for a root of an epoch, in a revision, that pays `amounts`. What the epoch's account says is voted on,
    /// or what the worlds' settlements state when there is none.
    pub fn vote_args(&self, epoch: u64, revision: u32, amounts: &[u64]) -> network::ApproveRootArgs {
        let (root, total) = (self.tree(amounts).root(), amounts.iter().sum());
        let stated = self.svm.inner.get_account(&at::epoch(&self.project, epoch)).map(|_| self.epoch_account(epoch));
        let (points_root, dataset_hash) =
            stated.map_or((POINTS_ROOT, DATASET_HASH), |stated| (stated.points_root, stated.dataset_hash));
        self.chained(
            points_root,
            network::ApproveRootArgs {
                epoch,
                revision,
                root,
                total,
                count: amounts.len() as u32,
                dataset_hash,
                log_head: [0; 32],
            },
        )
    }

    /// The vote with the ledger head that it makes.
    pub fn chained(&self, points_root: [u8; 32], args: network::ApproveRootArgs) -> network::ApproveRootArgs {
        let entry = LedgerEntry {
            project: self.project.to_bytes(),
            epoch: args.epoch,
            revision: args.revision,
            points_root,
            root: args.root,
            total: args.total,
            dataset_hash: args.dataset_hash,
        };
        network::ApproveRootArgs { log_head: ledger_head(&self.distribution().ledger_head, &entry), ..args }
    }

    /// The vote for an external settlement's points.
    pub fn external_vote(&self, epoch: u64) -> network::ApproveRootArgs {
        let stated = self.epoch_account(epoch);
        let args = network::ApproveRootArgs {
            epoch,
            revision: stated.revision,
            root: stated.points_root,
            total: 0,
            count: stated.node_count,
            dataset_hash: stated.dataset_hash,
            log_head: [0; 32],
        };
        self.chained(stated.points_root, args)
    }

    /// Moves the clock to the end of the approved root's delay.
    pub fn pass_root_delay(&mut self) {
        let now = self.svm.now();
        self.svm.set_time(now + i64::from(ROOT_DELAY));
    }

    /// Another set of oracles in force: the first two.
    pub fn change_oracle_set(&mut self) {
        let mut next = self.oracle_args();
        next.truncate(2);
        self.set_oracle_set(next.clone()).expect("the change is announced");
        let now = self.svm.now();
        self.svm.set_time(now + i64::from(self.network_args().oracle_set_delay));
        self.set_oracle_set(next).expect("the change is confirmed");
    }

    pub fn replace_accounts(&self, epoch: u64) -> network::accounts::ReplaceSettlement {
        let distribution = at::distribution(&self.project);
        network::accounts::ReplaceSettlement {
            settler: self.settler.key(),
            network: at::network(),
            oracle_set: at::oracle_set(),
            project: self.project,
            distribution,
            view_set: at::view_set(epoch),
            epoch: at::epoch(&self.project, epoch),
            budget_vault: at::budget_vault(&self.project),
            vault: at::vault(&distribution),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn replace(&mut self, args: network::SettleEpochArgs) -> Outcome {
        let ix = network_ix(self.replace_accounts(args.epoch), network::instruction::ReplaceSettlement { args });
        let signer = self.settler.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn void_accounts(&self, caller: &Pubkey, epoch: u64) -> network::accounts::VoidSettlement {
        let distribution = at::distribution(&self.project);
        network::accounts::VoidSettlement {
            caller: *caller,
            oracle_set: at::oracle_set(),
            project: self.project,
            distribution,
            epoch: at::epoch(&self.project, epoch),
            rent_payer: self.settler.key(),
            budget_vault: at::budget_vault(&self.project),
            vault: at::vault(&distribution),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn void(&mut self, caller: &Wallet, epoch: u64) -> Outcome {
        let accounts = self.void_accounts(&caller.key(), epoch);
        let ix = network_ix(accounts, network::instruction::VoidSettlement {});
        self.svm.send(&[ix], &[caller])
    }

    pub fn hold_accounts(&self, guardian: &Pubkey) -> network::accounts::HoldRoot {
        network::accounts::HoldRoot {
            guardian: *guardian,
            network: at::network(),
            oracle_set: at::oracle_set(),
            distribution: at::distribution(&self.project),
            instructions: INSTRUCTIONS_SYSVAR,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn hold(&mut self, epoch: u64) -> Outcome {
        let signer = self.guardian.clone();
        let ix = network_ix(self.hold_accounts(&signer.key()), network::instruction::HoldRoot { epoch });
        self.svm.send(&[ix], &[&signer])
    }

    pub fn end_hold_accounts(&self, authority: &Pubkey) -> network::accounts::EndHold {
        network::accounts::EndHold {
            authority: *authority,
            network: at::network(),
            distribution: at::distribution(&self.project),
            instructions: INSTRUCTIONS_SYSVAR,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn end_hold(&mut self, epoch: u64) -> Outcome {
        let signer = self.authority.clone();
        let ix = network_ix(self.end_hold_accounts(&signer.key()), network::instruction::EndHold { epoch });
        self.svm.send(&[ix], &[&signer])
    }

    pub fn correct_accounts(&self, oracle: &Pubkey, epoch: u64) -> network::accounts::CorrectRoot {
        network::accounts::CorrectRoot {
            oracle: *oracle,
            network: at::network(),
            oracle_set: at::oracle_set(),
            distribution: at::distribution(&self.project),
            epoch: at::epoch(&self.project, epoch),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn correct(&mut self, oracle: usize, args: network::ApproveRootArgs) -> Outcome {
        let signer = self.oracles[oracle].clone();
        let accounts = self.correct_accounts(&signer.key(), args.epoch);
        let ix = network_ix(accounts, network::instruction::CorrectRoot { args });
        self.svm.send(&[ix], &[&signer])
    }

    pub fn top_up_accounts(&self, payer: &Pubkey) -> network::accounts::TopUp {
        let distribution = at::distribution(&self.project);
        network::accounts::TopUp {
            payer: *payer,
            distribution,
            source: at::ata(payer, &self.mint, &TOKEN),
            vault: at::vault(&distribution),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn top_up(&mut self, payer: &Wallet, amount: u64) -> Outcome {
        let ix = network_ix(self.top_up_accounts(&payer.key()), network::instruction::TopUp { amount });
        self.svm.send(&[ix], &[payer])
    }

    pub fn close_epoch_accounts(&self, epoch: u64) -> network::accounts::CloseEpoch {
        network::accounts::CloseEpoch {
            distribution: at::distribution(&self.project),
            epoch: at::epoch(&self.project, epoch),
            rent_payer: self.settler.key(),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn close_epoch(&mut self, epoch: u64) -> Outcome {
        let ix = network_ix(self.close_epoch_accounts(epoch), network::instruction::CloseEpoch {});
        self.svm.send(&[ix], &[])
    }

    pub fn close_views_accounts(&self, epoch: u64) -> network::accounts::CloseViews {
        let views: ViewSet = self.svm.pod(&at::view_set(epoch));
        network::accounts::CloseViews {
            network: at::network(),
            view_set: at::view_set(epoch),
            rent_payer: views.rent_payer,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn remove_views(&mut self, epoch: u64) -> Outcome {
        let ix = network_ix(self.close_views_accounts(epoch), network::instruction::CloseViews {});
        self.svm.send(&[ix], &[])
    }
}
