//! Finds the engine and says what it can do.

use std::time::Duration;

use bollard::Docker;
use thiserror::Error;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The engine could not be used at all.
#[derive(Debug, Error)]
pub enum EngineError {
    /// Nobody answers.
    #[error(
        "no container engine answers ({tried}); start Docker or Podman (as root: `dockerd &`, or `systemctl start \
         docker`), or point DOCKER_HOST to one"
    )]
    NoEngine {
        /// Each address and its error.
        tried: String,
    },
    /// It answered with an error.
    #[error("the container engine failed while {doing}: {source}")]
    Request {
        /// What was asked.
        doing: &'static str,
        /// Its answer.
        source: bollard::errors::Error,
    },
    /// The scratch folder cannot be used.
    #[error("the scratch folder {folder} cannot be used: {source}")]
    Scratch {
        /// The folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
}

/// An engine that answered.
pub(super) struct Engine {
    pub(super) docker: Docker,
    /// gVisor's runtime, if the engine has it.
    pub(super) runtime: Option<String>,
    pub(super) podman: bool,
    pub(super) cpus: u64,
    /// Name and version, for people.
    pub(super) name: String,
}

type Connect = fn() -> Result<Docker, bollard::errors::Error>;

impl Engine {
    /// `DOCKER_HOST` if set, else Docker's socket, else Podman's (the user's own, then the system's).
    pub(super) async fn find() -> Result<Self, EngineError> {
        let candidates: &[(&str, Connect)] = match std::env::var_os("DOCKER_HOST") {
            Some(_) => &[("DOCKER_HOST", Docker::connect_with_defaults)],
            None => {
                &[("Docker", Docker::connect_with_local_defaults), ("Podman", Docker::connect_with_podman_defaults)]
            }
        };
        let mut tried = Vec::new();
        for (name, connect) in candidates {
            match Self::ask(*connect).await {
                Ok(engine) => return Ok(engine),
                Err(error) => tried.push(format!("{name}: {error}")),
            }
        }
        Err(EngineError::NoEngine { tried: tried.join("; ") })
    }

    async fn ask(connect: Connect) -> Result<Self, String> {
        let ask = async {
            let docker = connect()?.negotiate_version().await?;
            let (info, version) = (docker.info().await?, docker.version().await?);
            Ok::<_, bollard::errors::Error>((docker, info, version))
        };
        let answer = tokio::time::timeout(ANSWER_WITHIN, ask).await;
        let (docker, info, version) = match answer {
            Err(_) => return Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
            Ok(Err(error)) => return Err(error.to_string()),
            Ok(Ok(answer)) => answer,
        };
        let components = version.components.unwrap_or_default();
        let podman = components.iter().any(|component| component.name.contains("Podman"));
        // Podman lists every runtime that it knows of, installed or not: there the engine's default decides.
        let has_gvisor = !podman && info.runtimes.is_some_and(|runtimes| runtimes.contains_key("runsc"));
        Ok(Self {
            docker,
            runtime: has_gvisor.then(|| "runsc".to_string()),
            podman,
            cpus: info.ncpu.and_then(|cpus| u64::try_from(cpus).ok()).unwrap_or(1).max(1),
            name: format!(
                "{} {}",
                if podman { "Podman" } else { "Docker" },
                version.version.as_deref().unwrap_or("of unknown version")
            ),
        })
    }
}
