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
    #[msg("the budget vault holds less than the budget")]
    BudgetUnfunded,
    #[msg("a budget needs points and a non-zero points root and dataset hash")]
    NothingToReward,
    #[msg("a settlement without a budget states no points, hashes or nodes: no oracle approves it")]
    UnapprovedStatement,
    #[msg("the node count is zero with points, or above the project's leaves")]
    NodeCountInvalid,
    #[msg("no settlement waits for approval")]
    NoOpenSettlement,
    #[msg("the vote names another epoch or revision than the open settlement")]
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
}
