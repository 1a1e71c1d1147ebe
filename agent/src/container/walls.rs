//! The walls around a task, as the engine's settings.

use std::{collections::HashMap, path::PathBuf};

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountTmpfsOptions, MountType, MountVolumeOptions,
    ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};

use super::{
    ContainerSpec, Limits, NetworkAccess,
    archive::TASK_USER,
    engine::Engine,
    image::Image,
    runner::{LABEL_AGENT, LABEL_JOB},
    session::Ids,
};

/// The kernel sacrifices a task before anything else on the machine.
const OOM_SCORE: i64 = 500;

/// What the engine told about the volumes.
pub(super) struct Volumes {
    /// Where the output lies on the engine's machine.
    pub(super) output_folder: Option<PathBuf>,
}

pub(super) fn labels(agent: &str, job: &str) -> HashMap<String, String> {
    HashMap::from([(LABEL_AGENT.into(), agent.into()), (LABEL_JOB.into(), job.into())])
}

/// The container that only holds the volumes open for the upload; it is never started.
pub(super) fn stage(
    engine: &Engine,
    limits: &Limits,
    image: &Image,
    ids: &Ids,
    labels: HashMap<String, String>,
) -> ContainerCreateBody {
    let mut mounts = vec![volume("/input", &ids.input, false), volume("/output", &ids.output, false)];
    mounts.extend(memory_over_volumes(image, limits));
    ContainerCreateBody {
        image: Some(image.id.clone()),
        entrypoint: Some(vec!["/never-started".into()]),
        labels: Some(labels),
        host_config: Some(HostConfig {
            network_mode: Some("none".into()),
            mounts: Some(mounts),
            runtime: engine.runtime.clone(),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// The container that runs the task.
pub(super) fn task(
    engine: &Engine,
    spec: &ContainerSpec,
    image: &Image,
    ids: &Ids,
    labels: HashMap<String, String>,
) -> ContainerCreateBody {
    let user = format!("{TASK_USER}:{TASK_USER}");
    ContainerCreateBody {
        image: Some(image.id.clone()),
        hostname: Some("muster".into()),
        user: Some(user),
        cmd: (!spec.arguments.is_empty()).then(|| spec.arguments.clone()),
        env: Some(spec.environment.clone()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        labels: Some(labels),
        host_config: Some(host_config(engine, spec, image, ids)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(engine: &Engine, spec: &ContainerSpec, image: &Image, ids: &Ids) -> HostConfig {
    let limits = &spec.limits;
    let mut mounts = vec![volume("/input", &ids.input, true)];
    let mut binds = None;
    if engine.podman {
        // U: give the folder to the container's user.
        binds = Some(vec![format!("{}:/output:U", ids.output)]);
    } else {
        mounts.push(volume("/output", &ids.output, false));
    }
    mounts.extend(memory_over_volumes(image, limits));
    HostConfig {
        network_mode: Some(match spec.network {
            NetworkAccess::None => "none".into(),
            NetworkAccess::Outgoing => "bridge".into(),
        }),
        cap_drop: Some(vec!["ALL".into()]),
        security_opt: Some(vec!["no-new-privileges".into()]),
        privileged: Some(false),
        readonly_rootfs: Some(true),
        tmpfs: Some(HashMap::from([(
            "/tmp".into(),
            format!("rw,noexec,nosuid,nodev,mode=1777,size={}", limits.tmp_bytes),
        )])),
        shm_size: Some(signed(limits.tmp_bytes)),
        ipc_mode: Some("private".into()),
        memory: Some(signed(limits.memory_bytes)),
        memory_swap: Some(signed(limits.memory_bytes)), // memory and swap together: no swap
        nano_cpus: Some(signed(limits.cpu_millis.min(engine.cpus * 1_000) * 1_000_000)),
        pids_limit: Some(signed(limits.pids)),
        oom_score_adj: Some(OOM_SCORE),
        ulimits: Some(vec![
            ulimit("nofile", limits.open_files),
            ulimit("fsize", limits.output_file_bytes),
            ulimit("core", 0),
        ]),
        log_config: Some(HostConfigLogConfig { typ: Some("none".into()), config: None }),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        runtime: engine.runtime.clone(),
        mounts: Some(mounts),
        binds,
        ..HostConfig::default()
    }
}

/// Without `no_copy` the image's own content of the folder would appear in it.
fn volume(target: &str, name: &str, read_only: bool) -> Mount {
    Mount {
        target: Some(target.into()),
        source: Some(name.into()),
        typ: Some(MountType::VOLUME),
        read_only: Some(read_only),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..MountVolumeOptions::default() }),
        ..Mount::default()
    }
}

/// A `VOLUME` in the image would be a writable folder on the node's disk without a limit and without a label to find
/// it by; a small one in memory takes its place.
fn memory_over_volumes(image: &Image, limits: &Limits) -> impl Iterator<Item = Mount> {
    let size = signed(limits.tmp_bytes);
    image.declared_volumes.iter().filter_map(move |path| tmpfs_over(path, size))
}

fn tmpfs_over(path: &str, size: i64) -> Option<Mount> {
    let path = path.trim_end_matches('/');
    let ours = ["", "/input", "/output", "/tmp"].contains(&path);
    (!ours).then(|| Mount {
        target: Some(path.into()),
        typ: Some(MountType::TMPFS),
        tmpfs_options: Some(MountTmpfsOptions {
            size_bytes: Some(size),
            mode: Some(0o1777),
            ..MountTmpfsOptions::default()
        }),
        ..Mount::default()
    })
}

fn ulimit(name: &str, limit: u64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.into()), soft: Some(signed(limit)), hard: Some(signed(limit)) }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
