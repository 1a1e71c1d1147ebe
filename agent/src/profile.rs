//! What the machine is: operating system, CPU, memory, GPU, and the tier that follows. Its canonical JSON is the
//! node's metadata document, whose hash the holder's `bind` states.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use muster_protocol::{Hash, canonical_json, hashv};
use serde::{Deserialize, Serialize};
use sysinfo::System;

use crate::failure::Failure;

/// Memory of a node of the highest tier, MiB.
const HPC_MEMORY_MB: u64 = 256 * 1024;
/// CPUs of a node of the highest tier.
const HPC_CPUS: u32 = 64;
/// GPU memory of a node of the highest tier, MiB.
const HPC_GPU_MEMORY_MB: u64 = 40 * 1024;
/// How long nvidia-smi may take.
const NVIDIA_SMI_WITHIN: Duration = Duration::from_secs(10);

/// The class of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// No GPU that computes.
    Cpu,
    /// A GPU of the kind that people own.
    #[serde(rename = "gpu")]
    ConsumerGpu,
    /// A data centre's machine: many cores and much memory, or a GPU with at least 40 GiB.
    Hpc,
}

impl Tier {
    /// Its name in documents, as job descriptors ask for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::ConsumerGpu => "gpu",
            Self::Hpc => "hpc",
        }
    }

    /// The least tier of a job descriptor: `cpu`, `gpu` or `hpc`.
    pub fn of_requirement(tier: &str) -> Self {
        match tier {
            "hpc" => Self::Hpc,
            "gpu" => Self::ConsumerGpu,
            _ => Self::Cpu,
        }
    }

    fn of(cpus: u32, memory_mb: u64, gpus: &[Gpu]) -> Self {
        let big_gpu = gpus.iter().any(|gpu| gpu.memory_mb >= HPC_GPU_MEMORY_MB);
        if big_gpu || (cpus >= HPC_CPUS && memory_mb >= HPC_MEMORY_MB) {
            Self::Hpc
        } else if gpus.iter().any(|gpu| gpu.computes) {
            Self::ConsumerGpu
        } else {
            Self::Cpu
        }
    }
}

/// One graphics processor.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Gpu {
    name: String,
    memory_mb: u64,
    computes: bool,
}

/// The metadata document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The node's name.
    pub name: String,
    /// Operating system with its version.
    pub os: String,
    /// Such as x86_64.
    pub arch: String,
    /// The processor's brand.
    pub cpu: String,
    /// Logical processors.
    pub cpus: u32,
    /// MiB.
    pub memory_mb: u64,
    /// The first graphics processor's name, empty if there is none.
    pub gpu: String,
    /// Its memory, MiB, 0 if unknown.
    pub gpu_memory_mb: u64,
    /// See [`Tier`].
    pub tier: Tier,
    /// Of the agent.
    pub version: String,
}

impl Profile {
    /// Looks at the machine.
    pub fn of_this_machine(name: Option<&str>) -> Self {
        let (cpus, memory_mb, brand) = processors_and_memory();
        let gpus = gpus();
        let host = || System::host_name().unwrap_or_else(|_| "node".into());
        let first = gpus.first();
        Self {
            name: short(&name.map_or_else(host, str::to_owned), 64),
            os: short(&System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.into()), 128),
            arch: System::cpu_arch(),
            cpu: short(if brand.is_empty() { "unknown" } else { &brand }, 128),
            cpus,
            memory_mb,
            gpu: first.map_or_else(String::new, |gpu| short(&gpu.name, 128)),
            gpu_memory_mb: first.map_or(0, |gpu| gpu.memory_mb),
            tier: Tier::of(cpus, memory_mb, &gpus),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// The document's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, Failure> {
        let failed = |why: String| Failure::Local(format!("the metadata cannot be written: {why}"));
        let value = serde_json::to_value(self).map_err(|error| failed(error.to_string()))?;
        let text = canonical_json::to_string(&value).map_err(|error| failed(error.to_string()))?;
        Ok(text.into_bytes())
    }
}

/// SHA-256 of a metadata document: what `bind` states.
pub fn metadata_hash(document: &[u8]) -> Hash {
    hashv(&[document])
}

/// Logical processors, MiB, and the processor's brand; what cannot be learnt is the least.
fn processors_and_memory() -> (u32, u64, String) {
    let Ok(mut system) = System::new() else {
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u32);
        return (cpus, 0, String::new());
    };
    system.refresh_memory();
    system.refresh_cpu_all();
    let brand = system.cpus().first().map_or("", |cpu| cpu.brand()).trim();
    (system.cpus().len().max(1) as u32, system.total_memory() >> 20, brand.to_owned())
}

fn short(text: &str, chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars).collect()
}

/// NVIDIA's own word where there is one, else what the kernel lists.
fn gpus() -> Vec<Gpu> {
    let found = if Path::new("/proc/driver/nvidia/version").exists() { nvidia() } else { Vec::new() };
    if found.is_empty() { drm(Path::new("/sys/class/drm")) } else { found }
}

fn nvidia() -> Vec<Gpu> {
    let child = Command::new("nvidia-smi")
        .args(["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return Vec::new();
    };
    let started = Instant::now();
    while let Ok(None) = child.try_wait() {
        if started.elapsed() > NVIDIA_SMI_WITHIN {
            let _ = child.kill(); // it may have ended by itself just now
            let _ = child.wait();
            return Vec::new();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output().map(|output| output.stdout).unwrap_or_default();
    parse_nvidia(&String::from_utf8_lossy(&output))
}

fn parse_nvidia(text: &str) -> Vec<Gpu> {
    let lines = text.lines().filter_map(|line| line.rsplit_once(','));
    lines
        .map(|(name, memory)| Gpu {
            name: name.trim().into(),
            memory_mb: memory.trim().parse().unwrap_or(0),
            computes: true,
        })
        .collect()
}

/// Cards by PCI vendor. Only AMD's and NVIDIA's count as computing: most others drive a screen.
fn drm(folder: &Path) -> Vec<Gpu> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let is_card =
        |name: &&String| name.strip_prefix("card").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
    let mut gpus = Vec::new();
    for card in names.iter().filter(is_card) {
        let read = |file: &str| fs::read_to_string(folder.join(card).join("device").join(file)).unwrap_or_default();
        let (name, computes) = match read("vendor").trim() {
            "0x10de" => ("NVIDIA", true),
            "0x1002" => ("AMD", true),
            "0x8086" => ("Intel", false),
            _ => continue,
        };
        let bytes: u64 = read("mem_info_vram_total").trim().parse().unwrap_or(0);
        let device = read("device");
        gpus.push(Gpu { name: format!("{name} {}", device.trim()), memory_mb: bytes >> 20, computes });
    }
    gpus
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(memory_mb: u64) -> Gpu {
        Gpu { name: "GPU".into(), memory_mb, computes: true }
    }

    #[test]
    fn the_tier_follows_from_cores_memory_and_gpu() {
        assert_eq!(Tier::of(8, 16_000, &[]), Tier::Cpu);
        assert_eq!(Tier::of(8, 16_000, &[gpu(12_000)]), Tier::ConsumerGpu);
        assert_eq!(Tier::of(8, 16_000, &[gpu(81_920)]), Tier::Hpc);
        assert_eq!(Tier::of(128, 524_288, &[]), Tier::Hpc);
        let screen = Gpu { computes: false, ..gpu(0) };
        assert_eq!(Tier::of(8, 16_000, &[screen]), Tier::Cpu);
        assert!(Tier::of_requirement("gpu") > Tier::of_requirement("cpu"));
    }

    #[test]
    fn nvidias_list_and_the_kernels_are_read() {
        let gpus = parse_nvidia("NVIDIA A100-SXM4-80GB, 81920\nNVIDIA, odd name, 100\n\n");
        assert_eq!(gpus.len(), 2);
        assert_eq!((gpus[0].memory_mb, gpus[1].name.as_str()), (81_920, "NVIDIA, odd name"));
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("card1/device");
        fs::create_dir_all(&device).unwrap();
        fs::create_dir_all(folder.path().join("card1-HDMI-A-1")).unwrap();
        fs::write(device.join("vendor"), "0x1002\n").unwrap();
        fs::write(device.join("mem_info_vram_total"), "17163091968\n").unwrap();
        assert_eq!(drm(folder.path())[0].memory_mb, 16_368);
        assert!(drm(&folder.path().join("none")).is_empty());
    }

    #[test]
    fn the_document_is_canonical_and_reads_back() {
        let profile = Profile::of_this_machine(Some("node-1\n"));
        let bytes = profile.encode().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.starts_with("{\"arch\":") && text.contains("\"name\":\"node-1\""), "{text}");
        assert_eq!(serde_json::from_slice::<Profile>(&bytes).unwrap(), profile);
        assert!(profile.cpus > 0 && profile.memory_mb > 0);
    }
}
