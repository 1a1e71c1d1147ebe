//! The runner against the real engine, with the real images: nothing here is simulated.

use std::{collections::BTreeSet, path::Path, process::Command, sync::OnceLock, time::Duration};

use bollard::{
    Docker,
    models::{ContainerCreateBody, HostConfig, VolumeCreateRequest},
    query_parameters::ListVolumesOptions,
};
use muster_agent::container::{
    Cleaned, ContainerRunner, ContainerSpec, ImageFault, ImageRef, InputFile, LABEL_AGENT, Limits, NetworkAccess,
    NodeFault, Outcome, Progress, SpecError, Verdict,
};
use serde_json::Value;
use tokio::sync::watch;

const MIB: u64 = 1 << 20;

/// The ids of the images, built once for all tests of this file.
fn images() -> &'static Value {
    static IMAGES: OnceLock<Value> = OnceLock::new();
    IMAGES.get_or_init(|| {
        // Asked at run time: checkouts that share a target folder share this binary too.
        let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
        let script = Path::new(&package).join("../workloads/digits/build");
        let output = Command::new(&script).output().expect("workloads/digits/build can be started");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the test images could not be built: {errors}");
        serde_json::from_slice(&output.stdout).expect("workloads/digits/build prints JSON")
    })
}

fn image(name: &str) -> ImageRef {
    ImageRef::parse(images()[name].as_str().expect("the image is among those built")).unwrap()
}

fn spec(image_name: &str, arguments: &[&str]) -> ContainerSpec {
    let mut spec = ContainerSpec::new("test-job", image(image_name));
    spec.arguments = arguments.iter().map(|word| word.to_string()).collect();
    spec.limits = Limits {
        memory_bytes: 64 * MIB,
        wall_clock: Duration::from_secs(40),
        output_bytes: 16 * MIB,
        output_file_bytes: 8 * MIB,
        ..Limits::default()
    };
    spec
}

/// A runner of its own for each test, so that none sees another's leftovers.
struct Bench {
    runner: ContainerRunner,
    agent: String,
    scratch: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let agent = format!("test-{:016x}", rand::random::<u64>());
        let runner = ContainerRunner::connect(&agent, scratch.path().to_path_buf())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        Self { runner, agent, scratch }
    }

    async fn run(&self, spec: &ContainerSpec) -> Outcome {
        self.run_seeing(spec, |_| ()).await
    }

    async fn run_seeing(&self, spec: &ContainerSpec, see: impl FnMut(&Progress) + Send) -> Outcome {
        let (_keep, cancel) = watch::channel(false);
        self.runner.run(spec, see, cancel).await
    }

    /// Runs the probe and wants its question answered with "the wall holds".
    async fn wall_holds(&self, spec: &ContainerSpec) {
        let outcome = self.run(spec).await;
        assert_eq!(outcome.verdict, Verdict::Completed, "{}", outcome.log_text());
    }

    async fn nothing_is_left(&self) {
        assert_eq!(self.runner.cleanup().await.unwrap().containers, 0);
        assert_eq!(self.runner.cleanup().await.unwrap(), Cleaned::default());
    }
}

/// Volumes that the engine named itself: nobody would find them again.
async fn anonymous_volumes() -> BTreeSet<String> {
    let docker = Docker::connect_with_defaults().unwrap().negotiate_version().await.unwrap();
    let volumes = docker.list_volumes(None::<ListVolumesOptions>).await.unwrap().volumes.unwrap_or_default();
    let names = volumes.into_iter().map(|volume| volume.name);
    names.filter(|name| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())).collect()
}

fn fault(outcome: &Outcome) -> Option<ImageFault> {
    match outcome.verdict {
        Verdict::ImageFailed { fault, .. } => Some(fault),
        _ => None,
    }
}

#[tokio::test]
async fn the_same_job_gives_the_same_result_hash_and_reports_its_progress() {
    let bench = Bench::new().await;
    let mut spec = spec("digits", &[]);
    spec.inputs.push(InputFile { path: "config.json".into(), bytes: br#"{"seed": 5, "epochs": 10}"#.to_vec() });
    let mut seen = Vec::new();
    let first = bench.run_seeing(&spec, |progress| seen.push(progress.percent)).await;
    let second = bench.run(&spec).await;
    spec.inputs[0].bytes = br#"{"seed": 6, "epochs": 10}"#.to_vec();
    let other = bench.run(&spec).await;

    assert_eq!(first.verdict, Verdict::Completed, "{}", first.log_text());
    assert_eq!(first.exit_code, Some(0));
    assert_eq!(first.progress.percent, 100);
    assert_eq!(first.progress.epochs, Some(10));
    assert!(first.progress.accuracy.unwrap() > 0.93 && first.progress.loss.unwrap() < 0.5);
    assert!(seen.windows(2).all(|pair| pair[0] <= pair[1]) && seen.len() >= 10, "{seen:?}");
    let [first, second, other] = [first, second, other].map(|outcome| outcome.result.unwrap());
    assert_eq!((first.sha256, first.files), (second.sha256, 2));
    assert_ne!(first.sha256, other.sha256);

    let mut archive = tar::Archive::new(std::fs::File::open(&first.path).unwrap());
    let entry = archive.entries().unwrap().map(Result::unwrap).find(|e| e.path().unwrap().ends_with("result.json"));
    let report: Value = serde_json::from_reader(entry.unwrap()).unwrap();
    assert_eq!(report["seed"], 5);
    let left = bench.runner.cleanup().await.unwrap();
    assert_eq!(left, Cleaned { containers: 0, volumes: 0, folders: 3 }, "only the three results stay");
}

#[tokio::test]
async fn a_failing_image_is_the_images_fault() {
    let bench = Bench::new().await;
    let outcome = bench.run(&spec("broken", &[])).await;
    assert_eq!(fault(&outcome), Some(ImageFault::ExitCode));
    assert_eq!((outcome.exit_code, &outcome.result), (Some(1), &None));
    assert!(outcome.log_text().contains("this run was asked to fail"), "{}", outcome.log_text());

    let mut bad_config = spec("digits", &[]);
    bad_config.inputs.push(InputFile { path: "config.json".into(), bytes: br#"{"epochs": 0}"#.to_vec() });
    let outcome = bench.run(&bad_config).await;
    assert_eq!((fault(&outcome), outcome.exit_code), (Some(ImageFault::ExitCode), Some(2)));
    assert!(outcome.log_text().contains("epochs is 0"), "{}", outcome.log_text());
    bench.nothing_is_left().await;
}

#[tokio::test]
async fn an_endless_image_is_killed_at_the_wall_clock_and_a_cancelled_one_at_once() {
    let bench = Bench::new().await;
    let mut endless = spec("probe", &["endless"]);
    endless.limits.wall_clock = Duration::from_secs(2);
    let outcome = bench.run(&endless).await;
    assert_eq!(outcome.verdict, Verdict::TimedOut { limit: Duration::from_secs(2) });
    assert!(outcome.wall_clock >= Duration::from_secs(2) && outcome.wall_clock < Duration::from_secs(5));

    endless.limits.wall_clock = Duration::from_secs(60);
    let (stop, cancel) = watch::channel(false);
    // Its first progress shows that it runs; the wall clock is the deadline of this wait.
    let on_progress = |_: &Progress| _ = stop.send_replace(true);
    let outcome = bench.runner.run(&endless, on_progress, cancel).await;
    assert_eq!(outcome.verdict, Verdict::Cancelled);
    assert_eq!(outcome.progress.percent, 1);
    assert!(outcome.wall_clock < Duration::from_secs(10));
    bench.nothing_is_left().await;
}

#[tokio::test]
async fn no_network_unless_the_job_class_allows_it() {
    let bench = Bench::new().await;
    let mut spec = spec("probe", &["no-network"]);
    bench.wall_holds(&spec).await;
    // The control: with a network the probe must not find none. (An engine without a bridge refuses the start.)
    spec.network = NetworkAccess::Outgoing;
    let outcome = bench.run(&spec).await;
    assert_ne!(outcome.verdict, Verdict::Completed, "{}", outcome.log_text());
}

#[tokio::test]
async fn the_root_and_the_input_are_read_only_and_no_privilege_is_left() {
    let bench = Bench::new().await;
    let before = anonymous_volumes().await;
    bench.wall_holds(&spec("probe", &["read-only"])).await;
    let left: Vec<_> = anonymous_volumes().await.difference(&before).cloned().collect();
    assert_eq!(left, Vec::<String>::new(), "the image's own volume left a disk behind");
    bench.wall_holds(&spec("probe", &["privileges"])).await;
    let mut threads = spec("probe", &["threads"]);
    threads.limits.pids = 16;
    bench.wall_holds(&threads).await;
}

#[tokio::test]
async fn a_memory_hog_is_killed_and_named_as_such() {
    let bench = Bench::new().await;
    let outcome = bench.run(&spec("probe", &["hog"])).await;
    assert_eq!(fault(&outcome), Some(ImageFault::OutOfMemory), "{outcome:?}");
    assert_eq!(outcome.exit_code, Some(137));
}

#[tokio::test]
async fn output_over_its_limits_is_refused() {
    let bench = Bench::new().await;
    let outcome = bench.run(&spec("probe", &["flood"])).await;
    assert_eq!(fault(&outcome), Some(ImageFault::OutputLimit), "{outcome:?}");
    let outcome = bench.run(&spec("probe", &["many-files"])).await;
    assert_eq!(fault(&outcome), Some(ImageFault::OutputLimit), "{outcome:?}");
    bench.nothing_is_left().await;
}

#[tokio::test]
async fn links_are_not_followed_and_logs_and_progress_are_bounded() {
    let bench = Bench::new().await;
    let outcome = bench.run(&spec("probe", &["links"])).await;
    let result = outcome.result.expect("it completes");
    assert_eq!((result.files, result.left_out), (2, 3));

    let outcome = bench.run(&spec("probe", &["chatter"])).await;
    assert_eq!(outcome.verdict, Verdict::Completed);
    assert!(outcome.log_bytes > 2_000_000 && outcome.log.len() <= 64 * 1024);
    assert!(outcome.log_text().contains("line 19999"), "the tail is the end of what was said");

    let outcome = bench.run(&spec("probe", &["progress"])).await;
    let expected = Progress { percent: 100, accuracy: Some(0.5), loss: Some(0.25), epochs: Some(9) };
    assert_eq!(outcome.progress, expected);
    assert!(outcome.log_text().contains("said on standard error"), "both streams are kept, in no order");
}

#[tokio::test]
async fn a_missing_image_is_the_nodes_fault_and_a_tag_nobodys() {
    let bench = Bench::new().await;
    let mut missing = spec("digits", &[]);
    missing.image = ImageRef::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
    let outcome = bench.run(&missing).await;
    let is_missing = matches!(outcome.verdict, Verdict::NodeFailed { fault: NodeFault::ImageMissing, .. });
    assert!(is_missing, "{outcome:?}");
    assert!(matches!(ImageRef::parse("muster/digits:latest"), Err(SpecError::ImageNotByDigest(_))));
    bench.nothing_is_left().await;
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed_and_those_of_others_are_not() {
    let (mine, other) = (Bench::new().await, Bench::new().await);
    let docker = Docker::connect_with_defaults().unwrap().negotiate_version().await.unwrap();
    for bench in [&mine, &other] {
        let labels = [(LABEL_AGENT.to_string(), bench.agent.clone())];
        let request = VolumeCreateRequest {
            name: Some(format!("{}-volume", bench.agent)),
            labels: Some(labels.clone().into()),
            ..Default::default()
        };
        docker.create_volume(request).await.unwrap();
        let body = ContainerCreateBody {
            image: images()["digits"].as_str().map(str::to_string),
            labels: Some(labels.into()),
            host_config: Some(HostConfig { network_mode: Some("none".into()), ..Default::default() }),
            ..Default::default()
        };
        let container = docker.create_container(None, body).await.unwrap();
        docker.start_container(&container.id, None).await.unwrap();
        std::fs::create_dir(bench.scratch.path().join("run-muster-1")).unwrap();
    }
    let one = Cleaned { containers: 1, volumes: 1, folders: 1 };
    assert_eq!(mine.runner.cleanup().await.unwrap(), one);
    assert_eq!(mine.runner.cleanup().await.unwrap(), Cleaned::default());
    assert_eq!(other.runner.cleanup().await.unwrap(), one, "the other agent's are left to the other agent");
}
