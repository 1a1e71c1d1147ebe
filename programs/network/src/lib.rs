//! The network program: licences, projects, nodes, epochs, rewards.
//!
//! Every instruction lives in a file of its own under `instructions`; `lib.rs` is the table of contents.
#![deny(unused_must_use)]

use anchor_lang::prelude::*;
use solana_compiler_builtins as _;

pub mod authority;
pub mod binding;
pub mod constants;
pub mod create;
pub mod emit;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod licences;
pub mod minting;
pub mod mints;
pub mod root_vote;
pub mod state;
pub mod statement;
pub mod text;

pub use constants::*;
pub use errors::*;
pub use instructions::*;
pub use root_vote::ApproveRootArgs;
pub use statement::SettleEpochArgs;

declare_id!("4eBcSu1x3m5bDsxZGTNS3nWJUiwQmpD7vWtdyHF9BE9s");

#[program]
pub mod muster_network {
    use super::*;

    // First what runs most often: the dispatcher compares from the top.

    /// Pays a tenure what an active root owes it. Anyone.
    pub fn claim(ctx: Context<Claim>, cumulative: u64, proof: Vec<u8>) -> Result<()> {
        Claim::claim(ctx, cumulative, proof)
    }

    /// Creates the network; only by the program's upgrade authority, once.
    pub fn initialize_network(ctx: Context<InitializeNetwork>, args: InitializeNetworkArgs) -> Result<()> {
        InitializeNetwork::initialize_network(ctx, args)
    }

    /// Names the oracles: at once the first time; ever after the same set is named twice, a timelock apart. Authority.
    pub fn set_oracle_set(ctx: Context<SetOracleSet>, oracles: Vec<OracleArg>) -> Result<()> {
        SetOracleSet::set_oracle_set(ctx, oracles)
    }

    /// Says where an oracle of the set is reached. Oracle.
    pub fn set_oracle_url(ctx: Context<SetOracleUrl>, url: String) -> Result<()> {
        SetOracleUrl::set_oracle_url(ctx, url)
    }

    /// Proposes the next authority, guardian or treasury owner. Authority; for the treasury, its owner.
    pub fn propose_authority(ctx: Context<ProposeAuthority>, role: u8, key: Pubkey) -> Result<()> {
        ProposeAuthority::propose_authority(ctx, role, key)
    }

    /// Takes over a role. The proposed key.
    pub fn accept_authority(ctx: Context<AcceptAuthority>, role: u8) -> Result<()> {
        AcceptAuthority::accept_authority(ctx, role)
    }

    /// Announces the fee of an epoch to come and all later ones. Authority.
    pub fn set_fee(ctx: Context<SetFee>, fee_bps: u16, from_epoch: u64) -> Result<()> {
        SetFee::set_fee(ctx, fee_bps, from_epoch)
    }

    /// Lets projects pay and sell in a mint, and makes its treasury. Authority.
    pub fn allow_mint(ctx: Context<AllowMint>) -> Result<()> {
        AllowMint::allow_mint(ctx)
    }

    /// Takes a mint off the list; projects that use it go on. Authority.
    pub fn forbid_mint(ctx: Context<ForbidMint>, mint: Pubkey) -> Result<()> {
        ForbidMint::forbid_mint(ctx, mint)
    }

    /// Pauses what is named and nothing else; ends a guardian's pause. Authority.
    pub fn set_paused(ctx: Context<SetPaused>, bits: u32) -> Result<()> {
        SetPaused::set_paused(ctx, bits)
    }

    /// Pauses for `hold_limit`, or ends that early by naming nothing. Guardian.
    pub fn guardian_pause(ctx: Context<GuardianPause>, bits: u32) -> Result<()> {
        GuardianPause::guardian_pause(ctx, bits)
    }

    /// Moves tokens out of a treasury. Treasury owner.
    pub fn withdraw_treasury(ctx: Context<WithdrawTreasury>, amount: u64) -> Result<()> {
        WithdrawTreasury::withdraw_treasury(ctx, amount)
    }

    /// Creates a project with its licence collection, budget vault and distribution. Anyone.
    pub fn create_project(ctx: Context<CreateProject>, args: CreateProjectArgs) -> Result<()> {
        CreateProject::create_project(ctx, args)
    }

    /// Moves reward tokens into a project's budget vault. Anyone.
    pub fn fund_project(ctx: Context<FundProject>, amount: u64) -> Result<()> {
        FundProject::fund_project(ctx, amount)
    }

    /// Proposes a project's next owner. Project owner.
    pub fn propose_owner(ctx: Context<ProposeOwner>, key: Pubkey) -> Result<()> {
        ProposeOwner::propose_owner(ctx, key)
    }

    /// Takes a project over. The proposed key.
    pub fn accept_owner(ctx: Context<AcceptOwner>) -> Result<()> {
        AcceptOwner::accept_owner(ctx)
    }

    /// Replaces a project's settler at once. Project owner.
    pub fn set_settler(ctx: Context<SetSettler>, settler: Pubkey) -> Result<()> {
        SetSettler::set_settler(ctx, settler)
    }

    /// Changes a project's formula from the next epoch on. Project owner.
    pub fn set_formula(ctx: Context<SetFormula>, formula: state::PointsFormula) -> Result<()> {
        SetFormula::set_formula(ctx, formula)
    }

    /// Changes what a settlement may move from the next epoch on. Project owner.
    pub fn set_max_epoch_budget(ctx: Context<SetMaxEpochBudget>, amount: u64) -> Result<()> {
        SetMaxEpochBudget::set_max_epoch_budget(ctx, amount)
    }

    /// Changes price, payment mint and number of licences at once. Project owner.
    pub fn set_sale(ctx: Context<SetSale>, price: u64, licences_max: u32) -> Result<()> {
        SetSale::set_sale(ctx, price, licences_max)
    }

    /// Announces that budget will be withdrawn, an epoch ahead. Project owner.
    pub fn announce_withdrawal(ctx: Context<AnnounceWithdrawal>, amount: u64) -> Result<()> {
        AnnounceWithdrawal::announce_withdrawal(ctx, amount)
    }

    /// Moves budget out that was announced an epoch ago. Project owner.
    pub fn withdraw_budget(ctx: Context<WithdrawBudget>, amount: u64) -> Result<()> {
        WithdrawBudget::withdraw_budget(ctx, amount)
    }

    /// Closes a project for ever; what nodes earned stays payable. Project owner.
    pub fn close_project(ctx: Context<CloseProject>) -> Result<()> {
        CloseProject::close_project(ctx)
    }

    /// Sells the next licence: price to the owner, licence to the buyer. Anyone.
    pub fn buy_licence(ctx: Context<BuyLicence>, serial: u32, max_price: u64) -> Result<()> {
        BuyLicence::buy_licence(ctx, serial, max_price)
    }

    /// Gives the next licence away; the owner pays its rent. Project owner.
    pub fn gift_licence(ctx: Context<GiftLicence>, serial: u32) -> Result<()> {
        GiftLicence::gift_licence(ctx, serial)
    }

    /// Binds a licence to a node key and freezes it. Licence holder.
    pub fn bind(ctx: Context<Bind>, args: BindArgs) -> Result<()> {
        Bind::bind(ctx, args)
    }

    /// Accepts a bind; the node earns from the next bucket. Node key.
    pub fn accept_node(ctx: Context<AcceptNode>) -> Result<()> {
        AcceptNode::accept_node(ctx)
    }

    /// Ends the node's tenure with this epoch and frees its key. Tenure's holder.
    pub fn unbind(ctx: Context<Unbind>) -> Result<()> {
        Unbind::unbind(ctx)
    }

    /// Frees an unbound node and its licence, from the end of the epoch on. Anyone.
    pub fn thaw(ctx: Context<Thaw>) -> Result<()> {
        Thaw::thaw(ctx)
    }

    /// Puts another key in the place of a node's, accepted at once. Tenure's holder or operator, and the new key.
    pub fn rotate_node_key(ctx: Context<RotateNodeKey>) -> Result<()> {
        RotateNodeKey::rotate_node_key(ctx)
    }

    /// Names the wallet or split that a tenure's claims pay. Tenure's holder, and its operator if it has one.
    pub fn set_payout(ctx: Context<SetPayout>, payout_owner: Pubkey) -> Result<()> {
        SetPayout::set_payout(ctx, payout_owner)
    }

    /// Creates an immutable split of payouts between up to 8 wallets. Anyone.
    pub fn create_split(ctx: Context<CreateSplit>, args: CreateSplitArgs) -> Result<()> {
        CreateSplit::create_split(ctx, args)
    }

    /// Pays a recipient of a split what is due to it. Anyone.
    pub fn release(ctx: Context<Release>, index: u8) -> Result<()> {
        Release::release(ctx, index)
    }

    /// Lets an operator run the node for a share of the payout. Tenure's holder.
    pub fn set_operator(ctx: Context<SetOperator>, operator: Pubkey, bps: u16) -> Result<()> {
        SetOperator::set_operator(ctx, operator, bps)
    }

    /// Gives a tenure back to its holder alone. Tenure's operator.
    pub fn release_operator(ctx: Context<ReleaseOperator>) -> Result<()> {
        ReleaseOperator::release_operator(ctx)
    }

    /// Names the hash of the node's metadata document. Tenure's holder or operator.
    pub fn set_metadata(ctx: Context<SetMetadata>, metadata_hash: [u8; 32]) -> Result<()> {
        SetMetadata::set_metadata(ctx, metadata_hash)
    }

    /// Announces maintenance, or cancels it by zeros before it begins. Tenure's holder or operator.
    pub fn announce_maintenance(ctx: Context<AnnounceMaintenance>, start: i64, end: i64) -> Result<()> {
        AnnounceMaintenance::announce_maintenance(ctx, start, end)
    }

    /// Stops a node's earning from the next epoch on, for at most 10. Project owner.
    pub fn suspend_node(ctx: Context<SuspendNode>, args: SuspensionArgs) -> Result<()> {
        SuspendNode::suspend_node(ctx, args)
    }

    /// Votes to suspend a node, or to lift that by 0 epochs; the threshold decides. Oracle.
    pub fn vote_suspension(ctx: Context<VoteSuspension>, args: SuspensionArgs, set_version: u32) -> Result<()> {
        VoteSuspension::vote_suspension(ctx, args, set_version)
    }

    /// Ends the owner's own suspension with this epoch. Project owner.
    pub fn lift_suspension(ctx: Context<LiftSuspension>) -> Result<()> {
        LiftSuspension::lift_suspension(ctx)
    }

    /// Puts the hash of an objection to a suspension on the node. Tenure's holder or operator.
    pub fn appeal(ctx: Context<Appeal>, evidence_hash: [u8; 32]) -> Result<()> {
        Appeal::appeal(ctx, evidence_hash)
    }

    /// Makes a pool for a project's nodes. Project owner.
    pub fn create_pool(ctx: Context<CreatePool>, args: CreatePoolArgs) -> Result<()> {
        CreatePool::create_pool(ctx, args)
    }

    /// Closes an empty pool; its rent goes back. Project owner.
    pub fn close_pool(ctx: Context<ClosePool>) -> Result<()> {
        ClosePool::close_pool(ctx)
    }

    /// Changes how many nodes a pool holds. Project owner.
    pub fn set_pool_capacity(ctx: Context<SetPoolCapacity>, capacity: u16) -> Result<()> {
        SetPoolCapacity::set_pool_capacity(ctx, capacity)
    }

    /// Puts a bound node into a pool. Licence holder.
    pub fn join_pool(ctx: Context<JoinPool>) -> Result<()> {
        JoinPool::join_pool(ctx)
    }

    /// Takes a node out of its pool. Licence holder, operator, project owner; anyone once it is unbound.
    pub fn leave_pool(ctx: Context<LeavePool>) -> Result<()> {
        LeavePool::leave_pool(ctx)
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

    /// Replaces the open settlement by its next revision; only the budgets' difference moves. Settler.
    pub fn replace_settlement(ctx: Context<ReplaceSettlement>, args: SettleEpochArgs) -> Result<()> {
        ReplaceSettlement::replace_settlement(ctx, args)
    }

    /// Returns the open settlement's budget; the epoch may be settled again. Settler, owner; anyone after seven epochs.
    pub fn void_settlement(ctx: Context<VoidSettlement>) -> Result<()> {
        VoidSettlement::void_settlement(ctx)
    }

    /// Holds the newest root for `hold_limit`: it neither activates nor pays. Guardian.
    pub fn hold_root(ctx: Context<HoldRoot>, epoch: u64) -> Result<()> {
        HoldRoot::hold_root(ctx, epoch)
    }

    /// Ends a hold early. Authority.
    pub fn end_hold(ctx: Context<EndHold>, epoch: u64) -> Result<()> {
        EndHold::end_hold(ctx, epoch)
    }

    /// Votes for a root in the place of a held one; at the threshold it takes it. Oracle.
    pub fn correct_root(ctx: Context<CorrectRoot>, args: ApproveRootArgs) -> Result<()> {
        CorrectRoot::correct_root(ctx, args)
    }

    /// Adds money to a distribution, beyond its roots. Anyone.
    pub fn top_up(ctx: Context<TopUp>, amount: u64) -> Result<()> {
        TopUp::top_up(ctx, amount)
    }

    /// Closes a final epoch's account 90 epochs later; its rent goes back. Anyone.
    pub fn close_epoch(ctx: Context<CloseEpoch>) -> Result<()> {
        CloseEpoch::close_epoch(ctx)
    }

    /// Closes an epoch's view set 90 epochs later; its rent goes back. Anyone.
    pub fn close_views(ctx: Context<CloseViews>) -> Result<()> {
        CloseViews::close_views(ctx)
    }

    /// Makes the assets of a Metaplex collection the project's licences, for ever. Project owner and the collection's
    /// update authority.
    pub fn link_collection(ctx: Context<LinkCollection>, standard: u8) -> Result<()> {
        LinkCollection::link_collection(ctx, standard)
    }

    /// Binds an asset of the linked collection to a node key; ends the bind of one who has sold it. Licence holder.
    pub fn bind_asset(ctx: Context<BindAsset>, args: BindArgs) -> Result<()> {
        BindAsset::bind_asset(ctx, args)
    }

    /// Frees the node of a holder who no longer holds the asset. Anyone.
    pub fn detach(ctx: Context<Detach>) -> Result<()> {
        Detach::detach(ctx)
    }
}
