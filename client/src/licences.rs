//! The licences of a project that a wallet holds, whatever standard they follow: pure reading of what an RPC node
//! returns, and the fetch around it.

use muster_network::{
    licences::{ExternalLicence, Shown, core_asset, token_2022},
    state::{Node, Project, licence_standard},
};
use serde_json::json;
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_rpc_client_api::{
    config::{RpcAccountInfoConfig, RpcProgramAccountsConfig},
    filter::{Memcmp, RpcFilterType},
    request::RpcRequest,
    response::{Response, RpcKeyedAccount},
};
use solana_sdk::{account::Account, pubkey::Pubkey};

use crate::{
    accounts::decode,
    addresses::{self, TOKEN_2022_PROGRAM, TOKEN_PROGRAM},
    chain::{Chain, ChainError, TokenAccount},
    instructions::ShownLicence,
};

/// A licence in a wallet's hand.
#[derive(Debug, Clone)]
pub struct HeldLicence {
    /// One of `licence_standard`.
    pub standard: u8,
    /// The accounts that show it; a Token-2022 licence has neither metadata nor edition.
    pub shown: ShownLicence,
    /// Its node's address, whether it exists or not.
    pub node_address: Pubkey,
    /// Its node, once it was bound.
    pub node: Option<Node>,
}

/// The mints of which a wallet's token accounts hold exactly one, with the account that holds it.
pub fn single_tokens(wallet: &Pubkey, accounts: &[(Pubkey, Account)]) -> Vec<(Pubkey, Pubkey)> {
    let held = accounts.iter().filter_map(|(address, account)| {
        let token = TokenAccount::decode(&account.owner, &account.data)?;
        (token.owner == *wallet && token.amount == 1).then_some((token.mint, *address))
    });
    held.collect()
}

/// Whether a mint is a licence of a project that sells its own.
pub fn is_own_licence(mint: &Pubkey, account: &Account, project_address: &Pubkey, project: &Project) -> bool {
    token_2022::read_serial(&shown(mint, account), project_address, &project.collection).is_some()
}

/// Whether a mint with Token Metadata is a licence of a collection, by its mint, metadata and edition.
pub fn is_described_licence(
    licence: &ShownLicence,
    collection: &Pubkey,
    mint: &Account,
    metadata: &Account,
    edition: Option<&Account>,
) -> bool {
    let (Some(metadata_address), Some(edition_address)) = (&licence.metadata, &licence.edition) else { return false };
    let external = ExternalLicence {
        standard: licence_standard::TOKEN_METADATA,
        collection,
        licence: shown(&licence.licence, mint),
        // Whose the token is was asked before; the mint alone decides what it is.
        account: shown(&licence.licence, mint),
        metadata: Some(shown(metadata_address, metadata)),
        edition: edition.map(|edition| shown(edition_address, edition)),
    };
    external.is_licence()
}

/// Whether a Core asset is a licence of a collection in a wallet's hand.
pub fn is_core_licence(asset: &Pubkey, account: &Account, collection: &Pubkey, wallet: &Pubkey) -> bool {
    let read = core_asset::read_asset(&shown(asset, account));
    read.is_some_and(|read| read.owner == *wallet && read.collection == Some(*collection))
}

fn shown<'a>(key: &'a Pubkey, account: &'a Account) -> Shown<'a> {
    Shown { key, owner: &account.owner, data: &account.data }
}

impl Chain {
    /// The licences of a project that a wallet holds, each with its node if it has one, ascending by licence.
    pub async fn licences_of(&self, project: &Pubkey, wallet: &Pubkey) -> Result<Vec<HeldLicence>, ChainError> {
        let state: Project = self.expect("the project", project).await?;
        let mut held = match state.standard {
            licence_standard::TOKEN_2022 => self.own_licences(project, &state, wallet).await?,
            licence_standard::CORE => self.core_licences(&state.collection, wallet).await?,
            _ => self.described_licences(&state.collection, wallet).await?,
        };
        held.sort_by_key(|shown| shown.licence);
        let nodes: Vec<Pubkey> = held.iter().map(|shown| addresses::node(&shown.licence)).collect();
        let accounts = self.accounts(&nodes).await?;
        let licences = held.into_iter().zip(nodes).zip(accounts).map(|((shown, address), account)| {
            let node = account.map(|account| decode::<Node>(&account.owner, &account.data)).transpose();
            let node = node.map_err(|source| ChainError::Decode { address, source: Box::new(source) })?;
            Ok(HeldLicence { standard: state.standard, shown, node_address: address, node })
        });
        licences.collect()
    }

    async fn own_licences(
        &self,
        address: &Pubkey,
        project: &Project,
        wallet: &Pubkey,
    ) -> Result<Vec<ShownLicence>, ChainError> {
        let tokens = single_tokens(wallet, &self.token_accounts(wallet, &TOKEN_2022_PROGRAM).await?);
        let mints: Vec<Pubkey> = tokens.iter().map(|(mint, _)| *mint).collect();
        let accounts = self.accounts(&mints).await?;
        let licences = tokens.iter().zip(&accounts).filter(|((mint, _), account)| {
            account.as_ref().is_some_and(|account| is_own_licence(mint, account, address, project))
        });
        Ok(licences
            .map(|((mint, account), _)| ShownLicence {
                licence: *mint,
                account: *account,
                metadata: None,
                edition: None,
            })
            .collect())
    }

    async fn core_licences(&self, collection: &Pubkey, wallet: &Pubkey) -> Result<Vec<ShownLicence>, ChainError> {
        let membership = [&[core_asset::update_authority::COLLECTION], collection.as_ref()].concat();
        let filters = [
            (0, [core_asset::ASSET].as_slice()),
            (core_asset::OWNER_OFFSET, wallet.as_ref()),
            (core_asset::UPDATE_AUTHORITY_OFFSET, membership.as_slice()),
        ];
        let filters = filters.map(|(offset, bytes)| RpcFilterType::Memcmp(Memcmp::new_base58_encoded(offset, bytes)));
        let config = RpcProgramAccountsConfig {
            filters: Some(filters.to_vec()),
            account_config: self.raw_accounts(),
            with_context: None,
            sort_results: None,
        };
        let what = "list a wallet's Core assets";
        let program = core_asset::PROGRAM;
        let found =
            self.retry(what, || self.rpc().get_program_ui_accounts_with_config(&program, config.clone())).await?;
        let mut licences = Vec::new();
        for (asset, account) in found {
            let account = account.to_account().ok_or_else(|| not_base64(what))?;
            if is_core_licence(&asset, &account, collection, wallet) {
                licences.push(ShownLicence::core(&asset));
            }
        }
        Ok(licences)
    }

    async fn described_licences(&self, collection: &Pubkey, wallet: &Pubkey) -> Result<Vec<ShownLicence>, ChainError> {
        let mut accounts = self.token_accounts(wallet, &TOKEN_PROGRAM).await?;
        accounts.extend(self.token_accounts(wallet, &TOKEN_2022_PROGRAM).await?);
        let tokens = single_tokens(wallet, &accounts);
        let held: Vec<ShownLicence> =
            tokens.iter().map(|(mint, account)| ShownLicence::token_metadata(mint, account)).collect();
        let wanted: Vec<Pubkey> =
            held.iter().flat_map(|one| [Some(one.licence), one.metadata, one.edition]).flatten().collect();
        let accounts = self.accounts(&wanted).await?;
        let licences = held.into_iter().zip(accounts.chunks_exact(3)).filter(|(one, accounts)| match accounts {
            [Some(mint), Some(metadata), edition] => {
                is_described_licence(one, collection, mint, metadata, edition.as_ref())
            }
            _ => false,
        });
        Ok(licences.map(|(one, _)| one).collect())
    }

    /// A wallet's token accounts of one token program.
    async fn token_accounts(&self, wallet: &Pubkey, program: &Pubkey) -> Result<Vec<(Pubkey, Account)>, ChainError> {
        let what = "list a wallet's token accounts";
        let params =
            json!([wallet.to_string(), json!({ "programId": program.to_string() }), json!(self.raw_accounts())]);
        let answer: Response<Vec<RpcKeyedAccount>> =
            self.retry(what, || self.rpc().send(RpcRequest::GetTokenAccountsByOwner, params.clone())).await?;
        let accounts = answer.value.into_iter().map(|keyed| {
            let address = keyed.pubkey.parse().map_err(|_| ChainError::Answer {
                what: what.to_owned(),
                why: format!("{} is no address", keyed.pubkey),
            })?;
            Ok((address, keyed.account.to_account().ok_or_else(|| not_base64(what))?))
        });
        accounts.collect()
    }

    fn raw_accounts(&self) -> RpcAccountInfoConfig {
        RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            commitment: Some(self.rpc().commitment()),
            data_slice: None,
            min_context_slot: None,
        }
    }
}

fn not_base64(what: &str) -> ChainError {
    ChainError::Answer { what: what.to_owned(), why: "an account's data is not base64".to_owned() }
}

#[cfg(test)]
mod tests {
    use muster_network::licences::token_metadata;

    use super::*;

    fn account(owner: Pubkey, data: Vec<u8>) -> Account {
        Account { owner, data, ..Account::default() }
    }

    fn token(mint: &Pubkey, owner: &Pubkey, amount: u64) -> Account {
        let mut data = vec![0; 165];
        data[..32].copy_from_slice(mint.as_ref());
        data[32..64].copy_from_slice(owner.as_ref());
        data[64..72].copy_from_slice(&amount.to_le_bytes());
        data[108] = 1;
        account(TOKEN_PROGRAM, data)
    }

    #[test]
    fn only_single_tokens_of_the_wallet_are_looked_at() {
        let (wallet, other, mint) = (Pubkey::new_unique(), Pubkey::new_unique(), Pubkey::new_unique());
        let at = Pubkey::new_unique();
        let accounts = [
            (at, token(&mint, &wallet, 1)),
            (Pubkey::new_unique(), token(&mint, &wallet, 2)),
            (Pubkey::new_unique(), token(&mint, &wallet, 0)),
            (Pubkey::new_unique(), token(&mint, &other, 1)),
            (Pubkey::new_unique(), account(wallet, token(&mint, &wallet, 1).data)),
            (Pubkey::new_unique(), account(TOKEN_PROGRAM, vec![1; 7])),
        ];
        assert_eq!(single_tokens(&wallet, &accounts), [(mint, at)]);
    }

    #[test]
    fn a_core_licence_is_of_the_collection_and_the_wallet() {
        // Given an asset as its program writes it: key, owner, collection, empty name and URI, no sequence
        let (asset, wallet, collection) = (Pubkey::new_unique(), Pubkey::new_unique(), Pubkey::new_unique());
        let data = [&[1], wallet.as_ref(), &[2], collection.as_ref(), &[0; 9]].concat();
        let right = account(core_asset::PROGRAM, data.clone());
        // When it is read, then it is a licence of that collection in that wallet's hand and nothing else.
        assert!(is_core_licence(&asset, &right, &collection, &wallet));
        assert!(!is_core_licence(&asset, &right, &wallet, &wallet));
        assert!(!is_core_licence(&asset, &right, &collection, &collection));
        assert!(!is_core_licence(&asset, &account(wallet, data.clone()), &collection, &wallet));
        // The filters look where the fields stand.
        assert_eq!(data[core_asset::OWNER_OFFSET..][..32], wallet.to_bytes());
        assert_eq!(data[core_asset::UPDATE_AUTHORITY_OFFSET], core_asset::update_authority::COLLECTION);
    }

    #[test]
    fn a_described_licence_needs_its_mint_and_its_metadata() {
        let (mint, holding, collection) = (Pubkey::new_unique(), Pubkey::new_unique(), Pubkey::new_unique());
        let licence = ShownLicence::token_metadata(&mint, &holding);
        // Given a mint of one token without authority
        let mut data = vec![0; 82];
        (data[36], data[45]) = (1, 1);
        let single = account(TOKEN_PROGRAM, data.clone());
        // and metadata: key, update authority, mint, empty texts, fee, no creators, two flags, no edition bump,
        // a non-fungible standard, a verified collection, no uses
        let head = [&[4], wallet_bytes().as_slice(), mint.as_ref(), &[0; 12], &[0, 0], &[0], &[1, 1], &[0]].concat();
        let member = [head.as_slice(), &[1, 0], &[1, 1], collection.as_ref(), &[0]].concat();
        let described = account(token_metadata::PROGRAM, member);
        // When they are read, then the mint is a licence of that collection,
        assert!(is_described_licence(&licence, &collection, &single, &described, None));
        // but of no other, not when its supply is 2, and not when the membership is unverified.
        assert!(!is_described_licence(&licence, &mint, &single, &described, None));
        data[36] = 2;
        assert!(!is_described_licence(&licence, &collection, &account(TOKEN_PROGRAM, data), &described, None));
        let unverified = [head.as_slice(), &[1, 0], &[1, 0], collection.as_ref(), &[0]].concat();
        let unverified = account(token_metadata::PROGRAM, unverified);
        assert!(!is_described_licence(&licence, &collection, &single, &unverified, None));
    }

    fn wallet_bytes() -> [u8; 32] {
        [3; 32]
    }
}
