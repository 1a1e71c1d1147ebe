//! One private PostgreSQL cluster per test process, real and thrown away afterwards.
//!
//! `DATABASE_URL` names a server to use instead. Otherwise the binaries of `/usr/lib/postgresql/*/bin` or of `PATH` run
//! as an unprivileged user in a temporary folder, reachable by a Unix socket alone. fsync is off: nothing here outlives
//! the tests. The server's shell watches a pipe that this process holds, so it stops even when the process is killed.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running server. Ends with the value.
#[derive(Debug)]
pub struct Postgres {
    /// URL of its maintenance database.
    url: String,
    bin: PathBuf,
    /// None when `DATABASE_URL` named the server.
    watcher: Option<Child>,
}

/// An empty database of a server; dropped with the value.
#[derive(Debug)]
pub struct Database {
    url: String,
    name: String,
    server: &'static Postgres,
}

/// The test process's server, started by the first caller.
///
/// # Panics
/// With a sentence that says what is missing; a test cannot go on without it.
pub fn shared() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| Postgres::start().unwrap_or_else(|why| panic!("{why}")))
}

/// An empty database of the shared server. Call it once per test; blocks for some milliseconds.
///
/// # Panics
/// As [`shared`].
pub fn database() -> Database {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = shared();
    let name = format!("muster_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    server.sql(&format!("CREATE DATABASE {name}")).unwrap_or_else(|why| panic!("{why}"));
    let url = with_database(&server.url, &name);
    Database { url, name, server }
}

impl Database {
    /// For sqlx and psql.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Best effort: a private server is thrown away whole.
        let _ = self.server.sql(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

impl Postgres {
    /// Starts a private server, or takes the one of `DATABASE_URL`.
    pub fn start() -> Result<Self, String> {
        let bin = binaries()?;
        if let Ok(url) = std::env::var("DATABASE_URL") {
            return Ok(Self { url, bin, watcher: None });
        }
        let user = unprivileged_user();
        // A Unix socket's path may have 107 bytes at most: never under a long TMPDIR.
        let folder = tempfile::Builder::new()
            .prefix("muster-pg-")
            .tempdir_in("/tmp")
            .map_err(|e| format!("no folder for PostgreSQL in /tmp: {e}"))?
            .keep();
        if let Some(user) = user {
            run(Command::new("chown").arg(user).arg(&folder))?;
        }
        let data = folder.join("data");
        let mut initdb = as_user(user, &bin.join("initdb"));
        initdb.args(["--username=muster", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
        if let Err(why) = run(initdb.arg(&data).current_dir("/")) {
            let _ = std::fs::remove_dir_all(&folder);
            return Err(why);
        }
        let watcher = spawn_watched(user, &bin, &folder)?;
        let url = format!("postgres://muster@localhost/postgres?host={}", folder.display());
        let mut server = Self { url, bin, watcher: Some(watcher) };
        server.wait_until_ready(&folder)?;
        Ok(server)
    }

    /// URL of the server's maintenance database. Tests take a [`database`] of their own.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs one statement through psql, so that helpers need no async runtime.
    pub fn sql(&self, statement: &str) -> Result<(), String> {
        let mut psql = Command::new(self.bin.join("psql"));
        run(psql
            .args(["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "--dbname"])
            .arg(&self.url)
            .args(["-c", statement]))
    }

    fn wait_until_ready(&mut self, folder: &Path) -> Result<(), String> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if self.sql("SELECT 1").is_ok() {
                return Ok(());
            }
            let ended = matches!(self.watcher.as_mut().map(Child::try_wait), Some(Ok(Some(_))));
            if ended || Instant::now() > deadline {
                let mut text = String::new();
                if let Ok(mut log) = std::fs::File::open(folder.join("log")) {
                    let _ = log.read_to_string(&mut text);
                }
                return Err(format!("PostgreSQL did not start within {} s: {text}", START_TIMEOUT.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            drop(watcher.stdin.take());
            let _ = watcher.wait();
        }
    }
}

/// The server under a shell that stops it, and removes its folder, when our end of the pipe closes.
fn spawn_watched(user: Option<&str>, bin: &Path, folder: &Path) -> Result<Child, String> {
    let mut script = String::new();
    let (bin, folder) = (bin.display(), folder.display());
    write!(
        script,
        "trap '' INT TERM HUP; '{bin}/postgres' -D '{folder}/data' -k '{folder}' -c listen_addresses='' -c fsync=off \
         -c full_page_writes=off -c max_connections=60 -c shared_buffers=32MB >'{folder}/log' 2>&1 </dev/null & p=$!; \
         cat >/dev/null; kill -QUIT $p; wait $p; rm -rf '{folder}/'* ; rmdir '{folder}' 2>/dev/null"
    )
    .map_err(|e| e.to_string())?;
    let mut shell = as_user(user, Path::new("/bin/sh"));
    shell.args(["-c", &script]).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().map_err(|e| format!("PostgreSQL could not be started: {e}"))
}

/// The folder with initdb, postgres and psql: the newest of Debian's, else that of `PATH`.
fn binaries() -> Result<PathBuf, String> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let bin = entry.path().join("bin");
        let version = entry.file_name().to_string_lossy().parse().unwrap_or(0);
        if bin.join("postgres").exists() && bin.join("initdb").exists() {
            found.push((version, bin));
        }
    }
    found.sort();
    if let Some((_, bin)) = found.pop() {
        return Ok(bin);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find(|folder| folder.join("initdb").exists() && folder.join("psql").exists()).ok_or_else(
        || "PostgreSQL's binaries are neither in /usr/lib/postgresql nor in PATH: install postgresql, or set DATABASE_URL".to_owned(),
    )
}

/// PostgreSQL refuses to run as root.
fn unprivileged_user() -> Option<&'static str> {
    let id = Command::new("id").arg("-u").output().ok()?;
    (id.stdout.trim_ascii() == b"0").then_some("nobody")
}

fn as_user(user: Option<&str>, program: &Path) -> Command {
    match user {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(|e| format!("{shown} did not run: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{shown} failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
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
    fn a_database_of_its_own_takes_a_statement() {
        let database = database();
        let mut psql = Command::new(shared().bin.join("psql"));
        run(psql.arg("--dbname").arg(database.url()).args(["-c", "CREATE TABLE t (x int); INSERT INTO t VALUES (1)"]))
            .unwrap();
    }

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        assert_eq!(with_database("postgres://u:p@h:1/a?host=/x", "b"), "postgres://u:p@h:1/b?host=/x");
        assert_eq!(with_database("postgres://h", "b"), "postgres://h/b");
    }
}
