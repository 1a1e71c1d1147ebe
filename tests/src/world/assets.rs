//! Assets of other programs, as those programs write them: their accounts are put into the virtual machine as bytes.

use muster_network::{
    self as network, BindArgs,
    licences::{core_asset, token_metadata},
    state::{Node, licence_standard},
};
use solana_sdk::{account::Account, pubkey::Pubkey};

use super::{accounts::*, steps::*, svm::*};

/// Bytes that Token Metadata reserves behind its fields.
const METADATA_LEN: usize = 607;
/// Bytes of a master edition.
const EDITION_LEN: usize = 282;
const MINT_LEN: usize = 82;
const TOKEN_ACCOUNT_LEN: usize = 165;

/// A Core asset's fields.
#[derive(Clone, Debug)]
pub struct CoreAsset {
    pub key: u8,
    pub owner: Pubkey,
    /// 0 nobody, 1 an address, 2 a collection.
    pub update_authority_kind: u8,
    pub update_authority: Pubkey,
    pub name: String,
    pub uri: String,
    pub seq: Option<u64>,
}

impl CoreAsset {
    /// A member of a collection.
    pub fn of(owner: Pubkey, collection: Pubkey) -> Self {
        Self {
            key: 1,
            owner,
            update_authority_kind: 2,
            update_authority: collection,
            name: "Licence".to_owned(),
            uri: "https://example.org/licence.json".to_owned(),
            seq: None,
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.key];
        bytes.extend_from_slice(self.owner.as_ref());
        bytes.push(self.update_authority_kind);
        if self.update_authority_kind != 0 {
            bytes.extend_from_slice(self.update_authority.as_ref());
        }
        put_text(&mut bytes, &self.name);
        put_text(&mut bytes, &self.uri);
        put_option(&mut bytes, self.seq.map(u64::to_le_bytes));
        bytes
    }
}

/// A Core collection's bytes.
pub fn core_collection(update_authority: Pubkey) -> Vec<u8> {
    let mut bytes = vec![5];
    bytes.extend_from_slice(update_authority.as_ref());
    put_text(&mut bytes, "Licences");
    put_text(&mut bytes, "https://example.org/collection.json");
    bytes.extend_from_slice(&3u32.to_le_bytes());
    bytes.extend_from_slice(&2u32.to_le_bytes());
    bytes
}

/// Token Metadata's fields, those that decide.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub key: u8,
    pub update_authority: Pubkey,
    pub mint: Pubkey,
    pub creators: usize,
    pub token_standard: Option<u8>,
    /// Whether its authority verified it, and the collection.
    pub collection: Option<(bool, Pubkey)>,
    /// Method, remaining and total.
    pub uses: Option<(u8, u64, u64)>,
}

impl Metadata {
    /// A verified member of a collection.
    pub fn of(mint: Pubkey, collection: Pubkey) -> Self {
        Self {
            key: 4,
            update_authority: Pubkey::new_unique(),
            mint,
            creators: 2,
            token_standard: Some(0),
            collection: Some((true, collection)),
            uses: None,
        }
    }

    /// The fields, without the room behind them.
    pub fn fields(&self) -> Vec<u8> {
        let mut bytes = vec![self.key];
        bytes.extend_from_slice(self.update_authority.as_ref());
        bytes.extend_from_slice(self.mint.as_ref());
        put_text(&mut bytes, &format!("{:\0<32}", "Licence"));
        put_text(&mut bytes, &format!("{:\0<10}", "LIC"));
        put_text(&mut bytes, &format!("{:\0<200}", "https://example.org/licence.json"));
        bytes.extend_from_slice(&500u16.to_le_bytes());
        bytes.push(u8::from(self.creators > 0));
        if self.creators > 0 {
            bytes.extend_from_slice(&(self.creators as u32).to_le_bytes());
            for creator in 0..self.creators {
                bytes.extend_from_slice(&[creator as u8; 32]);
                bytes.extend_from_slice(&[1, 50]);
            }
        }
        // The first sale happened, the data may change, the edition's bump.
        bytes.extend_from_slice(&[1, 1, 1, 254]);
        put_option(&mut bytes, self.token_standard.map(|standard| [standard]));
        bytes.push(u8::from(self.collection.is_some()));
        if let Some((verified, key)) = self.collection {
            bytes.push(u8::from(verified));
            bytes.extend_from_slice(key.as_ref());
        }
        bytes.push(u8::from(self.uses.is_some()));
        if let Some((method, remaining, total)) = self.uses {
            bytes.push(method);
            bytes.extend_from_slice(&remaining.to_le_bytes());
            bytes.extend_from_slice(&total.to_le_bytes());
        }
        bytes
    }

    /// The account's data.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.fields();
        bytes.resize(METADATA_LEN, 0);
        bytes
    }
}

/// A mint's bytes.
pub fn mint_bytes(authority: Option<Pubkey>, supply: u64, decimals: u8) -> Vec<u8> {
    let mut bytes = vec![0; MINT_LEN];
    if let Some(authority) = authority {
        bytes[0] = 1;
        bytes[4..36].copy_from_slice(authority.as_ref());
    }
    bytes[36..44].copy_from_slice(&supply.to_le_bytes());
    bytes[44] = decimals;
    bytes[45] = 1;
    bytes
}

/// A token account's bytes.
pub fn token_account_bytes(mint: &Pubkey, owner: &Pubkey, amount: u64) -> Vec<u8> {
    let mut bytes = vec![0; TOKEN_ACCOUNT_LEN];
    bytes[..32].copy_from_slice(mint.as_ref());
    bytes[32..64].copy_from_slice(owner.as_ref());
    bytes[64..72].copy_from_slice(&amount.to_le_bytes());
    bytes[108] = 1;
    bytes
}

/// An edition's bytes: 1 is a print, 2 and 6 are masters.
pub fn edition_bytes(key: u8) -> Vec<u8> {
    let mut bytes = vec![0; EDITION_LEN];
    bytes[0] = key;
    bytes
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_option<const N: usize>(bytes: &mut Vec<u8>, value: Option<[u8; N]>) {
    bytes.push(u8::from(value.is_some()));
    bytes.extend(value.into_iter().flatten());
}

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
