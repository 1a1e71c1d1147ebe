//! Settings out of a YAML file, the environment and flags, each stronger than the one before, and where each came
//! from.
//!
//! A binary keeps its settings in one struct whose fields are all `Option`, derived with `clap::Args` (flags and
//! `env`), `Serialize` and `Deserialize`; the file has the fields' names as keys. [`load`] merges, [`Loaded::table`]
//! is what `config show` prints.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, parser::ValueSource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Where a setting's value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Nobody set it, and it has no default.
    Unset,
    Default,
    File,
    Environment,
    Flag,
}

impl Origin {
    /// Its name in `config show`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    pub key: String,
    /// Null when unset; masked when secret.
    pub value: Value,
    pub origin: Origin,
}

/// Merged settings.
#[derive(Debug)]
pub struct Loaded<T> {
    pub settings: T,
    origins: Vec<Setting>,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the configuration file {path} cannot be read: {why}")]
    File { path: PathBuf, why: String },
    #[error("the configuration file {path} has an unknown key {key:?}{}; known are {known}", meant(.near))]
    UnknownKey { path: PathBuf, key: String, near: Option<String>, known: String },
    #[error("a setting cannot be used: {0}")]
    Value(String),
}

/// Merges `defaults`, the file and `given`, what clap parsed. `matches` tells flags from environment; arguments are
/// looked up by the fields' names in it and in the subcommands that were called. `secrets` are keys whose values
/// [`Loaded::table`] masks.
pub fn load<T: Serialize + DeserializeOwned>(
    matches: &ArgMatches,
    given: &T,
    file: Option<&Path>,
    defaults: &T,
    secrets: &[&str],
) -> Result<Loaded<T>, SettingsError> {
    let defaults = object(defaults)?;
    let given = object(given)?;
    let known: Vec<&String> = given.keys().collect();
    let from_file = match file {
        None => Map::new(),
        Some(path) => read_file(path, &known)?,
    };
    let mut merged = Map::new();
    let mut origins = Vec::with_capacity(given.len());
    for (key, value) in &given {
        let set = |source: &Map<String, Value>| source.get(key).filter(|value| !value.is_null()).cloned();
        let (value, origin) = if !value.is_null() {
            (value.clone(), given_origin(matches, key))
        } else if let Some(value) = set(&from_file) {
            (value, Origin::File)
        } else if let Some(value) = set(&defaults) {
            (value, Origin::Default)
        } else {
            (Value::Null, Origin::Unset)
        };
        let shown = if secrets.contains(&key.as_str()) { mask(&value) } else { value.clone() };
        origins.push(Setting { key: key.clone(), value: shown, origin });
        merged.insert(key.clone(), value);
    }
    let settings =
        serde_json::from_value(Value::Object(merged)).map_err(|error| SettingsError::Value(error.to_string()))?;
    Ok(Loaded { settings, origins })
}

impl<T> Loaded<T> {
    /// Every key in alphabetical order with its value and origin.
    pub fn table(&self) -> &[Setting] {
        &self.origins
    }

    /// [`Loaded::table`] as aligned lines: key, value, origin.
    pub fn text(&self) -> String {
        let rows: Vec<(&str, String, &str)> = self
            .origins
            .iter()
            .map(|setting| (setting.key.as_str(), plain(&setting.value), setting.origin.name()))
            .collect();
        let keys = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
        let values = rows.iter().map(|row| row.1.chars().count()).max().unwrap_or(0);
        rows.iter().map(|(key, value, origin)| format!("{key:keys$}  {value:values$}  {origin}\n")).collect()
    }

    /// [`Loaded::table`] as JSON: `[{key, value, origin}]`.
    pub fn json(&self) -> Value {
        serde_json::json!(self.origins)
    }
}

fn object<T: Serialize>(settings: &T) -> Result<Map<String, Value>, SettingsError> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(SettingsError::Value("the settings are not a struct".to_owned())),
        Err(error) => Err(SettingsError::Value(error.to_string())),
    }
}

fn read_file(path: &Path, known: &[&String]) -> Result<Map<String, Value>, SettingsError> {
    let failed = |why: String| SettingsError::File { path: path.to_owned(), why };
    let found: Map<String, Value> = config::Config::builder()
        .add_source(config::File::from(path).format(config::FileFormat::Yaml))
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| failed(error.to_string()))?;
    for key in found.keys() {
        if !known.contains(&key) {
            let known: Vec<&str> = known.iter().map(|key| key.as_str()).collect();
            let (near, known) = (nearest(key, &known), known.join(", "));
            return Err(SettingsError::UnknownKey { path: path.to_owned(), key: key.clone(), near, known });
        }
    }
    Ok(found)
}

/// The known key that was meant, if one is near enough: a slip of the finger, or a flag's spelling.
fn nearest(key: &str, known: &[&str]) -> Option<String> {
    let key = key.replace('-', "_");
    let likeness = |known: &&&str| (strsim::jaro_winkler(&key, known) * 1000.0) as u32;
    let near = known.iter().max_by_key(likeness).filter(|known| likeness(known) >= 800);
    near.map(|near| (*near).to_owned())
}

fn meant(near: &Option<String>) -> String {
    near.as_ref().map_or_else(String::new, |near| format!(" (is {near:?} meant?)"))
}

/// Flag or environment, whichever clap took the value from.
fn given_origin(matches: &ArgMatches, key: &str) -> Origin {
    let mut level = Some(matches);
    while let Some(matches) = level {
        if let Ok(true) = matches.try_contains_id(key) {
            match matches.value_source(key) {
                Some(ValueSource::EnvVariable) => return Origin::Environment,
                Some(ValueSource::DefaultValue) => return Origin::Default,
                Some(_) => return Origin::Flag,
                None => {}
            }
        }
        level = matches.subcommand().map(|(_, matches)| matches);
    }
    Origin::Flag
}

/// Hides a secret; of an address only the password.
fn mask(value: &Value) -> Value {
    let Value::String(text) = value else {
        return if value.is_null() { Value::Null } else { Value::String("********".to_owned()) };
    };
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (user_info, host) = rest.rsplit_once('@')?;
        let user = user_info.split(':').next().unwrap_or("");
        // What follows a question mark can hold a password too.
        let host = host.split('?').next().unwrap_or("");
        Some(format!("{scheme}://{user}:********@{host}"))
    });
    Value::String(hidden.unwrap_or_else(|| "********".to_owned()))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
    struct Example {
        #[arg(long, env = "MUSTER_TEST_SETTINGS_PORT")]
        port: Option<u16>,
        #[arg(long)]
        data_dir: Option<PathBuf>,
        #[arg(long)]
        oracle: Option<Vec<String>>,
        #[arg(long)]
        database_url: Option<String>,
    }

    fn run(file: Option<&str>, arguments: &[&str]) -> Result<Loaded<Example>, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.yaml");
        std::fs::write(&path, file.unwrap_or("")).unwrap();
        let command = Example::augment_args(clap::Command::new("example"));
        let matches = command.get_matches_from([&["example"], arguments].concat());
        let given = Example::from_arg_matches(&matches).unwrap();
        let defaults = Example { port: Some(80), ..Example::default() };
        load(&matches, &given, file.map(|_| path.as_path()), &defaults, &["database_url"])
    }

    fn origin(loaded: &Loaded<Example>, key: &str) -> Origin {
        loaded.table().iter().find(|setting| setting.key == key).unwrap().origin
    }

    #[test]
    fn a_flag_beats_the_file_which_beats_the_default() {
        let loaded = run(None, &[]).unwrap();
        assert_eq!((loaded.settings.port, origin(&loaded, "port")), (Some(80), Origin::Default));
        assert_eq!(origin(&loaded, "data_dir"), Origin::Unset);
        let file = "port: 81\noracle: [\"http://a\", \"http://b\"]\n";
        let loaded = run(Some(file), &[]).unwrap();
        assert_eq!((loaded.settings.port, origin(&loaded, "port")), (Some(81), Origin::File));
        assert_eq!(loaded.settings.oracle.as_deref().map(<[String]>::len), Some(2));
        let loaded = run(Some(file), &["--port", "82"]).unwrap();
        assert_eq!((loaded.settings.port, origin(&loaded, "port")), (Some(82), Origin::Flag));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = run(Some("prot: 81\n"), &[]).unwrap_err().to_string();
        assert!(error.contains("\"prot\" (is \"port\" meant?)"), "{error}");
        let error = run(Some("data-dir: /x\n"), &[]).unwrap_err().to_string();
        assert!(error.contains("is \"data_dir\" meant?"), "{error}");
        let error = run(Some("zzz: 1\n"), &[]).unwrap_err().to_string();
        assert!(!error.contains("meant") && error.contains("known are data_dir"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_refused() {
        assert!(matches!(run(Some("port: many\n"), &[]), Err(SettingsError::Value(_))));
    }

    #[test]
    fn a_secret_is_used_but_not_shown() {
        let url = "postgres://muster:hunter2@localhost/muster";
        let loaded = run(None, &["--database-url", url]).unwrap();
        assert_eq!(loaded.settings.database_url.as_deref(), Some(url));
        assert!(loaded.text().contains("postgres://muster:********@localhost/muster"), "{}", loaded.text());
        assert!(!loaded.json().to_string().contains("hunter2"));
    }
}
