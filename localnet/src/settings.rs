//! What may be chosen, from a file, the environment or flags.

use std::path::PathBuf;

use muster_client::shell::log::LogSettings;
use serde::{Deserialize, Serialize};

/// Settings of `up` and `demo`; `config show` prints them with their origins.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct Given {
    /// Seconds of an epoch; a multiple of the bucket.
    #[arg(long, env = "EPOCH_S")]
    pub epoch_s: Option<u32>,
    /// Seconds of a bucket.
    #[arg(long, env = "BUCKET_S")]
    pub bucket_s: Option<u32>,
    /// Seconds after an epoch's end in which views are committed.
    #[arg(long, env = "GRACE_S")]
    pub grace_s: Option<u32>,
    /// Seconds between a root's approval and its activation; at most half of an epoch.
    #[arg(long, env = "ROOT_DELAY_S")]
    pub root_delay_s: Option<u32>,
    /// Port of the API and its page on 127.0.0.1.
    #[arg(long, env = "MUSTER_API_PORT")]
    pub api_port: Option<u16>,
    /// Folder of the run: keys, data, logs, evidence, summary.json.
    #[arg(long, env = "MUSTER_DEMO_DIR")]
    pub folder: Option<PathBuf>,
    /// End after the summary instead of running on.
    #[arg(long, env = "ONCE", num_args = 0..=1, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new())]
    pub once: Option<bool>,
    /// Log of this program, and of the services that it starts.
    #[command(flatten)]
    #[serde(flatten)]
    pub log: LogSettings,
}

/// Settings in force.
#[derive(Clone, Debug)]
pub struct Settings {
    pub epoch_s: u32,
    pub bucket_s: u32,
    pub grace_s: u32,
    pub root_delay_s: u32,
    pub api_port: u16,
    pub folder: PathBuf,
    pub once: bool,
    pub log_level: String,
}

impl Given {
    /// What holds where nobody chose.
    pub fn defaults() -> Self {
        Self {
            epoch_s: Some(120),
            bucket_s: Some(10),
            grace_s: Some(20),
            root_delay_s: Some(10),
            api_port: Some(8080),
            folder: Some(crate::paths::root().join("target/demo")),
            once: Some(false),
            log: LogSettings::at("info"),
        }
    }

    /// The settings, or the sentence that says what is wrong with them.
    pub fn check(self) -> Result<Settings, String> {
        let defaults = Self::defaults();
        let number = |given: Option<u32>, default: Option<u32>| given.or(default).unwrap_or_default();
        let settings = Settings {
            epoch_s: number(self.epoch_s, defaults.epoch_s),
            bucket_s: number(self.bucket_s, defaults.bucket_s),
            grace_s: number(self.grace_s, defaults.grace_s),
            root_delay_s: number(self.root_delay_s, defaults.root_delay_s),
            api_port: self.api_port.or(defaults.api_port).unwrap_or_default(),
            folder: self.folder.or(defaults.folder).unwrap_or_default(),
            once: self.once.unwrap_or_default(),
            log_level: self.log.log_level.unwrap_or_else(|| "info".into()),
        };
        let Settings { epoch_s, bucket_s, root_delay_s, .. } = settings;
        if bucket_s == 0 || !epoch_s.is_multiple_of(bucket_s) || epoch_s < 2 * bucket_s {
            return Err(format!(
                "an epoch of {epoch_s} s does not hold whole buckets of {bucket_s} s, two at least: choose EPOCH_S as a multiple of {bucket_s}, or BUCKET_S"
            ));
        }
        if epoch_s > 7 * 86_400 {
            return Err(format!("EPOCH_S={epoch_s} is more than a week, 604800"));
        }
        if root_delay_s > epoch_s / 2 {
            return Err(format!("ROOT_DELAY_S={root_delay_s} is more than half of the epoch, {}", epoch_s / 2));
        }
        Ok(settings)
    }
}
