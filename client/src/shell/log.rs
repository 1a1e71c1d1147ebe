//! The log: to stderr, as text or JSON lines, at a level that file, environment or flag names.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Log settings, to be flattened into a binary's own.
#[derive(Debug, Clone, Default, clap::Args, Serialize, Deserialize)]
pub struct LogSettings {
    /// What is logged: error, warn, info, debug, trace, or directives as `muster_oracle=debug,info`.
    #[arg(long, global = true, env = "MUSTER_LOG", value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How a line of the log looks.
    #[arg(long, global = true, env = "MUSTER_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<Format>,
}

impl LogSettings {
    /// The settings of a binary that logs at `level` unless told otherwise.
    pub fn at(level: &str) -> Self {
        Self { log_level: Some(level.to_owned()), log_format: Some(Format::Text) }
    }
}

/// Why the log cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the log level {level:?} is neither error, warn, info, debug, trace nor a list of directives: {why}")]
    Level { level: String, why: String },
}

/// Starts the log; a second call changes nothing.
pub fn init(settings: &LogSettings) -> Result<(), LogError> {
    let level = settings.log_level.as_deref().unwrap_or("info");
    let filter = EnvFilter::try_new(level)
        .map_err(|error| LogError::Level { level: level.to_owned(), why: error.to_string() })?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
    let started = match settings.log_format.unwrap_or_default() {
        Format::Text => builder.with_target(false).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started already");
    }
    Ok(())
}
