//! What must be here before anything is started; each lack is one sentence with its remedy.

use std::{net::TcpListener, path::Path, process::Command};

use anyhow::{Result, bail};

use crate::{paths, settings::Settings};

/// The parts of the network, beside this binary.
const BINARIES: [&str; 4] = ["muster", "muster-oracle", "muster-indexer", "muster-agent"];

/// Checks tools, files and ports.
pub fn check(settings: &Settings, verifier: bool) -> Result<()> {
    for name in BINARIES {
        let path = paths::binary(name)?;
        if !path.is_file() {
            bail!("{} is not there: run cargo build --workspace --bins", path.display());
        }
    }
    for program in ["muster_network.so", "muster_jobs.so"] {
        let path = paths::root().join("target/deploy").join(program);
        if !path.is_file() {
            bail!("{} is not there: run toolchain/build", path.display());
        }
    }
    runs("docker", &["--version"], "there is no docker command here: run scripts/setup demo")?;
    if verifier {
        let remedy = "python3 has no module cryptography, which the verifier needs: apt-get install python3-cryptography, or pip install cryptography";
        runs("python3", &["-c", "import cryptography"], remedy)?;
    }
    port_is_free(settings.api_port)?;
    writable(&settings.folder)
}

fn runs(tool: &str, arguments: &[&str], remedy: &str) -> Result<()> {
    match Command::new(tool).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => bail!("{remedy}"),
    }
}

/// Whether nobody listens on a loopback port.
fn port_is_free(port: u16) -> Result<()> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) => bail!(
            "port {port} of 127.0.0.1 cannot be used ({error}): stop what listens there, or choose another with MUSTER_API_PORT"
        ),
    }
}

fn writable(folder: &Path) -> Result<()> {
    if let Err(error) = std::fs::create_dir_all(folder) {
        bail!("{} cannot be made ({error}): choose another folder with MUSTER_DEMO_DIR", folder.display());
    }
    Ok(())
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_its_remedy() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = port_is_free(port).unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("MUSTER_API_PORT"), "{error}");
    }
}
