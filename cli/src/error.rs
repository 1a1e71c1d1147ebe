//! Errors are sentences; the exit code says of which kind they are.

use muster_client::{
    Pubkey,
    chain::{ChainError, Simulated},
    shell::{failure::USAGE, keys::KeyError, log::LogError, settings::SettingsError},
};

/// The chain, an oracle or the network refused or failed.
pub const FAILED: u8 = 1;
/// The command line, a file or a value is wrong; nothing was sent.
pub const BAD_INPUT: u8 = muster_client::shell::failure::BAD_INPUT;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("{0}")]
    Failed(String),
    #[error("{what} does not exist (account {address}): {remedy}")]
    Absent { what: String, address: Pubkey, remedy: &'static str },
    /// Not a failure: the command ended where it would have sent this.
    #[error("nothing was sent: the transaction would take {} compute units", .0.compute_units)]
    DryRun(Box<Simulated>),
}

impl CliError {
    /// What kind of failure it is, in a word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => USAGE,
            Self::Key(_) => "key",
            Self::Settings(_) | Self::Log(_) => "settings",
            Self::Failed(_) => "failed",
            Self::Absent { .. } => "missing",
            Self::DryRun(_) => "dry_run",
            Self::Chain(error) => match error {
                ChainError::Rpc { .. } | ChainError::Answer { .. } => "rpc",
                ChainError::Program { .. } | ChainError::Transaction { .. } => "refused",
                ChainError::Unconfirmed { .. } => "unconfirmed",
                ChainError::Build(_) => USAGE,
                ChainError::Missing { .. } => "missing",
                ChainError::Decode { .. } => "account",
            },
        }
    }

    /// The error's name when a program refused.
    pub fn program_error(&self) -> Option<&str> {
        match self {
            Self::Chain(error) => error.program_error(),
            _ => None,
        }
    }

    /// What the process exits with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Key(_) | Self::Settings(_) | Self::Log(_) => BAD_INPUT,
            // Not built, so not sent.
            Self::Chain(ChainError::Build(_)) => BAD_INPUT,
            Self::Chain(_) | Self::Failed(_) | Self::Absent { .. } => FAILED,
            Self::DryRun(_) => 0,
        }
    }
}

/// A usage error with a sentence.
pub fn usage(sentence: impl Into<String>) -> CliError {
    CliError::Usage(sentence.into())
}

/// A failure with a sentence.
pub fn failed(sentence: impl Into<String>) -> CliError {
    CliError::Failed(sentence.into())
}
