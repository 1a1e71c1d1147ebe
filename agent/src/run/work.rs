//! One task from its inputs to its signed result.

use std::time::Duration;

use muster_client::Pubkey;
use muster_protocol::assignment::Assignment;
use muster_protocol::job::JobDescriptor;
use muster_protocol::result::{MILLIONTHS, TaskResult, TaskStatus};
use tokio::sync::watch;

use super::Shared;
use super::archive::{self, Report};
use super::fetch::{self, FetchError, Rules};
use super::shared::{Running, stopped};
use crate::container::{ContainerRunner, ContainerSpec, ImageRef, Limits, NetworkAccess, Outcome, Progress, Verdict};
use crate::core::tasks::Offer;
use crate::oracle_api::now_ms;
use crate::profile::{Profile, Tier};

const MIB: u64 = 1 << 20;
/// The engine's least.
const MEMORY_MB_MIN: u64 = 16;
/// Files of an output; with their headers the archive stays below what an oracle takes.
const OUTPUT_FILES_MAX: u64 = 1_000;
/// Bytes of an output, likewise.
const OUTPUT_BYTES_MAX: u64 = archive::ARCHIVE_BYTES_MAX - 2 * MIB;

/// Why a task that was called off has no result.
const STOPPED: &str = "the task was stopped";

/// A checked assignment.
#[derive(Clone, Debug)]
pub struct Task {
    /// What the core chooses by.
    pub offer: Offer,
    /// The coordinator's word.
    pub assignment: Assignment,
    /// What is to run.
    pub descriptor: JobDescriptor,
    /// The tenure that is to be paid.
    pub tenure: [u8; 32],
}

/// How a task ended, before it is signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Whose fault it was, if anybody's.
    pub status: TaskStatus,
    /// The container's, 0 if it never ran.
    pub exit_code: i32,
    /// Hash of the archive, which is the result's too.
    pub archive: Option<[u8; 32]>,
    /// Hash of the log, if the task wrote any.
    pub log: Option<[u8; 32]>,
    /// What the task says about itself.
    pub report: Report,
    /// Unix milliseconds.
    pub started_at_ms: u64,
    /// Unix milliseconds.
    pub finished_at_ms: u64,
    /// One sentence.
    pub message: String,
}

impl Ended {
    fn now(status: TaskStatus, started_at_ms: u64, message: impl Into<String>) -> Self {
        Self {
            status,
            exit_code: 0,
            archive: None,
            log: None,
            report: Report::default(),
            started_at_ms,
            finished_at_ms: now_ms().max(started_at_ms),
            message: message.into(),
        }
    }

    /// The node could not do it.
    pub fn node_failed(started_at_ms: u64, message: impl Into<String>) -> Self {
        Self::now(TaskStatus::FailedNode, started_at_ms, message)
    }

    /// Whether it says something about the job, so that another assignment of it may get the same answer.
    pub fn is_about_the_job(&self) -> bool {
        matches!(self.status, TaskStatus::Succeeded | TaskStatus::FailedImage)
    }

    /// What is signed.
    pub fn result(
        &self,
        job: [u8; 32],
        assignment_hash: [u8; 32],
        node_key: [u8; 32],
        tenure: [u8; 32],
        seq: u64,
    ) -> TaskResult {
        let hash = self.archive.unwrap_or_default();
        let millionths = |value: Option<f64>| (value.unwrap_or(0.0) * f64::from(MILLIONTHS)).round();
        // Casts of floats saturate, and make 0 of what is no number.
        let accuracy = millionths(self.report.accuracy).clamp(0.0, f64::from(MILLIONTHS));
        TaskResult {
            job,
            assignment_hash,
            node_key,
            tenure,
            status: self.status,
            exit_code: self.exit_code,
            result_hash: hash,
            started_at_ms: self.started_at_ms,
            finished_at_ms: self.finished_at_ms.max(self.started_at_ms),
            accuracy_millionths: accuracy as u32,
            loss_millionths: millionths(self.report.loss) as u64,
            epochs: u32::try_from(self.report.epochs.unwrap_or(0)).unwrap_or(u32::MAX),
            archive_hash: hash,
            log_hash: self.log.unwrap_or_default(),
            seq,
        }
    }
}

/// Whether this machine may take the task at all.
pub fn suits(descriptor: &JobDescriptor, profile: &Profile, allow_network: bool) -> Result<(), String> {
    let needs = &descriptor.requirements;
    let memory_mb = u64::from(needs.min_memory_mb.max(descriptor.limits.memory_mb));
    if profile.memory_mb < memory_mb {
        return Err(format!("the task needs {memory_mb} MiB of memory, the node has {}", profile.memory_mb));
    }
    if profile.cpus < needs.min_cpus {
        return Err(format!("the task needs {} CPUs, the node has {}", needs.min_cpus, profile.cpus));
    }
    if needs.gpu && profile.gpu.is_empty() {
        return Err("the task needs a GPU, the node has none".into());
    }
    if profile.tier < Tier::of_requirement(&needs.tier) {
        return Err(format!("the task needs the tier {}, the node's is {}", needs.tier, profile.tier.name()));
    }
    if descriptor.network && !allow_network {
        return Err("the task asks for a network, which this node does not allow".into());
    }
    Ok(())
}

/// Runs a task to its end. Always gives an answer; `cancelled` turning true ends it early.
pub async fn perform(
    shared: &Shared,
    runner: &ContainerRunner,
    task: &Task,
    progress: &watch::Sender<u8>,
    cancelled: watch::Receiver<bool>,
) -> Ended {
    let started_at_ms = now_ms();
    let rules = Rules {
        bytes_max: shared.settings.input_mb_max.unwrap_or(256).saturating_mul(MIB),
        loopback: is_loopback_network(shared),
    };
    let inputs = tokio::select! {
        inputs = fetch::inputs(&task.descriptor, rules) => inputs,
        () = stopped(cancelled.clone()) => return Ended::node_failed(started_at_ms, STOPPED),
    };
    let inputs = match inputs {
        Ok(inputs) => inputs,
        Err(FetchError::Job(why)) => return Ended::now(TaskStatus::FailedImage, started_at_ms, why),
        Err(FetchError::Node(why)) => return Ended::node_failed(started_at_ms, why),
    };
    let left_ms = task.offer.lease_until_ms.saturating_sub(now_ms());
    let mut spec = match container_spec(task, rules.bytes_max) {
        Ok(spec) => spec,
        Err(why) => return Ended::now(TaskStatus::FailedImage, started_at_ms, why),
    };
    spec.inputs = inputs;
    let whole_time = spec.limits.wall_clock;
    spec.limits.wall_clock = whole_time.min(Duration::from_millis(left_ms.max(1)));
    spec.limits.pull = spec.limits.pull.min(Duration::from_millis(left_ms.max(1)));
    let is_cut = spec.limits.wall_clock < whole_time;
    let job = task.offer.job;
    let on_progress = |seen: &Progress| {
        shared.set_running(Some(Running { job, percent: seen.percent, started_at_ms }));
        progress.send_replace(seen.percent);
    };
    let outcome = runner.run(&spec, on_progress, cancelled).await;
    tracing::debug!(log = %outcome.log_text(), "the container's last words");
    ended(shared, outcome, started_at_ms, is_cut)
}

fn is_loopback_network(shared: &Shared) -> bool {
    let network = shared.network();
    !network.oracles.is_empty()
        && network
            .oracles
            .iter()
            .all(|oracle| reqwest::Url::parse(&oracle.url).is_ok_and(|url| crate::network::is_loopback(&url)))
}

fn container_spec(task: &Task, input_bytes_max: u64) -> Result<ContainerSpec, String> {
    let descriptor = &task.descriptor;
    let image = ImageRef::parse(&descriptor.image).map_err(|error| error.to_string())?;
    let mut spec = ContainerSpec::new(Pubkey::from(task.offer.job).to_string(), image);
    spec.arguments = descriptor.command.clone();
    spec.environment = descriptor.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if descriptor.network {
        spec.network = NetworkAccess::Outgoing;
    }
    spec.limits = Limits {
        memory_bytes: u64::from(descriptor.limits.memory_mb).max(MEMORY_MB_MIN) * MIB,
        cpu_millis: descriptor.limits.cpu_milli.into(),
        pids: descriptor.limits.pids.into(),
        wall_clock: Duration::from_secs(descriptor.limits.timeout_s.into()),
        // The configuration comes on top of the fetched inputs.
        input_bytes: input_bytes_max + MIB,
        output_bytes: OUTPUT_BYTES_MAX,
        output_file_bytes: OUTPUT_BYTES_MAX,
        output_files: OUTPUT_FILES_MAX,
        ..Limits::default()
    };
    Ok(spec)
}

/// Whose fault an end is. A task that the lease's end cut short, and not its own limit, is the node's.
fn ended(shared: &Shared, outcome: Outcome, started_at_ms: u64, is_cut: bool) -> Ended {
    let (status, message) = match &outcome.verdict {
        Verdict::Completed => (TaskStatus::Succeeded, "completed".to_owned()),
        Verdict::Refused(error) => (TaskStatus::FailedImage, error.to_string()),
        Verdict::ImageFailed { message, .. } => (TaskStatus::FailedImage, message.clone()),
        Verdict::NodeFailed { message, .. } => (TaskStatus::FailedNode, message.clone()),
        Verdict::TimedOut { .. } if is_cut => {
            (TaskStatus::FailedNode, "the lease ended before the task's time".to_owned())
        }
        Verdict::TimedOut { limit } => (TaskStatus::TimedOut, format!("killed after {} s", limit.as_secs())),
        Verdict::Cancelled => (TaskStatus::FailedNode, STOPPED.to_owned()),
    };
    let mut ended = Ended::now(status, started_at_ms, message);
    let code = outcome.exit_code.unwrap_or(0);
    ended.exit_code = code.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    let progress = outcome.progress;
    ended.report = Report { accuracy: progress.accuracy, loss: progress.loss, epochs: progress.epochs };
    match archive::keep_log(&shared.data.archives(), &outcome.log) {
        Ok(hash) => ended.log = hash,
        // The result counts without its log.
        Err(error) => tracing::warn!(%error, "a task's log cannot be kept"),
    }
    if status != TaskStatus::Succeeded {
        return ended;
    }
    let kept = match &outcome.result {
        Some(result) => archive::keep(&shared.data.archives(), result).map(|path| (path, result.sha256)),
        None => Err(std::io::Error::other("the runner left no archive")),
    };
    match kept {
        Ok((path, hash)) => {
            let said = archive::report(&path);
            ended.report = Report {
                accuracy: said.accuracy.or(ended.report.accuracy),
                loss: said.loss.or(ended.report.loss),
                epochs: said.epochs.or(ended.report.epochs),
            };
            ended.archive = Some(hash);
            ended
        }
        Err(error) => Ended::node_failed(started_at_ms, format!("the result archive cannot be kept: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use muster_protocol::wire::Frame;

    use super::*;

    #[test]
    fn figures_of_a_task_are_bounded_before_they_are_signed() {
        let mut ended = Ended::node_failed(5_000, "why");
        ended.report = Report { accuracy: Some(7.5), loss: Some(f64::NAN), epochs: Some(u64::MAX) };
        ended.finished_at_ms = 1;
        let result = ended.result([1; 32], [2; 32], [3; 32], [4; 32], 9);
        assert_eq!((result.accuracy_millionths, result.loss_millionths, result.epochs), (MILLIONTHS, 0, u32::MAX));
        assert!(result.validate().is_ok());
        assert_eq!(result.log_hash, [0; 32], "a task that wrote nothing has no log");
        ended.log = Some([8; 32]);
        ended.report = Report { accuracy: Some(0.975), loss: Some(0.125), epochs: Some(30) };
        let result = ended.result([1; 32], [2; 32], [3; 32], [4; 32], 9);
        assert_eq!((result.accuracy_millionths, result.loss_millionths, result.epochs), (975_000, 125_000, 30));
        assert_eq!(result.log_hash, [8; 32]);
    }

    #[test]
    fn a_node_does_not_take_what_it_cannot_do() {
        let mut profile = Profile::of_this_machine(Some("a"));
        (profile.memory_mb, profile.cpus, profile.gpu, profile.tier) = (2_048, 2, String::new(), Tier::Cpu);
        let text = r#"{"version":1,"title":"t","description":"","image":"sha256:IMAGE","command":[],"env":{},"inputs":[],
            "requirements":{"min_memory_mb":0,"min_cpus":0,"gpu":false,"tier":"cpu"},
            "limits":{"memory_mb":256,"cpu_milli":1000,"pids":64,"timeout_s":60},"redundancy":2,"priority":5,"config":{}}"#;
        let descriptor = JobDescriptor::from_json(text.replace("IMAGE", &"0a".repeat(32)).as_bytes()).unwrap();
        assert_eq!(suits(&descriptor, &profile, false), Ok(()));
        let refused = |change: fn(&mut JobDescriptor)| {
            let mut descriptor = descriptor.clone();
            change(&mut descriptor);
            suits(&descriptor, &profile, false).unwrap_err()
        };
        assert!(refused(|d| d.limits.memory_mb = 4_096).contains("memory"));
        assert!(refused(|d| d.requirements.min_cpus = 3).contains("CPUs"));
        assert!(refused(|d| d.requirements.gpu = true).contains("GPU"));
        assert!(refused(|d| d.requirements.tier = "gpu".into()).contains("tier"));
        assert!(refused(|d| d.network = true).contains("network"));
    }
}
