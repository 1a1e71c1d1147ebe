//! Appends to the log of transparency what is durable elsewhere, once a second, and signs what it has come to. It owns
//! its files, waits for nobody and lets nobody wait.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use muster_protocol::hash::hashv;
use muster_protocol::ledger::{Block, ChainId, Tail};
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::sig::FrameSigner;
use muster_protocol::tlog::checkpoint::{Checkpoint, log_verifier, open, origin};
use muster_protocol::tlog::entry::{BATCHES_MAX, Batches, Entry, NodeDay, ViewLogged};
use muster_protocol::tlog::note::Note;
use muster_protocol::tlog::tile::WIDTH;
use muster_protocol::view::View;
use muster_protocol::wire::{Domain, Frame, WireError};
use tokio::sync::watch;

use super::catch_up::batches_from;
use super::cursors::{CursorFile, Cursors};
use super::journal::Pending;
use super::sides::{self, SideIndex};
use super::status::{Signed, Status};
use super::tree::{Appender, LogTree};
use crate::log::storage::{Storage, read_whole, write_whole};
use crate::signer::OracleKey;

/// Batches that wait in memory; beyond it they are read from the segment log again.
const WAITING_MAX: usize = 1 << 16;
/// Nodes of a view that one turn appends at most.
const NODES_PER_TURN: usize = 1 << 16;
/// Blocks of a chain that one turn appends at most.
const BLOCKS_PER_TURN: u64 = 1_024;

/// Own views and the ledger's blocks, as far as they are durable.
pub trait Sources: Send {
    /// The epochs of which views are here, ascending.
    fn view_epochs(&self) -> io::Result<Vec<u64>>;
    /// This oracle's own signed view of an epoch.
    fn own_view(&self, epoch: u64) -> io::Result<Option<Vec<u8>>>;
    /// How far each chain of the ledger is known.
    fn tails(&self) -> BTreeMap<ChainId, Tail>;
    /// Blocks of a chain from an index on.
    fn blocks(&self, chain: &ChainId, from: u64, limit: u64) -> io::Result<Vec<Block>>;
}

/// Why the log cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TlogError {
    /// The disk failed.
    #[error("the transparency log's files: {0}")]
    Disk(#[from] io::Error),
    /// What was signed is not what is there.
    #[error(
        "this oracle signed a transparency log of {signed} entries that its files do not hold: they are damaged, or a \
         copy of them is older than what was signed; put the folder tlog back as it was, or start with a new key"
    )]
    NotWhatWasSigned {
        /// Entries of the signed log.
        signed: u64,
    },
    /// An entry or a view that does not decode.
    #[error("the transparency log's own bytes do not read: {0}")]
    Wire(#[from] WireError),
}

/// What a writer is made from.
pub struct WriterStart {
    /// Which network.
    pub domain: Domain,
    /// Signs checkpoints; the oracle's own.
    pub signing_key: OracleKey,
    /// The disk.
    pub storage: Arc<dyn Storage>,
    /// The oracle's data folder.
    pub data_dir: PathBuf,
    /// Batches as they become durable. One that is dropped on the way is read from the segment log.
    pub committed: Receiver<BatchReceipt>,
    /// Views and blocks.
    pub sources: Box<dyn Sources>,
    /// Milliseconds for which a single batch can be proven.
    pub sides_keep_ms: u64,
}

struct OpenView {
    view: View,
    hash: [u8; 32],
    at: usize,
}

/// See the module.
pub struct Writer {
    start: WriterStart,
    oracle_key: [u8; 32],
    appender: Appender,
    cursors: Cursors,
    waiting: VecDeque<BatchReceipt>,
    /// The newest batch that is known to be durable.
    newest_batch: u64,
    /// Below it batches are gone, and counted.
    missed_before: u64,
    view: Option<OpenView>,
    sides: Arc<Mutex<SideIndex>>,
    signed: Option<Checkpoint>,
    status: Arc<Status>,
    publish: watch::Sender<Option<Signed>>,
}

impl Writer {
    /// Opens the log, and refuses one that is not what was signed.
    pub fn open(start: WriterStart) -> Result<Self, TlogError> {
        let folder = start.data_dir.join("tlog");
        let oracle_key = start.signing_key.public_key();
        let file = read_whole(&*start.storage, &folder.join("cursors"))?;
        let file: CursorFile = file.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let appender = Appender::open(start.storage.clone(), folder.clone(), file.size)?;
        let tree = appender.tree();
        let from = if file.size <= tree.size() { file.size } else { 0 };
        let mut cursors = if from == 0 { Cursors::default() } else { file.into() };
        for index in from..tree.size() {
            let entry = tree.entry(index)?;
            cursors.pass(index, &entry.ok_or_else(|| io::Error::other(format!("entry {index} is missing")))?)?;
        }
        let verifier = log_verifier(&start.domain, &oracle_key);
        let note = read_whole(&*start.storage, &folder.join("checkpoint"))?;
        let signed = note.and_then(|bytes| Note::parse(&bytes).ok()).and_then(|note| {
            let checkpoint = open(&note, &verifier).ok()?;
            Some(Signed { checkpoint, note })
        });
        let status = Arc::new(Status::default());
        if let Some(Signed { checkpoint, .. }) = &signed
            && (checkpoint.size > tree.size() || tree.root(checkpoint.size)? != checkpoint.root)
        {
            return Err(TlogError::NotWhatWasSigned { signed: checkpoint.size });
        }
        status.size.store(tree.size(), Ordering::Relaxed);
        status.set_heads(cursors.tails.clone());
        if let Some(signed) = &signed {
            status.serve(signed.clone());
        }
        Ok(Self {
            oracle_key,
            sides: Arc::new(Mutex::new(SideIndex::open(&tree)?)),
            publish: watch::Sender::new(signed.clone()),
            signed: signed.map(|signed| signed.checkpoint),
            appender,
            cursors,
            waiting: VecDeque::new(),
            newest_batch: 0,
            missed_before: 0,
            view: None,
            status,
            start,
        })
    }

    /// The log to read.
    pub fn tree(&self) -> Arc<LogTree> {
        self.appender.tree()
    }

    /// What it says about itself.
    pub fn status(&self) -> Arc<Status> {
        self.status.clone()
    }

    /// Which bundles hold which batches.
    pub fn sides(&self) -> Arc<Mutex<SideIndex>> {
        self.sides.clone()
    }

    /// Every checkpoint that was signed; whoever looks sees the newest.
    pub fn signed(&self) -> watch::Receiver<Option<Signed>> {
        self.publish.subscribe()
    }

    /// One turn: appends what there is and signs it.
    pub fn turn(&mut self, now_ms: u64) -> Result<(), TlogError> {
        self.receive()?;
        let mut entries = Vec::new();
        self.take_batches(now_ms / 1_000, &mut entries);
        self.take_view(&mut entries)?;
        self.take_blocks(&mut entries)?;
        let bundle_before = self.tree().size() / WIDTH;
        if !entries.is_empty() {
            self.append(entries)?;
        }
        if self.tree().size() / WIDTH > bundle_before {
            self.keep_cursors()?;
            let before_ms = now_ms.saturating_sub(self.start.sides_keep_ms);
            let mut sides = self.sides.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            sides.prune(&self.appender.tree(), before_ms)?;
        }
        self.sign(now_ms)?;
        let lag = self.newest_batch.saturating_add(1).saturating_sub(self.cursors.next_batch.max(1));
        self.status.lag_batches.store(lag, Ordering::Relaxed);
        Ok(())
    }

    /// Takes what was committed since; a gap is read from the segment log.
    fn receive(&mut self) -> Result<(), TlogError> {
        while let Ok(receipt) = self.start.committed.try_recv() {
            self.newest_batch = self.newest_batch.max(receipt.batch_no);
            if self.waiting.len() < WAITING_MAX {
                self.waiting.push_back(receipt);
            }
        }
        let next = self.cursors.next_batch.max(1);
        self.waiting.retain(|receipt| receipt.batch_no >= next);
        let consecutive = self.waiting.iter().zip(next..).all(|(receipt, number)| receipt.batch_no == number);
        if self.newest_batch >= next && (!consecutive || self.waiting.is_empty()) {
            let folder = self.start.data_dir.join("log");
            let mut found = batches_from(&*self.start.storage, &folder, self.oracle_key, next)?;
            // What nobody told of may not be synced yet.
            found.retain(|receipt| receipt.batch_no <= self.newest_batch);
            let first = found.first().or(self.waiting.front()).map_or(next, |receipt| receipt.batch_no);
            if first > next.max(self.missed_before) {
                let missed = first - next.max(self.missed_before);
                self.missed_before = first;
                tracing::error!(first = next, missed, "batches are gone that the transparency log never held");
                self.status.missed_batches.fetch_add(missed, Ordering::Relaxed);
            }
            if !found.is_empty() {
                self.waiting = found.into();
            }
        }
        Ok(())
    }

    /// One entry for each second that is over.
    fn take_batches(&mut self, now_s: u64, entries: &mut Vec<Pending>) {
        while let Some(first) = self.waiting.front() {
            let (second, number) = (first.committed_at_ms / 1_000, first.batch_no);
            let belongs = |(at, receipt): &(usize, &BatchReceipt)| {
                receipt.committed_at_ms / 1_000 == second && receipt.batch_no == number + *at as u64
            };
            let count = self.waiting.iter().enumerate().take(BATCHES_MAX as usize).take_while(belongs).count();
            if count == self.waiting.len() && second >= now_s {
                break;
            }
            let receipts: Vec<BatchReceipt> = self.waiting.drain(..count).collect();
            if let Some((batches, _)) = Batches::of(&receipts) {
                let entry = Entry::Batches(batches).encode();
                entries.push(Pending { entry, side: sides::encode(&receipts) });
            }
        }
    }

    /// The nodes of this oracle's next view, in its order, then the view.
    fn take_view(&mut self, entries: &mut Vec<Pending>) -> Result<(), TlogError> {
        if self.view.is_none() {
            let next = self.cursors.next_view;
            for epoch in self.start.sources.view_epochs()?.into_iter().filter(|epoch| *epoch >= next) {
                if let Some(bytes) = self.start.sources.own_view(epoch)? {
                    let (view, _) = View::decode(&self.start.domain, &bytes)?;
                    let logged = self.cursors.within.filter(|(within, _)| *within == epoch).map(|(_, key)| key);
                    let at = logged.map_or(0, |key| view.nodes.partition_point(|node| node.node_key <= key));
                    self.view = Some(OpenView { view, hash: hashv(&[&bytes]), at });
                    break;
                }
            }
        }
        let Some(OpenView { view, hash, at }) = &mut self.view else {
            return Ok(());
        };
        for node in view.nodes.iter().skip(*at).take(NODES_PER_TURN) {
            let entry = Entry::NodeDay(NodeDay {
                epoch: view.epoch.get(),
                node_key: node.node_key,
                bitmap_digest: node.bitmap.digest(view.epoch),
                counted: node.bitmap.count(),
                buckets: view.buckets,
                last_frame_hash: if node.last_frame.is_empty() { [0; 32] } else { hashv(&[&node.last_frame]) },
            });
            entries.push(Pending { entry: entry.encode(), side: Vec::new() });
        }
        *at += NODES_PER_TURN;
        if *at >= view.nodes.len() {
            let nodes = view.nodes.len() as u32;
            let entry = Entry::View(ViewLogged { epoch: view.epoch.get(), view_hash: *hash, nodes });
            entries.push(Pending { entry: entry.encode(), side: Vec::new() });
            self.view = None;
        }
        Ok(())
    }

    fn take_blocks(&mut self, entries: &mut Vec<Pending>) -> Result<(), TlogError> {
        for (chain, tail) in self.start.sources.tails() {
            let (logged, _) = self.cursors.tails.get(&chain).copied().unwrap_or_default();
            if tail.index > logged.index {
                let blocks = self.start.sources.blocks(&chain, logged.index + 1, BLOCKS_PER_TURN)?;
                let entry = |block| Pending { entry: Entry::Block(block).encode(), side: Vec::new() };
                entries.extend(blocks.into_iter().map(entry));
            }
        }
        Ok(())
    }

    fn append(&mut self, entries: Vec<Pending>) -> Result<(), TlogError> {
        let mut passed = self.cursors.clone();
        let mut index = self.tree().size();
        let mut notes = Vec::new();
        for pending in &entries {
            passed.pass(index, &pending.entry)?;
            if !pending.side.is_empty() {
                notes.push((index / WIDTH, pending.side.clone()));
            }
            index += 1;
        }
        self.appender.append(entries)?;
        self.cursors = passed;
        self.status.set_heads(self.cursors.tails.clone());
        let mut sides = self.sides.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (bundle, side) in notes {
            sides.note(bundle, &side);
        }
        self.status.size.store(index, Ordering::Relaxed);
        Ok(())
    }

    fn keep_cursors(&self) -> Result<(), TlogError> {
        let file = self.cursors.to_file(self.tree().size());
        let bytes = serde_json::to_vec(&file).map_err(io::Error::other)?;
        self.write("cursors", &bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TlogError> {
        let folder = self.start.data_dir.join("tlog");
        Ok(write_whole(&*self.start.storage, &folder.join(name), &folder.join("temporary"), bytes)?)
    }

    /// Signs what the log has come to, once for each size. It is on disk before anybody sees it, so that no restart
    /// forgets what was signed.
    fn sign(&mut self, now_ms: u64) -> Result<(), TlogError> {
        let tree = self.tree();
        let size = tree.size();
        if self.signed.as_ref().map_or(0, |signed| signed.size) >= size {
            return Ok(());
        }
        let origin = origin(&self.start.domain, &self.oracle_key);
        let checkpoint = Checkpoint { origin, size, root: tree.root(size)? };
        let note = checkpoint.signed(&self.start.signing_key).map_err(WireError::from)?;
        self.write("checkpoint", note.encode().as_bytes())?;
        self.signed = Some(checkpoint.clone());
        self.status.signed_at_ms.store(now_ms, Ordering::Relaxed);
        self.publish.send_replace(Some(Signed { checkpoint, note }));
        Ok(())
    }
}
