//! One private cluster: made, started, stopped.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{Binaries, Error, guard::Guard, io, last_lines, owner::Owner};

const STARTS_MAX: u32 = 3;
const START_WAIT_S: u32 = 60;
const USER: &str = "muster";

/// A running cluster; dropping it stops it and removes its folder.
pub struct Cluster {
    binaries: Binaries,
    owner: Owner,
    folder: PathBuf,
    url: String,
    guard: Option<Guard>,
}

impl Cluster {
    /// Makes a new cluster in `folder` and starts it. A cluster that an earlier, killed run left there is stopped and
    /// removed first.
    ///
    /// # Errors
    /// [`Error`] when there are no binaries or the cluster does not start.
    pub fn start(folder: &Path) -> Result<Self, Error> {
        let binaries = Binaries::find()?;
        let owner = Owner::choose()?;
        let folder = absolute(folder)?;
        let folder = owner.reachable(&folder);
        let data = folder.join("data");
        if folder.exists() {
            let _ = stop(&binaries, owner, &data, "immediate");
            fs::remove_dir_all(&folder).map_err(io("could not remove", &folder))?;
        }
        make_folder(&folder, owner)?;
        let password = random_hex()?;
        initialise(&binaries, owner, &folder, &password)?;
        let stop_script = "\"$1/pg_ctl\" stop -D \"$2/data\" -m immediate -w -t 20; rm -rf \"$2\"";
        let as_owner = match owner.is_somebody_else() {
            // pg_ctl refuses root; the postmaster's pid is the first line of its file
            true => "kill -QUIT \"$(head -n 1 \"$2/data/postmaster.pid\")\"; sleep 1; rm -rf \"$2\"",
            false => stop_script,
        };
        let paths = [binaries.folder.to_string_lossy(), folder.to_string_lossy()];
        let guard = Guard::arm(as_owner, &[&paths[0], &paths[1]]).map_err(io("could not guard", &folder))?;
        let port = start_on_free_port(&binaries, owner, &folder)?;
        let url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres");
        Ok(Self { binaries, owner, folder, url, guard: Some(guard) })
    }

    /// The connection URL of its database `postgres`, whose owner is the cluster's superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One line that says what runs where.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("a private cluster from {} in {}", self.binaries.origin, self.folder.display())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let stopped = stop(&self.binaries, self.owner, &data, "fast").is_ok();
        if let Some(guard) = self.guard.take() {
            // what did not stop well is the guard's
            if stopped { guard.disarm() } else { drop(guard) }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn absolute(folder: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(folder).map_err(io("there is no such path:", folder))
}

fn make_folder(folder: &Path, owner: Owner) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(io("could not make", folder))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(io("could not close", folder))?;
    owner.give(folder)
}

fn random_hex() -> Result<String, Error> {
    use std::io::Read;
    let source = Path::new("/dev/urandom");
    let mut bytes = [0u8; 16];
    fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(io("could not read", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn initialise(binaries: &Binaries, owner: Owner, folder: &Path, password: &str) -> Result<(), Error> {
    let pwfile = folder.join("password");
    fs::write(&pwfile, password).map_err(io("could not write", &pwfile))?;
    fs::set_permissions(&pwfile, fs::Permissions::from_mode(0o600)).map_err(io("could not close", &pwfile))?;
    owner.give(&pwfile)?;
    // only the making skips the syncs: a cluster that a crash leaves half made is made anew
    tool(
        "initdb",
        owner
            .command(&binaries.folder.join("initdb"))
            .arg("--pgdata")
            .arg(folder.join("data"))
            .args(["--username", USER, "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["--auth=scram-sha-256", "--pwfile"])
            .arg(&pwfile),
    )?;
    fs::remove_file(&pwfile).map_err(io("could not remove", &pwfile))
}

/// The port is free when it is chosen; should somebody take it before the server does, the next one is tried.
fn start_on_free_port(binaries: &Binaries, owner: Owner, folder: &Path) -> Result<u16, Error> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(io("there is no free port on", Path::new("127.0.0.1")))?
            .port();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=on -c max_connections=200"
        );
        let log = folder.join("log");
        let started = tool(
            "pg_ctl",
            owner
                .command(&binaries.folder.join("pg_ctl"))
                .args(["start", "-w", "-t", &START_WAIT_S.to_string(), "-D"])
                .arg(folder.join("data"))
                .arg("-l")
                .arg(&log)
                .args(["-o", &options])
                // its children would hold this process's pipes open
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null()),
        );
        match started {
            Ok(_) => return Ok(port),
            Err(_) if attempt < STARTS_MAX => {}
            Err(Error::Tool { tool, status, .. }) => {
                let output = last_lines(&fs::read_to_string(&log).unwrap_or_default());
                return Err(Error::Tool { tool, status, output });
            }
            Err(error) => return Err(error),
        }
    }
}

fn stop(binaries: &Binaries, owner: Owner, data: &Path, mode: &str) -> Result<Output, Error> {
    let mut command = owner.command(&binaries.folder.join("pg_ctl"));
    tool("pg_ctl", command.args(["stop", "-w", "-t", "20", "-m", mode, "-D"]).arg(data))
}

fn tool(name: &'static str, command: &mut Command) -> Result<Output, Error> {
    let output = command.output().map_err(io("could not run", Path::new(name)))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Err(Error::Tool { tool: name, status: output.status.to_string(), output: last_lines(&said) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_answers_while_it_lives_and_is_gone_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Cluster::start(&folder.path().join("postgres")).expect("a cluster starts");
        let port = cluster.url().rsplit_once(':').unwrap().1.split('/').next().unwrap().to_owned();
        let data = cluster.folder.clone();
        let address = format!("127.0.0.1:{port}");
        assert!(std::net::TcpStream::connect(&address).is_ok());
        drop(cluster);
        assert!(std::net::TcpStream::connect(&address).is_err());
        assert!(!data.exists());
    }
}
