//! Docker's engine and the images of the demo's jobs.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command;

/// The engine; one that was started here is stopped when this is dropped.
pub struct Engine {
    scripts: std::path::PathBuf,
    started_here: bool,
}

/// Image ids, `sha256:<hex>`.
#[derive(Clone, Debug, Deserialize)]
pub struct Images {
    /// Trains the classifier.
    pub digits: String,
    /// Fails, whatever its input.
    pub broken: String,
}

impl Engine {
    /// The engine that answers, else one of our own.
    pub async fn provide(root: &Path) -> Result<Self> {
        let scripts = root.join("scripts");
        let said = command::output("docker-up", Command::new(scripts.join("docker-up")).arg("start")).await?;
        Ok(Self { scripts, started_here: !said.trim().is_empty() })
    }

    /// One line that says whose engine it is.
    pub fn origin(&self) -> &'static str {
        if self.started_here { "Docker's engine, started here" } else { "Docker's engine that was running" }
    }

    /// Builds the static binaries and their images.
    pub async fn build_images(&self, root: &Path) -> Result<Images> {
        let said =
            command::output("workloads/digits/build", &mut Command::new(root.join("workloads/digits/build"))).await?;
        let line = said.lines().last().unwrap_or_default();
        let images: Images = serde_json::from_str(line)
            .with_context(|| format!("workloads/digits/build printed {line:?} instead of the image ids"))?;
        if !images.digits.starts_with("sha256:") || !images.broken.starts_with("sha256:") {
            bail!("workloads/digits/build named images without a digest: {line}");
        }
        Ok(images)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.started_here {
            let _ = Command::new(self.scripts.join("docker-up")).arg("stop").status();
        }
    }
}
