//! How the agent ends when it cannot do what it was asked: one sentence and an exit code that says which kind it was.

use muster_client::chain::ChainError;
use muster_client::shell::{failure::USAGE, keys::KeyError, log::LogError, settings::SettingsError};

/// What the agent could not do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Settings, keys or arguments are at fault. Exit code 2.
    #[error("{0}")]
    Use(String),
    /// The chain or an oracle does not answer. Exit code 3.
    #[error("{0}")]
    Network(String),
    /// The data folder or another local resource is at fault. Exit code 4.
    #[error("{0}")]
    Local(String),
    /// Asked and answered: no. Exit code 1.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Use(_) => 2,
            Self::Network(_) => 3,
            Self::Local(_) => 4,
        }
    }

    /// What kind of failure it is, in a word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Use(_) => USAGE,
            Self::Network(_) => "network",
            Self::Local(_) => "local",
        }
    }

    /// A local file operation failed; `doing` is the sentence's subject.
    pub fn disk(doing: impl std::fmt::Display, error: std::io::Error) -> Self {
        Self::Local(format!("{doing} failed: {error}"))
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        if error.is_refusal() || error.program_error().is_some() {
            Self::Refused(error.to_string())
        } else {
            Self::Network(error.to_string())
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::Use(error.to_string())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Use(error.to_string())
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::Use(error.to_string())
    }
}
