//! Nodes after their first bind: leaving, keys, payouts, operators, maintenance, suspension.

use litesvm_token::CreateAssociatedTokenAccount;
use muster_network::{
    self as network, BindArgs, CreateSplitArgs, SuspensionArgs,
    state::{Node, node_status},
};
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use super::{accounts::*, steps::*, svm::*};

impl World {
    /// The marker of a node's key, if the key accepted.
    pub fn marker_of(&self, node: &NodeOf) -> Option<Pubkey> {
        let state: Node = self.svm.pod(&node.node);
        let runs = state.status == node_status::ACTIVE;
        runs.then(|| at::key_marker(&state.node_key))
    }

    pub fn unbind_accounts(&self, node: &NodeOf) -> network::accounts::Unbind {
        network::accounts::Unbind {
            holder: node.holder.key(),
            network: at::network(),
            project: self.project,
            node: node.node,
            tenure: node.tenure,
            key_marker: self.marker_of(node),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn unbind(&mut self, node: &NodeOf) -> Outcome {
        let ix = network_ix(self.unbind_accounts(node), network::instruction::Unbind {});
        self.svm.send(&[ix], &[&node.holder])
    }

    pub fn thaw_accounts(&self, node: &NodeOf) -> network::accounts::Thaw {
        network::accounts::Thaw {
            project: self.project,
            node: node.node,
            licence: node.licence,
            licence_account: at::ata(&node.holder.key(), &node.licence, &TOKEN_2022),
            token_2022_program: TOKEN_2022,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn thaw(&mut self, node: &NodeOf) -> Outcome {
        let ix = network_ix(self.thaw_accounts(node), network::instruction::Thaw {});
        self.svm.send(&[ix], &[])
    }

    /// Unbinds, waits for the end of the epoch, thaws.
    pub fn free(&mut self, node: &NodeOf) {
        self.unbind(node).expect("the node is unbound");
        let epoch = self.epoch();
        self.go_after(epoch, 0);
        self.thaw(node).expect("the licence thaws");
    }

    /// Moves a licence that is not frozen to another wallet.
    pub fn send_licence(&mut self, node: &NodeOf, to: &Wallet) -> Outcome {
        let payer = self.svm.payer.clone();
        let (from, to_account) =
            (at::ata(&node.holder.key(), &node.licence, &TOKEN_2022), at::ata(&to.key(), &node.licence, &TOKEN_2022));
        if self.svm.inner.get_account(&to_account).is_none() {
            CreateAssociatedTokenAccount::new(&mut self.svm.inner, payer.keypair(), &node.licence)
                .owner(&to.key())
                .token_program_id(&TOKEN_2022)
                .send()
                .expect("the token account is made");
        }
        // Token-2022's TransferChecked: its number, amount, decimals.
        let data = [&[12][..], &1_u64.to_le_bytes(), &[0]].concat();
        let accounts = vec![
            AccountMeta::new(from, false),
            AccountMeta::new_readonly(node.licence, false),
            AccountMeta::new(to_account, false),
            AccountMeta::new_readonly(node.holder.key(), true),
        ];
        self.svm.send(&[Instruction { program_id: TOKEN_2022, accounts, data }], &[&node.holder])
    }

    /// Binds with a tenure number, which `node.tenure` must be the address of.
    pub fn bind_number(&mut self, node: &NodeOf, tenure_number: u32) -> Outcome {
        let args = BindArgs { tenure_number, ..Self::bind_args(node) };
        let ix = network_ix(self.bind_accounts(node), network::instruction::Bind { args });
        self.svm.send(&[ix], &[&node.holder])
    }

    pub fn rotate_accounts(&self, node: &NodeOf, authority: &Pubkey, key: &Pubkey) -> network::accounts::RotateNodeKey {
        network::accounts::RotateNodeKey {
            authority: *authority,
            node_key: *key,
            network: at::network(),
            project: self.project,
            node: node.node,
            tenure: node.tenure,
            old_marker: self.marker_of(node),
            key_marker: at::key_marker(key),
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn rotate_node_key(&mut self, node: &NodeOf, authority: &Wallet, key: &Wallet) -> Outcome {
        let accounts = self.rotate_accounts(node, &authority.key(), &key.key());
        let ix = network_ix(accounts, network::instruction::RotateNodeKey {});
        self.svm.send(&[ix], &[authority, key])
    }

    pub fn set_payout_accounts(&self, node: &NodeOf, operator: Option<Pubkey>) -> network::accounts::SetPayout {
        network::accounts::SetPayout {
            holder: node.holder.key(),
            operator,
            project: self.project,
            tenure: node.tenure,
            reward_mint: self.mint,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_payout(&mut self, node: &NodeOf, operator: Option<&Wallet>, payout_owner: Pubkey) -> Outcome {
        let accounts = self.set_payout_accounts(node, operator.map(Wallet::key));
        let ix = network_ix(accounts, network::instruction::SetPayout { payout_owner });
        let signers: Vec<&Wallet> = std::iter::once(&node.holder).chain(operator).collect();
        self.svm.send(&[ix], &signers)
    }

    pub fn create_split_accounts(&self, creator: &Pubkey, id: u32) -> network::accounts::CreateSplit {
        let split = at::split(creator, id);
        network::accounts::CreateSplit {
            creator: *creator,
            split,
            mint: self.mint,
            vault: at::ata(&split, &self.mint, &TOKEN),
            token_program: TOKEN,
            associated_token_program: ATA_PROGRAM,
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    /// A split of the world's mint; returns its address.
    pub fn create_split(&mut self, creator: &Wallet, id: u32, shares: &[(Pubkey, u16)]) -> Outcome<Pubkey> {
        let (recipients, shares_bps) = shares.iter().copied().unzip();
        let args = CreateSplitArgs { id, recipients, shares_bps };
        let accounts = self.create_split_accounts(&creator.key(), id);
        let ix = network_ix(accounts, network::instruction::CreateSplit { args });
        self.svm.send(&[ix], &[creator])?;
        Ok(at::split(&creator.key(), id))
    }

    pub fn release_accounts(&self, split: &Pubkey, recipient: &Pubkey) -> network::accounts::Release {
        network::accounts::Release {
            split: *split,
            vault: at::ata(split, &self.mint, &TOKEN),
            recipient: *recipient,
            destination: at::ata(recipient, &self.mint, &TOKEN),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn release(&mut self, split: &Pubkey, recipient: &Pubkey, index: u8) -> Outcome {
        let ix = network_ix(self.release_accounts(split, recipient), network::instruction::Release { index });
        self.svm.send(&[ix], &[])
    }

    pub fn set_operator_accounts(&self, node: &NodeOf, split: &Pubkey) -> network::accounts::SetOperator {
        network::accounts::SetOperator {
            holder: node.holder.key(),
            project: self.project,
            tenure: node.tenure,
            split: *split,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_operator(&mut self, node: &NodeOf, split: &Pubkey, operator: Pubkey, bps: u16) -> Outcome {
        let accounts = self.set_operator_accounts(node, split);
        let ix = network_ix(accounts, network::instruction::SetOperator { operator, bps });
        self.svm.send(&[ix], &[&node.holder])
    }

    /// An operator with 30 % of a node's payout, who signs.
    pub fn add_operator(&mut self, node: &NodeOf) -> Wallet {
        let operator = Wallet::named(&format!("operator of {}", node.node));
        self.svm.airdrop(&operator);
        self.fund_wallet(&operator, 0);
        let shares = [(node.holder.key(), 7_000), (operator.key(), 3_000)];
        let split = self.create_split(&node.holder, 0, &shares).expect("the split is created");
        self.set_payout(node, None, split).expect("the split is the payout");
        self.set_operator(node, &split, operator.key(), 3_000).expect("the operator is set");
        operator
    }

    pub fn release_operator_accounts(&self, node: &NodeOf, operator: &Pubkey) -> network::accounts::ReleaseOperator {
        network::accounts::ReleaseOperator {
            operator: *operator,
            project: self.project,
            tenure: node.tenure,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn release_operator(&mut self, node: &NodeOf, operator: &Wallet) -> Outcome {
        let accounts = self.release_operator_accounts(node, &operator.key());
        let ix = network_ix(accounts, network::instruction::ReleaseOperator {});
        self.svm.send(&[ix], &[operator])
    }

    pub fn set_metadata_accounts(&self, node: &NodeOf, authority: &Pubkey) -> network::accounts::SetMetadata {
        network::accounts::SetMetadata {
            authority: *authority,
            project: self.project,
            node: node.node,
            tenure: node.tenure,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_metadata(&mut self, node: &NodeOf, authority: &Wallet, metadata_hash: [u8; 32]) -> Outcome {
        let accounts = self.set_metadata_accounts(node, &authority.key());
        let ix = network_ix(accounts, network::instruction::SetMetadata { metadata_hash });
        self.svm.send(&[ix], &[authority])
    }

    pub fn maintenance_accounts(&self, node: &NodeOf, authority: &Pubkey) -> network::accounts::AnnounceMaintenance {
        network::accounts::AnnounceMaintenance {
            authority: *authority,
            network: at::network(),
            project: self.project,
            node: node.node,
            tenure: node.tenure,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn announce_maintenance(&mut self, node: &NodeOf, authority: &Wallet, start: i64, end: i64) -> Outcome {
        let accounts = self.maintenance_accounts(node, &authority.key());
        let ix = network_ix(accounts, network::instruction::AnnounceMaintenance { start, end });
        self.svm.send(&[ix], &[authority])
    }

    pub fn suspend_accounts(&self, node: &NodeOf) -> network::accounts::SuspendNode {
        network::accounts::SuspendNode {
            owner: self.owner.key(),
            network: at::network(),
            project: self.project,
            node: node.node,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn suspension_args(epochs: u8) -> SuspensionArgs {
        SuspensionArgs { reason: 3, evidence_hash: [6; 32], epochs }
    }

    pub fn suspend_node(&mut self, node: &NodeOf, args: SuspensionArgs) -> Outcome {
        let ix = network_ix(self.suspend_accounts(node), network::instruction::SuspendNode { args });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn vote_suspension_accounts(&self, node: &NodeOf, oracle: &Pubkey) -> network::accounts::VoteSuspension {
        network::accounts::VoteSuspension {
            oracle: *oracle,
            network: at::network(),
            oracle_set: at::oracle_set(),
            project: self.project,
            node: node.node,
            ballot: at::ballot(&node.node),
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn vote_suspension(&mut self, oracle: usize, node: &NodeOf, args: SuspensionArgs) -> Outcome {
        let signer = self.oracles[oracle].clone();
        let accounts = self.vote_suspension_accounts(node, &signer.key());
        let ix = network_ix(accounts, network::instruction::VoteSuspension { args, set_version: 1 });
        self.svm.send(&[ix], &[&signer])
    }

    pub fn lift_accounts(&self, node: &NodeOf) -> network::accounts::LiftSuspension {
        network::accounts::LiftSuspension {
            owner: self.owner.key(),
            network: at::network(),
            project: self.project,
            node: node.node,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn lift_suspension(&mut self, node: &NodeOf) -> Outcome {
        let ix = network_ix(self.lift_accounts(node), network::instruction::LiftSuspension {});
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn appeal_accounts(&self, node: &NodeOf, authority: &Pubkey) -> network::accounts::Appeal {
        network::accounts::Appeal {
            authority: *authority,
            network: at::network(),
            project: self.project,
            node: node.node,
            tenure: node.tenure,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn appeal(&mut self, node: &NodeOf, authority: &Wallet, evidence_hash: [u8; 32]) -> Outcome {
        let accounts = self.appeal_accounts(node, &authority.key());
        let ix = network_ix(accounts, network::instruction::Appeal { evidence_hash });
        self.svm.send(&[ix], &[authority])
    }
}
