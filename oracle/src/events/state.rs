//! What events need to know after a restart: `DATA/events/state.json`, written whole before anything of it is told.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Event;
use super::hub::Hub;
use super::liveness::Liveness;
use super::ring::{EVENTS_MAX, Ring};
use crate::log::Storage;
use crate::log::storage::{read_whole, write_whole};

/// As JSON.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    next_id: u64,
    events: Vec<Event>,
    /// Node keys, base58.
    offline: Vec<String>,
    /// Of projects' epochs, what was told last: "PROJECT EPOCH" -> state and what is late.
    told: BTreeMap<String, Vec<String>>,
    /// How far each webhook has come.
    cursors: BTreeMap<String, u64>,
}

/// The file.
pub struct StateFile {
    storage: Arc<dyn Storage>,
    path: PathBuf,
}

/// What the task goes on with.
pub struct Memory {
    /// Who is offline.
    pub liveness: Liveness,
    /// What was told of projects' epochs.
    pub told: BTreeMap<String, Vec<String>>,
}

impl StateFile {
    /// In a folder of its own.
    pub fn new(storage: Arc<dyn Storage>, folder: &std::path::Path) -> Self {
        Self { storage, path: folder.join("state.json") }
    }

    /// What is there. A file that is no state is left where it is under another name: events are a service, and losing
    /// their numbers must not keep an oracle from counting.
    pub fn load(&self) -> io::Result<(Hub, Memory)> {
        let state = match read_whole(&*self.storage, &self.path)? {
            None => State::default(),
            Some(bytes) => match serde_json::from_slice(&bytes) {
                Ok(state) => state,
                Err(error) => {
                    let aside = self.path.with_extension("damaged");
                    tracing::error!(%error, aside = %aside.display(), "the state of events is damaged; beginning anew");
                    self.storage.rename(&self.path, &aside)?;
                    State::default()
                }
            },
        };
        let State { next_id, events, offline, told, cursors } = state;
        let key = |text: &String| {
            let mut key = [0; 32];
            (bs58::decode(text).onto(&mut key) == Ok(32)).then_some(key)
        };
        let liveness = Liveness::restore(offline.iter().filter_map(key));
        let ring = Ring::restore(EVENTS_MAX, next_id.max(1), events);
        Ok((Hub::new(ring, cursors), Memory { liveness, told }))
    }

    /// Makes it durable.
    pub fn save(&self, ring: &Ring, memory: &Memory, cursors: BTreeMap<String, u64>) -> io::Result<()> {
        let state = State {
            next_id: ring.next_id(),
            events: ring.events().map(|event| (**event).clone()).collect(),
            offline: memory.liveness.offline().iter().map(|key| bs58::encode(key).into_string()).collect(),
            told: memory.told.clone(),
            cursors,
        };
        let bytes = serde_json::to_vec(&state).map_err(io::Error::other)?;
        write_whole(&*self.storage, &self.path, &self.path.with_extension("new"), &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Draft, kind};
    use crate::log::storage::Disk;

    #[test]
    fn events_go_on_after_a_restart_with_the_next_number_and_what_was_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(Arc::new(Disk), folder.path());
        let (hub, mut memory) = file.load().unwrap();
        assert_eq!(hub.newest(), 0);
        let mut ring = hub.ring();
        for n in 0..3 {
            ring.push(Draft { kind: kind::NODE_OFFLINE, project: Some([n; 32]), data: serde_json::json!({}) }, 7);
        }
        memory.liveness = Liveness::restore([[4; 32]]);
        memory.told.insert("P 1".into(), vec!["ready".into()]);
        file.save(&ring, &memory, [("hook".to_owned(), 2)].into()).unwrap();

        let (again, kept) = file.load().unwrap();
        assert_eq!((again.newest(), again.cursor("hook"), again.cursor("other")), (3, 2, 3));
        assert_eq!(again.after(0, 10), ring.after(0, 10));
        assert_eq!((kept.liveness, kept.told), (memory.liveness, memory.told));

        // A file that is no state costs the numbers and nothing else.
        std::fs::write(folder.path().join("state.json"), b"{").unwrap();
        assert_eq!(file.load().unwrap().0.newest(), 0);
        assert!(folder.path().join("state.damaged").exists());
    }
}
