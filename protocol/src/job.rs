//! The job descriptor: what a submitter wants to have run. Canonical JSON (see [`crate::canonical_json`]), whose
//! SHA-256 is in the job's account, so that nobody can change a paid job.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical_json::{self, UnsafeNumber};
use crate::hash::{Hash, hashv};

/// The most bytes of a descriptor.
pub const MAX_LEN: usize = 64 * 1024;

/// An input that the agent downloads, checks and mounts read-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// `https://`, `s3://`, `ipfs://` or `file://` (loopback networks only).
    pub url: String,
    /// SHA-256 of the bytes, 64 lower-case hex digits.
    pub sha256: String,
    /// Absolute path inside of the container.
    pub path: String,
}

/// What a node must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// Least memory, MiB.
    pub min_memory_mb: u32,
    /// Least number of CPUs.
    pub min_cpus: u32,
    /// Whether it needs a GPU.
    pub gpu: bool,
    /// Least tier: `cpu`, `gpu` or `hpc`.
    pub tier: String,
}

/// What the container may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory, MiB.
    pub memory_mb: u32,
    /// CPU time per second, thousandths of a CPU.
    pub cpu_milli: u32,
    /// Processes and threads.
    pub pids: u32,
    /// Wall-clock time, seconds.
    pub timeout_s: u32,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobDescriptor {
    /// 1.
    pub version: u32,
    /// One line.
    pub title: String,
    /// Free text.
    pub description: String,
    /// Image by digest: `sha256:<64 hex>` or `repository@sha256:<64 hex>`.
    pub image: String,
    /// Command and arguments; empty: the image's own.
    pub command: Vec<String>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Downloads.
    pub inputs: Vec<Input>,
    /// What a node must have.
    pub requirements: Requirements,
    /// What the container may use.
    pub limits: Limits,
    /// Whether the container gets a network; jobs of the common class do not.
    #[serde(default)]
    pub network: bool,
    /// How many nodes run it, 1 to 8.
    pub redundancy: u8,
    /// 0 (last) to 9 (first).
    pub priority: u8,
    /// When results are revealed, Unix seconds; without it, with the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reveal_at_s: Option<u64>,
    /// The workload's own settings, handed to the container.
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// Why a descriptor is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// Too many bytes.
    #[error("the descriptor has {0} bytes, at most {MAX_LEN} are allowed")]
    TooLong(usize),
    /// Not JSON, or not these fields.
    #[error("the descriptor is not a job: {0}")]
    Json(String),
    /// The same value, written otherwise: two texts would have two hashes.
    #[error("the descriptor is not in canonical form (sorted keys, no white space, no absent defaults)")]
    NotCanonical,
    /// A number that JSON implementations read differently.
    #[error(transparent)]
    Number(#[from] UnsafeNumber),
    /// A field outside of its limits.
    #[error("{field} is {value}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is there (cut to 80 characters).
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
}

impl JobDescriptor {
    /// Validates and gives the canonical bytes.
    pub fn encode(&self) -> Result<Vec<u8>, JobError> {
        self.validate()?;
        let value = serde_json::to_value(self).map_err(|error| JobError::Json(error.to_string()))?;
        let bytes = canonical_json::to_string(&value)?.into_bytes();
        if bytes.len() > MAX_LEN {
            return Err(JobError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads canonical bytes, as published under the hash on chain.
    pub fn decode(bytes: &[u8]) -> Result<Self, JobError> {
        let descriptor = Self::from_json(bytes)?;
        if descriptor.encode()? != bytes {
            return Err(JobError::NotCanonical);
        }
        Ok(descriptor)
    }

    /// Reads any JSON text of a descriptor, as a submitter writes it.
    pub fn from_json(text: &[u8]) -> Result<Self, JobError> {
        if text.len() > MAX_LEN {
            return Err(JobError::TooLong(text.len()));
        }
        let descriptor: Self = serde_json::from_slice(text).map_err(|error| JobError::Json(error.to_string()))?;
        descriptor.validate()?;
        Ok(descriptor)
    }

    /// SHA-256 of the canonical bytes: the job's descriptor hash on chain.
    pub fn hash(&self) -> Result<Hash, JobError> {
        Ok(hashv(&[&self.encode()?]))
    }

    /// Checks every limit.
    pub fn validate(&self) -> Result<(), JobError> {
        number("version", self.version.into(), 1..=1, "1 is known")?;
        text("title", &self.title, 1..=128, "1 to 128 bytes are allowed")?;
        text("description", &self.description, 0..=4096, "at most 4096 bytes are allowed")?;
        self.validate_image()?;
        number("the number of arguments", self.command.len() as u64, 0..=64, "at most 64 are allowed")?;
        for argument in &self.command {
            text("argument", argument, 0..=4096, "at most 4096 bytes are allowed, none of them zero")?;
        }
        number("the number of variables", self.env.len() as u64, 0..=64, "at most 64 are allowed")?;
        for (name, value) in &self.env {
            let good = |(i, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || i > 0 && c.is_ascii_digit();
            let rule = "letters, digits and _ are allowed, 1 to 128 of them, no digit first";
            ensure((1..=128).contains(&name.len()) && name.chars().enumerate().all(good), "env name", name, rule)?;
            text("env value", value, 0..=4096, "at most 4096 bytes are allowed, none of them zero")?;
        }
        number("the number of inputs", self.inputs.len() as u64, 0..=32, "at most 32 are allowed")?;
        for (i, input) in self.inputs.iter().enumerate() {
            self.validate_input(i, input)?;
        }
        let tiers = ["cpu", "gpu", "hpc"];
        ensure(tiers.contains(&self.requirements.tier.as_str()), "tier", &self.requirements.tier, "cpu, gpu or hpc")?;
        number("min_memory_mb", self.requirements.min_memory_mb.into(), 0..=16_777_216, "at most 16777216 is allowed")?;
        number("min_cpus", self.requirements.min_cpus.into(), 0..=4096, "at most 4096 is allowed")?;
        number("memory_mb", self.limits.memory_mb.into(), 4..=16_777_216, "4 to 16777216 is allowed")?;
        number("cpu_milli", self.limits.cpu_milli.into(), 10..=4_096_000, "10 to 4096000 is allowed")?;
        number("pids", self.limits.pids.into(), 1..=32_768, "1 to 32768 is allowed")?;
        number("timeout_s", self.limits.timeout_s.into(), 1..=2_592_000, "1 second to 30 days is allowed")?;
        number("redundancy", self.redundancy.into(), 1..=8, "1 to 8 is allowed")?;
        number("priority", self.priority.into(), 0..=9, "0 to 9 is allowed")?;
        let reveal_at_s = self.reveal_at_s.unwrap_or(0);
        number("reveal_at_s", reveal_at_s, 0..=canonical_json::MAX_SAFE_INTEGER, "at most 2^53 - 1 is allowed")
    }

    /// The image's digest, `sha256:<64 hex>`.
    pub fn image_digest(&self) -> &str {
        self.image.rsplit_once('@').map_or(self.image.as_str(), |(_, digest)| digest)
    }

    fn validate_image(&self) -> Result<(), JobError> {
        let rule = "an image is named by digest: sha256:<64 hex digits> or repository@sha256:<64 hex digits>";
        let (repository, digest) = self.image.rsplit_once('@').unwrap_or(("local", &self.image));
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
        let good = (1..=255).contains(&repository.len())
            && repository.chars().all(allowed)
            && digest.strip_prefix("sha256:").is_some_and(is_sha256_hex);
        ensure(good, "image", &self.image, rule)
    }

    fn validate_input(&self, i: usize, input: &Input) -> Result<(), JobError> {
        let schemes = ["https://", "s3://", "ipfs://", "file://"];
        let known = schemes.iter().any(|scheme| input.url.len() > scheme.len() && input.url.starts_with(scheme));
        let rule = "https, s3, ipfs and file addresses of up to 2048 bytes are allowed";
        ensure(known && input.url.len() <= 2048, "input url", &input.url, rule)?;
        ensure(is_sha256_hex(&input.sha256), "input sha256", &input.sha256, "64 lower-case hex digits are needed")?;
        let mut parts = input.path.split('/');
        let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
        let good = input.path.len() <= 255 && parts.next() == Some("") && parts.all(plain) && input.path.len() > 1;
        ensure(good, "input path", &input.path, "an absolute path without . and .. of up to 255 bytes is needed")?;
        let twice = self.inputs[..i].iter().any(|other| other.path == input.path);
        ensure(!twice, "input path", &input.path, "two inputs have it")
    }
}

fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn ensure(good: bool, field: &'static str, value: &str, rule: &'static str) -> Result<(), JobError> {
    if good { Ok(()) } else { Err(JobError::Field { field, value: value.chars().take(80).collect(), rule }) }
}

fn text(
    field: &'static str,
    value: &str,
    len: std::ops::RangeInclusive<usize>,
    rule: &'static str,
) -> Result<(), JobError> {
    ensure(len.contains(&value.len()) && !value.contains('\0'), field, value, rule)
}

fn number(
    field: &'static str,
    value: u64,
    range: std::ops::RangeInclusive<u64>,
    rule: &'static str,
) -> Result<(), JobError> {
    ensure(range.contains(&value), field, &value.to_string(), rule)
}
