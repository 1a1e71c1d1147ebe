//! A case's accounts among those of the busier history, and what each of them is.

use std::collections::{BTreeMap, HashMap};

use litesvm::LiteSVM;
use muster_network::licences::{core_asset, token_metadata};
use muster_tests::{cases::Case, world::*};
use solana_sdk::{
    account::{Account, ReadableAccount},
    instruction::Instruction,
    message::Message,
    pubkey::Pubkey,
    signature::Keypair,
    transaction::{Transaction, TransactionError},
};

use super::{history, idl, spoilt::Spoilt};

const SYSVAR_OWNER: Pubkey = solana_sdk::pubkey!("Sysvar1111111111111111111111111111111111111");
const UPGRADEABLE_LOADER: Pubkey = solana_sdk::pubkey!("BPFLoaderUpgradeab1e11111111111111111111111");
/// The programs that instructions name.
const PROGRAMS: [Pubkey; 6] = [SYSTEM, TOKEN, TOKEN_2022, ATA_PROGRAM, muster_network::ID, muster_jobs::ID];

/// What an account is: what may be mistaken for one another has the same type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// An account of our programs, by its name in the IDL.
    Ours(String),
    TokenAccount,
    Mint,
    /// A program that instructions use.
    Program,
    ProgramData,
    Sysvar,
    /// A wallet of the world, by its role.
    Person(&'static str),
    /// An account of an NFT standard, by its program and first byte.
    Foreign(Pubkey, u8),
    /// Another account of the system program with lamports.
    Wallet,
    Nothing,
    Other,
}

impl Type {
    /// Whether the programs make more than one of it.
    pub fn has_others(&self) -> bool {
        match self {
            Self::Ours(name) => !["Network", "OracleSet", "JobsConfig"].contains(&name.as_str()),
            Self::Foreign(..) | Self::Mint | Self::Program => true,
            _ => false,
        }
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ours(name) => f.write_str(name),
            Self::Foreign(program, _) => write!(f, "account of {program}"),
            Self::Person(role) => f.write_str(role),
            Self::TokenAccount => f.write_str("token account"),
            Self::Mint => f.write_str("mint"),
            Self::Program => f.write_str("program"),
            Self::ProgramData => f.write_str("program data"),
            Self::Sysvar => f.write_str("sysvar"),
            Self::Wallet => f.write_str("wallet"),
            Self::Nothing | Self::Other => f.write_str("account"),
        }
    }
}

pub struct State {
    svm: LiteSVM,
    /// Pays the fees: no account of the case is a signer or writable for that alone.
    relay: Wallet,
    wallets: HashMap<Pubkey, Wallet>,
    roles: BTreeMap<Pubkey, &'static str>,
    types: Vec<(Pubkey, Vec<u8>, String)>,
    /// Addresses by type, in a fixed order.
    pub index: BTreeMap<Type, Vec<Pubkey>>,
}

impl State {
    pub fn new(case: &Case) -> Self {
        let world = &case.world;
        let mut state = Self {
            svm: world.svm.inner.clone(),
            relay: Wallet::named("relay"),
            wallets: HashMap::new(),
            roles: BTreeMap::new(),
            types: idl::account_types(),
            index: BTreeMap::new(),
        };
        state.enter_people(case);
        // What the case makes must not be there before.
        let named = |address: &Pubkey| case.instruction.accounts.iter().any(|meta| meta.pubkey == *address);
        for (address, account) in history::accounts() {
            if !named(address) && state.svm.get_account(address).is_none() {
                state.put(*address, account.clone());
            }
        }
        state.put(history::stranger().key(), wallet_account());
        state.put(state.relay.key(), wallet_account());
        state.enter_index();
        state
    }

    /// Who everybody is, and all keys that can sign.
    fn enter_people(&mut self, case: &Case) {
        let world = &case.world;
        let mut people = vec![
            ("payer", world.svm.payer.clone()),
            ("upgrade authority", world.upgrade_authority.clone()),
            ("authority", world.authority.clone()),
            ("guardian", world.guardian.clone()),
            ("owner", world.owner.clone()),
            ("settler", world.settler.clone()),
        ];
        people.extend(world.oracles.iter().map(|oracle| ("oracle", oracle.clone())));
        for node in world.nodes.iter().chain(history::nodes()) {
            people.extend([("holder", node.holder.clone()), ("node key", node.key.clone())]);
        }
        for (role, wallet) in people {
            // One who signs must exist as an account: most hot keys never got a lamport.
            if self.svm.get_account(&wallet.key()).is_none() && !is_named(case, &wallet.key()) {
                self.put(wallet.key(), wallet_account());
            }
            self.roles.entry(wallet.key()).or_insert(role);
            self.wallets.insert(wallet.key(), wallet);
        }
        let others = case.signers.iter().cloned().chain([history::stranger(), self.relay.clone()]);
        self.wallets.extend(others.map(|wallet| (wallet.key(), wallet)));
    }

    fn enter_index(&mut self) {
        let mut index: BTreeMap<Type, Vec<Pubkey>> = BTreeMap::new();
        for (address, account) in &self.svm.accounts_db().inner {
            // Who pays the fee signs anyway.
            if *address != self.relay.key() {
                let kind = self.type_of(address, Some(&Account::from(account.clone())));
                index.entry(kind).or_default().push(*address);
            }
        }
        for addresses in index.values_mut() {
            addresses.sort_unstable();
        }
        self.index = index;
    }

    pub fn account(&self, address: &Pubkey) -> Option<Account> {
        self.svm.get_account(address).filter(|account| account.lamports > 0)
    }

    /// The key of an address, if somebody has it.
    pub fn wallet(&self, address: &Pubkey) -> Option<&Wallet> {
        self.wallets.get(address)
    }

    pub fn type_of(&self, address: &Pubkey, account: Option<&Account>) -> Type {
        let Some(account) = account.filter(|account| account.lamports > 0) else {
            return self.roles.get(address).map_or(Type::Nothing, |role| Type::Person(role));
        };
        if account.executable {
            return if PROGRAMS.contains(address) { Type::Program } else { Type::Other };
        }
        if account.owner == UPGRADEABLE_LOADER {
            return Type::ProgramData;
        }
        if account.owner == SYSVAR_OWNER {
            return Type::Sysvar;
        }
        if account.owner == SYSTEM {
            return self.roles.get(address).map_or(Type::Wallet, |role| Type::Person(role));
        }
        if account.owner == TOKEN || account.owner == TOKEN_2022 {
            return match (account.data.len(), account.data.get(165)) {
                (82, _) | (_, Some(1)) => Type::Mint,
                _ => Type::TokenAccount,
            };
        }
        if [core_asset::PROGRAM, token_metadata::PROGRAM].contains(&account.owner) {
            return Type::Foreign(account.owner, account.data.first().copied().unwrap_or_default());
        }
        let ours =
            self.types.iter().find(|(owner, first, _)| *owner == account.owner && account.data.starts_with(first));
        ours.map_or(Type::Other, |(_, _, name)| Type::Ours(name.clone()))
    }

    fn put(&mut self, address: Pubkey, account: Account) {
        self.svm.set_account(address, account).expect("the account is stored");
    }

    /// Simulates the instruction; the accounts afterwards, or the error.
    pub fn run(&self, instruction: &Instruction) -> Result<HashMap<Pubkey, Account>, TransactionError> {
        let message = Message::new(std::slice::from_ref(instruction), Some(&self.relay.key()));
        let needed = &message.account_keys[..usize::from(message.header.num_required_signatures)];
        let keys: Vec<&Keypair> = needed
            .iter()
            .map(|key| {
                let wallet = self.wallet(key);
                wallet.unwrap_or_else(|| panic!("nobody has the key of {key}, which must sign")).keypair()
            })
            .collect();
        let transaction = Transaction::new(&keys, message, self.svm.latest_blockhash());
        match self.svm.simulate_transaction(transaction) {
            Ok(done) => {
                Ok(done.post_accounts.into_iter().map(|(key, account)| (key, Account::from(account))).collect())
            }
            Err(failed) => Err(failed.err),
        }
    }

    /// Simulates a spoilt instruction with the account that it brings along.
    pub fn run_spoilt(&mut self, spoilt: &Spoilt) -> Result<(), TransactionError> {
        let before = spoilt.account.as_ref().map(|(address, account)| {
            let before = self.account(address).unwrap_or_default();
            self.put(*address, account.clone());
            (*address, before)
        });
        let result = self.run(&spoilt.instruction);
        if let Some((address, account)) = before {
            self.put(address, account);
        }
        result.map(drop)
    }
}

/// Whether the case's instruction names an address.
fn is_named(case: &Case, address: &Pubkey) -> bool {
    case.instruction.accounts.iter().any(|meta| meta.pubkey == *address)
}

pub fn wallet_account() -> Account {
    Account { lamports: 100_000_000_000, owner: SYSTEM, ..Account::default() }
}

/// The mint and the owner of a token account's bytes.
pub fn mint_and_owner(account: &impl ReadableAccount) -> (&[u8], &[u8]) {
    (&account.data()[..32], &account.data()[32..64])
}
