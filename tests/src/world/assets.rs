//! Assets of other programs, as those programs write them: their accounts are put into the virtual machine as bytes.

use muster_network::{
    self as network, BindArgs,
    licences::{core_asset, token_metadata},
    state::{Node, licence_standard},
};
use solana_sdk::{account::Account, pubkey::Pubkey};

use super::{accounts::*, asset_bytes::*, steps::*, svm::*};

/// An external licence and the node that it may have.
#[derive(Clone)]
pub struct AssetOf {
    pub standard: u8,
    pub holder: Wallet,
    pub key: Wallet,
    /// The Core asset, or the mint.
    pub licence: Pubkey,
    /// The Core asset again, or the holder's token account.
    pub account: Pubkey,
    pub metadata: Option<Pubkey>,
    pub edition: Option<Pubkey>,
    pub node: Pubkey,
    pub tenure: Pubkey,
    pub tenure_number: u32,
}

impl AssetOf {
    /// As the instructions see it that treat all standards alike.
    pub fn as_node(&self) -> NodeOf {
        NodeOf {
            holder: self.holder.clone(),
            key: self.key.clone(),
            licence: self.licence,
            node: self.node,
            tenure: self.tenure,
        }
    }

    /// The same licence in another's hands, who names a new node key and makes the next tenure.
    pub fn passed_to(&self, holder: Wallet) -> Self {
        let account = match self.standard {
            licence_standard::CORE => self.licence,
            _ => at::ata(&holder.key(), &self.licence, &TOKEN),
        };
        let tenure_number = self.tenure_number + 1;
        let tenure = at::tenure(&self.node, tenure_number);
        Self { holder, key: Wallet::new(), account, tenure, tenure_number, ..self.clone() }
    }
}

impl World {
    /// A project without licences, and a collection of a standard that its owner has authority over.
    pub fn with_collection(standard: u8) -> (Self, Pubkey) {
        let mut world = Self::with_project();
        let collection = Pubkey::new_unique();
        let authority = world.owner.key();
        if standard == licence_standard::CORE {
            world.put(collection, core_asset::PROGRAM, core_collection(authority));
        } else {
            world.put(collection, TOKEN, mint_bytes(Some(token_metadata::edition_address(&collection)), 1, 0));
            let metadata =
                Metadata { update_authority: authority, collection: None, ..Metadata::of(collection, collection) };
            world.put(token_metadata::metadata_address(&collection), token_metadata::PROGRAM, metadata.bytes());
        }
        (world, collection)
    }

    /// A project whose licences are the assets of a collection of a standard.
    pub fn with_assets(standard: u8) -> Self {
        let (mut world, collection) = Self::with_collection(standard);
        world.link_collection(standard, collection).expect("the collection is linked");
        world
    }

    /// Puts an account there, as if its program had written it.
    pub fn put(&mut self, address: Pubkey, owner: Pubkey, data: Vec<u8>) {
        let lamports = self.svm.inner.minimum_balance_for_rent_exemption(data.len());
        let account = Account { lamports, data, owner, executable: false, rent_epoch: u64::MAX };
        self.svm.inner.set_account(address, account).expect("the account is stored");
    }

    /// Takes an account away, as if its program had closed it.
    pub fn take_away(&mut self, address: Pubkey) {
        self.svm.inner.set_account(address, Account::default()).expect("the account is stored");
    }

    /// Gives an account's bytes to another program.
    pub fn put_owner(&mut self, address: Pubkey, owner: Pubkey) {
        let data = self.svm.inner.get_account(&address).expect("the account exists").data;
        self.put(address, owner, data);
    }

    /// Changes a Core asset that its holder holds.
    pub fn put_core(&mut self, asset: &AssetOf, change: impl FnOnce(&mut CoreAsset)) {
        let mut fields = CoreAsset::of(asset.holder.key(), self.collection());
        change(&mut fields);
        self.put(asset.licence, core_asset::PROGRAM, fields.bytes());
    }

    /// Changes the metadata of a member of the collection.
    pub fn put_metadata(&mut self, asset: &AssetOf, change: impl FnOnce(&mut Metadata)) {
        let mut fields = Metadata::of(asset.licence, self.collection());
        change(&mut fields);
        self.put(token_metadata::metadata_address(&asset.licence), token_metadata::PROGRAM, fields.bytes());
    }

    /// The collection of the project's licences.
    pub fn collection(&self) -> Pubkey {
        self.svm.borsh::<network::state::Project>(&self.project).collection
    }

    /// A licence of the linked collection with a new holder.
    pub fn add_asset(&mut self, standard: u8) -> AssetOf {
        let (holder, licence) = (Wallet::new(), Pubkey::new_unique());
        self.svm.airdrop(&holder);
        let node = at::node(&licence);
        let mut asset = AssetOf {
            standard,
            key: Wallet::new(),
            licence,
            account: licence,
            metadata: None,
            edition: None,
            node,
            tenure: at::tenure(&node, 1),
            tenure_number: 1,
            holder,
        };
        if standard == licence_standard::CORE {
            self.give(&asset);
            return asset;
        }
        let (metadata, edition) =
            (token_metadata::metadata_address(&licence), token_metadata::edition_address(&licence));
        asset.account = at::ata(&asset.holder.key(), &licence, &TOKEN);
        (asset.metadata, asset.edition) = (Some(metadata), Some(edition));
        let collection = self.collection();
        self.put(licence, TOKEN, mint_bytes(Some(edition), 1, 0));
        self.put(metadata, token_metadata::PROGRAM, Metadata::of(licence, collection).bytes());
        self.put(edition, token_metadata::PROGRAM, edition_bytes(6));
        self.give(&asset);
        asset
    }

    /// Puts a licence into its holder's hands.
    pub fn give(&mut self, asset: &AssetOf) {
        let holder = asset.holder.key();
        if asset.standard == licence_standard::CORE {
            let bytes = CoreAsset::of(holder, self.collection()).bytes();
            self.put(asset.licence, core_asset::PROGRAM, bytes);
        } else {
            self.put(asset.account, TOKEN, token_account_bytes(&asset.licence, &holder, 1));
        }
    }

    /// Sells a licence to a new holder.
    pub fn sell_asset(&mut self, asset: &AssetOf) -> AssetOf {
        let buyer = Wallet::new();
        self.svm.airdrop(&buyer);
        let sold = asset.passed_to(buyer);
        if asset.standard != licence_standard::CORE {
            self.put(asset.account, TOKEN, token_account_bytes(&asset.licence, &asset.holder.key(), 0));
        }
        self.give(&sold);
        sold
    }

    pub fn link_collection_accounts(&self, standard: u8, collection: Pubkey) -> network::accounts::LinkCollection {
        let described = standard == licence_standard::TOKEN_METADATA;
        network::accounts::LinkCollection {
            owner: self.owner.key(),
            collection_authority: self.owner.key(),
            project: self.project,
            collection,
            metadata: described.then(|| token_metadata::metadata_address(&collection)),
            collection_marker: at::collection_marker(&collection),
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn link_collection(&mut self, standard: u8, collection: Pubkey) -> Outcome {
        let accounts = self.link_collection_accounts(standard, collection);
        let ix = network_ix(accounts, network::instruction::LinkCollection { standard });
        let owner = self.owner.clone();
        self.svm.send(&[ix], &[&owner])
    }

    pub fn bind_asset_args(asset: &AssetOf) -> BindArgs {
        BindArgs {
            tenure_number: asset.tenure_number,
            node_key: asset.key.key(),
            payout_owner: asset.holder.key(),
            metadata_hash: [7; 32],
        }
    }

    /// The accounts of a bind; `former` is whose node it ends or follows.
    pub fn bind_asset_accounts(&self, asset: &AssetOf, former: Option<&AssetOf>) -> network::accounts::BindAsset {
        network::accounts::BindAsset {
            holder: asset.holder.key(),
            network: at::network(),
            project: self.project,
            distribution: at::distribution(&self.project),
            licence: asset.licence,
            licence_account: asset.account,
            metadata: asset.metadata,
            edition: asset.edition,
            node: asset.node,
            tenure: asset.tenure,
            key_marker: at::key_marker(&asset.key.key()),
            former_tenure: former.map(|former| former.tenure),
            former_holder: former.map(|former| former.holder.key()),
            former_key_marker: former.and_then(|former| self.asset_marker(former)),
            reward_mint: self.mint,
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn bind_asset(&mut self, asset: &AssetOf, former: Option<&AssetOf>) -> Outcome {
        let accounts = self.bind_asset_accounts(asset, former);
        let ix = network_ix(accounts, network::instruction::BindAsset { args: Self::bind_asset_args(asset) });
        self.svm.send(&[ix], &[&asset.holder])
    }

    /// A bound node's key accepts.
    pub fn accept_asset(&mut self, asset: &AssetOf) -> Outcome {
        self.accept(&asset.as_node())
    }

    /// A licence of the linked collection whose node runs.
    pub fn run_asset(&mut self, standard: u8) -> AssetOf {
        let asset = self.add_asset(standard);
        self.bind_asset(&asset, None).expect("the asset is bound");
        self.accept_asset(&asset).expect("the key accepts");
        asset
    }

    /// Frees a node that its holder unbound.
    pub fn thaw_asset(&mut self, asset: &AssetOf) -> Outcome {
        let mut accounts = self.thaw_accounts(&asset.as_node());
        accounts.licence_account = asset.account;
        let ix = network_ix(accounts, network::instruction::Thaw {});
        self.svm.send(&[ix], &[])
    }

    pub fn detach_accounts(&self, asset: &AssetOf) -> network::accounts::Detach {
        network::accounts::Detach {
            network: at::network(),
            project: self.project,
            node: asset.node,
            tenure: asset.tenure,
            holder: asset.holder.key(),
            licence: asset.licence,
            licence_account: asset.account,
            metadata: asset.metadata,
            key_marker: self.asset_marker(asset),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn detach(&mut self, asset: &AssetOf) -> Outcome {
        let ix = network_ix(self.detach_accounts(asset), network::instruction::Detach {});
        self.svm.send(&[ix], &[])
    }

    /// The marker of the key that runs an asset's node, if one does.
    fn asset_marker(&self, asset: &AssetOf) -> Option<Pubkey> {
        let marker = at::key_marker(&asset.key.key());
        let is_there = self.svm.inner.get_account(&marker).is_some_and(|account| !account.data.is_empty());
        is_there.then_some(marker)
    }

    pub fn node_of(&self, asset: &AssetOf) -> Node {
        self.svm.pod(&asset.node)
    }
}
