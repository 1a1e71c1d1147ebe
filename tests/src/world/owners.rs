//! What a project's owner signs.

use muster_network::{self as network, state::PointsFormula};
use solana_sdk::pubkey::Pubkey;

use super::{accounts::*, steps::*, svm::*};

impl World {
    pub fn propose_owner_accounts(&self) -> network::accounts::ProposeOwner {
        network::accounts::ProposeOwner {
            owner: self.owner.key(),
            project: self.project,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn propose_owner(&mut self, key: Pubkey) -> Outcome {
        let ix = network_ix(self.propose_owner_accounts(), network::instruction::ProposeOwner { key });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn set_settler_accounts(&self) -> network::accounts::SetSettler {
        network::accounts::SetSettler {
            owner: self.owner.key(),
            project: self.project,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_settler(&mut self, settler: Pubkey) -> Outcome {
        let ix = network_ix(self.set_settler_accounts(), network::instruction::SetSettler { settler });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn accept_owner_accounts(&self, proposed: &Pubkey) -> network::accounts::AcceptOwner {
        network::accounts::AcceptOwner {
            proposed: *proposed,
            project: self.project,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn accept_owner(&mut self, proposed: &Wallet) -> Outcome {
        let ix = network_ix(self.accept_owner_accounts(&proposed.key()), network::instruction::AcceptOwner {});
        self.svm.send(&[ix], &[proposed])
    }

    pub fn set_formula_accounts(&self) -> network::accounts::SetFormula {
        network::accounts::SetFormula {
            owner: self.owner.key(),
            project: self.project,
            network: at::network(),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_formula(&mut self, formula: PointsFormula) -> Outcome {
        let ix = network_ix(self.set_formula_accounts(), network::instruction::SetFormula { formula });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn set_max_epoch_budget_accounts(&self) -> network::accounts::SetMaxEpochBudget {
        network::accounts::SetMaxEpochBudget {
            owner: self.owner.key(),
            project: self.project,
            network: at::network(),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_max_epoch_budget(&mut self, amount: u64) -> Outcome {
        let ix = network_ix(self.set_max_epoch_budget_accounts(), network::instruction::SetMaxEpochBudget { amount });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn announce_withdrawal_accounts(&self) -> network::accounts::AnnounceWithdrawal {
        network::accounts::AnnounceWithdrawal {
            owner: self.owner.key(),
            project: self.project,
            network: at::network(),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn announce_withdrawal(&mut self, amount: u64) -> Outcome {
        let ix = network_ix(self.announce_withdrawal_accounts(), network::instruction::AnnounceWithdrawal { amount });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn set_sale_accounts(&self, payment_mint: &Pubkey) -> network::accounts::SetSale {
        network::accounts::SetSale {
            owner: self.owner.key(),
            network: at::network(),
            project: self.project,
            collection: at::collection(&self.project),
            payment_mint: *payment_mint,
            token_2022_program: TOKEN_2022,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    /// Keeps the payment mint.
    pub fn set_sale(&mut self, price: u64, licences_max: u32) -> Outcome {
        let mint = self.mint;
        let ix = network_ix(self.set_sale_accounts(&mint), network::instruction::SetSale { price, licences_max });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn withdraw_budget_accounts(&self, destination: Pubkey) -> network::accounts::WithdrawBudget {
        network::accounts::WithdrawBudget {
            owner: self.owner.key(),
            network: at::network(),
            project: self.project,
            budget_vault: at::budget_vault(&self.project),
            destination,
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn withdraw_budget(&mut self, destination: Pubkey, amount: u64) -> Outcome {
        let ix =
            network_ix(self.withdraw_budget_accounts(destination), network::instruction::WithdrawBudget { amount });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn close_project_accounts(&self) -> network::accounts::CloseProject {
        network::accounts::CloseProject {
            owner: self.owner.key(),
            project: self.project,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn close_project(&mut self) -> Outcome {
        let ix = network_ix(self.close_project_accounts(), network::instruction::CloseProject {});
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn gift_licence_accounts(&self, recipient: &Pubkey, serial: u32) -> network::accounts::GiftLicence {
        let licence = at::licence(&self.project, serial);
        network::accounts::GiftLicence {
            owner: self.owner.key(),
            recipient: *recipient,
            network: at::network(),
            project: self.project,
            collection: at::collection(&self.project),
            licence,
            licence_account: at::ata(recipient, &licence, &TOKEN_2022),
            token_2022_program: TOKEN_2022,
            associated_token_program: ATA_PROGRAM,
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn gift_licence(&mut self, recipient: &Pubkey, serial: u32) -> Outcome {
        let ix =
            network_ix(self.gift_licence_accounts(recipient, serial), network::instruction::GiftLicence { serial });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }
}
