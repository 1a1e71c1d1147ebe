//! One builder per instruction; addresses that follow from the others, the event authority and the program are
//! filled in. Each doc line says who signs.

use anchor_lang::{InstructionData, ToAccountMetas};
use muster_jobs::{self as jobs, JobsConfigArgs, SubmitArgs, state::Outcome};
use muster_network::{
    self as net, ApproveRootArgs, BindArgs, CreatePoolArgs, CreateProjectArgs, CreateSplitArgs, InitializeNetworkArgs,
    OracleArg, SettleEpochArgs, SuspensionArgs,
    authority::INSTRUCTIONS_SYSVAR,
    licences::token_metadata,
    state::{PointsFormula, licence_standard},
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
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetOracleSet { oracles })
}

/// Says where an oracle of the set is reached. Signer: `oracle`.
pub fn set_oracle_url(oracle: &Pubkey, url: String) -> Instruction {
    let accounts = net::accounts::SetOracleUrl {
        oracle: *oracle,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetOracleUrl { url })
}

/// Proposes the next holder of an `authority_role`; the zero key withdraws. Signer: `proposer`, the network's authority,
/// or the treasury owner for his own role.
pub fn propose_authority(proposer: &Pubkey, role: u8, key: Pubkey) -> Instruction {
    let accounts = net::accounts::ProposeAuthority {
        proposer: *proposer,
        network: addresses::network(),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::ProposeAuthority { role, key })
}

/// Takes over an `authority_role`. Signer: `proposed`.
pub fn accept_authority(proposed: &Pubkey, role: u8) -> Instruction {
    let accounts = net::accounts::AcceptAuthority {
        proposed: *proposed,
        network: addresses::network(),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::AcceptAuthority { role })
}

/// Announces a fee. Signer: the network's `authority`.
pub fn set_fee(authority: &Pubkey, fee_bps: u16, from_epoch: u64) -> Instruction {
    let accounts = net::accounts::SetFee {
        authority: *authority,
        network: addresses::network(),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetFee { fee_bps, from_epoch })
}

/// Lets projects pay and sell in a mint. Signers: `payer` (of the treasury's rent), the network's `authority`.
pub fn allow_mint(payer: &Pubkey, authority: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Instruction {
    let accounts = net::accounts::AllowMint {
        payer: *payer,
        authority: *authority,
        network: addresses::network(),
        mint: *mint,
        treasury: addresses::treasury(mint),
        token_program: *token_program,
        system_program: SYSTEM_PROGRAM,
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::AllowMint {})
}

/// Takes a mint off the list. Signer: the network's `authority`.
pub fn forbid_mint(authority: &Pubkey, mint: Pubkey) -> Instruction {
    let accounts = net::accounts::ForbidMint {
        authority: *authority,
        network: addresses::network(),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::ForbidMint { mint })
}

/// Pauses what `bits` name and nothing else. Signer: the network's `authority`.
pub fn set_paused(authority: &Pubkey, bits: u32) -> Instruction {
    let accounts = net::accounts::SetPaused {
        authority: *authority,
        network: addresses::network(),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetPaused { bits })
}

/// Pauses for `hold_limit`; 0 ends it early. Signer: the network's `guardian`.
pub fn guardian_pause(guardian: &Pubkey, bits: u32) -> Instruction {
    let accounts = net::accounts::GuardianPause {
        guardian: *guardian,
        network: addresses::network(),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::GuardianPause { bits })
}

/// Moves `amount` base units out of a mint's treasury. Signer: the network's `treasury_owner`.
pub fn withdraw_treasury(
    treasury_owner: &Pubkey,
    destination: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = net::accounts::WithdrawTreasury {
        treasury_owner: *treasury_owner,
        network: addresses::network(),
        treasury: addresses::treasury(mint),
        destination: *destination,
        mint: *mint,
        token_program: *token_program,
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::WithdrawTreasury { amount })
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

/// Proposes a project's next owner; the zero key withdraws. Signer: the project's `owner`.
pub fn propose_owner(owner: &Pubkey, project: &Pubkey, key: Pubkey) -> Instruction {
    let accounts = net::accounts::ProposeOwner {
        owner: *owner,
        project: *project,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::ProposeOwner { key })
}

/// Takes a project over. Signer: `proposed`.
pub fn accept_owner(proposed: &Pubkey, project: &Pubkey) -> Instruction {
    let accounts = net::accounts::AcceptOwner {
        proposed: *proposed,
        project: *project,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::AcceptOwner {})
}

/// Replaces a project's settler. Signer: the project's `owner`.
pub fn set_settler(owner: &Pubkey, project: &Pubkey, settler: Pubkey) -> Instruction {
    let accounts = net::accounts::SetSettler {
        owner: *owner,
        project: *project,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetSettler { settler })
}

/// Changes the formula from the next epoch on. Signer: the project's `owner`.
pub fn set_formula(owner: &Pubkey, project: &Pubkey, formula: PointsFormula) -> Instruction {
    let accounts = net::accounts::SetFormula {
        owner: *owner,
        project: *project,
        network: addresses::network(),
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetFormula { formula })
}

/// Changes `max_epoch_budget` from the next epoch on. Signer: the project's `owner`.
pub fn set_max_epoch_budget(owner: &Pubkey, project: &Pubkey, amount: u64) -> Instruction {
    let accounts = net::accounts::SetMaxEpochBudget {
        owner: *owner,
        project: *project,
        network: addresses::network(),
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetMaxEpochBudget { amount })
}

/// Changes the sale of licences. `collection` is the project's. Signer: the project's `owner`.
pub fn set_sale(
    owner: &Pubkey,
    project: &Pubkey,
    collection: &Pubkey,
    payment_mint: &Pubkey,
    price: u64,
    licences_max: u32,
) -> Instruction {
    let accounts = net::accounts::SetSale {
        owner: *owner,
        network: addresses::network(),
        project: *project,
        collection: *collection,
        payment_mint: *payment_mint,
        token_2022_program: TOKEN_2022_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetSale { price, licences_max })
}

/// Announces a withdrawal of budget; 0 withdraws the announcement. Signer: the project's `owner`.
pub fn announce_withdrawal(owner: &Pubkey, project: &Pubkey, amount: u64) -> Instruction {
    let accounts = net::accounts::AnnounceWithdrawal {
        owner: *owner,
        project: *project,
        network: addresses::network(),
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::AnnounceWithdrawal { amount })
}

/// Moves announced budget into `destination`. Signer: the project's `owner`.
pub fn withdraw_budget(
    owner: &Pubkey,
    project: &Pubkey,
    destination: &Pubkey,
    reward_mint: &Pubkey,
    token_program: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = net::accounts::WithdrawBudget {
        owner: *owner,
        network: addresses::network(),
        project: *project,
        budget_vault: addresses::budget_vault(project),
        destination: *destination,
        mint: *reward_mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::WithdrawBudget { amount })
}

/// Closes a project for ever. Signer: the project's `owner`.
pub fn close_project(owner: &Pubkey, project: &Pubkey) -> Instruction {
    let accounts = net::accounts::CloseProject {
        owner: *owner,
        project: *project,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::CloseProject {})
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

/// Gives the next licence to `recipient`. `serial` is the project's `licences_sold`. Signer: the project's `owner`.
pub fn gift_licence(
    owner: &Pubkey,
    recipient: &Pubkey,
    project: &Pubkey,
    collection: &Pubkey,
    serial: u32,
) -> Instruction {
    let licence = addresses::licence(project, serial);
    let accounts = net::accounts::GiftLicence {
        owner: *owner,
        recipient: *recipient,
        network: addresses::network(),
        project: *project,
        collection: *collection,
        licence,
        licence_account: addresses::ata(recipient, &licence, &TOKEN_2022_PROGRAM),
        token_2022_program: TOKEN_2022_PROGRAM,
        associated_token_program: ASSOCIATED_TOKEN_PROGRAM,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::GiftLicence { serial })
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

/// Makes the assets of a collection the project's licences. Signers: `owner`, the collection's `authority`. `standard`
/// is one of `licence_standard`.
pub fn link_collection(
    owner: &Pubkey,
    authority: &Pubkey,
    project: &Pubkey,
    collection: &Pubkey,
    standard: u8,
) -> Instruction {
    let described = standard == licence_standard::TOKEN_METADATA;
    let accounts = net::accounts::LinkCollection {
        owner: *owner,
        collection_authority: *authority,
        project: *project,
        collection: *collection,
        metadata: described.then(|| token_metadata::metadata_address(collection)),
        collection_marker: addresses::collection_marker(collection),
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::LinkCollection { standard })
}

/// The accounts that show a licence of a linked collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownLicence {
    /// The Core asset, or the mint.
    pub licence: Pubkey,
    /// The Core asset again, or the holder's token account.
    pub account: Pubkey,
    pub metadata: Option<Pubkey>,
    pub edition: Option<Pubkey>,
}

impl ShownLicence {
    /// A Metaplex Core asset.
    pub fn core(asset: &Pubkey) -> Self {
        Self { licence: *asset, account: *asset, metadata: None, edition: None }
    }

    /// A mint with Metaplex Token Metadata, and the token account that holds its one token.
    pub fn token_metadata(mint: &Pubkey, account: &Pubkey) -> Self {
        Self {
            licence: *mint,
            account: *account,
            metadata: Some(token_metadata::metadata_address(mint)),
            edition: Some(token_metadata::edition_address(mint)),
        }
    }
}

/// The node's current tenure, which a bind by another holder ends.
#[derive(Clone, Copy, Debug)]
pub struct FormerTenure {
    pub tenure: Pubkey,
    pub holder: Pubkey,
    /// The key that runs the node; none if it never accepted, or if the node is free.
    pub node_key: Option<Pubkey>,
}

/// Binds an asset of the linked collection. Signer: `holder`. `former`: when `args` name the tenure after the node's.
pub fn bind_asset(
    holder: &Pubkey,
    project: &Pubkey,
    shown: &ShownLicence,
    reward_mint: &Pubkey,
    former: Option<&FormerTenure>,
    args: BindArgs,
) -> Instruction {
    let node = addresses::node(&shown.licence);
    let accounts = net::accounts::BindAsset {
        holder: *holder,
        network: addresses::network(),
        project: *project,
        distribution: addresses::distribution(project),
        licence: shown.licence,
        licence_account: shown.account,
        metadata: shown.metadata,
        edition: shown.edition,
        node,
        tenure: addresses::tenure(&node, args.tenure_number),
        key_marker: addresses::key_marker(&args.node_key),
        former_tenure: former.map(|former| former.tenure),
        former_holder: former.map(|former| former.holder),
        former_key_marker: former.and_then(|former| former.node_key).map(|key| addresses::key_marker(&key)),
        reward_mint: *reward_mint,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::BindAsset { args })
}

/// Frees the node of a holder who no longer holds the asset; `shown.account` is the one that the bind named, `former`
/// the node's tenure. Signer: nobody.
pub fn detach(project: &Pubkey, shown: &ShownLicence, former: &FormerTenure) -> Instruction {
    let accounts = net::accounts::Detach {
        network: addresses::network(),
        project: *project,
        node: addresses::node(&shown.licence),
        tenure: former.tenure,
        holder: former.holder,
        licence: shown.licence,
        licence_account: shown.account,
        metadata: shown.metadata,
        key_marker: former.node_key.map(|key| addresses::key_marker(&key)),
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::Detach {})
}

/// Makes a pool. Signer: the project's `owner`.
pub fn create_pool(owner: &Pubkey, project: &Pubkey, args: CreatePoolArgs) -> Instruction {
    let accounts = net::accounts::CreatePool {
        owner: *owner,
        project: *project,
        pool: addresses::pool(project, args.index),
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::CreatePool { args })
}

/// Closes an empty pool. Signer: the project's `owner`, who gets the rent.
pub fn close_pool(owner: &Pubkey, project: &Pubkey, pool: &Pubkey) -> Instruction {
    let accounts = net::accounts::ClosePool {
        owner: *owner,
        project: *project,
        pool: *pool,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::ClosePool {})
}

/// Changes how many nodes a pool holds. Signer: the project's `owner`.
pub fn set_pool_capacity(owner: &Pubkey, project: &Pubkey, pool: &Pubkey, capacity: u16) -> Instruction {
    let accounts = net::accounts::SetPoolCapacity {
        owner: *owner,
        project: *project,
        pool: *pool,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetPoolCapacity { capacity })
}

/// Puts a node into a pool; `tenure` is the node's current one. Signer: that tenure's `holder`.
pub fn join_pool(holder: &Pubkey, project: &Pubkey, node: &Pubkey, tenure: &Pubkey, pool: &Pubkey) -> Instruction {
    let accounts = net::accounts::JoinPool {
        holder: *holder,
        project: *project,
        node: *node,
        tenure: *tenure,
        pool: *pool,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::JoinPool {})
}

/// Takes a node out of its pool; `tenure` is the node's current one. Signer: that tenure's holder or operator, the
/// project's owner; anyone once the node is unbound.
pub fn leave_pool(signer: &Pubkey, project: &Pubkey, node: &Pubkey, tenure: &Pubkey, pool: &Pubkey) -> Instruction {
    let accounts = net::accounts::LeavePool {
        signer: *signer,
        project: *project,
        node: *node,
        tenure: *tenure,
        pool: *pool,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::LeavePool {})
}

/// Ends a node's tenure with this epoch. `key_marker`: that of the node's key if it has accepted, else `None`.
/// Signer: `holder`, the tenure's.
pub fn unbind(
    holder: &Pubkey,
    project: &Pubkey,
    node: &Pubkey,
    tenure: &Pubkey,
    key_marker: Option<Pubkey>,
) -> Instruction {
    let accounts = net::accounts::Unbind {
        holder: *holder,
        network: addresses::network(),
        project: *project,
        node: *node,
        tenure: *tenure,
        key_marker,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::Unbind {})
}

/// Frees an unbound node and its licence; `licence_account` is the one that the node names. Anyone; no signer but the
/// fee payer.
pub fn thaw(project: &Pubkey, licence: &Pubkey, licence_account: &Pubkey) -> Instruction {
    let accounts = net::accounts::Thaw {
        project: *project,
        node: addresses::node(licence),
        licence: *licence,
        licence_account: *licence_account,
        token_2022_program: TOKEN_2022_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::Thaw {})
}

/// Puts `node_key` in the place of a node's key. `old_marker`: that of the old key if it has accepted, else `None`.
/// Signers: `authority` (the tenure's holder or operator), `node_key`.
pub fn rotate_node_key(
    authority: &Pubkey,
    node_key: &Pubkey,
    project: &Pubkey,
    node: &Pubkey,
    tenure: &Pubkey,
    old_marker: Option<Pubkey>,
) -> Instruction {
    let accounts = net::accounts::RotateNodeKey {
        authority: *authority,
        node_key: *node_key,
        network: addresses::network(),
        project: *project,
        node: *node,
        tenure: *tenure,
        old_marker,
        key_marker: addresses::key_marker(node_key),
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::RotateNodeKey {})
}

/// Names the wallet or split whose associated token account a tenure's claims pay. Signers: `holder`, the tenure's, and
/// `operator` if it has one.
pub fn set_payout(
    holder: &Pubkey,
    operator: Option<Pubkey>,
    project: &Pubkey,
    tenure: &Pubkey,
    reward_mint: &Pubkey,
    payout_owner: &Pubkey,
) -> Instruction {
    let accounts = net::accounts::SetPayout {
        holder: *holder,
        operator,
        project: *project,
        tenure: *tenure,
        reward_mint: *reward_mint,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetPayout { payout_owner: *payout_owner })
}

/// Creates a split and its token account. Signer: `creator`, anyone. `token_program` is the mint's.
pub fn create_split(creator: &Pubkey, mint: &Pubkey, token_program: &Pubkey, args: CreateSplitArgs) -> Instruction {
    let split = addresses::split(creator, args.id);
    let accounts = net::accounts::CreateSplit {
        creator: *creator,
        split,
        mint: *mint,
        vault: addresses::ata(&split, mint, token_program),
        token_program: *token_program,
        associated_token_program: ASSOCIATED_TOKEN_PROGRAM,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::CreateSplit { args })
}

/// Pays the recipient of number `index`, whose associated token account must exist (see [`create_ata`]), what is due to
/// it. Anyone; no signer but the fee payer.
pub fn release(split: &Pubkey, recipient: &Pubkey, mint: &Pubkey, token_program: &Pubkey, index: u8) -> Instruction {
    let accounts = net::accounts::Release {
        split: *split,
        vault: addresses::ata(split, mint, token_program),
        recipient: *recipient,
        destination: addresses::ata(recipient, mint, token_program),
        mint: *mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::Release { index })
}

/// Lets `operator` run a tenure's node for `bps` of its payout, which must be `split`. Signer: `holder`, the tenure's.
pub fn set_operator(
    holder: &Pubkey,
    project: &Pubkey,
    tenure: &Pubkey,
    split: &Pubkey,
    operator: &Pubkey,
    bps: u16,
) -> Instruction {
    let accounts = net::accounts::SetOperator {
        holder: *holder,
        project: *project,
        tenure: *tenure,
        split: *split,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetOperator { operator: *operator, bps })
}

/// Gives a tenure back to its holder alone. Signer: `operator`, the tenure's.
pub fn release_operator(operator: &Pubkey, project: &Pubkey, tenure: &Pubkey) -> Instruction {
    let accounts = net::accounts::ReleaseOperator {
        operator: *operator,
        project: *project,
        tenure: *tenure,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::ReleaseOperator {})
}

/// Names the hash of a node's metadata document. Signer: `authority`, the tenure's holder or operator.
pub fn set_metadata(
    authority: &Pubkey,
    project: &Pubkey,
    node: &Pubkey,
    tenure: &Pubkey,
    metadata_hash: [u8; 32],
) -> Instruction {
    let accounts = net::accounts::SetMetadata {
        authority: *authority,
        project: *project,
        node: *node,
        tenure: *tenure,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SetMetadata { metadata_hash })
}

/// Announces maintenance from `start` to `end`, seconds of the clock; zeros cancel what has not begun. Signer:
/// `authority`, the tenure's holder or operator.
pub fn announce_maintenance(
    authority: &Pubkey,
    project: &Pubkey,
    node: &Pubkey,
    tenure: &Pubkey,
    start: i64,
    end: i64,
) -> Instruction {
    let accounts = net::accounts::AnnounceMaintenance {
        authority: *authority,
        network: addresses::network(),
        project: *project,
        node: *node,
        tenure: *tenure,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::AnnounceMaintenance { start, end })
}

/// Stops a node's earning from the next epoch on. Signer: the project's `owner`.
pub fn suspend_node(owner: &Pubkey, project: &Pubkey, node: &Pubkey, args: SuspensionArgs) -> Instruction {
    let accounts = net::accounts::SuspendNode {
        owner: *owner,
        network: addresses::network(),
        project: *project,
        node: *node,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::SuspendNode { args })
}

/// Votes to suspend a node; 0 epochs lift. Signer: `oracle`.
pub fn vote_suspension(
    oracle: &Pubkey,
    project: &Pubkey,
    node: &Pubkey,
    args: SuspensionArgs,
    set_version: u32,
) -> Instruction {
    let accounts = net::accounts::VoteSuspension {
        oracle: *oracle,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        project: *project,
        node: *node,
        ballot: addresses::ballot(node),
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::VoteSuspension { args, set_version })
}

/// Ends the owner's own suspension of a node with this epoch. Signer: the project's `owner`.
pub fn lift_suspension(owner: &Pubkey, project: &Pubkey, node: &Pubkey) -> Instruction {
    let accounts = net::accounts::LiftSuspension {
        owner: *owner,
        network: addresses::network(),
        project: *project,
        node: *node,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::LiftSuspension {})
}

/// Puts the hash of an objection on a suspended node. Signer: `authority`, the tenure's holder or operator.
pub fn appeal(
    authority: &Pubkey,
    project: &Pubkey,
    node: &Pubkey,
    tenure: &Pubkey,
    evidence_hash: [u8; 32],
) -> Instruction {
    let accounts = net::accounts::Appeal {
        authority: *authority,
        network: addresses::network(),
        project: *project,
        node: *node,
        tenure: *tenure,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::Appeal { evidence_hash })
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

/// Replaces the open settlement. Signer: the project's `settler`.
pub fn replace_settlement(
    settler: &Pubkey,
    project: &Pubkey,
    reward_mint: &Pubkey,
    token_program: &Pubkey,
    args: SettleEpochArgs,
) -> Instruction {
    let distribution = addresses::distribution(project);
    let accounts = net::accounts::ReplaceSettlement {
        settler: *settler,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        project: *project,
        distribution,
        view_set: addresses::view_set(args.epoch),
        epoch: addresses::epoch(project, args.epoch),
        budget_vault: addresses::budget_vault(project),
        vault: addresses::vault(&distribution),
        mint: *reward_mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::ReplaceSettlement { args })
}

/// Returns the open settlement's budget. `epoch` is the distribution's `open_epoch`, `rent_payer` what that epoch's
/// account says. Signer: `caller`, the project's settler or owner; anyone when nothing was approved for seven epochs.
pub fn void_settlement(
    caller: &Pubkey,
    project: &Pubkey,
    epoch: u64,
    rent_payer: &Pubkey,
    reward_mint: &Pubkey,
    token_program: &Pubkey,
) -> Instruction {
    let distribution = addresses::distribution(project);
    let accounts = net::accounts::VoidSettlement {
        caller: *caller,
        oracle_set: addresses::oracle_set(),
        project: *project,
        distribution,
        epoch: addresses::epoch(project, epoch),
        rent_payer: *rent_payer,
        budget_vault: addresses::budget_vault(project),
        vault: addresses::vault(&distribution),
        mint: *reward_mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::VoidSettlement {})
}

/// Votes for a cumulative root. Signer: `oracle`.
pub fn approve_root(oracle: &Pubkey, project: &Pubkey, args: ApproveRootArgs) -> Instruction {
    let accounts = net::accounts::ApproveRoot {
        oracle: *oracle,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
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

/// Holds the newest root, which is of `epoch`. Signer: the network's `guardian`.
pub fn hold_root(guardian: &Pubkey, project: &Pubkey, epoch: u64) -> Instruction {
    let accounts = net::accounts::HoldRoot {
        guardian: *guardian,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        distribution: addresses::distribution(project),
        instructions: net::authority::INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::HoldRoot { epoch })
}

/// Ends the hold of an epoch's root. Signer: the network's `authority`.
pub fn end_hold(authority: &Pubkey, project: &Pubkey, epoch: u64) -> Instruction {
    let accounts = net::accounts::EndHold {
        authority: *authority,
        network: addresses::network(),
        distribution: addresses::distribution(project),
        instructions: net::authority::INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::EndHold { epoch })
}

/// Votes for a root in the place of a held one: `args.revision` is the held root's and one. Signer: `oracle`.
pub fn correct_root(oracle: &Pubkey, project: &Pubkey, args: ApproveRootArgs) -> Instruction {
    let accounts = net::accounts::CorrectRoot {
        oracle: *oracle,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        distribution: addresses::distribution(project),
        epoch: addresses::epoch(project, args.epoch),
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::CorrectRoot { args })
}

/// Adds `amount` base units from `source` to a distribution. Signer: `payer`, the owner of `source`.
pub fn top_up(
    payer: &Pubkey,
    source: &Pubkey,
    distribution: &Pubkey,
    reward_mint: &Pubkey,
    token_program: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = net::accounts::TopUp {
        payer: *payer,
        distribution: *distribution,
        source: *source,
        vault: addresses::vault(distribution),
        mint: *reward_mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::TopUp { amount })
}

/// Closes the account of a final epoch after its retention. Anyone; no signer but the fee payer.
pub fn close_epoch(project: &Pubkey, epoch: u64, rent_payer: &Pubkey) -> Instruction {
    let accounts = net::accounts::CloseEpoch {
        distribution: addresses::distribution(project),
        epoch: addresses::epoch(project, epoch),
        rent_payer: *rent_payer,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::CloseEpoch {})
}

/// Closes an epoch's view set after its retention. Anyone; no signer but the fee payer.
pub fn close_views(epoch: u64, rent_payer: &Pubkey) -> Instruction {
    let accounts = net::accounts::CloseViews {
        network: addresses::network(),
        view_set: addresses::view_set(epoch),
        rent_payer: *rent_payer,
        event_authority: addresses::event_authority(&net::ID),
        program: net::ID,
    };
    network(accounts, net::instruction::CloseViews {})
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
    network(accounts, net::instruction::Claim { cumulative, proof: proof.concat() })
}

/// Creates the jobs config and the bond vault. Signer: the network's `authority`.
pub fn initialize_jobs(authority: &Pubkey, mint: &Pubkey, token_program: &Pubkey, args: JobsConfigArgs) -> Instruction {
    let accounts = jobs::accounts::InitializeJobs {
        authority: *authority,
        network: addresses::network(),
        config: addresses::jobs_config(),
        mint: *mint,
        bond_vault: addresses::bond_vault(),
        instructions: INSTRUCTIONS_SYSVAR,
        token_program: *token_program,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::InitializeJobs { args })
}

/// Changes the limits of the jobs program, for what comes. Signer: the network's `authority`.
pub fn set_jobs_config(authority: &Pubkey, args: JobsConfigArgs) -> Instruction {
    let accounts = jobs::accounts::SetJobsConfig {
        authority: *authority,
        network: addresses::network(),
        config: addresses::jobs_config(),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::SetJobsConfig { args })
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
    let address = addresses::job(submitter, args.nonce);
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
    let (job_bump, escrow_bump) = addresses::job_bumps(submitter, args.nonce);
    job(accounts, jobs::instruction::Submit { args, job_bump, escrow_bump })
}

/// Raises a job's tip; `source` pays. Signer: `submitter`, the owner of `source`.
pub fn add_tip(
    submitter: &Pubkey,
    source: &Pubkey,
    job_address: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = jobs::accounts::AddTip {
        submitter: *submitter,
        network: addresses::network(),
        config: addresses::jobs_config(),
        job: *job_address,
        escrow: addresses::escrow(job_address),
        source: *source,
        mint: *mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::AddTip { amount })
}

/// Adds to a job's prize; the refund of a sponsor's every amount goes to his first `source`. Signer: `sponsor`, the
/// owner of `source`.
pub fn sponsor(
    sponsor: &Pubkey,
    source: &Pubkey,
    job_address: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = jobs::accounts::Sponsor {
        sponsor: *sponsor,
        network: addresses::network(),
        config: addresses::jobs_config(),
        job: *job_address,
        sponsorship: addresses::sponsorship(job_address, sponsor),
        escrow: addresses::escrow(job_address),
        source: *source,
        mint: *mint,
        token_program: *token_program,
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::Sponsor { amount })
}

/// Records that a job is not wanted any more. Signer: `submitter`.
pub fn request_cancel(submitter: &Pubkey, job_address: &Pubkey) -> Instruction {
    let accounts = jobs::accounts::RequestCancel {
        submitter: *submitter,
        job: *job_address,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::RequestCancel {})
}

/// Votes for a job's outcome, whose hash binds `set_version`. Signer: `oracle`.
pub fn attest_job(oracle: &Pubkey, job_address: &Pubkey, outcome_hash: [u8; 32], set_version: u32) -> Instruction {
    let accounts = jobs::accounts::AttestJob {
        oracle: *oracle,
        oracle_set: addresses::oracle_set(),
        job: *job_address,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::AttestJob { outcome_hash, set_version })
}

/// What a job's end reads off the job's account.
#[derive(Clone, Copy, Debug)]
pub struct JobSettlement {
    pub job: Pubkey,
    /// The job's refund account; `None` leaves the submitter's money in the escrow for [`refund_submitter`], when that
    /// account takes none.
    pub refund_account: Option<Pubkey>,
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

/// Gives everything back when nobody decided a job in time. Anyone; no signer but the fee payer.
pub fn expire(settlement: &JobSettlement) -> Instruction {
    let accounts = jobs::accounts::Expire {
        config: addresses::jobs_config(),
        oracle_set: addresses::oracle_set(),
        job: settlement.job,
        escrow: addresses::escrow(&settlement.job),
        refund_account: settlement.refund_account,
        rent_payer: settlement.rent_payer,
        mint: settlement.mint,
        token_program: settlement.token_program,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::Expire {})
}

/// What a refund reads off the job's or the sponsorship's account.
#[derive(Clone, Copy, Debug)]
pub struct JobRefund {
    pub job: Pubkey,
    pub refund_account: Pubkey,
    /// The job's.
    pub rent_payer: Pubkey,
    pub mint: Pubkey,
    pub token_program: Pubkey,
}

/// Pays a sponsor back and closes his sponsorship. Anyone; no signer but the fee payer.
pub fn refund_sponsor(refund: &JobRefund, sponsor: &Pubkey) -> Instruction {
    let accounts = jobs::accounts::RefundSponsor {
        config: addresses::jobs_config(),
        job: refund.job,
        sponsorship: addresses::sponsorship(&refund.job, sponsor),
        sponsor: *sponsor,
        escrow: addresses::escrow(&refund.job),
        refund_account: refund.refund_account,
        rent_payer: refund.rent_payer,
        mint: refund.mint,
        token_program: refund.token_program,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::RefundSponsor {})
}

/// Pays the submitter what a job's end left in the escrow. Anyone; no signer but the fee payer.
pub fn refund_submitter(refund: &JobRefund) -> Instruction {
    let accounts = jobs::accounts::RefundSubmitter {
        config: addresses::jobs_config(),
        job: refund.job,
        escrow: addresses::escrow(&refund.job),
        refund_account: refund.refund_account,
        rent_payer: refund.rent_payer,
        mint: refund.mint,
        token_program: refund.token_program,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::RefundSubmitter {})
}

/// Closes the account of a job that was over 90 days ago. Anyone; no signer but the fee payer.
pub fn close_job(job_address: &Pubkey, rent_payer: &Pubkey) -> Instruction {
    let accounts = jobs::accounts::CloseJob {
        job: *job_address,
        rent_payer: *rent_payer,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::CloseJob {})
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

/// Puts tokens from `source` into a tenure's bond; they are the tenure's holder's from then on. Signer: `staker`, the
/// owner of `source`.
pub fn stake(
    staker: &Pubkey,
    source: &Pubkey,
    tenure: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = jobs::accounts::Stake {
        staker: *staker,
        network: addresses::network(),
        config: addresses::jobs_config(),
        bond: addresses::bond(tenure),
        bond_vault: addresses::bond_vault(),
        source: *source,
        mint: *mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::Stake { amount })
}

/// Begins to take `amount` base units of stake out of a bond. Signer: the tenure's `holder`.
pub fn unbond(holder: &Pubkey, tenure: &Pubkey, amount: u64) -> Instruction {
    let accounts = jobs::accounts::Unbond {
        holder: *holder,
        config: addresses::jobs_config(),
        bond: addresses::bond(tenure),
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::Unbond { amount })
}

/// Pays out what was unbonding for long enough. Signer: the tenure's `holder`.
pub fn withdraw_unbonded(
    holder: &Pubkey,
    tenure: &Pubkey,
    destination: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
) -> Instruction {
    let accounts = jobs::accounts::WithdrawUnbonded {
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
    job(accounts, jobs::instruction::WithdrawUnbonded {})
}

/// Votes to take `amount` base units from a bond. Signer: `oracle`, who pays for the account of a bond's first vote.
pub fn vote_slash(
    oracle: &Pubkey,
    tenure: &Pubkey,
    amount: u64,
    reason: u16,
    evidence_hash: [u8; 32],
    set_version: u32,
) -> Instruction {
    let bond = addresses::bond(tenure);
    let accounts = jobs::accounts::VoteSlash {
        oracle: *oracle,
        oracle_set: addresses::oracle_set(),
        config: addresses::jobs_config(),
        bond,
        slash: addresses::slash(&bond),
        system_program: SYSTEM_PROGRAM,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::VoteSlash { amount, reason, evidence_hash, set_version })
}

/// Holds a pending slash, once. Signer: the network's `guardian`.
pub fn hold_slash(guardian: &Pubkey, tenure: &Pubkey) -> Instruction {
    let bond = addresses::bond(tenure);
    let accounts = jobs::accounts::HoldSlash {
        guardian: *guardian,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        bond,
        slash: addresses::slash(&bond),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::HoldSlash {})
}

/// Voids a pending slash. Signer: the network's `authority`.
pub fn void_slash(authority: &Pubkey, tenure: &Pubkey) -> Instruction {
    let bond = addresses::bond(tenure);
    let accounts = jobs::accounts::VoidSlash {
        authority: *authority,
        network: addresses::network(),
        oracle_set: addresses::oracle_set(),
        bond,
        slash: addresses::slash(&bond),
        instructions: INSTRUCTIONS_SYSVAR,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::VoidSlash {})
}

/// Carries a slash out whose delay and hold have passed. Anyone; no signer but the fee payer.
pub fn execute_slash(tenure: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Instruction {
    let bond = addresses::bond(tenure);
    let accounts = jobs::accounts::ExecuteSlash {
        config: addresses::jobs_config(),
        oracle_set: addresses::oracle_set(),
        bond,
        slash: addresses::slash(&bond),
        bond_vault: addresses::bond_vault(),
        treasury: addresses::treasury(mint),
        mint: *mint,
        token_program: *token_program,
        event_authority: addresses::event_authority(&jobs::ID),
        program: jobs::ID,
    };
    job(accounts, jobs::instruction::ExecuteSlash {})
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

/// Sends a licence that is a token, of either token program. Signer: `holder`.
pub fn transfer_licence(
    holder: &Pubkey,
    source: &Pubkey,
    licence: &Pubkey,
    destination: &Pubkey,
    token_program: &Pubkey,
) -> Instruction {
    // Both programs' `TransferChecked`: its number, the amount, the decimals.
    let data = [&[12][..], &1_u64.to_le_bytes(), &[0]].concat();
    let accounts = vec![
        AccountMeta::new(*source, false),
        AccountMeta::new_readonly(*licence, false),
        AccountMeta::new(*destination, false),
        AccountMeta::new_readonly(*holder, true),
    ];
    Instruction { program_id: *token_program, accounts, data }
}

/// Burns a licence that is a token, of either token program. Signer: `holder`.
pub fn burn_licence(holder: &Pubkey, account: &Pubkey, licence: &Pubkey, token_program: &Pubkey) -> Instruction {
    // Both programs' `BurnChecked`: its number, the amount, the decimals.
    let data = [&[15][..], &1_u64.to_le_bytes(), &[0]].concat();
    let accounts = vec![
        AccountMeta::new(*account, false),
        AccountMeta::new(*licence, false),
        AccountMeta::new_readonly(*holder, true),
    ];
    Instruction { program_id: *token_program, accounts, data }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The classic program's own builders refuse the other program's address; the bytes are the same for both.
    #[test]
    fn a_licence_is_sent_and_burnt_by_the_bytes_of_the_token_programs() {
        let [holder, source, mint, destination] = [(); 4].map(|()| Pubkey::new_unique());
        let sent = transfer_licence(&holder, &source, &mint, &destination, &TOKEN_PROGRAM);
        let known = token::transfer_checked(&TOKEN_PROGRAM, &source, &mint, &destination, &holder, &[], 1, 0);
        assert_eq!(Ok(sent), known);
        let burnt = burn_licence(&holder, &source, &mint, &TOKEN_PROGRAM);
        assert_eq!(Ok(burnt), token::burn_checked(&TOKEN_PROGRAM, &source, &mint, &holder, &[], 1, 0));
    }
}
