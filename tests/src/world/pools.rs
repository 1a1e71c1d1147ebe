//! Pools and the nodes in them.

use muster_network as network;
use solana_sdk::pubkey::Pubkey;

use super::{accounts::*, steps::*, svm::*};

impl World {
    pub fn create_pool_accounts(&self, index: u32) -> network::accounts::CreatePool {
        network::accounts::CreatePool {
            owner: self.owner.key(),
            project: self.project,
            pool: at::pool(&self.project, index),
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn create_pool_args(index: u32) -> network::CreatePoolArgs {
        network::CreatePoolArgs { index, capacity: None, name: "Europe".to_owned() }
    }

    pub fn create_pool(&mut self, args: network::CreatePoolArgs) -> Outcome {
        let ix = network_ix(self.create_pool_accounts(args.index), network::instruction::CreatePool { args });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn close_pool_accounts(&self, index: u32) -> network::accounts::ClosePool {
        network::accounts::ClosePool {
            owner: self.owner.key(),
            project: self.project,
            pool: at::pool(&self.project, index),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn close_pool(&mut self, index: u32) -> Outcome {
        let ix = network_ix(self.close_pool_accounts(index), network::instruction::ClosePool {});
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn set_pool_capacity_accounts(&self, index: u32) -> network::accounts::SetPoolCapacity {
        network::accounts::SetPoolCapacity {
            owner: self.owner.key(),
            project: self.project,
            pool: at::pool(&self.project, index),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_pool_capacity(&mut self, index: u32, capacity: u16) -> Outcome {
        let ix = network_ix(self.set_pool_capacity_accounts(index), network::instruction::SetPoolCapacity { capacity });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn join_pool_accounts(&self, node: &NodeOf, index: u32) -> network::accounts::JoinPool {
        network::accounts::JoinPool {
            holder: node.holder.key(),
            project: self.project,
            node: node.node,
            tenure: node.tenure,
            pool: at::pool(&self.project, index),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn join_pool(&mut self, node: &NodeOf, index: u32) -> Outcome {
        let ix = network_ix(self.join_pool_accounts(node, index), network::instruction::JoinPool {});
        self.svm.send(&[ix], &[&node.holder])
    }

    pub fn leave_pool_accounts(&self, signer: &Pubkey, node: &NodeOf, index: u32) -> network::accounts::LeavePool {
        network::accounts::LeavePool {
            signer: *signer,
            project: self.project,
            node: node.node,
            tenure: node.tenure,
            pool: at::pool(&self.project, index),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn leave_pool(&mut self, signer: &Wallet, node: &NodeOf, index: u32) -> Outcome {
        let ix = network_ix(self.leave_pool_accounts(&signer.key(), node, index), network::instruction::LeavePool {});
        self.svm.send(&[ix], &[signer])
    }
}
