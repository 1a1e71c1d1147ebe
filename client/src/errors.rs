//! The sentences behind error codes: of both programs, of Anchor's constraints, of the programs that they call.

use anchor_lang::error::ErrorCode as AnchorError;
use muster_jobs::JobsError;
use muster_network::NetworkError;
use solana_sdk::pubkey::Pubkey;

use crate::addresses;

/// A custom error of a program in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramError {
    pub program: Pubkey,
    pub code: u32,
    /// The error's name, `Custom` when it is not known here.
    pub name: String,
    /// A sentence.
    pub message: String,
}

// Every variant by name, with a match that stops the build when one is missing.
macro_rules! table {
    ($function:ident: $ty:ident { $($variant:ident),* $(,)? }) => {
        fn $function(code: u32) -> Option<(String, String)> {
            fn is_complete(error: $ty) {
                match error {
                    $($ty::$variant => (),)*
                }
            }
            $(
                if u32::from($ty::$variant) == code {
                    is_complete($ty::$variant);
                    return Some((stringify!($variant).to_owned(), $ty::$variant.to_string()));
                }
            )*
            None
        }
    };
}

table!(network_error: NetworkError { NotUpgradeAuthority, NotAuthority, Paused, FeeTooHigh, EpochLenOutOfRange, BucketMustDivideEpoch, RootDelayTooLong, GraceTooLong, HoldLimitOutOfRange, OracleSetDelayTooLong, OracleCountOutOfRange, OracleKeyInvalid, OracleUrlTooLong, OracleSetChangePending, NotOracle, MintNotAllowed, MintExtensionRefused, TextInvalid, FormulaInvalid, RewardModeUnknown, ZeroKey, ZeroAmount, ProjectClosed, SoldOut, WrongSerial, PriceTooHigh, WrongPaymentAccount, VaultDelta, NotALicence, NotHolder, LicenceDelegated, AlreadyBound, WrongTenureNumber, LeavesExhausted, NotBound, WrongNodeKey, NodeKeyTaken, NodeKeyIsHolder, EpochNotOver, ViewsClosed, ViewsOpen, WrongHashCount, NotSettler, SettlementOpen, EpochPassed, BudgetAboveMax, BudgetUnfunded, NothingToReward, UnapprovedStatement, NodeCountInvalid, NoOpenSettlement, WrongSettlement, ZeroRoot, WrongTotal, WrongLeafCount, WrongDataset, WrongLedgerHead, AlreadyApproved, NotApproved, DelayRuns, OracleSetChangedSince, ProofInvalid, NothingToClaim, AllowanceUsedUp, WrongPayoutAccount, Overflow, DurableNonce, UnknownRole, NotProposed, AuthorityIsGuardian, NotGuardian, NotTreasuryOwner, FeeEpochPast, FeeChangeTooSoon, MintAllowedAlready, MintsFull, JobMintStays, UnknownPauseBit, GuardianPauseTooSoon, NotProjectOwner, ChangePending, LicencesMaxOutOfRange, WithdrawalNotDue, WithdrawalTooLarge, WrongStandard, WrongPoolIndex, PoolCapacityInvalid, PoolFull, PoolNotEmpty, InPool, NotPoolMember, NodeUnbound, WrongProject, MayNotLeave, VoidTooEarly, NotRentPayer, PaidElsewhere, NotPointsRoot, NotNewestRoot, HeldBefore, NotHeld, RootHeld, EpochNotFinal, RetentionRuns, EpochTooOld, TenureHasOperator, WrongTenure, NotUnbinding, ThawRuns, WrongKeyMarker, NotHolderOrOperator, OperatorMustSign, OperatorInvalid, OperatorShareMissing, NotOperator, SplitInvalid, NoSuchRecipient, NothingToRelease, MaintenanceOutOfRange, MaintenanceRuns, MaintenanceUsedUp, NoMaintenance, SuspensionInvalid, NotSuspended, SuspendedByOracles, ZeroHash, NotACollection, NotCollectionAuthority, LicencesExist, HolderChangedThisEpoch, WrongLicenceAccount, StillHeld, StatementNeeded, });
table!(jobs_error: JobsError { NotAuthority, WrongMint, ConfigInvalid, NonceOutOfRange, StakeTooSmall, DeadlineOutOfRange, RedundancyOutOfRange, ZeroDescriptor, NotOracle, JobSettled, ZeroOutcome, NotAttested, WrongNodes, WrongBond, UnknownReason, NotCancelled, WrongRefundAccount, NotHolder, AmountOutOfRange, Overflow, WrongSetVersion, Paused, WrongTokenProgram, NotATokenAccount, WrongSource, VaultDelta, WrongVault, NotSubmitter, DeadlinePassed, CancelRequested, NotExpired, SponsorshipTooSmall, TooManySponsors, ZeroAmount, JobOpen, NothingOwed, RetentionRuns, UnbondRuns, SlashInvalid, SlashPending, NoSlashPending, SlashDelayRuns, SlashHeld, SlashCoolDown, NotGuardian, DurableNonce, SlashReserved, });
table!(anchor_error: AnchorError { InstructionMissing, InstructionFallbackNotFound, InstructionDidNotDeserialize, InstructionDidNotSerialize, IdlInstructionStub, IdlInstructionInvalidProgram, IdlAccountNotEmpty, EventInstructionStub, ConstraintMut, ConstraintHasOne, ConstraintSigner, ConstraintRaw, ConstraintOwner, ConstraintRentExempt, ConstraintSeeds, ConstraintExecutable, ConstraintState, ConstraintAssociated, ConstraintAssociatedInit, ConstraintClose, ConstraintAddress, ConstraintZero, ConstraintTokenMint, ConstraintTokenOwner, ConstraintMintMintAuthority, ConstraintMintFreezeAuthority, ConstraintMintDecimals, ConstraintSpace, ConstraintAccountIsNone, ConstraintTokenTokenProgram, ConstraintMintTokenProgram, ConstraintAssociatedTokenTokenProgram, ConstraintMintGroupPointerExtension, ConstraintMintGroupPointerExtensionAuthority, ConstraintMintGroupPointerExtensionGroupAddress, ConstraintMintGroupMemberPointerExtension, ConstraintMintGroupMemberPointerExtensionAuthority, ConstraintMintGroupMemberPointerExtensionMemberAddress, ConstraintMintMetadataPointerExtension, ConstraintMintMetadataPointerExtensionAuthority, ConstraintMintMetadataPointerExtensionMetadataAddress, ConstraintMintCloseAuthorityExtension, ConstraintMintCloseAuthorityExtensionAuthority, ConstraintMintPermanentDelegateExtension, ConstraintMintPermanentDelegateExtensionDelegate, ConstraintMintTransferHookExtension, ConstraintMintTransferHookExtensionAuthority, ConstraintMintTransferHookExtensionProgramId, ConstraintDuplicateMutableAccount, AccountAlreadyMigrated, AccountNotMigrated, ConstraintMintPausableExtension, ConstraintMintPausableAuthority, RequireViolated, RequireEqViolated, RequireKeysEqViolated, RequireNeqViolated, RequireKeysNeqViolated, RequireGtViolated, RequireGteViolated, AccountDiscriminatorAlreadySet, AccountDiscriminatorNotFound, AccountDiscriminatorMismatch, AccountDidNotDeserialize, AccountDidNotSerialize, AccountNotEnoughKeys, AccountNotMutable, AccountOwnedByWrongProgram, InvalidProgramId, InvalidProgramExecutable, AccountNotSigner, AccountNotSystemOwned, AccountNotInitialized, AccountNotProgramData, AccountNotAssociatedTokenAccount, AccountSysvarMismatch, AccountReallocExceedsLimit, AccountDuplicateReallocs, DeclaredProgramIdMismatch, TryingToInitPayerAsProgramAccount, InvalidNumericConversion, Deprecated,  });

/// Says what a program's custom error code means.
pub fn explain(program: &Pubkey, code: u32) -> ProgramError {
    let known = if *program == muster_network::ID {
        network_error(code).or_else(|| anchor_error(code))
    } else if *program == muster_jobs::ID {
        jobs_error(code).or_else(|| anchor_error(code))
    } else {
        None
    };
    let (name, message) = known
        .or_else(|| called_program_error(program, code))
        .unwrap_or_else(|| ("Custom".to_owned(), format!("program {program} refused with code {code}")));
    ProgramError { program: *program, code, name, message }
}

/// Errors of the programs that ours call, and of a system call whose code the runtime hands through.
fn called_program_error(program: &Pubkey, code: u32) -> Option<(String, String)> {
    if *program == addresses::TOKEN_PROGRAM || *program == addresses::TOKEN_2022_PROGRAM {
        let error = spl_token_interface::error::TokenError::try_from(code).ok()?;
        let message = format!("the token program refused: {error}");
        return Some((format!("{error:?}"), message));
    }
    // The system program's codes pass through programs that call it and never collide with theirs (100 and above).
    match code {
        0 => Some((
            "AccountAlreadyInUse".to_owned(),
            "an account that this instruction creates exists already".to_owned(),
        )),
        1 => Some(("ResultWithNegativeLamports".to_owned(), "the payer holds too few lamports".to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_program_is_its_own_sentence() {
        let error = explain(&muster_network::ID, u32::from(NetworkError::NothingToClaim));
        assert_eq!((error.name.as_str(), error.message.as_str()), ("NothingToClaim", "nothing is claimable"));
        let error = explain(&muster_jobs::ID, u32::from(JobsError::StakeTooSmall));
        assert_eq!(error.name, "StakeTooSmall");
        assert_ne!(explain(&muster_network::ID, 6000).message, explain(&muster_jobs::ID, 6000).message);
    }

    #[test]
    fn anchors_constraints_have_names() {
        assert_eq!(explain(&muster_network::ID, 2006).name, "ConstraintSeeds");
        assert_eq!(explain(&muster_jobs::ID, 3012).name, "AccountNotInitialized");
    }

    #[test]
    fn an_unknown_code_names_the_program() {
        let error = explain(&Pubkey::new_unique(), 77);
        assert_eq!(error.name, "Custom");
        assert!(error.message.contains(&error.program.to_string()) && error.message.contains("77"));
        assert_eq!(explain(&addresses::TOKEN_PROGRAM, 1).name, "InsufficientFunds");
    }
}
