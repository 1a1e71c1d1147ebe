//! The transparency log and the ledger: what anybody may be handed as one of theirs.

use muster_protocol::ledger::Block;
use muster_protocol::tlog::checkpoint::Checkpoint;
use muster_protocol::tlog::entry::Entry;
use muster_protocol::tlog::note::{Note, Verifier};
use muster_protocol::tlog::tile::{Tile, entries_of, push_entry};
use muster_protocol::tlog::witness::AddCheckpoint;
use muster_protocol::wire::Reader;

use super::engine::Verdict;

fn text(bytes: &[u8], read: impl FnOnce(&str) -> Result<String, String>) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Verdict::Refused("no text".into());
    };
    match read(text) {
        Ok(again) => Verdict::Accepted(again.into_bytes()),
        Err(why) => Verdict::Refused(why),
    }
}

/// An entry of the log.
pub fn entry(bytes: &[u8]) -> Verdict {
    match Entry::decode(bytes) {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(entry) => Verdict::Accepted(entry.encode()),
    }
}

/// A block of the ledger.
pub fn block(bytes: &[u8]) -> Verdict {
    let mut reader = Reader::new(bytes);
    match Block::read(&mut reader).and_then(|block| reader.finish().map(|()| block)) {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(block) => {
            let mut again = Vec::new();
            block.write(&mut again);
            Verdict::Accepted(again)
        }
    }
}

/// A signed note.
pub fn note(bytes: &[u8]) -> Verdict {
    match Note::parse(bytes) {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(note) => Verdict::Accepted(note.encode().into_bytes()),
    }
}

/// The name and key of a log or a witness.
pub fn verifier(bytes: &[u8]) -> Verdict {
    text(bytes, |text| Verifier::decode(text).map(|verifier| verifier.encode()).map_err(|error| error.to_string()))
}

/// A checkpoint's text.
pub fn checkpoint(bytes: &[u8]) -> Verdict {
    text(bytes, |text| Checkpoint::parse(text).map(|checkpoint| checkpoint.text()).map_err(|error| error.to_string()))
}

/// A tile's path.
pub fn tile(bytes: &[u8]) -> Verdict {
    text(bytes, |text| Tile::parse(text).map(|tile| tile.path()).ok_or_else(|| "no tile".into()))
}

/// A bundle of entries.
pub fn bundle(bytes: &[u8]) -> Verdict {
    let Some(entries) = entries_of(bytes) else {
        return Verdict::Refused("no bundle".into());
    };
    let mut again = Vec::new();
    for entry in entries {
        push_entry(&mut again, entry);
    }
    Verdict::Accepted(again)
}

/// What a witness is asked.
pub fn add_checkpoint(bytes: &[u8]) -> Verdict {
    match AddCheckpoint::parse(bytes) {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(request) => Verdict::Accepted(request.encode().into_bytes()),
    }
}
