use std::{path::PathBuf, sync::Arc};

use anchor_lang::{AccountDeserialize, AccountSerialize};
use litesvm::{LiteSVM, types::TransactionMetadata};
use muster_protocol::hashv;
use solana_sdk::{
    account::Account,
    instruction::{Instruction, InstructionError},
    message::Message,
    pubkey::Pubkey,
    signature::{Keypair, Signer},
    transaction::{Transaction, TransactionError},
};

/// First second of the epoch in which every world begins, and the length of its epochs and buckets.
pub const START: i64 = 1_700_000_040;
pub const EPOCH_LEN: u32 = 120;
pub const BUCKET_LEN: u32 = 10;
pub const GRACE: u32 = 20;
pub const ROOT_DELAY: u32 = 10;
/// A program without an entry point is shorter, and accepts every instruction.
const PROGRAM_LEN_MIN: u64 = 100_000;
/// Bytes of an SPL Token mint.
const MINT_LEN: usize = 82;

/// Why a transaction was refused.
#[derive(Debug)]
pub struct Refusal {
    pub error: TransactionError,
    pub logs: Vec<String>,
    pub cu: u64,
}

impl Refusal {
    /// The program's error number, if a program refused.
    pub fn code(&self) -> Option<u32> {
        match self.error {
            TransactionError::InstructionError(_, InstructionError::Custom(code)) => Some(code),
            _ => None,
        }
    }
}

/// The simulated validator and how to talk to it.
#[derive(Clone)]
pub struct Svm {
    pub inner: LiteSVM,
    pub payer: Wallet,
}

/// A keypair that a cloned world can share.
#[derive(Clone)]
pub struct Wallet(Arc<Keypair>);

impl Wallet {
    pub fn new() -> Self {
        Self(Arc::new(Keypair::new()))
    }

    /// The same key for the same name: addresses and their bumps, and with them compute units, repeat.
    pub fn named(name: &str) -> Self {
        Self(Arc::new(Keypair::new_from_array(hashv(&[b"muster test wallet", name.as_bytes()]))))
    }

    pub fn key(&self) -> Pubkey {
        self.0.pubkey()
    }

    pub fn keypair(&self) -> &Keypair {
        &self.0
    }
}

impl Default for Wallet {
    fn default() -> Self {
        Self::new()
    }
}

/// The programs as `toolchain/build` made them.
pub fn program_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/deploy").join(name)
}

impl Svm {
    /// Both programs deployed, with `upgrade_authority` as ProgramData names it, and a funded payer.
    pub fn new(upgrade_authority: &Pubkey) -> Self {
        let mut inner = LiteSVM::new();
        for (id, name) in [(muster_network::ID, "muster_network.so"), (muster_jobs::ID, "muster_jobs.so")] {
            let path = program_path(name);
            let len = std::fs::metadata(&path).map_or(0, |file| file.len());
            assert!(len > PROGRAM_LEN_MIN, "{} has {len} bytes: run `make programs`", path.display());
            inner
                .add_program_from_file(id, &path)
                .unwrap_or_else(|error| panic!("{} is not loadable ({error}); run `make programs`", path.display()));
            set_upgrade_authority(&mut inner, &id, upgrade_authority);
        }
        let payer = Wallet::named("payer");
        inner.airdrop(&payer.key(), 1_000_000_000_000).expect("the payer is funded");
        let mut svm = Self { inner, payer };
        svm.set_time(START);
        svm
    }

    pub fn now(&self) -> i64 {
        self.inner.get_sysvar::<solana_sdk::clock::Clock>().unix_timestamp
    }

    pub fn set_time(&mut self, unix_timestamp: i64) {
        let mut clock = self.inner.get_sysvar::<solana_sdk::clock::Clock>();
        clock.unix_timestamp = unix_timestamp;
        self.inner.set_sysvar(&clock);
    }

    /// Sends one transaction; the payer signs besides `signers`.
    pub fn send(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Wallet],
    ) -> Result<TransactionMetadata, Box<Refusal>> {
        self.inner.expire_blockhash();
        let mut keys: Vec<&Keypair> = vec![self.payer.keypair()];
        for wallet in signers {
            if !keys.iter().any(|key| key.pubkey() == wallet.key()) {
                keys.push(wallet.keypair());
            }
        }
        let message = Message::new(instructions, Some(&self.payer.key()));
        let transaction = Transaction::new(&keys, message, self.inner.latest_blockhash());
        self.inner.send_transaction(transaction).map_err(|failed| {
            Box::new(Refusal { error: failed.err, cu: failed.meta.compute_units_consumed, logs: failed.meta.logs })
        })
    }

    pub fn airdrop(&mut self, wallet: &Wallet) {
        self.inner.airdrop(&wallet.key(), 100_000_000_000).expect("the wallet is funded");
    }

    /// An SPL Token mint of six decimals, whose tokens the payer mints; its address follows from `name`.
    pub fn add_mint(&mut self, name: &str) -> Pubkey {
        let address = Wallet::named(name).key();
        // spl_token's Mint: authority, supply, decimals, is_initialized, freeze authority.
        let mut data = vec![0; MINT_LEN];
        data[0] = 1;
        data[4..36].copy_from_slice(self.payer.key().as_ref());
        data[44] = 6;
        data[45] = 1;
        let lamports = self.inner.minimum_balance_for_rent_exemption(MINT_LEN);
        let mint = Account { lamports, data, owner: super::TOKEN, ..Account::default() };
        self.inner.set_account(address, mint).expect("the mint is stored");
        address
    }

    /// A zero-copy account.
    pub fn pod<T: bytemuck::AnyBitPattern>(&self, address: &Pubkey) -> T {
        let data = self.inner.get_account(address).expect("the account exists").data;
        bytemuck::pod_read_unaligned(&data[8..8 + size_of::<T>()])
    }

    /// A Borsh account.
    pub fn borsh<T: AccountDeserialize>(&self, address: &Pubkey) -> T {
        let data = self.inner.get_account(address).expect("the account exists").data;
        T::try_deserialize(&mut data.as_slice()).expect("the account decodes")
    }

    /// Changes a Borsh account behind the programs' back.
    pub fn edit<T: AccountDeserialize + AccountSerialize>(&mut self, address: &Pubkey, change: impl FnOnce(&mut T)) {
        let mut account = self.inner.get_account(address).expect("the account exists");
        let mut value: T = self.borsh(address);
        change(&mut value);
        let mut bytes = Vec::new();
        value.try_serialize(&mut bytes).expect("the account encodes");
        account.data[..bytes.len()].copy_from_slice(&bytes);
        self.inner.set_account(*address, account).expect("the account is stored");
    }

    /// Changes a zero-copy account behind the programs' back.
    pub fn edit_pod<T: bytemuck::Pod>(&mut self, address: &Pubkey, change: impl FnOnce(&mut T)) {
        let mut account = self.inner.get_account(address).expect("the account exists");
        let mut value: T = self.pod(address);
        change(&mut value);
        account.data[8..8 + size_of::<T>()].copy_from_slice(bytemuck::bytes_of(&value));
        self.inner.set_account(*address, account).expect("the account is stored");
    }

    /// Balance of a token account; 0 when there is none.
    pub fn tokens(&self, address: &Pubkey) -> u64 {
        self.inner.get_account(address).map_or(0, |account| {
            account.data.get(64..72).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("8 bytes")))
        })
    }
}

/// LiteSVM deploys programs without an upgrade authority; ours need one to be initialised.
fn set_upgrade_authority(svm: &mut LiteSVM, program: &Pubkey, authority: &Pubkey) {
    let address = program_data(program);
    let mut account = svm.get_account(&address).expect("the program has its data account");
    // bincode of UpgradeableLoaderState::ProgramData: u32 tag, u64 slot, Option<Pubkey>.
    account.data[12] = 1;
    account.data[13..45].copy_from_slice(authority.as_ref());
    svm.set_account(address, account).expect("the account is stored");
}

/// Where the upgradeable loader keeps a program's code and upgrade authority.
pub fn program_data(program: &Pubkey) -> Pubkey {
    pda(&[program.as_ref()], &anchor_lang::solana_program::bpf_loader_upgradeable::ID)
}

pub fn pda(seeds: &[&[u8]], program: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(seeds, program).0
}

/// Panics unless `result` was refused with the program error `expected`.
#[track_caller]
pub fn assert_refused<T: std::fmt::Debug>(result: Result<T, Box<Refusal>>, expected: impl Into<u32>) {
    let refusal = result.expect_err("the instruction should be refused");
    assert_eq!(refusal.code(), Some(expected.into()), "{refusal:#?}");
}
