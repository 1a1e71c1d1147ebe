//! What must not outlive this process, however it ends.
//!
//! A guard is a small shell in a session of its own that reads from a pipe whose other end only this process holds.
//! When the process is gone, killed included, the read ends and the shell cleans up.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

/// Runs a shell script once this process is gone, unless [`Guard::disarm`] came first.
pub struct Guard {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// `script` is for `sh`; `args` are its `$1`, `$2`, ...
    ///
    /// # Errors
    /// When there is no shell to be started.
    pub fn arm(script: &str, args: &[&str]) -> std::io::Result<Self> {
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("read -r word; [ \"$word\" = disarm ] && exit 0\n{script}"))
            .arg("muster-guard")
            .args(args)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// Ends the guard without running its script.
    pub fn disarm(mut self) {
        self.release();
    }

    fn release(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(b"disarm\n");
            drop(pipe);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Guard {
    /// Dropped without [`Guard::disarm`], by a panic for example: the script runs now.
    fn drop(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            drop(pipe);
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_guard_runs_its_script_and_a_disarmed_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        for (name, disarmed) in [("dropped", false), ("disarmed", true)] {
            let file = folder.path().join(name);
            let guard = Guard::arm("touch \"$1\"", &[file.to_str().unwrap()]).unwrap();
            if disarmed {
                guard.disarm()
            } else {
                drop(guard)
            }
            assert_eq!(file.exists(), !disarmed, "{name}");
        }
    }
}
