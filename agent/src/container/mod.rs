//! Runs one task in a locked-down container and says whose fault a failure is.
//!
//! [`ContainerRunner::run`] takes a [`ContainerSpec`] and always ends with an [`Outcome`]: the verdict, the last
//! progress, the tail of the log and, when the task completed, the archive of its output and that archive's hash,
//! which is what nodes compare. No host folder is mounted, so the engine may be remote: input and output live in two
//! volumes, filled and read through the engine's archive endpoints and removed afterwards.
//!
//! ```no_run
//! # use muster_agent::container::*;
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let runner = ContainerRunner::connect("node-key", "/var/lib/muster/scratch".into()).await?;
//! runner.cleanup().await?; // what a crash left behind
//! let (_cancel, cancelled) = tokio::sync::watch::channel(false);
//! let spec = ContainerSpec::new("job-key", ImageRef::parse("registry.example/digits@sha256:...")?);
//! let outcome = runner.run(&spec, |progress| println!("{}%", progress.percent), cancelled).await;
//! # Ok(()) }
//! ```

mod archive;
mod engine;
mod image;
mod log;
mod outcome;
mod output_watch;
mod progress;
mod runner;
mod session;
mod spec;
mod transfer;
mod walls;

pub use engine::EngineError;
pub use outcome::{ImageFault, NodeFault, Outcome, ResultArchive, Verdict};
pub use progress::Progress;
pub use runner::{Cleaned, ContainerRunner, LABEL_AGENT, LABEL_JOB};
pub use spec::{ContainerSpec, ImageRef, InputFile, Limits, NetworkAccess, SpecError};
