//! Who PostgreSQL runs as: this user, or an unprivileged one where this user is root.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, io};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// None: this user.
    ids: Option<(u32, u32)>,
}

impl Owner {
    pub(crate) fn choose() -> Result<Self, Error> {
        let me = fs::metadata("/proc/self").map_err(io("could not ask who runs this:", Path::new("/proc/self")))?;
        if me.uid() != 0 {
            return Ok(Self { ids: None });
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = ["postgres", "nobody"].iter().find_map(|name| ids_of(&passwd, name));
        ids.map(|ids| Self { ids: Some(ids) }).ok_or(Error::NoUser)
    }

    /// `tool`, to be run as the owner.
    pub(crate) fn command(self, tool: &Path) -> Command {
        let mut command = Command::new(tool);
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid).current_dir("/");
        }
        command
    }

    pub(crate) fn give(self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.ids else {
            return Ok(());
        };
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(io("could not give away", path))
    }

    /// `wanted` where the owner can reach it, else a folder of the same name under the system's temporary folder.
    pub(crate) fn reachable(self, wanted: &Path) -> PathBuf {
        if self.ids.is_none() || wanted.ancestors().skip(1).all(open_to_all) {
            return wanted.to_path_buf();
        }
        let name = wanted.to_string_lossy().replace('/', "-");
        std::env::temp_dir().join(format!("muster{name}"))
    }

    pub(crate) fn is_somebody_else(self) -> bool {
        self.ids.is_some()
    }
}

fn open_to_all(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0)
}

fn ids_of(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let entry = fields.find(|entry| entry.first() == Some(&name))?;
    Some((entry.get(2)?.parse().ok()?, entry.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgresql:x:7:7:::\npostgres:x:101:104:::\n";
        assert_eq!(ids_of(passwd, "postgres"), Some((101, 104)));
        assert_eq!(ids_of(passwd, "nobody"), None);
    }

    #[test]
    fn a_closed_folder_is_replaced_by_one_that_the_owner_reaches() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let wanted = home.path().join("postgres");
        let other = Owner { ids: Some((65534, 65534)) };
        assert_ne!(other.reachable(&wanted), wanted);
        assert_eq!(Owner { ids: None }.reachable(&wanted), wanted);
    }
}
