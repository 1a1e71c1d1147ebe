use anchor_lang::prelude::*;

/// Why an instruction was refused.
#[error_code]
pub enum JobsError {
    #[msg("only the network's authority may do this")]
    NotAuthority,
    #[msg("the mint is not the network's job mint")]
    WrongMint,
    #[msg("the configured stakes or delays are zero, too long or out of order")]
    ConfigInvalid,
    #[msg(
        "the nonce must be the Unix milliseconds of now, within an hour of the network's clock; set your clock and submit again"
    )]
    NonceOutOfRange,
    #[msg("the stake is below the network's minimum")]
    StakeTooSmall,
    #[msg("the deadline must lie ahead, by 30 days at most")]
    DeadlineOutOfRange,
    #[msg("redundancy must be 0 (adaptive) to 8")]
    RedundancyOutOfRange,
    #[msg("the descriptor hash is zero")]
    ZeroDescriptor,
    #[msg("this signer is not an oracle of the set")]
    NotOracle,
    #[msg("the job is over already")]
    JobSettled,
    #[msg("the outcome hash is zero")]
    ZeroOutcome,
    #[msg("no threshold of oracles attested this outcome")]
    NotAttested,
    #[msg("a completed job pays 1 to 8 nodes, each once, of distinct holders, as many bonds as it names")]
    WrongNodes,
    #[msg("a bond account is not the one of the tenure at its place")]
    WrongBond,
    #[msg("the failure's reason is not one of those that the program knows")]
    UnknownReason,
    #[msg("this outcome cannot be settled: the submitter requested no cancellation")]
    NotCancelled,
    #[msg("the refund account is not the one recorded when the money came in")]
    WrongRefundAccount,
    #[msg("the signer is not the bond's holder")]
    NotHolder,
    #[msg("the amount is zero or above what the bond has")]
    AmountOutOfRange,
    #[msg("arithmetic overflow")]
    Overflow,
    #[msg("the vote names another version of the oracle set than the one in force; read the set and vote again")]
    WrongSetVersion,
    #[msg("the network paused this; try again when the pause has ended")]
    Paused,
    #[msg("the token program is not the job mint's")]
    WrongTokenProgram,
    #[msg("the account is too short for a token account")]
    NotATokenAccount,
    #[msg("the source is not a token account of the signer")]
    WrongSource,
    #[msg("what arrived is not what was sent; name another account")]
    VaultDelta,
    #[msg("the account is not the one that the config or the job names")]
    WrongVault,
    #[msg("the signer did not submit this job")]
    NotSubmitter,
    #[msg("the job's deadline has passed: nothing can be added or cancelled any more")]
    DeadlinePassed,
    #[msg("a cancellation was requested: nothing can be added, and it is requested once")]
    CancelRequested,
    #[msg(
        "oracles may still decide this job; wait until its grace, its cancel window or the 7 days after them are over"
    )]
    NotExpired,
    #[msg("a sponsorship must bring at least the network's minimum")]
    SponsorshipTooSmall,
    #[msg("the job has 32 sponsors, no other fits")]
    TooManySponsors,
    #[msg("the amount is zero")]
    ZeroAmount,
    #[msg("the job is not over yet")]
    JobOpen,
    #[msg("nothing is owed to the submitter")]
    NothingOwed,
    #[msg("a job closes 90 days after it was over, when its sponsors and its submitter have their money")]
    RetentionRuns,
    #[msg("nothing is unbonding, or its delay has not passed")]
    UnbondRuns,
    #[msg("the amount, the reason or the evidence hash is zero")]
    SlashInvalid,
    #[msg("a slash of this bond is pending already; one at a time")]
    SlashPending,
    #[msg("no slash of this bond is pending under the oracle set in force")]
    NoSlashPending,
    #[msg("the slash's delay or its hold has not passed")]
    SlashDelayRuns,
    #[msg("the guardian held this slash already; the network's authority may void it")]
    SlashHeld,
    #[msg("a slash of this bond ended or lapsed less than one slash delay ago")]
    SlashCoolDown,
    #[msg("only the network's guardian may do this")]
    NotGuardian,
    #[msg("a cold key's transaction must not use a durable nonce; sign it with a recent blockhash")]
    DurableNonce,
    #[msg(
        "a slash of this bond is decided: what it takes stays until it is executed, voided or lapses; take less, or wait"
    )]
    SlashReserved,
}
