//! What the network's cold keys and the oracles sign.

use litesvm_token::{CreateAssociatedTokenAccount, MintTo};
use muster_network as network;
use solana_sdk::pubkey::Pubkey;

use super::{accounts::*, steps::*, svm::*};

impl World {
    /// Tokens of any mint of the payer's, in a wallet's associated account.
    pub fn add_tokens(&mut self, mint: &Pubkey, owner: &Pubkey, amount: u64) -> Pubkey {
        let payer = self.svm.payer.clone();
        let account = at::ata(owner, mint, &TOKEN);
        if self.svm.inner.get_account(&account).is_none() {
            CreateAssociatedTokenAccount::new(&mut self.svm.inner, payer.keypair(), mint)
                .owner(owner)
                .send()
                .expect("the token account is made");
        }
        MintTo::new(&mut self.svm.inner, payer.keypair(), mint, &account, amount).send().expect("tokens are minted");
        account
    }

    /// Tokens of the world's mint into any account.
    pub fn mint_to(&mut self, account: &Pubkey, amount: u64) {
        let (payer, mint) = (self.svm.payer.clone(), self.mint);
        MintTo::new(&mut self.svm.inner, payer.keypair(), &mint, account, amount).send().expect("tokens are minted");
    }

    pub fn set_oracle_url_accounts(&self, oracle: &Pubkey) -> network::accounts::SetOracleUrl {
        network::accounts::SetOracleUrl {
            oracle: *oracle,
            network: at::network(),
            oracle_set: at::oracle_set(),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_oracle_url(&mut self, oracle: &Wallet, url: &str) -> Outcome {
        let ix = network_ix(
            self.set_oracle_url_accounts(&oracle.key()),
            network::instruction::SetOracleUrl { url: url.to_owned() },
        );
        self.svm.send(&[ix], &[oracle])
    }

    pub fn propose_authority_accounts(&self, proposer: &Pubkey) -> network::accounts::ProposeAuthority {
        network::accounts::ProposeAuthority {
            proposer: *proposer,
            network: at::network(),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn propose_authority(&mut self, proposer: &Wallet, role: u8, key: Pubkey) -> Outcome {
        let ix = network_ix(
            self.propose_authority_accounts(&proposer.key()),
            network::instruction::ProposeAuthority { role, key },
        );
        self.svm.send(&[ix], &[proposer])
    }

    pub fn accept_authority_accounts(&self, proposed: &Pubkey) -> network::accounts::AcceptAuthority {
        network::accounts::AcceptAuthority {
            proposed: *proposed,
            network: at::network(),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn accept_authority(&mut self, proposed: &Wallet, role: u8) -> Outcome {
        let ix =
            network_ix(self.accept_authority_accounts(&proposed.key()), network::instruction::AcceptAuthority { role });
        self.svm.send(&[ix], &[proposed])
    }

    pub fn set_fee_accounts(&self) -> network::accounts::SetFee {
        network::accounts::SetFee {
            authority: self.authority.key(),
            network: at::network(),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_fee(&mut self, fee_bps: u16, from_epoch: u64) -> Outcome {
        let ix = network_ix(self.set_fee_accounts(), network::instruction::SetFee { fee_bps, from_epoch });
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn allow_mint_accounts(&self, mint: &Pubkey) -> network::accounts::AllowMint {
        network::accounts::AllowMint {
            payer: self.svm.payer.key(),
            authority: self.authority.key(),
            network: at::network(),
            mint: *mint,
            treasury: at::treasury(mint),
            token_program: TOKEN,
            system_program: SYSTEM,
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn allow_mint(&mut self, mint: &Pubkey) -> Outcome {
        let ix = network_ix(self.allow_mint_accounts(mint), network::instruction::AllowMint {});
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn forbid_mint_accounts(&self) -> network::accounts::ForbidMint {
        network::accounts::ForbidMint {
            authority: self.authority.key(),
            network: at::network(),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn forbid_mint(&mut self, mint: Pubkey) -> Outcome {
        let ix = network_ix(self.forbid_mint_accounts(), network::instruction::ForbidMint { mint });
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn set_paused_accounts(&self) -> network::accounts::SetPaused {
        network::accounts::SetPaused {
            authority: self.authority.key(),
            network: at::network(),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_paused(&mut self, bits: u32) -> Outcome {
        let ix = network_ix(self.set_paused_accounts(), network::instruction::SetPaused { bits });
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn guardian_pause_accounts(&self) -> network::accounts::GuardianPause {
        network::accounts::GuardianPause {
            guardian: self.guardian.key(),
            network: at::network(),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn guardian_pause(&mut self, bits: u32) -> Outcome {
        let ix = network_ix(self.guardian_pause_accounts(), network::instruction::GuardianPause { bits });
        let signer = self.guardian.clone();
        self.svm.send(&[ix], &[&signer])
    }

    /// The worlds' authority owns the treasury too.
    pub fn withdraw_treasury_accounts(&self, destination: Pubkey) -> network::accounts::WithdrawTreasury {
        network::accounts::WithdrawTreasury {
            treasury_owner: self.authority.key(),
            network: at::network(),
            treasury: at::treasury(&self.mint),
            destination,
            mint: self.mint,
            token_program: TOKEN,
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn withdraw_treasury(&mut self, destination: Pubkey, amount: u64) -> Outcome {
        let ix =
            network_ix(self.withdraw_treasury_accounts(destination), network::instruction::WithdrawTreasury { amount });
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }
}
