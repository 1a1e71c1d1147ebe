use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use muster_protocol::bitmap::Bitmap;
use muster_protocol::hash::{Hash, hashv};
use muster_protocol::ledger::{Block, ChainId, Data, Tail};
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::sig::SigningKey;
use muster_protocol::tlog::check::{batch_is_logged, is_consistent};
use muster_protocol::tlog::checkpoint::{log_verifier, open};
use muster_protocol::tlog::entry::Entry;
use muster_protocol::tlog::leaf_hash;
use muster_protocol::tlog::note::Verifier;
use muster_protocol::tlog::tile::{Tile, entries_of};
use muster_protocol::tlog::tree::{Node, consistency_proof, root};
use muster_protocol::units::{Bucket, EpochIndex};
use muster_protocol::view::{NodeView, View};
use muster_protocol::wire::{Domain, Frame};
use proptest::prelude::*;

use super::Transparency;
use super::journal::Pending;
use super::status::Signed;
use super::tree::Appender;
use super::writer::{Sources, TlogError, Writer, WriterStart};
use crate::core::batch::Draft;
use crate::log::storage::Disk;
use crate::log::{Log, Options, Position, SegmentLog};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn oracle_key() -> [u8; 32] {
    key().verifying_key().to_bytes()
}

fn domain() -> Domain {
    Domain { genesis_tag: [1; 8], program: [2; 32] }
}

fn verifier() -> Verifier {
    log_verifier(&domain(), &oracle_key())
}

/// Views and blocks, in memory.
#[derive(Clone, Default)]
struct Held {
    views: Arc<Mutex<BTreeMap<u64, Vec<u8>>>>,
    blocks: Arc<Mutex<Vec<Block>>>,
}

impl Held {
    fn put_view(&self, epoch: u64, nodes: u8) {
        let node = |number: u8| {
            let mut bitmap = Bitmap::new(10);
            for bucket in 0..=number % 10 {
                bitmap.set(Bucket::new(bucket.into()));
            }
            NodeView { node_key: [number; 32], bitmap, refused: Vec::new(), last_frame: Vec::new() }
        };
        let nodes = (0..nodes).map(node).collect();
        let view = View { oracle_key: oracle_key(), epoch: EpochIndex::new(epoch), buckets: 10, nodes };
        self.views.lock().unwrap().insert(epoch, view.encode_signed(&domain(), &key()).unwrap());
    }

    fn put_block(&self) {
        let mut blocks = self.blocks.lock().unwrap();
        let tail = blocks.last().map_or_else(Tail::default, |block| Tail { index: block.index, hash: block.hash });
        let data = Data::Job {
            job: [tail.index as u8; 32],
            state: 2,
            outcome_hash: [2; 32],
            result_hash: [3; 32],
            to_nodes: 80,
            to_treasury: 20,
            returned: 0,
        };
        blocks.push(tail.next(data, 1_700_000_000));
    }
}

impl Sources for Held {
    fn view_epochs(&self) -> io::Result<Vec<u64>> {
        Ok(self.views.lock().unwrap().keys().copied().collect())
    }

    fn own_view(&self, epoch: u64) -> io::Result<Option<Vec<u8>>> {
        Ok(self.views.lock().unwrap().get(&epoch).cloned())
    }

    fn tails(&self) -> BTreeMap<ChainId, Tail> {
        let blocks = self.blocks.lock().unwrap();
        blocks.last().map(|block| (ChainId::Jobs, Tail { index: block.index, hash: block.hash })).into_iter().collect()
    }

    fn blocks(&self, _: &ChainId, from: u64, limit: u64) -> io::Result<Vec<Block>> {
        let blocks = self.blocks.lock().unwrap();
        Ok(blocks.iter().filter(|block| block.index >= from).take(limit as usize).copied().collect())
    }
}

/// An oracle's segment log and its writer, over a folder.
struct World {
    folder: tempfile::TempDir,
    log: SegmentLog,
    next_batch: u64,
    receipts: Vec<BatchReceipt>,
    held: Held,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes_max: 4 << 10, reserve_bytes: 0, clock: Arc::new(|| 0) };
        let mut log = SegmentLog::open(Arc::new(Disk), &folder.path().join("log"), oracle_key(), options).unwrap();
        log.replay(&Position::START, &mut |_, _| Ok(())).unwrap();
        Self { folder, log, next_batch: 1, receipts: Vec::new(), held: Held::default() }
    }

    fn writer(&self, committed: Receiver<BatchReceipt>) -> Result<Writer, TlogError> {
        Writer::open(WriterStart {
            domain: domain(),
            signing_key: key().into(),
            storage: Arc::new(Disk),
            data_dir: self.folder.path().into(),
            committed,
            sources: Box::new(self.held.clone()),
            sides_keep_ms: 3_600_000,
        })
    }

    /// Commits a batch; it is told unless it gets lost on the way.
    fn commit(&mut self, at_ms: u64, told: Option<&SyncSender<BatchReceipt>>) {
        let mut draft = Draft::new(1, 8);
        if !self.next_batch.is_multiple_of(3) {
            let frame = self.next_batch.to_le_bytes();
            draft.push(at_ms, &frame, &hashv(&[&frame]));
        }
        let (record, committed) = draft.finish(oracle_key(), self.next_batch, at_ms);
        self.log.append_batch(&[&record]).unwrap();
        self.log.sync().unwrap();
        self.next_batch += 1;
        self.receipts.push(*committed.receipt());
        if let Some(told) = told {
            told.try_send(*committed.receipt()).unwrap();
        }
    }
}

fn entries(writer: &Writer) -> Vec<Entry> {
    let tree = writer.tree();
    (0..tree.size()).map(|index| Entry::decode(&tree.entry(index).unwrap().unwrap()).unwrap()).collect()
}

/// The numbers of all batches in the log, in its order.
fn batches(writer: &Writer) -> Vec<u64> {
    let numbers = entries(writer).into_iter().filter_map(|entry| match entry {
        Entry::Batches(batches) => Some(batches.first_batch_no..batches.first_batch_no + u64::from(batches.count)),
        _ => None,
    });
    numbers.flatten().collect()
}

fn signed(writer: &Writer) -> Signed {
    writer.signed().borrow().clone().expect("something is signed")
}

/// Every batch proves, against the checkpoint that is signed.
fn assert_all_prove(writer: &Writer, receipts: &[BatchReceipt]) {
    writer.status().serve(signed(writer));
    let log = Transparency::of(writer, verifier(), Vec::new());
    for receipt in receipts {
        let (proof, signed) = log.prove(receipt.batch_no).unwrap();
        let checkpoint = open(&signed.note, &verifier()).unwrap();
        assert_eq!(batch_is_logged(receipt, &proof, &checkpoint), Ok(()), "batch {}", receipt.batch_no);
    }
    assert!(log.prove(receipts.last().map_or(1, |last| last.batch_no + 1)).is_err());
}

fn node(entries: &[Vec<u8>], at: Node) -> Hash {
    match at.level.checked_sub(1) {
        None => leaf_hash(&entries[at.index as usize]),
        Some(level) => muster_protocol::merkle::inner(
            &node(entries, Node { level, index: 2 * at.index }),
            &node(entries, Node { level, index: 2 * at.index + 1 }),
        ),
    }
}

/// Invariant O9.
#[test]
fn one_entry_a_second_holds_its_batches_and_every_batch_proves() {
    let mut world = World::new();
    let (told, committed) = sync_channel(1_000);
    let mut writer = world.writer(committed).unwrap();
    for at_ms in [1_000, 1_001, 1_999, 2_000, 5_500] {
        world.commit(at_ms, Some(&told));
    }
    // The second that is not over waits.
    writer.turn(5_900).unwrap();
    assert_eq!(batches(&writer), [1, 2, 3, 4]);
    assert_eq!(writer.tree().size(), 2);
    world.held.put_view(7, 3);
    world.held.put_block();
    writer.turn(6_000).unwrap();
    assert_eq!(batches(&writer), [1, 2, 3, 4, 5]);
    assert_all_prove(&writer, &world.receipts);
    // The view's nodes come before it, the block after them.
    let all = entries(&writer);
    let counted: Vec<u32> = all
        .iter()
        .filter_map(|entry| match entry {
            Entry::NodeDay(node) => Some(node.counted),
            _ => None,
        })
        .collect();
    assert_eq!((all.len(), counted), (8, vec![1, 2, 3]));
    assert!(matches!(all[6], Entry::View(view) if (view.epoch, view.nodes) == (7, 3)));
    assert!(matches!(all[7], Entry::Block(block) if block.index == 1));
    // And nothing is logged or signed twice.
    let before = signed(&writer);
    writer.turn(9_000).unwrap();
    assert_eq!((writer.tree().size(), signed(&writer).note), (8, before.note));
}

/// Invariant O9: whatever is lost on the way, whenever the writer is stopped, no batch is left out or logged twice.
#[test]
fn what_was_missed_is_read_from_the_segment_log() {
    let mut world = World::new();
    let (told, committed) = sync_channel(1_000);
    // Given batches before the writer starts, some that are not told to it, and several segments.
    for number in 0..200 {
        world.commit(1_000 + 100 * number, None);
    }
    let mut writer = world.writer(committed).unwrap();
    writer.turn(30_000).unwrap();
    assert_eq!(writer.tree().size(), 0, "nobody told of any");
    for number in 200..400 {
        let lost = number % 7 == 0;
        world.commit(1_000 + 100 * number, Some(&told).filter(|_| !lost));
    }
    writer.turn(90_000).unwrap();
    let last = world.receipts.last().unwrap().batch_no;
    let expected: Vec<u64> = (1..=last).collect();
    // Those after the last that was told wait for the next.
    assert!(expected.starts_with(&batches(&writer)) && batches(&writer).len() >= 399);
    world.commit(100_000, Some(&told));
    writer.turn(200_000).unwrap();
    assert_eq!(batches(&writer), (1..=last + 1).collect::<Vec<_>>());
    assert_all_prove(&writer, &world.receipts);
    // When it is started again with batches in between.
    drop(writer);
    world.commit(101_000, None);
    world.commit(102_000, None);
    let (told, committed) = sync_channel(1_000);
    let mut writer = world.writer(committed).unwrap();
    world.commit(103_000, Some(&told));
    writer.turn(200_000).unwrap();
    assert_eq!(batches(&writer), (1..=last + 4).collect::<Vec<_>>());
    assert_all_prove(&writer, &world.receipts);
    assert_eq!(writer.status().json()["missed_batches"], 0);
}

/// Invariant O10: never two roots for one size, and every log goes on from every one that was signed.
#[test]
fn every_signed_log_goes_on_from_every_one_before_over_restarts() {
    let mut world = World::new();
    let mut all: Vec<Signed> = Vec::new();
    let mut now_ms = 0;
    for round in 0..12u64 {
        let (told, committed) = sync_channel(1_000);
        let mut writer = world.writer(committed).unwrap();
        if let Some(last) = all.last() {
            assert_eq!(signed(&writer).note, last.note, "a restart forgot what was signed");
        }
        for _ in 0..40 {
            now_ms += 1_000;
            world.commit(now_ms, Some(&told));
            if round % 4 == 0 {
                world.held.put_block();
            }
            writer.turn(now_ms).unwrap();
            all.push(signed(&writer));
        }
        world.held.put_view(round, 20);
    }
    let (_told, committed) = sync_channel(1);
    let writer = world.writer(committed).unwrap();
    let tree = writer.tree();
    assert!(tree.size() > 600, "{}", tree.size());
    for (old, new) in all.iter().zip(&all[1..]).chain(all.iter().zip(all.iter().rev())) {
        let (old, new) = (&old.checkpoint, &new.checkpoint);
        if old.size <= new.size {
            let proof = consistency_proof(old.size, new.size, &mut |node| tree.hash(node)).unwrap();
            assert_eq!(is_consistent(old, new, &proof), Ok(()));
        }
    }
    all.dedup_by_key(|signed| signed.checkpoint.size);
    assert!(all.is_sorted_by(|a, b| a.checkpoint.size < b.checkpoint.size));
}

/// Invariant O10: an old copy of the files, or damaged ones, is not signed on.
#[test]
fn a_log_that_is_not_what_was_signed_is_not_gone_on_with() {
    let mut world = World::new();
    let (told, committed) = sync_channel(1_000);
    let mut writer = world.writer(committed).unwrap();
    for number in 1..=10 {
        world.commit(1_000 * number, Some(&told));
        writer.turn(1_000 * number + 1_000).unwrap();
    }
    drop(writer);
    let journal = world.folder.path().join("tlog/journal");
    let whole = std::fs::read(&journal).unwrap();
    for wrong in [whole[..whole.len() / 2].to_vec(), Vec::new(), {
        let mut flipped = whole.clone();
        flipped[30] ^= 1;
        flipped
    }] {
        std::fs::write(&journal, wrong).unwrap();
        let refused = world.writer(sync_channel(1).1);
        assert!(matches!(refused, Err(TlogError::NotWhatWasSigned { signed: 10 })));
    }
    std::fs::write(&journal, whole).unwrap();
    assert!(world.writer(sync_channel(1).1).is_ok());
}

/// What stays of a folder when it is cut off in the middle of its last write.
fn copy(from: &Path, to: &Path, cut: impl Fn(&str, usize) -> Option<usize> + Copy) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            copy(&path, &to.join(&name), cut);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if let Some(len) = cut(&name, bytes.len()) {
            std::fs::write(to.join(name), &bytes[..len]).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Tiles, bundles, hashes and roots are the definition's, whatever the portions and wherever a crash cuts: what was
    /// appended whole is there, and the log goes on from it.
    #[test]
    fn the_tree_on_disk_is_the_definitions(
        portions in proptest::collection::vec(1usize..400, 1..6), cut in 0usize..4_000, lost in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut appender = Appender::open(Arc::new(Disk), folder.path().join("tlog"), 0).unwrap();
        let mut all: Vec<Vec<u8>> = Vec::new();
        for portion in portions {
            let new: Vec<Vec<u8>> = (0..portion).map(|at| (all.len() + at).to_le_bytes().to_vec()).collect();
            let pending = new.iter().map(|entry| Pending { entry: entry.clone(), side: vec![entry[0]] }).collect();
            appender.append(pending).unwrap();
            all.extend(new);
        }
        check(&appender, &all)?;
        drop(appender);
        // A crash: the journal's end is torn, and tiles that follow from bundles never came.
        let after = tempfile::tempdir().unwrap();
        let is_tile = |name: &str| lost && name.len() == 3;
        copy(&folder.path().join("tlog"), &after.path().join("tlog"), |name, len| match name {
            "journal" => Some(len.saturating_sub(cut)),
            _ => Some(len),
        });
        if lost {
            let tiles = after.path().join("tlog/tile/0");
            for entry in std::fs::read_dir(&tiles).into_iter().flatten() {
                let entry = entry.unwrap();
                prop_assert!(is_tile(entry.file_name().to_str().unwrap()));
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        let mut appender = Appender::open(Arc::new(Disk), after.path().join("tlog"), 0).unwrap();
        let kept = appender.tree().size() as usize;
        prop_assert!(kept >= all.len() / 256 * 256 && (cut > 0 || kept == all.len()));
        all.truncate(kept);
        check(&appender, &all)?;
        let entry = vec![7; 9];
        appender.append(vec![Pending { entry: entry.clone(), side: Vec::new() }; 300]).unwrap();
        all.extend(std::iter::repeat_n(entry, 300));
        check(&appender, &all)?;
    }
}

fn check(appender: &Appender, all: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let (tree, size) = (appender.tree(), all.len() as u64);
    prop_assert_eq!(tree.size(), size);
    let mut expected = |at: Node| -> Result<Hash, io::Error> { Ok(node(all, at)) };
    for size in [0, size.min(1), size / 2, size] {
        prop_assert_eq!(tree.root(size).unwrap(), root(size, &mut expected).unwrap());
    }
    for index in 0..size.div_ceil(256) {
        for tile in [Tile::entries(index, size).unwrap(), Tile::of(0, index, size).unwrap()] {
            // Of any width, so that a checkpoint that is replaced still has its tiles.
            for width in [1, tile.width / 2, tile.width].into_iter().filter(|width| *width > 0) {
                let bytes = tree.tile(&Tile { width, ..tile }).unwrap().unwrap();
                let expected = &all[index as usize * 256..][..width.into()];
                match tile.level {
                    None => prop_assert!(entries_of(&bytes).unwrap().iter().eq(expected.iter())),
                    Some(_) => prop_assert!(
                        bytes.as_chunks::<32>().0.iter().eq(expected
                            .iter()
                            .map(|e| leaf_hash(e))
                            .collect::<Vec<_>>()
                            .iter())
                    ),
                }
            }
            let beyond = Tile { width: 256, ..tile };
            prop_assert_eq!(tree.tile(&beyond).unwrap().is_some(), tile.is_full());
        }
    }
    Ok(())
}
