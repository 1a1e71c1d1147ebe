use anchor_lang::prelude::*;

/// Why an instruction was refused.
#[error_code]
pub enum JobsError {
    #[msg("only the network's authority may initialise the jobs program")]
    NotAuthority,
    #[msg("the mint is not the network's job mint")]
    WrongMint,
    #[msg("the configured stakes or windows are zero or out of order")]
    ConfigInvalid,
    #[msg("the index is not the next job's; read the config again")]
    WrongIndex,
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
    #[msg("the job is settled already")]
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
    #[msg("the refund account is not the one recorded at submission")]
    WrongRefundAccount,
    #[msg("the signer is not the bond's holder")]
    NotHolder,
    #[msg("the amount is zero or above what the bond has earned")]
    AmountOutOfRange,
    #[msg("arithmetic overflow")]
    Overflow,
}
