//! `muster`, called as a user calls it: a process, flags, JSON on its standard output.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{command, paths};

/// The command line of one network.
#[derive(Clone, Debug)]
pub struct Muster {
    binary: PathBuf,
    rpc_url: String,
}

impl Muster {
    /// For the network behind `rpc_url`.
    pub fn new(rpc_url: &str) -> Result<Self> {
        Ok(Self { binary: paths::binary("muster")?, rpc_url: rpc_url.into() })
    }

    /// Runs `muster ARGUMENTS` signed by a key file, and reads the JSON that it prints.
    pub async fn run(&self, keypair: &str, arguments: &[&str]) -> Result<Value> {
        let name = format!("muster {}", arguments.join(" "));
        let mut command = Command::new(&self.binary);
        command.args(arguments).args(["--json", "--url", &self.rpc_url, "--keypair", keypair]);
        let said = command::output(&name, &mut command).await?;
        serde_json::from_str(&said)
            .with_context(|| format!("{name} printed no JSON: {}", said.chars().take(300).collect::<String>()))
    }
}

/// A text field of an answer; `path` is a JSON pointer.
pub fn text(answer: &Value, path: &str) -> Result<String> {
    let found = answer.pointer(path).with_context(|| format!("the answer has no {path}: {answer}"))?;
    Ok(found.as_str().map_or_else(|| found.to_string(), String::from))
}
