//! What binding and unbinding write, whatever standard the licence follows: the node and its tenure.

use anchor_lang::prelude::*;
use anchor_spl::associated_token::get_associated_token_address_with_program_id;

use crate::{constants::*, errors::NetworkError, events::NodeBound, instructions::BindArgs, state::*};

/// A bind whose licence is verified.
pub struct Binding<'a> {
    pub network: NetworkTerms,
    pub args: &'a BindArgs,
    pub project: Pubkey,
    pub distribution: Pubkey,
    pub holder: Pubkey,
    /// The licence's mint or asset.
    pub licence: Pubkey,
    /// What proves that the holder holds it.
    pub licence_account: Pubkey,
    pub serial: u32,
    /// One of `licence_standard`.
    pub standard: u8,
    /// Owner of the reward mint.
    pub reward_token_program: Pubkey,
    pub now: i64,
}

impl Binding<'_> {
    /// What a bind asks whatever the standard. `key_marker` is at the address derived from the node key.
    pub fn validate(&self, project: &Project, key_marker: &AccountInfo) -> Result<()> {
        self.network.require_running(pause::BIND, self.now)?;
        require!(!project.closed, NetworkError::ProjectClosed);
        let args = self.args;
        require_keys_neq!(args.node_key, Pubkey::default(), NetworkError::ZeroKey);
        require_keys_neq!(args.node_key, self.holder, NetworkError::NodeKeyIsHolder);
        require!(key_marker.data_is_empty(), NetworkError::NodeKeyTaken);
        require_keys_neq!(args.payout_owner, Pubkey::default(), NetworkError::ZeroKey);
        Ok(())
    }

    /// Writes the node, new on the licence's first bind and free on every later one, then the tenure: a new one gets
    /// the project's next leaf. `bumps` are the node's and the tenure's.
    pub fn enter(
        &self,
        project: &mut Project,
        node: &AccountLoader<Node>,
        tenure: &AccountLoader<Tenure>,
        bumps: (u8, u8),
    ) -> Result<NodeBound> {
        let from_epoch = self.enter_node(node, tenure.key(), bumps.0)?;
        let entered = self.enter_tenure(project, tenure, node.key(), from_epoch, bumps.1)?;
        Ok(NodeBound {
            stream: self.project,
            seq: project.next_seq(),
            timestamp: self.now,
            node: node.key(),
            licence: self.licence,
            serial: self.serial,
            holder: self.holder,
            node_key: self.args.node_key,
            tenure: tenure.key(),
            tenure_number: self.args.tenure_number,
            leaf_index: entered.leaf_index,
            from_epoch: entered.from_epoch,
            payout: entered.payout,
            payout_owner: entered.payout_owner,
            metadata_hash: self.args.metadata_hash,
        })
    }

    /// Returns the first epoch in which the tenure can earn: none in which an earlier one still does.
    fn enter_node(&self, loader: &AccountLoader<Node>, tenure: Pubkey, bump: u8) -> Result<u64> {
        let new = is_new(loader.as_ref())?;
        let mut node = if new { loader.load_init()? } else { loader.load_mut()? };
        if new {
            node.project = self.project;
            node.licence = self.licence;
            node.serial = self.serial;
            node.standard = self.standard;
            node.bump = bump;
            node.version = ACCOUNT_VERSION;
        } else {
            require!(node.status == node_status::FREE, NetworkError::AlreadyBound);
        }
        // The same holder may keep his tenure, anybody may make the next; `enter_tenure` checks whose it is.
        let next = node.tenure_number.checked_add(1).ok_or(NetworkError::Overflow)?;
        let keeps = !new && self.args.tenure_number == node.tenure_number;
        require!(keeps || self.args.tenure_number == next, NetworkError::WrongTenureNumber);
        node.tenure_number = self.args.tenure_number;
        node.tenure = tenure;
        node.licence_account = self.licence_account;
        node.node_key = self.args.node_key;
        node.metadata_hash = self.args.metadata_hash;
        node.status = node_status::BOUND;
        node.bound_at = self.now;
        node.accepted_at = 0;
        Ok(self.network.epoch_at(self.now.max(node.thaw_at)))
    }

    fn enter_tenure(
        &self,
        project: &mut Project,
        loader: &AccountLoader<Tenure>,
        node: Pubkey,
        from_epoch: u64,
        bump: u8,
    ) -> Result<Tenure> {
        if !is_new(loader.as_ref())? {
            let mut tenure = loader.load_mut()?;
            require_keys_eq!(tenure.holder, self.holder, NetworkError::WrongTenureNumber);
            // Its payout is bound to the operator's share: what follows is earned without him only by a next tenure.
            require_keys_eq!(tenure.operator, Pubkey::default(), NetworkError::TenureHasOperator);
            tenure.until_epoch = EPOCH_NEVER;
            return Ok(*tenure);
        }
        let leaf_index = project.leaf_count;
        require!(leaf_index < LEAVES_MAX, NetworkError::LeavesExhausted);
        project.leaf_count = leaf_index.checked_add(1).ok_or(NetworkError::Overflow)?;
        let mut tenure = loader.load_init()?;
        tenure.node = node;
        tenure.project = self.project;
        tenure.distribution = self.distribution;
        tenure.holder = self.holder;
        tenure.payout_owner = self.args.payout_owner;
        tenure.payout = get_associated_token_address_with_program_id(
            &self.args.payout_owner,
            &project.reward_mint,
            &self.reward_token_program,
        );
        tenure.from_epoch = from_epoch;
        tenure.until_epoch = EPOCH_NEVER;
        tenure.created_at = self.now;
        tenure.leaf_index = leaf_index;
        tenure.number = self.args.tenure_number;
        tenure.bump = bump;
        tenure.version = ACCOUNT_VERSION;
        Ok(*tenure)
    }
}

/// Ends a tenure with the epoch of the clock, which it still earns. The next one begins after it.
pub fn end_tenure(network: &Network, node: &mut Node, tenure: &mut Tenure, now: i64) -> Result<()> {
    let epoch = network.epoch_at(now);
    let until_epoch = epoch.checked_add(1).ok_or(NetworkError::Overflow)?;
    node.thaw_at = network.epoch_end(epoch);
    tenure.until_epoch = until_epoch;
    Ok(())
}

/// Whether `init_if_needed` made the account in this instruction: its discriminator is written at the end.
pub fn is_new(account: &AccountInfo) -> Result<bool> {
    let data = account.try_borrow_data()?;
    Ok(data.iter().take(8).all(|byte| *byte == 0))
}
