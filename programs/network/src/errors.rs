use anchor_lang::prelude::*;

/// Why an instruction was refused.
#[error_code]
pub enum NetworkError {
    #[msg("only the program's upgrade authority may initialise the network")]
    NotUpgradeAuthority,
    #[msg("this signer is not the network's authority")]
    NotAuthority,
    #[msg("this instruction is paused")]
    Paused,
    #[msg("the fee is above the hard cap of 3,000 basis points")]
    FeeTooHigh,
    #[msg("epoch_len must be 1 to 604,800 seconds")]
    EpochLenOutOfRange,
    #[msg("bucket_len must be at least 1 s and divide epoch_len")]
    BucketMustDivideEpoch,
    #[msg("root_delay must be at most half an epoch")]
    RootDelayTooLong,
    #[msg("grace must be at most an epoch")]
    GraceTooLong,
    #[msg("hold_limit must be 1 to 604,800 seconds")]
    HoldLimitOutOfRange,
    #[msg("oracle_set_delay must be at least 1 s and shorter than hold_limit")]
    OracleSetDelayTooLong,
    #[msg("an oracle set has 1 to 16 oracles")]
    OracleCountOutOfRange,
    #[msg("an oracle's key is zero or named twice")]
    OracleKeyInvalid,
    #[msg("an oracle's URL is longer than 96 bytes")]
    OracleUrlTooLong,
    #[msg("a change of the oracle set waits for its timelock; name it again when that is over")]
    OracleSetChangePending,
    #[msg("this signer is not an oracle of the set")]
    NotOracle,
    #[msg("the network does not allow this mint")]
    MintNotAllowed,
    #[msg("this mint has extensions that vaults cannot hold safely")]
    MintExtensionRefused,
    #[msg("the name or the URI is empty, too long or holds zero bytes")]
    TextInvalid,
    #[msg("the formula's weights are both zero, or its minimum uptime is above 10,000")]
    FormulaInvalid,
    #[msg("the reward mode is unknown")]
    RewardModeUnknown,
    #[msg("a key argument is zero")]
    ZeroKey,
    #[msg("the amount is zero")]
    ZeroAmount,
    #[msg("the project is closed")]
    ProjectClosed,
    #[msg("every licence of the collection is sold")]
    SoldOut,
    #[msg("the serial is not the next to be sold; read the project again")]
    WrongSerial,
    #[msg("the price is above the buyer's maximum")]
    PriceTooHigh,
    #[msg("the payment goes to the project owner's associated token account and nowhere else")]
    WrongPaymentAccount,
    #[msg("the vault did not receive exactly the amount")]
    VaultDelta,
    #[msg("this mint is not a licence of the project")]
    NotALicence,
    #[msg("the signer does not hold the licence")]
    NotHolder,
    #[msg("the licence's token account has a delegate or a close authority; revoke it first")]
    LicenceDelegated,
    #[msg("the node is bound already")]
    AlreadyBound,
    #[msg("the tenure number is not the one that this bind makes or keeps")]
    WrongTenureNumber,
    #[msg("the project has as many leaves as a distribution can hold")]
    LeavesExhausted,
    #[msg("the node is not waiting for its key to accept")]
    NotBound,
    #[msg("the signer is not the node key that the holder named")]
    WrongNodeKey,
    #[msg("the node key runs another node")]
    NodeKeyTaken,
    #[msg("the node key must differ from the holder's wallet")]
    NodeKeyIsHolder,
    #[msg("the epoch is not over")]
    EpochNotOver,
    #[msg("the view set is closed")]
    ViewsClosed,
    #[msg("the view set is not closed yet")]
    ViewsOpen,
    #[msg("name one hash for each oracle of the set")]
    WrongHashCount,
    #[msg("the signer is not the project's settler")]
    NotSettler,
    #[msg("a settlement is open; only one may be")]
    SettlementOpen,
    #[msg("this epoch can no longer be settled")]
    EpochPassed,
    #[msg("the budget is above the project's max_epoch_budget")]
    BudgetAboveMax,
    #[msg("the budget vault holds less than the amount")]
    BudgetUnfunded,
    #[msg("a budget needs points and a non-zero points root and dataset hash")]
    NothingToReward,
    #[msg("a settlement without a budget states no points, hashes or nodes: no oracle approves it")]
    UnapprovedStatement,
    #[msg("the node count is zero with points, or above the project's leaves")]
    NodeCountInvalid,
    #[msg("no settlement waits for approval")]
    NoOpenSettlement,
    #[msg("this is not the epoch, revision or project of the settlement; read the distribution again")]
    WrongSettlement,
    #[msg("the root is zero")]
    ZeroRoot,
    #[msg("the root's total is not what was allocated plus this node pool")]
    WrongTotal,
    #[msg("the root's leaf count is zero, shrinks, or exceeds the project's leaves")]
    WrongLeafCount,
    #[msg("the dataset hash is not the settlement's")]
    WrongDataset,
    #[msg("the ledger head is not the one that this settlement makes")]
    WrongLedgerHead,
    #[msg("the settlement is approved already")]
    AlreadyApproved,
    #[msg("no root is approved")]
    NotApproved,
    #[msg("the root's delay still runs")]
    DelayRuns,
    #[msg("the oracle set changed since the approval; the oracles must vote again")]
    OracleSetChangedSince,
    #[msg("the proof has the wrong length or proves no active root")]
    ProofInvalid,
    #[msg("nothing is claimable")]
    NothingToClaim,
    #[msg("this epoch's breaker allowance is used up; claim again in the next epoch")]
    AllowanceUsedUp,
    #[msg("the payout account is not the tenure's")]
    WrongPayoutAccount,
    #[msg("arithmetic overflow")]
    Overflow,
    #[msg("an authority's transaction may not use a durable nonce; sign it again with a recent blockhash")]
    DurableNonce,
    #[msg("the role is unknown; it is 0 (authority), 1 (guardian) or 2 (treasury owner)")]
    UnknownRole,
    #[msg("this signer is not the one who was proposed; the holder proposes first")]
    NotProposed,
    #[msg("the authority and the guardian must be different keys")]
    AuthorityIsGuardian,
    #[msg("this signer is not the network's guardian")]
    NotGuardian,
    #[msg("this signer is not the owner of the treasury")]
    NotTreasuryOwner,
    #[msg("a fee change must name an epoch after the current one")]
    FeeEpochPast,
    #[msg("the last fee change began less than seven epochs ago; late settlements still need the fee before it")]
    FeeChangeTooSoon,
    #[msg("the network allows this mint already")]
    MintAllowedAlready,
    #[msg("the network allows eight mints already; forbid one first")]
    MintsFull,
    #[msg("the job mint can never be forbidden")]
    JobMintStays,
    #[msg("a pause bit is unknown")]
    UnknownPauseBit,
    #[msg("the guardian may pause again hold_limit after the announced end of his last pause, not earlier")]
    GuardianPauseTooSoon,
    #[msg("the signer is not the project's owner")]
    NotProjectOwner,
    #[msg("an epoch before the last change can still be settled; settle up to it first")]
    ChangePending,
    #[msg("licences_max must be 1 to 1,048,576 and at least the licences that are sold")]
    LicencesMaxOutOfRange,
    #[msg("no withdrawal is due: announce it, then withdraw after an epoch and before it lapses")]
    WithdrawalNotDue,
    #[msg("the amount is above what is left of the announced withdrawal")]
    WithdrawalTooLarge,
    #[msg("the project's licences are of another standard")]
    WrongStandard,
    #[msg("the index is not that of the project's next pool; read the project again")]
    WrongPoolIndex,
    #[msg("a pool's capacity must be at least 1 and at least the nodes that are in it")]
    PoolCapacityInvalid,
    #[msg("the pool is full")]
    PoolFull,
    #[msg("nodes are in the pool; take them out first")]
    PoolNotEmpty,
    #[msg("the node is in a pool already; leave it first")]
    InPool,
    #[msg("the node is not in this pool")]
    NotPoolMember,
    #[msg("the node is unbinding or free; bind it first")]
    NodeUnbound,
    #[msg("the accounts do not all belong to this project")]
    WrongProject,
    #[msg("while a node is bound only its holder, its operator and the project's owner take it out of a pool")]
    MayNotLeave,
    #[msg("the tenure has an operator: bind with the next tenure number, or have the operator release it first")]
    TenureHasOperator,
    #[msg("the tenure is not the node's current one; read the node again")]
    WrongTenure,
    #[msg("the node is not unbinding; its holder unbinds it first")]
    NotUnbinding,
    #[msg("the licence thaws at the end of the epoch in which it was unbound; try again then")]
    ThawRuns,
    #[msg("name the marker of the node's own key, and none if the key never accepted")]
    WrongKeyMarker,
    #[msg("the signer is neither the tenure's holder nor its operator")]
    NotHolderOrOperator,
    #[msg("this payout is bound to an operator's share: the operator must sign too, or release the tenure first")]
    OperatorMustSign,
    #[msg("an operator is another wallet than the holder, with a share of 1 to 10,000 basis points")]
    OperatorInvalid,
    #[msg(
        "the tenure's payout is not a split of the reward mint that gives the operator this share; set the payout first"
    )]
    OperatorShareMissing,
    #[msg("the signer is not the tenure's operator")]
    NotOperator,
    #[msg("a split has 1 to 8 different recipients, whose shares are above zero and sum to 10,000")]
    SplitInvalid,
    #[msg("the split has no recipient of this number")]
    NoSuchRecipient,
    #[msg("nothing has come in for this recipient since the last release")]
    NothingToRelease,
    #[msg("maintenance begins a bucket to 30 days from now and ends after it begins")]
    MaintenanceOutOfRange,
    #[msg("announced maintenance is running; announce again when it is over")]
    MaintenanceRuns,
    #[msg("maintenance takes at most 28,800 seconds and 8 announcements of any 30 days; announce less, or later")]
    MaintenanceUsedUp,
    #[msg("no maintenance is announced that could be cancelled")]
    NoMaintenance,
    #[msg("a suspension names its evidence and lasts 1 to 10 epochs")]
    SuspensionInvalid,
    #[msg("the node is not suspended")]
    NotSuspended,
    #[msg("the oracles imposed this suspension; only they change it")]
    SuspendedByOracles,
    #[msg("the hash is zero")]
    ZeroHash,
    #[msg("only the settler and the owner void a settlement that is younger than seven epochs")]
    VoidTooEarly,
    #[msg("rent goes back to the account that paid it and nowhere else")]
    NotRentPayer,
    #[msg(
        "this project's rewards are paid elsewhere: its settlements have no budget and its distribution takes no money"
    )]
    PaidElsewhere,
    #[msg("where rewards are paid elsewhere, the root that is approved is the settlement's points root")]
    NotPointsRoot,
    #[msg("a hold is for the newest root, approved or active; name its epoch")]
    NotNewestRoot,
    #[msg("this root was held before under this oracle set; it is held once")]
    HeldBefore,
    #[msg("no root of this epoch is held")]
    NotHeld,
    #[msg("the guardian holds this root; wait until the hold ends")]
    RootHeld,
    #[msg("the epoch is not final")]
    EpochNotFinal,
    #[msg("this account is kept for 90 epochs, and as long as a held root needs it")]
    RetentionRuns,
    #[msg("the epoch is 90 epochs old or older: its views are over for ever")]
    EpochTooOld,
    #[msg("this account is no collection of the standard, or its metadata is missing")]
    NotACollection,
    #[msg("the signer has no authority over the collection; its update authority must sign")]
    NotCollectionAuthority,
    #[msg("a collection is linked before the first licence is sold or bound; create another project")]
    LicencesExist,
    #[msg("the licence changed hands in this epoch already; bind it in the next")]
    HolderChangedThisEpoch,
    #[msg("name the account by which the holder showed the licence when binding it")]
    WrongLicenceAccount,
    #[msg("the holder who bound the node still holds the licence; only he unbinds it")]
    StillHeld,
    #[msg("the newest active root may be held and corrected from this statement; close it when a later root is active")]
    StatementNeeded,
}
