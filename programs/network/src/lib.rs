//! The network program: licences, projects, nodes, epochs, rewards.
//!
//! Every instruction lives in a file of its own under `instructions`; `lib.rs` is the table of contents.
#![deny(unused_must_use)]

use anchor_lang::prelude::*;
use solana_compiler_builtins as _;

pub mod constants;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod mints;
pub mod state;

pub use constants::*;
pub use errors::*;
pub use instructions::*;

declare_id!("4eBcSu1x3m5bDsxZGTNS3nWJUiwQmpD7vWtdyHF9BE9s");

#[program]
pub mod muster_network {
    use super::*;

    /// Creates the network; only by the program's upgrade authority, once.
    pub fn initialize_network(ctx: Context<InitializeNetwork>, args: InitializeNetworkArgs) -> Result<()> {
        InitializeNetwork::initialize_network(ctx, args)
    }

    /// Names the oracles: at once the first time; ever after the same set is named twice, a timelock apart. Authority.
    pub fn set_oracle_set(ctx: Context<SetOracleSet>, oracles: Vec<OracleArg>) -> Result<()> {
        SetOracleSet::set_oracle_set(ctx, oracles)
    }

    /// Creates a project with its licence collection, budget vault and distribution. Anyone.
    pub fn create_project(ctx: Context<CreateProject>, args: CreateProjectArgs) -> Result<()> {
        CreateProject::create_project(ctx, args)
    }

    /// Moves reward tokens into a project's budget vault. Anyone.
    pub fn fund_project(ctx: Context<FundProject>, amount: u64) -> Result<()> {
        FundProject::fund_project(ctx, amount)
    }

    /// Sells the next licence: price to the owner, licence to the buyer. Anyone.
    pub fn buy_licence(ctx: Context<BuyLicence>, serial: u32, max_price: u64) -> Result<()> {
        BuyLicence::buy_licence(ctx, serial, max_price)
    }

    /// Binds a licence to a node key and freezes it. Licence holder.
    pub fn bind(ctx: Context<Bind>, args: BindArgs) -> Result<()> {
        Bind::bind(ctx, args)
    }

    /// Accepts a bind; the node earns from the next bucket. Node key.
    pub fn accept_node(ctx: Context<AcceptNode>) -> Result<()> {
        AcceptNode::accept_node(ctx)
    }

    /// Names the hash of every oracle's view that this oracle holds. Oracle.
    pub fn commit_views(ctx: Context<CommitViews>, epoch: u64, hashes: Vec<[u8; 32]>) -> Result<()> {
        CommitViews::commit_views(ctx, epoch, hashes)
    }

    /// States an epoch and moves its budget into the distribution's vault. Settler.
    pub fn settle_epoch(ctx: Context<SettleEpoch>, args: SettleEpochArgs) -> Result<()> {
        SettleEpoch::settle_epoch(ctx, args)
    }

    /// Votes for a cumulative root; at the threshold its delay starts. Oracle.
    pub fn approve_root(ctx: Context<ApproveRoot>, args: ApproveRootArgs) -> Result<()> {
        ApproveRoot::approve_root(ctx, args)
    }

    /// Makes the approved root claimable and pays the fee. Anyone.
    pub fn activate_root(ctx: Context<ActivateRoot>) -> Result<()> {
        ActivateRoot::activate_root(ctx)
    }

    /// Pays a tenure what an active root owes it. Anyone.
    pub fn claim(ctx: Context<Claim>, cumulative: u64, proof: Vec<[u8; 32]>) -> Result<()> {
        Claim::claim(ctx, cumulative, proof)
    }
}
