//! One builder per instruction; addresses that follow from the others, the event authority and the program are
//! filled in. Each doc line says who signs.

use anchor_lang::{InstructionData, ToAccountMetas};
use muster_jobs::{self as jobs, InitializeJobsArgs, SubmitArgs, state::Outcome};
use muster_network::{
    self as net, ApproveRootArgs, BindArgs, CreateProjectArgs, InitializeNetworkArgs, OracleArg, SettleEpochArgs,
};
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use spl_token_interface::instruction as token;

use crate::addresses::{self, ASSOCIATED_TOKEN_PROGRAM, SYSTEM_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM};

pub use solana_sdk::program_error::ProgramError;

/// Bytes of an SPL Token mint.
pub const MINT_LEN: usize = 82;

fn build(program_id: Pubkey, accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    Instruction { program_id, accounts: accounts.to_account_metas(None), data: data.data() }
}

fn network(accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    build(net::ID, accounts, data)
}

fn job(accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    build(jobs::ID, accounts, data)
}

/// Creates the network. Signers: `payer`, the network program's `upgrade_authority`.
pub fn initialize_network(
    payer: &Pubkey,
    upgrade_authority: &Pubkey,
    job_mint: &Pubkey,
    token_program: &Pubkey,
    args: InitializeNetworkArgs,
) -> Instruction {
    let accounts = net::accounts::InitializeNetwork {
        payer: *payer,
        upgrade_authority: *upgrade_authority,
        program_data: addresses::program_data(&net::ID),
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        job_mint: *job_mint,
        treasury: addresses::treasury(job_mint),
        token_program: *token_program,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::InitializeNetwork { args })
}

/// Names the oracles. Signer: the network's authority.
pub fn set_oracle_set(authority: &Pubkey, oracles: Vec<OracleArg>) -> Instruction {
    let accounts = net::accounts::SetOracleSet {
        authority: *authority,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetOracleSet { oracles })
}

/// Creates a project. Signer: `owner`. `token_program` is the reward mint's.
pub fn create_project(
    owner: &Pubkey,
    reward_mint: &Pubkey,
    payment_mint: &Pubkey,
    token_program: &Pubkey,
    args: CreateProjectArgs,
) -> Instruction {
    let project = addresses::project(args.index);
    let distribution = addresses::distribution(&project);
    let collection = addresses::group(&project);
    let accounts = net::accounts::CreateProject {
        owner: *owner,
        network: addresses::network(),
        project,
        distribution,
        collection,
        collection_marker: addresses::collection_marker(&collection),
        reward_mint: *reward_mint,
        payment_mint: *payment_mint,
        budget_vault: addresses::budget_vault(&project),
        vault: addresses::vault(&distribution),
        token_program: *token_program,
        token_2022_program: TOKEN_2022_PROGRAM,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::CreateProject { args })
}

/// Moves `amount` base units from `source` into the budget vault. Signer: `funder`, the owner of `source`.
pub fn fund_project(
    funder: &Pubkey,
    source: &Pubkey,
    project: &Pubkey,
    reward_mint: &Pubkey,
    token_program: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = net::accounts::FundProject {
        funder: *funder,
        project: *project,
        source: *source,
        budget_vault: addresses::budget_vault(project),
        mint: *reward_mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::FundProject { amount })
}

/// What a purchase names besides the buyer.
#[derive(Clone, Copy, Debug)]
pub struct Purchase {
    pub project: Pubkey,
    pub collection: Pubkey,
    /// The project's `licences_sold`: the serial that the licence gets.
    pub serial: u32,
    pub payment_mint: Pubkey,
    /// The payment mint's program.
    pub token_program: Pubkey,
    /// The buyer's token account.
    pub payment_source: Pubkey,
    /// A token account of the project's owner.
    pub payment_destination: Pubkey,
    /// Base units; a higher price is refused.
    pub max_price: u64,
}

/// Buys the next licence. Signer: `buyer`.
pub fn buy_licence(buyer: &Pubkey, purchase: &Purchase) -> Instruction {
    let licence = addresses::licence(&purchase.project, purchase.serial);
    let accounts = net::accounts::BuyLicence {
        buyer: *buyer,
        network: addresses::network(),
        project: purchase.project,
        collection: purchase.collection,
        licence,
        licence_account: addresses::ata(buyer, &licence, &TOKEN_2022_PROGRAM),
        payment_mint: purchase.payment_mint,
        payment_source: purchase.payment_source,
        payment_destination: purchase.payment_destination,
        token_program: purchase.token_program,
        token_2022_program: TOKEN_2022_PROGRAM,
        associated_token_program: ASSOCIATED_TOKEN_PROGRAM,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    let data = net::instruction::BuyLicence { serial: purchase.serial, max_price: purchase.max_price };
    network(accounts, data)
}

/// Binds a licence to a node key and freezes it. Signer: `holder`. `licence_account` is where the holder keeps the
/// licence (its associated token account after a purchase).
pub fn bind(
    holder: &Pubkey,
    project: &Pubkey,
    licence: &Pubkey,
    licence_account: &Pubkey,
    reward_mint: &Pubkey,
    args: BindArgs,
) -> Instruction {
    let node = addresses::node(licence);
    let accounts = net::accounts::Bind {
        holder: *holder,
        network: addresses::network(),
        project: *project,
        distribution: addresses::distribution(project),
        licence: *licence,
        licence_account: *licence_account,
        node,
        tenure: addresses::tenure(&node, args.tenure_number),
        key_marker: addresses::key_marker(&args.node_key),
        reward_mint: *reward_mint,
        token_2022_program: TOKEN_2022_PROGRAM,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::Bind { args })
}

/// Accepts a bind. Signers: `payer` (of the key marker's rent), `node_key`.
pub fn accept_node(payer: &Pubkey, node_key: &Pubkey, project: &Pubkey, node: &Pubkey) -> Instruction {
    let accounts = net::accounts::AcceptNode {
        payer: *payer,
        node_key: *node_key,
        network: addresses::network(),
        project: *project,
        node: *node,
        key_marker: addresses::key_marker(node_key),
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::AcceptNode {})
}

/// Names the view hashes that an oracle holds, one per oracle of the set in its order, zeros for none.
/// Signer: `oracle`.
pub fn commit_views(oracle: &Pubkey, epoch: u64, hashes: Vec<[u8; 32]>) -> Instruction {
    let accounts = net::accounts::CommitViews {
        oracle: *oracle,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        view_set: addresses::view_set(epoch),
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::CommitViews { epoch, hashes })
}

/// States an epoch. Signer: the project's `settler`.
pub fn settle_epoch(
    settler: &Pubkey,
    project: &Pubkey,
    reward_mint: &Pubkey,
    token_program: &Pubkey,
    args: SettleEpochArgs,
) -> Instruction {
    let distribution = addresses::distribution(project);
    let accounts = net::accounts::SettleEpoch {
        settler: *settler,
        network: addresses::network(),
        project: *project,
        distribution,
        view_set: addresses::view_set(args.epoch),
        epoch: addresses::epoch(project, args.epoch),
        budget_vault: addresses::budget_vault(project),
        vault: addresses::vault(&distribution),
        mint: *reward_mint,
        token_program: *token_program,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SettleEpoch { args })
}

/// Votes for a cumulative root. Signer: `oracle`.
pub fn approve_root(oracle: &Pubkey, project: &Pubkey, args: ApproveRootArgs) -> Instruction {
    let accounts = net::accounts::ApproveRoot {
        oracle: *oracle,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        project: *project,
        distribution: addresses::distribution(project),
        epoch: addresses::epoch(project, args.epoch),
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::ApproveRoot { args })
}

/// Makes the approved root claimable. `epoch` is the distribution's `open_epoch`. Anyone; no signer but the fee payer.
pub fn activate_root(project: &Pubkey, epoch: u64, reward_mint: &Pubkey, token_program: &Pubkey) -> Instruction {
    let distribution = addresses::distribution(project);
    let accounts = net::accounts::ActivateRoot {
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        project: *project,
        distribution,
        epoch: addresses::epoch(project, epoch),
        vault: addresses::vault(&distribution),
        treasury: addresses::treasury(reward_mint),
        mint: *reward_mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::ActivateRoot {})
}

/// Pays a tenure what an active root owes it. `payout` must exist (see [`create_ata`]). Anyone; no signer but the fee
/// payer.
pub fn claim(
    tenure: &Pubkey,
    distribution: &Pubkey,
    payout: &Pubkey,
    reward_mint: &Pubkey,
    token_program: &Pubkey,
    cumulative: u64,
    proof: Vec<[u8; 32]>,
) -> Instruction {
    let accounts = net::accounts::Claim {
        tenure: *tenure,
        distribution: *distribution,
        vault: addresses::vault(distribution),
        payout: *payout,
        mint: *reward_mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::Claim { cumulative, proof })
}

/// Creates the jobs config and the bond vault. Signer: the network's `authority`.
pub fn initialize_jobs(
    authority: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    args: InitializeJobsArgs,
) -> Instruction {
    let accounts = jobs::accounts::InitializeJobs {
        authority: *authority,
        network: addresses::network(),
        config: addresses::jobs_config(),
        mint: *mint,
        bond_vault: addresses::bond_vault(),
        token_program: *token_program,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::InitializeJobs { args })
}

/// Opens a tenure's bond. Signer: `payer`, anyone.
pub fn open_bond(payer: &Pubkey, tenure: &Pubkey) -> Instruction {
    let accounts = jobs::accounts::OpenBond {
        payer: *payer,
        config: addresses::jobs_config(),
        tenure: *tenure,
        bond: addresses::bond(tenure),
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::OpenBond {})
}

/// Submits a job; stake and tip leave `source`, which gets every refund. Signer: `submitter`, the owner of `source`.
pub fn submit(
    submitter: &Pubkey,
    source: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    args: SubmitArgs,
) -> Instruction {
    let address = addresses::job(args.index);
    let accounts = jobs::accounts::Submit {
        submitter: *submitter,
        network: addresses::network(),
        config: addresses::jobs_config(),
        job: address,
        escrow: addresses::escrow(&address),
        source: *source,
        mint: *mint,
        token_program: *token_program,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::Submit { args })
}

/// Votes for a job's outcome. Signer: `oracle`.
pub fn attest_job(oracle: &Pubkey, job_address: &Pubkey, outcome_hash: [u8; 32]) -> Instruction {
    let accounts = jobs::accounts::AttestJob {
        oracle: *oracle,
        oracle_set: addresses::oracle_set(),
        job: *job_address,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::AttestJob { outcome_hash })
}

/// What a settlement reads off the job's account.
#[derive(Clone, Copy, Debug)]
pub struct JobSettlement {
    pub job: Pubkey,
    pub refund_account: Pubkey,
    pub rent_payer: Pubkey,
    pub mint: Pubkey,
    pub token_program: Pubkey,
}

/// Pays a job out as the attested outcome says; the bonds of the outcome's tenures follow in its order.
/// Anyone; no signer but the fee payer.
pub fn settle_job(settlement: &JobSettlement, outcome: Outcome) -> Instruction {
    let accounts = jobs::accounts::SettleJob {
        config: addresses::jobs_config(),
        oracle_set: addresses::oracle_set(),
        job: settlement.job,
        escrow: addresses::escrow(&settlement.job),
        bond_vault: addresses::bond_vault(),
        treasury: addresses::treasury(&settlement.mint),
        refund_account: settlement.refund_account,
        rent_payer: settlement.rent_payer,
        mint: settlement.mint,
        token_program: settlement.token_program,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    let bonds: Vec<AccountMeta> = match &outcome {
        Outcome::Completed { tenures, .. } | Outcome::Cancelled { tenures, .. } => {
            tenures.iter().map(|tenure| AccountMeta::new(addresses::bond(tenure), false)).collect()
        }
        Outcome::Failed { .. } => Vec::new(),
    };
    let mut instruction = job(accounts, jobs::instruction::SettleJob { outcome });
    instruction.accounts.extend(bonds);
    instruction
}

/// Pays out `amount` base units of what a bond has earned. Signer: the tenure's `holder`.
pub fn withdraw(
    holder: &Pubkey,
    tenure: &Pubkey,
    destination: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = jobs::accounts::Withdraw {
        holder: *holder,
        config: addresses::jobs_config(),
        bond: addresses::bond(tenure),
        bond_vault: addresses::bond_vault(),
        destination: *destination,
        mint: *mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::Withdraw { amount })
}

/// Creates a wallet's associated token account unless it exists. Signer: `payer`.
pub fn create_ata(payer: &Pubkey, owner: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Instruction {
    spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent(
        payer,
        owner,
        mint,
        token_program,
    )
}

/// Bounds the compute units of a transaction.
pub fn compute_unit_limit(units: u32) -> Instruction {
    compute_budget(2, &units.to_le_bytes())
}

/// Prices a compute unit, in millionths of a lamport.
pub fn compute_unit_price(micro_lamports: u64) -> Instruction {
    compute_budget(3, &micro_lamports.to_le_bytes())
}

fn compute_budget(kind: u8, argument: &[u8]) -> Instruction {
    let mut data = vec![kind];
    data.extend_from_slice(argument);
    Instruction { program_id: addresses::COMPUTE_BUDGET_PROGRAM, accounts: Vec::new(), data }
}

/// Creates an SPL Token mint whose authority is `payer`. Signers: `payer`, `mint`. `lamports` are the rent of
/// [`MINT_LEN`] bytes.
pub fn create_mint(
    payer: &Pubkey,
    mint: &Pubkey,
    decimals: u8,
    lamports: u64,
) -> Result<[Instruction; 2], ProgramError> {
    // The system program's `CreateAccount`: its number, lamports, space, owner.
    let mut data = vec![0; 4];
    data.extend_from_slice(&lamports.to_le_bytes());
    data.extend_from_slice(&(MINT_LEN as u64).to_le_bytes());
    data.extend_from_slice(TOKEN_PROGRAM.as_ref());
    let create = Instruction {
        program_id: SYSTEM_PROGRAM,
        accounts: vec![AccountMeta::new(*payer, true), AccountMeta::new(*mint, true)],
        data,
    };
    let initialize = token::initialize_mint2(&TOKEN_PROGRAM, mint, payer, None, decimals)?;
    Ok([create, initialize])
}

/// Mints `amount` base units of an SPL Token mint into `account`. Signer: the mint's `authority`.
pub fn mint_to(authority: &Pubkey, mint: &Pubkey, account: &Pubkey, amount: u64) -> Result<Instruction, ProgramError> {
    token::mint_to(&TOKEN_PROGRAM, mint, account, authority, &[], amount)
}

/// Gives an SPL Token mint's authority up for ever: its supply is final. Signer: the mint's `authority`.
pub fn give_up_mint(authority: &Pubkey, mint: &Pubkey) -> Result<Instruction, ProgramError> {
    token::set_authority(&TOKEN_PROGRAM, mint, None, token::AuthorityType::MintTokens, authority, &[])
}
