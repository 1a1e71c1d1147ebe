//! The runner: what a node keeps between tasks.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use tokio::{sync::watch, time::timeout};
use tracing::warn;

use super::{
    ContainerSpec, EngineError, Outcome, Progress, Verdict,
    engine::Engine,
    session::{Ids, Session},
};

/// Label with the agent's name, on every container and volume.
pub const LABEL_AGENT: &str = "muster.agent";
/// Label with the job's name, on every container and volume.
pub const LABEL_JOB: &str = "muster.job";
/// Folders of single runs in the scratch folder begin so.
pub(super) const RUN_FOLDER_PREFIX: &str = "run-";

const REMOVE_WITHIN: Duration = Duration::from_secs(60);

/// What [`ContainerRunner::cleanup`] found and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Containers, running or not.
    pub containers: usize,
    /// Volumes.
    pub volumes: usize,
    /// Folders in the scratch folder, results in them included.
    pub folders: usize,
}

/// Runs tasks on one engine for one agent. Shareable; runs may overlap.
pub struct ContainerRunner {
    engine: Engine,
    agent: String,
    scratch: PathBuf,
}

impl ContainerRunner {
    /// Finds the engine (`DOCKER_HOST`, Docker's socket, Podman's). `agent` tells this agent's containers from those
    /// of others on the same engine; `scratch` is a folder of this agent alone, made if absent.
    pub async fn connect(agent: impl Into<String>, scratch: PathBuf) -> Result<Self, EngineError> {
        std::fs::create_dir_all(&scratch)
            .map_err(|source| EngineError::Scratch { folder: scratch.display().to_string(), source })?;
        Ok(Self { engine: Engine::find().await?, agent: agent.into(), scratch })
    }

    /// Name and version of the engine, such as `Docker 20.10.24`.
    pub fn engine_name(&self) -> &str {
        &self.engine.name
    }

    /// `runsc` where the engine has gVisor, else `default`.
    pub fn runtime_name(&self) -> &str {
        self.engine.runtime.as_deref().unwrap_or("default")
    }

    /// Runs one task to its end and removes everything that it made, the result archive excepted.
    ///
    /// `on_progress` is called for each change. `cancel` turning true (or its sender dropped) kills the task. The call
    /// always returns: the wall clock, the pull limit and a time limit on every request to the engine see to that.
    /// To stop early use `cancel`: dropping the future instead leaves the container to the next [`Self::cleanup`].
    pub async fn run(
        &self,
        spec: &ContainerSpec,
        on_progress: impl FnMut(&Progress) + Send,
        cancel: watch::Receiver<bool>,
    ) -> Outcome {
        let ids = Ids::new();
        let mut session = Session::new(&self.engine, &self.agent, &self.scratch, spec, ids.clone());
        let verdict = match spec.validate() {
            Err(error) => Verdict::Refused(error),
            Ok(()) => {
                let verdict = session.attempt(on_progress, cancel).await.err().unwrap_or(Verdict::Completed);
                self.remove_run(&ids).await;
                verdict
            }
        };
        session.into_outcome(verdict, self.runtime_name().to_string())
    }

    /// Removes what an earlier process of the same agent left behind: containers and volumes with its label, and the
    /// run folders in its scratch folder. Call it at start, while no task of this agent runs.
    pub async fn cleanup(&self) -> Result<Cleaned, EngineError> {
        let mut cleaned = Cleaned::default();
        let filters = HashMap::from([("label", vec![format!("{LABEL_AGENT}={}", self.agent)])]);
        let list = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let docker = &self.engine.docker;
        let containers = docker
            .list_containers(Some(list))
            .await
            .map_err(|source| EngineError::Request { doing: "listing containers", source })?;
        for id in containers.into_iter().filter_map(|container| container.id) {
            self.remove_container(&id).await;
            cleaned.containers += 1;
        }
        let list = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let volumes = docker
            .list_volumes(Some(list))
            .await
            .map_err(|source| EngineError::Request { doing: "listing volumes", source })?;
        for volume in volumes.volumes.unwrap_or_default() {
            self.remove_volume(&volume.name).await;
            cleaned.volumes += 1;
        }
        cleaned.folders = self
            .remove_run_folders()
            .map_err(|source| EngineError::Scratch { folder: self.scratch.display().to_string(), source })?;
        Ok(cleaned)
    }

    fn remove_run_folders(&self) -> std::io::Result<usize> {
        let mut removed = 0;
        for entry in std::fs::read_dir(&self.scratch)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(RUN_FOLDER_PREFIX) {
                std::fs::remove_dir_all(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn remove_run(&self, ids: &Ids) {
        for container in [&ids.stage, &ids.container] {
            self.remove_container(container).await;
        }
        for volume in [&ids.input, &ids.output] {
            self.remove_volume(volume).await;
        }
    }

    /// A failure to remove is no failure of the task; the next cleanup tries again.
    async fn remove_container(&self, id: &str) {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let removal = self.engine.docker.remove_container(id, Some(options));
        report_removal("container", id, timeout(REMOVE_WITHIN, removal).await);
    }

    async fn remove_volume(&self, name: &str) {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        let removal = self.engine.docker.remove_volume(name, Some(options));
        report_removal("volume", name, timeout(REMOVE_WITHIN, removal).await);
    }
}

type Removal = Result<Result<(), bollard::errors::Error>, tokio::time::error::Elapsed>;

fn report_removal(kind: &str, name: &str, removal: Removal) {
    use bollard::errors::Error::DockerResponseServerError;
    match removal {
        Ok(Ok(())) | Ok(Err(DockerResponseServerError { status_code: 404, .. })) => (),
        Ok(Err(error)) => warn!(kind, name, %error, "a leftover could not be removed"),
        Err(_) => warn!(kind, name, "a leftover could not be removed in time"),
    }
}
