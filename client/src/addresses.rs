//! Every program-derived address, by the name of the account that lives there.

use muster_jobs as jobs;
use muster_network as net;
use solana_sdk::pubkey::Pubkey;

/// Loader whose accounts hold the programs' code and upgrade authority.
pub const UPGRADEABLE_LOADER: Pubkey = Pubkey::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");
/// The system program.
pub const SYSTEM_PROGRAM: Pubkey = Pubkey::from_str_const("11111111111111111111111111111111");
/// The associated token account program.
pub const ASSOCIATED_TOKEN_PROGRAM: Pubkey = Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
/// The Token-2022 program, under which licences live.
pub const TOKEN_2022_PROGRAM: Pubkey = Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
/// The classic SPL Token program.
pub const TOKEN_PROGRAM: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// The compute budget program.
pub const COMPUTE_BUDGET_PROGRAM: Pubkey = Pubkey::from_str_const("ComputeBudget111111111111111111111111111111");
/// The Clock sysvar.
pub const CLOCK_SYSVAR: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");

fn pda(program: &Pubkey, seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, program).0
}

fn network_pda(seeds: &[&[u8]]) -> Pubkey {
    pda(&net::ID, seeds)
}

fn jobs_pda(seeds: &[&[u8]]) -> Pubkey {
    pda(&jobs::ID, seeds)
}

/// The network; one per deployment.
pub fn network() -> Pubkey {
    network_pda(&[net::NETWORK_SEED])
}

/// The oracle set; one per deployment.
pub fn oracle_set() -> Pubkey {
    network_pda(&[net::ORACLE_SET_SEED])
}

/// A project by its index.
pub fn project(index: u64) -> Pubkey {
    network_pda(&[net::PROJECT_SEED, &index.to_le_bytes()])
}

/// A project's own licence collection: a Token-2022 group mint.
pub fn group(project: &Pubkey) -> Pubkey {
    network_pda(&[net::GROUP_SEED, project.as_ref()])
}

/// The marker that a collection belongs to a project.
pub fn collection_marker(collection: &Pubkey) -> Pubkey {
    network_pda(&[net::COLLECTION_SEED, collection.as_ref()])
}

/// A licence's mint.
pub fn licence(project: &Pubkey, serial: u32) -> Pubkey {
    network_pda(&[net::LICENCE_SEED, project.as_ref(), &serial.to_le_bytes()])
}

/// The token account that holds a project's unspent budget.
pub fn budget_vault(project: &Pubkey) -> Pubkey {
    network_pda(&[net::BUDGET_SEED, project.as_ref()])
}

/// A project's distribution.
pub fn distribution(project: &Pubkey) -> Pubkey {
    network_pda(&[net::DISTRIBUTION_SEED, project.as_ref()])
}

/// The token account that a distribution's claims are paid from.
pub fn vault(distribution: &Pubkey) -> Pubkey {
    network_pda(&[net::VAULT_SEED, distribution.as_ref()])
}

/// The network's treasury of a mint, a token account.
pub fn treasury(mint: &Pubkey) -> Pubkey {
    network_pda(&[net::TREASURY_SEED, mint.as_ref()])
}

/// The node of a licence.
pub fn node(licence: &Pubkey) -> Pubkey {
    network_pda(&[net::NODE_SEED, licence.as_ref()])
}

/// The marker that a node key is taken.
pub fn key_marker(node_key: &Pubkey) -> Pubkey {
    network_pda(&[net::KEY_SEED, node_key.as_ref()])
}

/// A node's tenure by its number; the first is 1 or what the node says.
pub fn tenure(node: &Pubkey, number: u32) -> Pubkey {
    network_pda(&[net::TENURE_SEED, node.as_ref(), &number.to_le_bytes()])
}

/// A creator's split of a payout.
pub fn split(creator: &Pubkey, id: u32) -> Pubkey {
    network_pda(&[net::SPLIT_SEED, creator.as_ref(), &id.to_le_bytes()])
}

/// The oracles' open votes on a node's suspension.
pub fn ballot(node: &Pubkey) -> Pubkey {
    network_pda(&[net::BALLOT_SEED, node.as_ref()])
}

/// The oracles' views of an epoch.
pub fn view_set(epoch: u64) -> Pubkey {
    network_pda(&[net::VIEWS_SEED, &epoch.to_le_bytes()])
}

/// A project's settlement of an epoch.
pub fn epoch(project: &Pubkey, epoch: u64) -> Pubkey {
    network_pda(&[net::EPOCH_SEED, project.as_ref(), &epoch.to_le_bytes()])
}

/// A project's pool by its index.
pub fn pool(project: &Pubkey, index: u32) -> Pubkey {
    network_pda(&[net::POOL_SEED, project.as_ref(), &index.to_le_bytes()])
}

/// The jobs program's config.
pub fn jobs_config() -> Pubkey {
    jobs_pda(&[jobs::CONFIG_SEED])
}

/// A job by its submitter and the nonce that he gave it.
pub fn job(submitter: &Pubkey, nonce: u64) -> Pubkey {
    jobs_pda(&[jobs::JOB_SEED, submitter.as_ref(), &nonce.to_le_bytes()])
}

/// The token account that holds a job's stake and tip.
pub fn escrow(job: &Pubkey) -> Pubkey {
    jobs_pda(&[jobs::ESCROW_SEED, job.as_ref()])
}

/// Bumps of a job's address and of its escrow's, which a submission states.
pub fn job_bumps(submitter: &Pubkey, nonce: u64) -> (u8, u8) {
    let seeds: &[&[u8]] = &[jobs::JOB_SEED, submitter.as_ref(), &nonce.to_le_bytes()];
    let (job, job_bump) = Pubkey::find_program_address(seeds, &jobs::ID);
    let escrow = Pubkey::find_program_address(&[jobs::ESCROW_SEED, job.as_ref()], &jobs::ID);
    (job_bump, escrow.1)
}

/// What one sponsor put into a job.
pub fn sponsorship(job: &Pubkey, sponsor: &Pubkey) -> Pubkey {
    jobs_pda(&[jobs::SPONSOR_SEED, job.as_ref(), sponsor.as_ref()])
}

/// The votes on a bond's slash, and the one that waits.
pub fn slash(bond: &Pubkey) -> Pubkey {
    jobs_pda(&[jobs::SLASH_SEED, bond.as_ref()])
}

/// A tenure's bond.
pub fn bond(tenure: &Pubkey) -> Pubkey {
    jobs_pda(&[jobs::BOND_SEED, tenure.as_ref()])
}

/// The token account that holds what all bonds staked and earned.
pub fn bond_vault() -> Pubkey {
    jobs_pda(&[jobs::BOND_VAULT_SEED])
}

/// The signer of a program's `emit_cpi!` events.
pub fn event_authority(program: &Pubkey) -> Pubkey {
    pda(program, &[b"__event_authority"])
}

/// The account that holds a program's code and names its upgrade authority.
pub fn program_data(program: &Pubkey) -> Pubkey {
    pda(&UPGRADEABLE_LOADER, &[program.as_ref()])
}

/// The associated token account of a wallet for a mint of either token program.
pub fn ata(owner: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Pubkey {
    pda(&ASSOCIATED_TOKEN_PROGRAM, &[owner.as_ref(), token_program.as_ref(), mint.as_ref()])
}
