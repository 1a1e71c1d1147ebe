//! What to run, and within which walls.

use std::{fmt, time::Duration};

use thiserror::Error;

const MIB: u64 = 1 << 20;
const JOB_CHARS_MAX: usize = 128;
const INPUT_FILES_MAX: usize = 1_000;
const ARGUMENTS_MAX: usize = 256;
/// The engine's own least is 6 MB; below 16 MiB the engine's own start-up can fail.
const MEMORY_BYTES_MIN: u64 = 16 * MIB;

/// Why a spec cannot be run by any node.
#[derive(Debug, Error, PartialEq)]
pub enum SpecError {
    /// The image is named by a tag, a short id or not at all.
    #[error(
        "the image {0:?} is not named by digest: use repository@sha256:<64 hex digits>, or sha256:<64 hex digits> for \
         a local image; a tag may point elsewhere tomorrow"
    )]
    ImageNotByDigest(String),
    /// The job's name cannot be a label.
    #[error("the job name {0:?} must have 1 to {JOB_CHARS_MAX} characters out of A-Z a-z 0-9 . _ : -")]
    JobName(String),
    /// An input path leaves /input.
    #[error("the input path {0:?} must be relative, without .. and at most 255 bytes long")]
    InputPath(String),
    /// The same path twice.
    #[error("the input path {0:?} is given twice")]
    InputTwice(String),
    /// Too much input.
    #[error("the input is {actual} {unit}, but at most {limit} are allowed")]
    InputTooLarge {
        /// What is given.
        actual: u64,
        /// What is allowed.
        limit: u64,
        /// Bytes or files.
        unit: &'static str,
    },
    /// A limit that no engine can keep.
    #[error("the limit {name} is {actual}, but must be at least {least}")]
    Limit {
        /// The field of [`Limits`].
        name: &'static str,
        /// Its value.
        actual: u64,
        /// The least value.
        least: u64,
    },
    /// Too many arguments or environment variables, or a zero byte in one.
    #[error("arguments and environment take at most {ARGUMENTS_MAX} entries each, without zero bytes")]
    Arguments,
}

/// An image by its content, never by a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageRef {
    /// `sha256:<hex>`: the id of an image that the engine already has.
    Local(String),
    /// `repository@sha256:<hex>`: pulled when absent.
    Repository {
        /// Registry and name, without a tag.
        repository: String,
        /// `sha256:<hex>` of the manifest.
        digest: String,
    },
}

impl ImageRef {
    /// Reads either form; anything else is refused.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let refused = || SpecError::ImageNotByDigest(text.chars().take(300).collect());
        if is_digest(text) {
            return Ok(Self::Local(text.into()));
        }
        let (repository, digest) = text.split_once('@').ok_or_else(refused)?;
        let name = repository.rsplit('/').next().unwrap_or_default();
        let readable = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
        if is_digest(digest)
            && !name.is_empty()
            && !name.contains(':')
            && repository.len() <= 255
            && repository.chars().all(readable)
        {
            return Ok(Self::Repository { repository: repository.into(), digest: digest.into() });
        }
        Err(refused())
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(id) => f.write_str(id),
            Self::Repository { repository, digest } => write!(f, "{repository}@{digest}"),
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

/// What the job class allows of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkAccess {
    /// No interface but loopback.
    #[default]
    None,
    /// The engine's bridge: outgoing connections.
    Outgoing,
}

/// A file that the task finds under `/input`, readable by all, writable by none.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Relative to `/input`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The walls. Every one is enforced; there is no "unlimited".
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory, with swap not adding to it.
    pub memory_bytes: u64,
    /// Thousandths of a core; more than the machine has means all it has.
    pub cpu_millis: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Size of `/tmp` (in memory, counted there too).
    pub tmp_bytes: u64,
    /// From start to kill.
    pub wall_clock: Duration,
    /// For fetching the image when it is absent.
    pub pull: Duration,
    /// Log kept: the last bytes of both streams together.
    pub log_bytes: usize,
    /// All input files together.
    pub input_bytes: u64,
    /// All output files together.
    pub output_bytes: u64,
    /// One output file.
    pub output_file_bytes: u64,
    /// Number of output files and folders.
    pub output_files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 512 * MIB,
            cpu_millis: 1_000,
            pids: 128,
            open_files: 1_024,
            tmp_bytes: 64 * MIB,
            wall_clock: Duration::from_secs(3_600),
            pull: Duration::from_secs(900),
            log_bytes: muster_protocol::result::LOG_LEN_MAX,
            input_bytes: 1_024 * MIB,
            output_bytes: 1_024 * MIB,
            output_file_bytes: 1_024 * MIB,
            output_files: 1_000,
        }
    }
}

/// One task.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    /// The job that it belongs to: the label `muster.job`.
    pub job: String,
    /// What runs.
    pub image: ImageRef,
    /// Arguments for the image's entry point; empty means the image's own.
    pub arguments: Vec<String>,
    /// `NAME=value`.
    pub environment: Vec<String>,
    /// Found under `/input`.
    pub inputs: Vec<InputFile>,
    /// What the job class allows.
    pub network: NetworkAccess,
    /// The walls.
    pub limits: Limits,
}

impl ContainerSpec {
    /// A task without input, with the default limits and no network.
    pub fn new(job: impl Into<String>, image: ImageRef) -> Self {
        Self {
            job: job.into(),
            image,
            arguments: Vec::new(),
            environment: Vec::new(),
            inputs: Vec::new(),
            network: NetworkAccess::None,
            limits: Limits::default(),
        }
    }

    /// Whether any node could run it.
    pub fn validate(&self) -> Result<(), SpecError> {
        let label = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
        if self.job.is_empty() || self.job.len() > JOB_CHARS_MAX || !self.job.chars().all(label) {
            return Err(SpecError::JobName(self.job.chars().take(200).collect()));
        }
        for words in [&self.arguments, &self.environment] {
            if words.len() > ARGUMENTS_MAX || words.iter().any(|word| word.contains('\0')) {
                return Err(SpecError::Arguments);
            }
        }
        self.validate_limits()?;
        self.validate_inputs()
    }

    fn validate_limits(&self) -> Result<(), SpecError> {
        let limits = &self.limits;
        for (name, actual, least) in [
            ("memory_bytes", limits.memory_bytes, MEMORY_BYTES_MIN),
            ("cpu_millis", limits.cpu_millis, 10),
            ("pids", limits.pids, 1),
            ("open_files", limits.open_files, 16),
            ("tmp_bytes", limits.tmp_bytes, 4096),
            ("wall_clock (ms)", limits.wall_clock.as_millis() as u64, 1),
            ("output_file_bytes", limits.output_file_bytes, 1),
        ] {
            if actual < least {
                return Err(SpecError::Limit { name, actual, least });
            }
        }
        Ok(())
    }

    fn validate_inputs(&self) -> Result<(), SpecError> {
        let (count, bytes) = (self.inputs.len(), self.inputs.iter().map(|file| file.bytes.len() as u64).sum());
        if count > INPUT_FILES_MAX {
            let limit = INPUT_FILES_MAX as u64;
            return Err(SpecError::InputTooLarge { actual: count as u64, limit, unit: "files" });
        }
        if bytes > self.limits.input_bytes {
            return Err(SpecError::InputTooLarge { actual: bytes, limit: self.limits.input_bytes, unit: "bytes" });
        }
        let mut seen = std::collections::HashSet::new();
        for InputFile { path, .. } in &self.inputs {
            let safe = path.len() <= 255
                && path.split('/').all(|part| !["", ".", ".."].contains(&part))
                && !path.chars().any(|c| c.is_control() || c == '\\');
            if !safe {
                return Err(SpecError::InputPath(path.chars().take(300).collect()));
            }
            if !seen.insert(path) {
                return Err(SpecError::InputTwice(path.clone()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> String {
        format!("sha256:{}", "0a".repeat(32))
    }

    #[test]
    fn only_a_digest_names_an_image() {
        let digest = digest();
        assert_eq!(ImageRef::parse(&digest), Ok(ImageRef::Local(digest.clone())));
        let by_repository = format!("registry.example:5000/team/digits@{digest}");
        assert_eq!(ImageRef::parse(&by_repository).unwrap().to_string(), by_repository);
        for refused in [
            "digits".to_string(),
            "digits:latest".into(),
            "muster/digits:1.0".into(),
            "sha256:abc".into(),
            digest.to_uppercase(),
            format!("digits:latest@{digest}"),
            format!("@{digest}"),
            format!("digits@{}", &digest[..70]),
            format!("dig its@{digest}"),
        ] {
            assert!(matches!(ImageRef::parse(&refused), Err(SpecError::ImageNotByDigest(_))), "{refused} was taken");
        }
    }

    #[test]
    fn input_paths_stay_inside() {
        for path in ["/etc/passwd", "../x", "a/../../x", "a//b", "", ".", "a\\b", "a\nb"] {
            let mut spec = ContainerSpec::new("job", ImageRef::parse(&digest()).unwrap());
            spec.inputs.push(InputFile { path: path.into(), bytes: Vec::new() });
            assert!(matches!(spec.validate(), Err(SpecError::InputPath(_))), "{path:?} was taken");
        }
    }

    #[test]
    fn limits_that_cannot_be_kept_and_too_much_input_are_refused() {
        let mut spec = ContainerSpec::new("job", ImageRef::parse(&digest()).unwrap());
        assert_eq!(spec.validate(), Ok(()));
        spec.limits.input_bytes = 1;
        spec.inputs.push(InputFile { path: "a".into(), bytes: vec![0; 2] });
        assert_eq!(spec.validate(), Err(SpecError::InputTooLarge { actual: 2, limit: 1, unit: "bytes" }));
        spec.limits.memory_bytes = 0;
        assert!(matches!(spec.validate(), Err(SpecError::Limit { name: "memory_bytes", .. })));
    }
}
