//! The processes that the local network is made of: each in a process group and with a log file of its own, all of
//! them stopped again, whatever happens to this process.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use muster_localpg::guard::Guard;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

const STOP_WAIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
const LAST_LINES: usize = 12;

/// Runs when this process was killed: the file names process groups, and agents whose containers must go.
const GUARD: &str = r#"
each() { while read -r kind word _; do [ "$kind" = "$1" ] && $2 "$word"; done <"$file"; }
terminate() { kill -s TERM -- "-$1"; }
finish() { kill -s KILL -- "-$1"; }
sweep() {
  docker ps -aq --filter "label=muster.agent=$1" | xargs -r docker rm -f
  docker volume ls -q --filter "label=muster.agent=$1" | xargs -r docker volume rm -f
}
file=$1
each group terminate; sleep 2; each group finish; each agent sweep
"#;

/// Starts, watches and stops processes.
pub struct Supervisor {
    logs: PathBuf,
    register: PathBuf,
    running: Vec<Running>,
    living: Living,
    agents: Vec<String>,
    guard: Option<Guard>,
}

/// Names of what runs, as of the last look; for those who wait for an answer and must know whether one can come.
#[derive(Clone, Debug, Default)]
pub struct Living(Arc<Mutex<BTreeSet<String>>>);

/// A process that ended although nobody stopped it.
#[derive(Debug)]
pub struct Ended {
    pub name: String,
    pub status: ExitStatus,
    pub log: PathBuf,
}

struct Running {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Supervisor {
    /// Logs go to `logs`, which is emptied.
    pub fn new(logs: &Path) -> Result<Self> {
        if logs.exists() {
            fs::remove_dir_all(logs).with_context(|| format!("could not empty {}", logs.display()))?;
        }
        fs::create_dir_all(logs).with_context(|| format!("could not make {}", logs.display()))?;
        let register = logs.join("running");
        fs::write(&register, "")?;
        let guard = Guard::arm(GUARD, &[&register.to_string_lossy()])?;
        Ok(Self {
            logs: logs.to_path_buf(),
            register,
            running: Vec::new(),
            living: Living::default(),
            agents: Vec::new(),
            guard: Some(guard),
        })
    }

    /// Starts `command` under a name that is not in use.
    pub fn start(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let log = self.log_of(name);
        let out = File::options().create(true).append(true).open(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} could not be started: {}", command.get_program().to_string_lossy()))?;
        self.running.push(Running { name: name.into(), log, child });
        self.write_register();
        Ok(())
    }

    /// Containers with this agent's label are removed at the end.
    pub fn sweep_agent(&mut self, label: &str) {
        self.agents.push(label.into());
        self.write_register();
    }

    /// Those that ended since the last look although nobody stopped them. They are no longer watched.
    pub fn ended(&mut self) -> Result<Vec<Ended>> {
        let mut ended = Vec::new();
        let mut place = 0;
        while let Some(running) = self.running.get_mut(place) {
            let Some(status) = running.child.try_wait()? else {
                place += 1;
                continue;
            };
            let running = self.running.remove(place);
            // what it left in its group goes too
            running.signal(Signal::SIGKILL);
            ended.push(Ended { name: running.name, status, log: running.log });
        }
        if !ended.is_empty() {
            self.write_register();
        }
        Ok(ended)
    }

    /// Who runs, now and later.
    pub fn living(&self) -> Living {
        self.living.clone()
    }

    /// The last lines of a process's log.
    #[cfg(test)]
    pub fn tail(&self, name: &str) -> String {
        tail(&self.log_of(name))
    }

    /// Kills one process at once, as a crash would; false when it does not run.
    pub fn kill(&mut self, name: &str) -> bool {
        let Some(place) = self.running.iter().position(|running| running.name == name) else {
            return false;
        };
        let mut running = self.running.remove(place);
        running.signal(Signal::SIGKILL);
        let _ = running.child.wait();
        self.write_register();
        true
    }

    /// Stops all of them, the last one first, and removes their containers.
    pub fn stop_all(&mut self) {
        while let Some(running) = self.running.pop() {
            running.stop();
            self.write_register();
        }
        for agent in std::mem::take(&mut self.agents) {
            sweep(&agent);
        }
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
        let _ = fs::remove_file(&self.register);
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    fn write_register(&self) {
        self.living.replace(self.running.iter().map(|running| running.name.clone()).collect());
        let groups = self.running.iter().map(|running| format!("group {} {}\n", running.child.id(), running.name));
        let agents = self.agents.iter().map(|agent| format!("agent {agent}\n"));
        let fresh = self.register.with_extension("new");
        if fs::write(&fresh, groups.chain(agents).collect::<String>()).is_ok() {
            let _ = fs::rename(&fresh, &self.register);
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop_all();
    }
}

impl Living {
    /// Whether a process was started and has neither ended nor been stopped.
    pub fn runs(&self, name: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    fn replace(&self, names: BTreeSet<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }
}

impl Ended {
    /// The death and the log's last lines.
    pub fn with_last_words(&self) -> String {
        format!("{self}; the end of {}:\n{}", self.log.display(), tail(&self.log))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended by itself ({})", self.name, self.status)
    }
}

impl Running {
    fn signal(&self, signal: Signal) {
        let _ = killpg(Pid::from_raw(self.child.id() as i32), signal);
    }

    fn stop(mut self) -> Option<ExitStatus> {
        self.signal(Signal::SIGTERM);
        let deadline = Instant::now() + STOP_WAIT;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                // what it left in its group goes too
                self.signal(Signal::SIGKILL);
                return Some(status);
            }
            std::thread::sleep(POLL);
        }
        self.signal(Signal::SIGKILL);
        self.child.wait().ok()
    }
}

/// Removes the containers and volumes of one agent.
fn sweep(agent: &str) {
    let filter = format!("label=muster.agent={agent}");
    for (list, remove) in
        [(["ps", "-aq"].as_slice(), ["rm", "-f"].as_slice()), (&["volume", "ls", "-q"], &["volume", "rm", "-f"])]
    {
        let Ok(found) = Command::new("docker").args(list).args(["--filter", &filter]).output() else { return };
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        if !found.trim().is_empty() {
            let _ = Command::new("docker").args(remove).args(found.split_whitespace()).output();
        }
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}/cmdline")).exists()
            && fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn a_process_that_ends_by_itself_is_reported_once_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut supervisor = Supervisor::new(&folder.path().join("logs")).unwrap();
        supervisor.start("brief", Command::new("/bin/sh").args(["-c", "echo no disk left; exit 3"])).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        let living = supervisor.living();
        assert!(living.runs("brief"));
        let ended = loop {
            match supervisor.ended().unwrap().pop() {
                Some(ended) => break ended.with_last_words(),
                None => assert!(Instant::now() < deadline),
            }
            std::thread::sleep(POLL);
        };
        assert!(ended.contains("brief ended by itself") && ended.contains("no disk left"), "{ended}");
        assert!(!living.runs("brief") && supervisor.ended().unwrap().is_empty());
    }

    #[test]
    fn what_runs_ends_too_when_this_process_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut supervisor = Supervisor::new(&folder.path().join("logs")).unwrap();
        supervisor.start("patient", Command::new("/bin/sleep").arg("1000")).unwrap();
        // its pipe closes without a word, as it does when the process is gone
        drop(supervisor.guard.take());
        let ended = supervisor.ended().unwrap().pop().expect("the guard ended it");
        assert!(ended.to_string().contains("SIGTERM"), "{ended}");
    }

    #[test]
    fn what_ignores_the_request_to_stop_and_what_it_started_are_gone_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut supervisor = Supervisor::new(&folder.path().join("logs")).unwrap();
        let script = "sleep 1000 & echo $! >child; echo ready; exec sleep 1000";
        supervisor.start("parent", Command::new("/bin/sh").args(["-c", script]).current_dir(folder.path())).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while !supervisor.tail("parent").contains("ready") {
            assert!(Instant::now() < deadline);
            std::thread::sleep(POLL);
        }
        let child: u32 = fs::read_to_string(folder.path().join("child")).unwrap().trim().parse().unwrap();
        assert!(alive(child));
        drop(supervisor);
        assert!(!alive(child));
    }
}
