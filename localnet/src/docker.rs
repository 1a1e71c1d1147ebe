//! Docker's engine and the images of the demo's jobs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use muster_localpg::guard::Guard;
use serde::Deserialize;

use crate::command;

const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Runs when this process was killed. It comes after the supervisor's guard, which removes containers.
const GUARD: &str = r#"sleep 10; "$1" stop"#;

/// The engine; one that was started here is stopped when this is dropped.
pub struct Engine {
    own: Option<Own>,
}

/// An engine of our own, from before its start to after its end.
struct Own {
    script: PathBuf,
    guard: Option<Guard>,
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
        let mut asks = tokio::process::Command::new("docker");
        asks.args(["version", "--format", "{{.Server.Version}}"]).stdout(Stdio::null()).stderr(Stdio::null());
        let answer = tokio::time::timeout(ANSWER_WAIT, asks.kill_on_drop(true).status()).await;
        if answer.is_ok_and(|status| status.is_ok_and(|status| status.success())) {
            return Ok(Self { own: None });
        }
        let script = root.join("scripts/docker-up");
        // armed before the start: a Ctrl-C in the middle of it must not leave an engine behind
        let mut own = Own { guard: Some(Guard::arm(GUARD, &[&script.to_string_lossy()])?), script };
        let said = command::output("docker-up", Command::new(&own.script).arg("start")).await?;
        if said.trim().is_empty() {
            // somebody else's came up meanwhile
            own.leave_running();
            return Ok(Self { own: None });
        }
        Ok(Self { own: Some(own) })
    }

    /// One line that says whose engine it is.
    pub fn origin(&self) -> &'static str {
        if self.own.is_some() { "Docker's engine, started here" } else { "Docker's engine that was running" }
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

impl Own {
    fn leave_running(&mut self) {
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            let _ = Command::new(&self.script).arg("stop").stdin(Stdio::null()).status();
            guard.disarm();
        }
    }
}
