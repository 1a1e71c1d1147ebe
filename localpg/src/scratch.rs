//! An empty database for one test, on one cluster for each test process.

use std::{
    path::PathBuf,
    process::Command,
    sync::OnceLock,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{Binaries, Database, Error, last_lines};

/// An empty database; dropped with the value.
pub struct Scratch {
    url: String,
    name: String,
    server: &'static Server,
}

struct Server {
    database: Database,
    psql: PathBuf,
}

/// An empty database of this process's server, which the first caller starts (or `DATABASE_URL` names). Blocks for some
/// milliseconds. The server ends with the process, however that ends.
///
/// # Panics
/// With a sentence that says what is missing; a test cannot go on without it.
#[must_use]
pub fn database() -> Scratch {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(|| Server::start().unwrap_or_else(|why| panic!("{why}")));
    let name = format!("muster_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    server.sql(&format!("CREATE DATABASE {name}")).unwrap_or_else(|why| panic!("{why}"));
    Scratch { url: with_database(server.database.url(), &name), name, server }
}

impl Scratch {
    /// For sqlx and psql.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: a private server is thrown away whole.
        let _ = self.server.sql(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

impl Server {
    fn start() -> Result<Self, Error> {
        let folder = std::env::temp_dir().join(format!("muster-test-{}", std::process::id()));
        let psql = Binaries::find()?.folder.join("psql");
        Ok(Self { database: Database::provide(&folder)?, psql })
    }

    fn sql(&self, statement: &str) -> Result<(), Error> {
        let mut psql = Command::new(&self.psql);
        psql.args(["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "--dbname"]).arg(self.database.url());
        let output = psql.args(["-c", statement]).output().map_err(crate::io("could not run", &self.psql))?;
        if output.status.success() {
            return Ok(());
        }
        let output_text = last_lines(&String::from_utf8_lossy(&output.stderr));
        Err(Error::Tool { tool: "psql", status: output.status.to_string(), output: output_text })
    }
}

/// The same server's URL with another database.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let scheme_end = base.find("://").map_or(0, |at| at + 3);
    let host_end = base[scheme_end..].find('/').map_or(base.len(), |at| scheme_end + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..host_end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        assert_eq!(with_database("postgres://u:p@h:1/a?host=/x", "b"), "postgres://u:p@h:1/b?host=/x");
        assert_eq!(with_database("postgres://h", "b"), "postgres://h/b");
    }
}
