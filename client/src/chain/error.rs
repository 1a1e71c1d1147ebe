use solana_rpc_client_api::{
    client_error::{Error as ClientError, ErrorKind},
    request::{RpcError, RpcResponseErrorData},
};
use solana_sdk::{
    instruction::{Instruction, InstructionError},
    pubkey::Pubkey,
    signature::Signature,
    transaction::TransactionError,
};

use crate::{
    accounts::DecodeError,
    errors::{ProgramError, explain},
};

/// Why the chain gave no answer, or refused.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The RPC node did not answer, or not with what was asked for. Says nothing about the chain.
    #[error("could not {what}: {source}")]
    Rpc {
        what: String,
        #[source]
        source: Box<ClientError>,
    },
    /// The node answered with something that cannot be.
    #[error("could not {what}: the RPC node's answer makes no sense: {why}")]
    Answer { what: String, why: String },
    /// A program refused the transaction.
    #[error("{} ({}, instruction {instruction})", .error.message, .error.name)]
    Program {
        error: Box<ProgramError>,
        /// Position in the transaction, from 0.
        instruction: u8,
        logs: Vec<String>,
    },
    /// The runtime refused the transaction.
    #[error("the transaction was refused: {error}")]
    Transaction { error: TransactionError, logs: Vec<String> },
    /// Neither confirmed nor refused in time; it can no longer land if `expired`.
    #[error(
        "transaction {signature} was not confirmed within {seconds} s{}",
        if *.expired { "; its blockhash has expired, so it never will be" } else { "; it may still land, look it up before sending again" }
    )]
    Unconfirmed { signature: Signature, seconds: u64, expired: bool },
    /// The transaction cannot be signed or built.
    #[error("cannot build the transaction: {0}")]
    Build(String),
    /// An account that must exist does not.
    #[error("{what} does not exist (account {address})")]
    Missing { what: String, address: Pubkey },
    /// An account is not what it should be.
    #[error("account {address} is not readable: {source}")]
    Decode {
        address: Pubkey,
        #[source]
        source: Box<DecodeError>,
    },
}

impl ChainError {
    pub(super) fn rpc(what: &str, source: ClientError) -> Self {
        Self::Rpc { what: what.to_owned(), source: Box::new(source) }
    }

    /// The error's name when a program refused: `Some("NothingToClaim")`.
    pub fn program_error(&self) -> Option<&str> {
        match self {
            Self::Program { error, .. } => Some(&error.name),
            _ => None,
        }
    }

    /// Whether the payer has too few lamports for the fee or for the rent of what the transaction creates.
    pub fn is_unfunded(&self) -> bool {
        match self {
            Self::Transaction { error, .. } => matches!(
                error,
                TransactionError::AccountNotFound
                    | TransactionError::InsufficientFundsForFee
                    | TransactionError::InsufficientFundsForRent { .. }
            ),
            Self::Program { error, .. } => error.name == "ResultWithNegativeLamports",
            _ => false,
        }
    }

    /// Whether the chain itself said no: trying the same again is useless.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Program { .. } | Self::Transaction { .. })
    }

    /// What a transaction's error says, in the words of the program that raised it.
    pub(super) fn from_transaction(error: TransactionError, logs: Vec<String>, instructions: &[Instruction]) -> Self {
        tracing::debug!(%error, ?logs, "a transaction was refused");
        let TransactionError::InstructionError(instruction, InstructionError::Custom(code)) = error else {
            return Self::Transaction { error, logs };
        };
        let called =
            instructions.get(usize::from(instruction)).map(|instruction| instruction.program_id).unwrap_or_default();
        let program = raised_by(&logs, code).unwrap_or(called);
        Self::Program { error: Box::new(explain(&program, code)), instruction, logs }
    }
}

/// The innermost program that failed with `code`: the first to say so in the logs.
fn raised_by(logs: &[String], code: u32) -> Option<Pubkey> {
    let failure = format!(" failed: custom program error: {code:#x}");
    logs.iter()
        .find_map(|line| line.strip_prefix("Program ")?.strip_suffix(&failure))
        .and_then(|program| program.parse().ok())
}

/// The refusal that a simulation before sending reported, with its logs.
pub(super) fn preflight_refusal(error: &ClientError) -> Option<(TransactionError, Vec<String>)> {
    let refusal = error.get_transaction_error()?;
    let logs = match error.kind() {
        ErrorKind::RpcError(RpcError::RpcResponseError {
            data: RpcResponseErrorData::SendTransactionPreflightFailure(result),
            ..
        }) => result.logs.clone().unwrap_or_default(),
        _ => Vec::new(),
    };
    Some((refusal, logs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_program_names_the_error() {
        // Given a claim whose token transfer failed
        let token = crate::addresses::TOKEN_PROGRAM;
        let ours = muster_network::ID;
        let logs = vec![
            format!("Program {ours} invoke [1]"),
            format!("Program {token} invoke [2]"),
            format!("Program {token} failed: custom program error: 0x1"),
            format!("Program {ours} failed: custom program error: 0x1"),
        ];
        let refusal = TransactionError::InstructionError(2, InstructionError::Custom(1));
        // When it is explained, then the token program speaks.
        let error = ChainError::from_transaction(refusal, logs, &[]);
        assert_eq!(error.program_error(), Some("InsufficientFunds"));
        assert!(error.to_string().ends_with("(InsufficientFunds, instruction 2)"), "{error}");
        assert!(error.is_refusal());
    }

    #[test]
    fn without_logs_the_called_program_names_the_error() {
        let instruction = crate::instructions::activate_root(
            &Pubkey::new_unique(),
            1,
            &Pubkey::new_unique(),
            &crate::addresses::TOKEN_PROGRAM,
        );
        let code = u32::from(muster_network::NetworkError::DelayRuns);
        let refusal = TransactionError::InstructionError(0, InstructionError::Custom(code));
        let error = ChainError::from_transaction(refusal, Vec::new(), &[instruction]);
        assert_eq!(error.to_string(), "the root's delay still runs (DelayRuns, instruction 0)");
    }

    #[test]
    fn an_empty_purse_is_told_from_other_refusals() {
        use TransactionError::{
            AccountNotFound, InsufficientFundsForFee, InsufficientFundsForRent, WouldExceedMaxBlockCostLimit,
        };
        let of = |error| ChainError::Transaction { error, logs: Vec::new() }.is_unfunded();
        assert!(
            of(AccountNotFound) && of(InsufficientFundsForFee) && of(InsufficientFundsForRent { account_index: 0 })
        );
        assert!(!of(WouldExceedMaxBlockCostLimit));
        let refusal = |code| TransactionError::InstructionError(0, InstructionError::Custom(code));
        assert!(ChainError::from_transaction(refusal(1), Vec::new(), &[]).is_unfunded(), "rent of a new account");
        assert!(!ChainError::from_transaction(refusal(0), Vec::new(), &[]).is_unfunded());
    }
}
