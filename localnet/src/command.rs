//! Commands that are run to their end: never longer than this process lives, and with their words in the error.

use std::{
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use muster_localpg::guard::Guard;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

const TIME_MAX: Duration = Duration::from_secs(900);
const LAST_LINES: usize = 12;

/// Ends the whole process group when the wait for it is given up, or when this process is killed.
struct Group {
    pid: Option<i32>,
    guard: Option<Guard>,
}

impl Group {
    fn of(pid: Option<u32>) -> std::io::Result<Self> {
        let pid = pid.map(|pid| pid as i32);
        let guard = pid.map(|pid| Guard::arm("kill -s KILL -- \"-$1\"", &[&pid.to_string()])).transpose()?;
        Ok(Self { pid, guard })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
    }
}

/// What `command` prints to its standard output. It is killed with all it started when this future is dropped.
pub async fn output(name: &str, command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let owned = std::mem::replace(command, Command::new("true"));
    let child = tokio::process::Command::from(owned).spawn().with_context(|| format!("{name} could not be started"))?;
    let mut group = Group::of(child.id())?;
    let output = tokio::time::timeout(TIME_MAX, child.wait_with_output())
        .await
        .with_context(|| format!("{name} did not end within {} s", TIME_MAX.as_secs()))??;
    group.pid = None;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(out);
    }
    let said = out + &String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n  ");
    bail!("{name} failed ({}):\n  {last}", output.status)
}
