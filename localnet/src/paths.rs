//! Where things are: the checkout, the binaries beside this one, the folder of a run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The checkout: `MUSTER_CHECKOUT`, else the one that this was built from. Checkouts that share a target folder share
/// this binary, so what starts it there says which one it is for.
pub fn root() -> PathBuf {
    if let Some(folder) = std::env::var_os("MUSTER_CHECKOUT") {
        return folder.into();
    }
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder).to_path_buf()
}

/// A binary that lies beside this one.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("the system does not say where this program lies")?;
    Ok(own.with_file_name(name))
}

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Absolute, not made yet.
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self(std::path::absolute(folder).with_context(|| format!("{} is no path", folder.display()))?))
    }

    /// Empties it, but for what others may have put beside our folders.
    pub fn prepare(&self) -> Result<()> {
        for name in ["keys", "data", "logs", "evidence", "jobs", "summary.json", "summary.json.new"] {
            let path = self.0.join(name);
            let gone = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            match gone {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("could not remove {}", path.display()));
                }
                _ => {}
            }
        }
        for folder in [self.keys(), self.0.join("data"), self.jobs()] {
            std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
        }
        Ok(())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Key files.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// One key file.
    pub fn key(&self, name: &str) -> PathBuf {
        self.keys().join(format!("{name}.json"))
    }

    /// One service's own data.
    pub fn data(&self, name: &str) -> PathBuf {
        self.0.join("data").join(name)
    }

    /// One log per process.
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// Job descriptors as submitted.
    pub fn jobs(&self) -> PathBuf {
        self.0.join("jobs")
    }

    /// What the summary is recomputed from.
    pub fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }
}
