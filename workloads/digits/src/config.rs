//! What a job may set, in `/input/config.json`.

use std::{fs::File, io::Read, path::Path};

use serde_json::Value;

const CONFIG_BYTES_MAX: u64 = 64 * 1024;
const EPOCHS_MAX: u64 = 10_000;
const BATCH_MAX: u64 = 1_000;
const LEARNING_RATE_MAX: f64 = 10.0;

/// Settings of one training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Decides the first weights and the order of the images.
    pub seed: u64,
    /// Passes over the training images, 1 to 10,000.
    pub epochs: u32,
    /// Step of the gradient descent, over 0 and up to 10.
    pub learning_rate: f64,
    /// Images per step, 1 to 1,000.
    pub batch: usize,
    /// Fail on purpose, to show how a failing job is treated.
    pub fail: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, epochs: 120, learning_rate: 0.1, batch: 16, fail: false }
    }
}

impl Config {
    /// Reads the file; an absent one means the defaults.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        match File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(format!("cannot open {}: {error}", path.display())),
            Ok(file) => file
                .take(CONFIG_BYTES_MAX + 1)
                .read_to_string(&mut text)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?,
        };
        if text.len() as u64 > CONFIG_BYTES_MAX {
            return Err(format!("{} is larger than {CONFIG_BYTES_MAX} bytes", path.display()));
        }
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let Value::Object(fields) = value else {
            return Err("it must be a JSON object such as {\"seed\": 1, \"epochs\": 120}".into());
        };
        let mut config = Self::default();
        for (name, value) in &fields {
            match name.as_str() {
                "seed" => config.seed = integer(name, value, 0, u64::MAX)?,
                "epochs" => config.epochs = integer(name, value, 1, EPOCHS_MAX)? as u32,
                "batch" => config.batch = integer(name, value, 1, BATCH_MAX)? as usize,
                "learning_rate" => {
                    config.learning_rate =
                        value.as_f64().filter(|rate| *rate > 0.0 && *rate <= LEARNING_RATE_MAX).ok_or_else(|| {
                            format!(
                                "learning_rate is {value}, but must be a number over 0 and up to {LEARNING_RATE_MAX}"
                            )
                        })?;
                }
                "fail" => {
                    config.fail =
                        value.as_bool().ok_or_else(|| format!("fail is {value}, but must be true or false"))?;
                }
                _ => {
                    return Err(format!(
                        "the field {name:?} is unknown; known are seed, epochs, learning_rate, batch and fail"
                    ));
                }
            }
        }
        Ok(config)
    }
}

fn integer(name: &str, value: &Value, least: u64, most: u64) -> Result<u64, String> {
    value
        .as_u64()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("{name} is {value}, but must be a whole number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_fields_take_their_defaults() {
        let config = Config::parse(r#"{"seed": 7, "epochs": 3}"#).unwrap();
        assert_eq!(config, Config { seed: 7, epochs: 3, ..Config::default() });
        assert_eq!(Config::read(Path::new("/nonexistent/config.json")), Ok(Config::default()));
    }

    #[test]
    fn a_bad_config_is_refused_with_a_sentence_that_names_the_value() {
        for (text, part) in [
            ("{", "not JSON"),
            ("[1]", "must be a JSON object"),
            (r#"{"epochs": 0}"#, "epochs is 0, but must be a whole number from 1 to 10000"),
            (r#"{"epochs": 10001}"#, "epochs is 10001"),
            (r#"{"epochs": 1.5}"#, "epochs is 1.5"),
            (r#"{"seed": -1}"#, "seed is -1"),
            (r#"{"batch": 0}"#, "batch is 0"),
            (r#"{"learning_rate": 0}"#, "learning_rate is 0"),
            (r#"{"learning_rate": "fast"}"#, "learning_rate is \"fast\""),
            (r#"{"fail": 1}"#, "fail is 1"),
            (r#"{"epoch": 1}"#, "the field \"epoch\" is unknown"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(part), "{text} gave: {error}");
        }
    }
}
