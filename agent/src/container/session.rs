//! One run, from the image to the collected output.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bollard::{
    container::{AttachContainerResults, LogOutput},
    errors::Error,
    models::{ContainerCreateBody, ContainerState, VolumeCreateRequest},
    query_parameters::{AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, WaitContainerOptionsBuilder},
};
use futures_util::StreamExt;
use tokio::{
    fs,
    sync::watch,
    time::{sleep_until, timeout},
};

use super::{
    ContainerSpec, ImageFault, NodeFault, Outcome, Progress, ResultArchive, Verdict, archive,
    engine::Engine,
    image::Image,
    log::LogTail,
    output_watch,
    progress::ProgressReader,
    runner::RUN_FOLDER_PREFIX,
    walls::{self, Volumes},
};

const WATCH_EVERY: Duration = Duration::from_secs(1);
/// What the process wrote last arrives within this after its end.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
const EXIT_NOT_EXECUTABLE: i64 = 126;
const EXIT_NOT_FOUND: i64 = 127;

/// The names of what a run makes on the engine.
#[derive(Clone)]
pub(super) struct Ids {
    pub(super) container: String,
    pub(super) stage: String,
    pub(super) input: String,
    pub(super) output: String,
}

impl Ids {
    pub(super) fn new() -> Self {
        let run = format!("muster-{:016x}", rand::random::<u64>());
        Self {
            stage: format!("{run}-stage"),
            input: format!("{run}-input"),
            output: format!("{run}-output"),
            container: run,
        }
    }
}

/// The state of one run; what is known so far survives a failure and goes into the outcome.
pub(super) struct Session<'a> {
    pub(super) engine: &'a Engine,
    agent: &'a str,
    pub(super) folder: PathBuf,
    pub(super) spec: &'a ContainerSpec,
    pub(super) ids: Ids,
    exit_code: Option<i64>,
    progress: ProgressReader,
    log: LogTail,
    result: Option<ResultArchive>,
    wall_clock: Duration,
}

impl<'a> Session<'a> {
    pub(super) fn new(engine: &'a Engine, agent: &'a str, scratch: &Path, spec: &'a ContainerSpec, ids: Ids) -> Self {
        Self {
            engine,
            agent,
            folder: scratch.join(format!("{RUN_FOLDER_PREFIX}{}", ids.container)),
            spec,
            ids,
            exit_code: None,
            progress: ProgressReader::default(),
            log: LogTail::new(spec.limits.log_bytes),
            result: None,
            wall_clock: Duration::ZERO,
        }
    }

    /// All of it. `Err` carries every end but a completed one.
    pub(super) async fn attempt(
        &mut self,
        on_progress: impl FnMut(&Progress) + Send,
        mut cancel: watch::Receiver<bool>,
    ) -> Result<(), Verdict> {
        fs::create_dir_all(&self.folder).await.map_err(|error| Verdict::disk("making the run's folder", &error))?;
        let image = unless_cancelled(&mut cancel, self.find_image()).await?;
        let volumes = self.make_volumes().await?;
        unless_cancelled(&mut cancel, self.fill_volumes(&image)).await?;
        self.create_container(&image).await?;
        let state = self.run_process(on_progress, &mut cancel, &volumes).await?;
        self.judge(&state)?;
        self.result = Some(unless_cancelled(&mut cancel, self.collect()).await?);
        Ok(())
    }

    pub(super) fn into_outcome(self, verdict: Verdict, runtime: String) -> Outcome {
        if self.result.is_none() {
            let _ = std::fs::remove_dir_all(&self.folder); // the next cleanup tries again
        }
        Outcome {
            verdict,
            exit_code: self.exit_code,
            progress: self.progress.progress,
            log_bytes: self.log.total(),
            log: self.log.into_bytes(),
            result: self.result,
            wall_clock: self.wall_clock,
            runtime,
        }
    }

    pub(super) fn labels(&self) -> HashMap<String, String> {
        walls::labels(self.agent, &self.spec.job)
    }

    async fn make_volumes(&self) -> Result<Volumes, Verdict> {
        let mut output_folder = None;
        for name in [&self.ids.input, &self.ids.output] {
            let request = VolumeCreateRequest {
                name: Some(name.clone()),
                labels: Some(self.labels()),
                ..VolumeCreateRequest::default()
            };
            let volume = self
                .engine
                .docker
                .create_volume(request)
                .await
                .map_err(|error| engine_failed("making a volume", &error))?;
            output_folder = Some(PathBuf::from(volume.mountpoint));
        }
        Ok(Volumes { output_folder })
    }

    async fn create_container(&self, image: &Image) -> Result<(), Verdict> {
        let body = walls::task(self.engine, self.spec, image, &self.ids, self.labels());
        self.create(&self.ids.container, body, "making the container").await
    }

    pub(super) async fn create(&self, name: &str, body: ContainerCreateBody, doing: &str) -> Result<(), Verdict> {
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        match self.engine.docker.create_container(Some(options), body).await {
            Ok(_) => Ok(()),
            Err(Error::DockerResponseServerError { status_code: 400, message }) if has_no_command(&message) => Err(
                Verdict::image(ImageFault::CannotStart, "the image has no entry point and the job gives no arguments"),
            ),
            Err(error) => Err(engine_failed(doing, &error)),
        }
    }

    /// Starts the process and follows it until it has ended, is killed at the wall clock, by its output or the caller.
    async fn run_process(
        &mut self,
        mut on_progress: impl FnMut(&Progress) + Send,
        cancel: &mut watch::Receiver<bool>,
        volumes: &Volumes,
    ) -> Result<ContainerState, Verdict> {
        let attach = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
        // Before the start, so that no line is lost; the engine itself keeps no log that could fill its disk.
        let AttachContainerResults { mut output, input: _input } = self
            .engine
            .docker
            .attach_container(&self.ids.container, Some(attach))
            .await
            .map_err(|error| engine_failed("attaching to the container", &error))?;
        let started = Instant::now();
        self.start().await?;
        let limit = self.spec.limits.wall_clock;
        let deadline = tokio::time::Instant::now() + limit;
        let mut watch_output = tokio::time::interval(WATCH_EVERY);
        let engine = self.engine;
        let container = self.ids.container.clone();
        let mut ended = std::pin::pin!(wait(engine, &container));
        let mut streaming = true;
        let end = loop {
            tokio::select! {
                biased;
                () = cancelled(cancel) => break Err(Verdict::Cancelled),
                () = sleep_until(deadline) => break Err(Verdict::TimedOut { limit }),
                _ = watch_output.tick() => {
                    if let Some(what) = self.over_output_limit(volumes).await {
                        break Err(archive::over_limit(what));
                    }
                }
                state = &mut ended => break state,
                piece = output.next(), if streaming => match piece {
                    Some(Ok(piece)) => self.take_output(piece, &mut on_progress),
                    Some(Err(_)) | None => streaming = false,
                },
            }
        };
        self.wall_clock = started.elapsed();
        if end.is_err() {
            // Its removal would kill it too; this gets the last lines first. It may just have ended by itself.
            let _ = engine.docker.kill_container(&container, None).await;
        }
        let drain = async {
            while let (true, Some(Ok(piece))) = (streaming, output.next().await) {
                self.take_output(piece, &mut on_progress);
            }
        };
        let _ = timeout(DRAIN_WITHIN, drain).await; // a stuck stream costs only lines
        self.progress.finish(&mut on_progress);
        end
    }

    fn take_output(&mut self, piece: LogOutput, on_progress: &mut impl FnMut(&Progress)) {
        if let LogOutput::StdOut { message } | LogOutput::Console { message } = &piece {
            self.progress.push(message, on_progress);
        }
        self.log.push(&piece.into_bytes());
    }

    async fn over_output_limit(&self, volumes: &Volumes) -> Option<String> {
        let (folder, limits) = (volumes.output_folder.clone()?, self.spec.limits.clone());
        tokio::task::spawn_blocking(move || output_watch::over_limit(&folder, &limits)).await.ok().flatten()
    }

    /// Exit codes 126 and 127 are the engine's word for an entry point that cannot be executed or found.
    async fn start(&mut self) -> Result<(), Verdict> {
        let Err(error) = self.engine.docker.start_container(&self.ids.container, None).await else {
            return Ok(());
        };
        let state = inspect(self.engine, &self.ids.container).await.unwrap_or_default();
        match state.exit_code {
            Some(code @ (EXIT_NOT_EXECUTABLE | EXIT_NOT_FOUND)) => {
                self.exit_code = Some(code);
                Err(Verdict::image(ImageFault::CannotStart, format!("the image's entry point cannot be run: {error}")))
            }
            _ => Err(engine_failed("starting the container", &error)),
        }
    }

    fn judge(&mut self, state: &ContainerState) -> Result<(), Verdict> {
        let code = state.exit_code.unwrap_or(-1);
        self.exit_code = Some(code);
        if code == 0 {
            return Ok(());
        }
        if state.oom_killed == Some(true) {
            let limit = self.spec.limits.memory_bytes;
            return Err(Verdict::image(
                ImageFault::OutOfMemory,
                format!("the task was killed for wanting more than its {limit} bytes of memory"),
            ));
        }
        match state.error.as_deref() {
            Some(error) if !error.is_empty() => {
                Err(Verdict::node(NodeFault::Engine, format!("the engine ended the container: {error}")))
            }
            _ => Err(Verdict::image(ImageFault::ExitCode, format!("the task ended with exit code {code}"))),
        }
    }
}

/// Runs `step` unless the caller cancels first; what it made on the engine is removed with the run.
async fn unless_cancelled<T>(
    cancel: &mut watch::Receiver<bool>,
    step: impl Future<Output = Result<T, Verdict>>,
) -> Result<T, Verdict> {
    tokio::select! {
        biased;
        () = cancelled(cancel) => Err(Verdict::Cancelled),
        result = step => result,
    }
}

/// A dropped sender cancels too: nobody is left who could want the result.
async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    let _ = cancel.wait_for(|cancelled| *cancelled).await;
}

/// The state after the end. A wait request may end early (an engine's restart, a proxy's limit): the state decides.
async fn wait(engine: &Engine, container: &str) -> Result<ContainerState, Verdict> {
    loop {
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let _ = std::pin::pin!(engine.docker.wait_container(container, Some(options))).next().await;
        let state =
            inspect(engine, container).await.map_err(|error| engine_failed("following the container", &error))?;
        if state.running != Some(true) {
            return Ok(state);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn inspect(engine: &Engine, container: &str) -> Result<ContainerState, Error> {
    Ok(engine.docker.inspect_container(container, None).await?.state.unwrap_or_default())
}

pub(super) fn is_full(error: &Error) -> bool {
    error.to_string().contains("no space left on device")
}

/// Docker's and Podman's words for an image without entry point, where no arguments are given either.
fn has_no_command(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("no command specified") || message.contains("no command or entrypoint")
}

pub(super) fn engine_failed(doing: &str, error: &Error) -> Verdict {
    let fault = if is_full(error) { NodeFault::Disk } else { NodeFault::Engine };
    Verdict::node(fault, format!("the container engine failed while {doing}: {error}"))
}
