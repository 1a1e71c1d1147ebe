use anchor_lang::{InstructionData, ToAccountMetas};
use muster_jobs as jobs;
use muster_network as network;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

use super::svm::{pda, program_data};

/// Addresses, derived here anew so that the client's are tested against them.
pub mod at {
    use super::*;

    pub fn network() -> Pubkey {
        pda(&[b"network"], &network::ID)
    }
    pub fn oracle_set() -> Pubkey {
        pda(&[b"oracles"], &network::ID)
    }
    pub fn project(index: u64) -> Pubkey {
        pda(&[b"project", &index.to_le_bytes()], &network::ID)
    }
    pub fn collection(project: &Pubkey) -> Pubkey {
        pda(&[b"group", project.as_ref()], &network::ID)
    }
    pub fn collection_marker(collection: &Pubkey) -> Pubkey {
        pda(&[b"collection", collection.as_ref()], &network::ID)
    }
    pub fn licence(project: &Pubkey, serial: u32) -> Pubkey {
        pda(&[b"licence", project.as_ref(), &serial.to_le_bytes()], &network::ID)
    }
    pub fn budget_vault(project: &Pubkey) -> Pubkey {
        pda(&[b"budget", project.as_ref()], &network::ID)
    }
    pub fn distribution(project: &Pubkey) -> Pubkey {
        pda(&[b"distribution", project.as_ref()], &network::ID)
    }
    pub fn vault(distribution: &Pubkey) -> Pubkey {
        pda(&[b"vault", distribution.as_ref()], &network::ID)
    }
    pub fn treasury(mint: &Pubkey) -> Pubkey {
        pda(&[b"treasury", mint.as_ref()], &network::ID)
    }
    pub fn node(licence: &Pubkey) -> Pubkey {
        pda(&[b"node", licence.as_ref()], &network::ID)
    }
    pub fn key_marker(key: &Pubkey) -> Pubkey {
        pda(&[b"key", key.as_ref()], &network::ID)
    }
    pub fn tenure(node: &Pubkey, number: u32) -> Pubkey {
        pda(&[b"tenure", node.as_ref(), &number.to_le_bytes()], &network::ID)
    }
    pub fn split(creator: &Pubkey, id: u32) -> Pubkey {
        pda(&[b"split", creator.as_ref(), &id.to_le_bytes()], &network::ID)
    }
    pub fn ballot(node: &Pubkey) -> Pubkey {
        pda(&[b"ballot", node.as_ref()], &network::ID)
    }
    pub fn view_set(epoch: u64) -> Pubkey {
        pda(&[b"views", &epoch.to_le_bytes()], &network::ID)
    }
    pub fn epoch(project: &Pubkey, epoch: u64) -> Pubkey {
        pda(&[b"epoch", project.as_ref(), &epoch.to_le_bytes()], &network::ID)
    }
    pub fn pool(project: &Pubkey, index: u32) -> Pubkey {
        pda(&[b"pool", project.as_ref(), &index.to_le_bytes()], &network::ID)
    }
    pub fn jobs_config() -> Pubkey {
        pda(&[b"config"], &jobs::ID)
    }
    pub fn job(submitter: &Pubkey, nonce: u64) -> Pubkey {
        pda(&[b"job", submitter.as_ref(), &nonce.to_le_bytes()], &jobs::ID)
    }
    pub fn escrow(job: &Pubkey) -> Pubkey {
        pda(&[b"escrow", job.as_ref()], &jobs::ID)
    }
    pub fn bond(tenure: &Pubkey) -> Pubkey {
        pda(&[b"bond", tenure.as_ref()], &jobs::ID)
    }
    pub fn sponsorship(job: &Pubkey, sponsor: &Pubkey) -> Pubkey {
        pda(&[b"sponsor", job.as_ref(), sponsor.as_ref()], &jobs::ID)
    }
    pub fn slash(bond: &Pubkey) -> Pubkey {
        pda(&[b"slash", bond.as_ref()], &jobs::ID)
    }
    pub fn bond_vault() -> Pubkey {
        pda(&[b"bonds"], &jobs::ID)
    }
    pub fn event_authority(program: &Pubkey) -> Pubkey {
        pda(&[b"__event_authority"], program)
    }
    pub fn network_program_data() -> Pubkey {
        program_data(&network::ID)
    }
    /// Associated token account.
    pub fn ata(owner: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Pubkey {
        spl_associated_token_account_interface::address::get_associated_token_address_with_program_id(
            owner,
            mint,
            token_program,
        )
    }
}

pub const TOKEN: Pubkey = anchor_spl_ids::TOKEN;
pub const TOKEN_2022: Pubkey = anchor_spl_ids::TOKEN_2022;
pub const ATA_PROGRAM: Pubkey = anchor_spl_ids::ATA;
pub const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);
/// The sysvar that shows a transaction's instructions.
pub const INSTRUCTIONS: Pubkey = solana_sdk::pubkey!("Sysvar1nstructions1111111111111111111111111");

mod anchor_spl_ids {
    use solana_sdk::{pubkey, pubkey::Pubkey};

    pub const TOKEN: Pubkey = pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
    pub const TOKEN_2022: Pubkey = pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
    pub const ATA: Pubkey = pubkey!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
}

/// An instruction of the network program.
pub fn network_ix(accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    Instruction { program_id: network::ID, accounts: accounts.to_account_metas(None), data: data.data() }
}

/// An instruction of the jobs program; `more` are its remaining accounts, writable.
pub fn jobs_ix(accounts: impl ToAccountMetas, data: impl InstructionData, more: &[Pubkey]) -> Instruction {
    let mut accounts = accounts.to_account_metas(None);
    accounts.extend(more.iter().map(|key| solana_sdk::instruction::AccountMeta::new(*key, false)));
    Instruction { program_id: jobs::ID, accounts, data: data.data() }
}
