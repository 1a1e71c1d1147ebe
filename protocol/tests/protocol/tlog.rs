//! The transparency log, against what others made of the same specifications.

use std::cell::RefCell;
use std::collections::BTreeMap;

use muster_protocol::hash::{Hash, hashv};
use muster_protocol::receipt::BatchReceipt;
use muster_protocol::sig::SigningKey;
use muster_protocol::tlog::check::{BatchProof, Inclusion, LogFault, batch_is_logged, is_consistent};
use muster_protocol::tlog::checkpoint::{Checkpoint, cosign, cosigned_at, log_verifier, open, origin};
use muster_protocol::tlog::entry::{Batches, Entry};
use muster_protocol::tlog::leaf_hash;
use muster_protocol::tlog::note::{COSIGNATURE, ED25519, Note, NoteError, Verifier};
use muster_protocol::tlog::tile::{Tile, Tiles, entries_of, full_hash, hash_in, push_entry, tiles_of};
use muster_protocol::tlog::tree::{self, Node, verify_consistency, verify_inclusion};
use muster_protocol::tlog::witness::{AddCheckpoint, Known, Refusal, judge};
use muster_protocol::wire::Domain;
use proptest::prelude::*;

use crate::tlog_vectors::entries;

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_le_bytes())
}

/// The hash of a complete subtree, by the definition.
fn subtree(node: Node) -> Hash {
    match node.level.checked_sub(1) {
        None => leaf(node.index),
        Some(level) => muster_protocol::merkle::inner(
            &subtree(Node { level, index: 2 * node.index }),
            &subtree(Node { level, index: 2 * node.index + 1 }),
        ),
    }
}

fn ours(node: Node) -> Result<Hash, std::convert::Infallible> {
    Ok(subtree(node))
}

fn root(size: u64) -> Hash {
    let Ok(root) = tree::root(size, &mut ours);
    root
}

/// The other implementation's view of the same log.
struct Theirs(RefCell<BTreeMap<u64, Hash>>);

impl tlog_tiles::tlog::HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::tlog::Hash>, tlog_tiles::tlog::Error> {
        let mut held = self.0.borrow_mut();
        Ok(indexes
            .iter()
            .map(|index| {
                let hash = held.entry(*index).or_insert_with(|| {
                    let (level, index) = tlog_tiles::tlog::split_stored_hash_index(*index);
                    subtree(Node { level, index })
                });
                tlog_tiles::tlog::Hash(*hash)
            })
            .collect())
    }
}

fn theirs() -> Theirs {
    Theirs(RefCell::default())
}

#[test]
fn roots_and_proofs_are_those_of_another_implementation() {
    let other = theirs();
    let plain = |proof: Vec<tlog_tiles::tlog::Hash>| proof.into_iter().map(|hash| hash.0).collect::<Vec<_>>();
    for size in (1..70).chain([255, 256, 257, 511, 600]) {
        let expected = tlog_tiles::tlog::tree_hash(size, &other).unwrap().0;
        assert_eq!(root(size), expected, "root of {size}");
        for index in (0..size).filter(|index| size < 70 || index % 37 == 0 || size - index < 3) {
            let Ok(proof) = tree::inclusion_proof(index, size, &mut ours);
            assert_eq!(proof, plain(tlog_tiles::tlog::prove_record(size, index, &other).unwrap()), "{index} of {size}");
            assert!(verify_inclusion(&expected, size, index, &leaf(index), &proof));
        }
        for old in (1..=size).filter(|old| size < 70 || old % 41 == 0 || size - old < 3) {
            let Ok(proof) = tree::consistency_proof(old, size, &mut ours);
            assert_eq!(proof, plain(tlog_tiles::tlog::prove_tree(size, old, &other).unwrap()), "{old} to {size}");
            assert!(verify_consistency(old, &root(old), size, &expected, &proof));
        }
    }
    assert_eq!(root(0), tlog_tiles::tlog::EMPTY_HASH.0);
    assert!(verify_consistency(0, &root(0), 5, &root(5), &[]));
}

proptest! {
    /// A proof proves one entry of one tree, and nothing with anything about it changed.
    #[test]
    fn an_altered_proof_proves_nothing(size in 1u64..5_000, at in any::<u64>(), wrong in 0usize..6, bit in any::<u8>()) {
        let (index, root) = (at % size, root(size));
        let Ok(mut proof) = tree::inclusion_proof(index, size, &mut ours);
        let (mut size, mut index, mut entry, mut root) = (size, index, leaf(index), root);
        prop_assert!(verify_inclusion(&root, size, index, &entry, &proof));
        let flip = |hash: &mut Hash| hash[usize::from(bit) % 32] ^= 1 << (bit % 8);
        match wrong {
            0 if size > 1 => index = (index + 1) % size,
            // Where the tree of one more entry is another shape.
            1 if index + 1 == size => size += 1,
            2 => flip(&mut root),
            3 if !proof.is_empty() => { let at = usize::from(bit) % proof.len(); flip(&mut proof[at]); }
            4 => proof.push([0; 32]),
            _ => flip(&mut entry),
        }
        prop_assert!(!verify_inclusion(&root, size, index, &entry, &proof));
    }

    #[test]
    fn an_altered_consistency_proof_proves_nothing(size in 2u64..3_000, at in any::<u64>(), wrong in 0usize..5, bit in any::<u8>()) {
        let old = 1 + at % (size - 1);
        let Ok(mut proof) = tree::consistency_proof(old, size, &mut ours);
        let (mut before, mut after) = (root(old), root(size));
        prop_assert!(verify_consistency(old, &before, size, &after, &proof));
        let flip = |hash: &mut Hash| hash[usize::from(bit) % 32] ^= 1 << (bit % 8);
        match wrong {
            0 => flip(&mut before),
            1 => flip(&mut after),
            2 => { let at = usize::from(bit) % proof.len(); flip(&mut proof[at]); }
            3 => { proof.pop(); }
            _ => proof.push([0; 32]),
        }
        prop_assert!(!verify_consistency(old, &before, size, &after, &proof));
    }

    #[test]
    fn a_path_is_one_tile_and_nothing_else_reads_as_one(index in any::<u64>(), level in 0u8..9, width in 1u16..=256) {
        let level = level.checked_sub(1);
        let tile = Tile { level, index: index >> (index % 64), width };
        prop_assert_eq!(Tile::parse(&tile.path()), Some(tile));
        // The other implementation writes the tile's height, and `data` for entries.
        let other = tlog_tiles::tile::Tile::new(8, level.unwrap_or(0), tile.index, width.into(), level.is_none());
        let expected = other.path().replacen("tile/8/", "tile/", 1).replacen("/data/", "/entries/", 1);
        prop_assert_eq!(tile.path(), expected);
    }

    #[test]
    fn no_bytes_make_a_reader_of_the_log_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in ".{0,200}") {
        let _ = Note::parse(&bytes);
        let _ = Note::parse(text.as_bytes());
        let _ = AddCheckpoint::parse(&bytes);
        let _ = AddCheckpoint::parse(format!("old 1\n{text}\n\n{text}").as_bytes());
        let _ = Checkpoint::parse(&text);
        let _ = Verifier::decode(&text);
        let _ = Tile::parse(&text);
        let _ = entries_of(&bytes);
        let _ = full_hash(&bytes);
        let _ = hash_in(&bytes, Node { level: bytes.len() as u8 % 64, index: 3 });
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }
}

#[test]
fn tiles_are_the_specifications_examples() {
    assert_eq!(Tile { level: Some(0), index: 1_234_067, width: 256 }.path(), "tile/0/x001/x234/067");
    assert_eq!(Tile::entries(0, 8).map(|tile| tile.path()), Some("tile/entries/000.p/8".to_owned()));
    // A tree of 70,000 entries.
    let widths = |level, size: u64| {
        let tiles = (0u64..).map_while(move |index| Tile::of(level, index, size));
        tiles.map(|tile| tile.width).collect::<Vec<_>>()
    };
    let level_0 = widths(0, 70_000);
    assert_eq!((level_0.len(), level_0[272], level_0[273]), (274, 256, 112));
    assert_eq!((widths(1, 70_000), widths(2, 70_000), widths(3, 70_000)), (vec![256, 17], vec![1], vec![]));
    assert_eq!((widths(0, 256), widths(1, 256)), (vec![256], vec![1]));
    for wrong in [
        "tile/0/1",
        "tile/0/0001",
        "tile/00/001",
        "tile/8/001",
        "tile/0/x001",
        "tile/0/001.p/256",
        "tile/0/001.p/0",
        "tile/0/001.p/05",
        "tile/0/x000/001",
        "tile/data/001",
        "tile/0/001/",
        "tile/0/+01",
        "tile//001",
        "tile/entries",
    ] {
        assert_eq!(Tile::parse(wrong), None, "{wrong}");
    }
}

/// Tiles of a log as a server has them.
fn served(size: u64, nodes: &[Node]) -> Tiles {
    let tiles = tiles_of(nodes, size).into_iter().map(|tile| {
        let level = tile.level.expect("nodes are in tiles of hashes") * 8;
        let hashes = (0..u64::from(tile.width)).map(|at| subtree(Node { level, index: tile.index * 256 + at }));
        (tile, hashes.flatten().collect())
    });
    Tiles::new(size, tiles.collect())
}

#[test]
fn proofs_come_out_of_tiles() {
    for size in [1, 5, 255, 256, 257, 1_000, 70_000] {
        let expected = root(size);
        for index in [0, size / 3, size - 1] {
            let tiles = served(size, &tree::inclusion_nodes(index, size));
            let proof = tiles.inclusion_proof(index).expect("the tiles are there");
            assert!(verify_inclusion(&expected, size, index, &leaf(index), &proof), "{index} of {size}");
        }
        for old in [1, size / 2, size - 1].into_iter().filter(|old| (1..size).contains(old)) {
            let tiles = served(size, &tree::consistency_nodes(old, size));
            let proof = tiles.consistency_proof(old).expect("the tiles are there");
            assert!(verify_consistency(old, &root(old), size, &expected, &proof), "{old} to {size}");
        }
        assert_eq!(served(size, &tree::root_nodes(size)).root(), Ok(expected));
        assert!(Tiles::new(size, BTreeMap::new()).root().is_err());
    }
    let full: Vec<u8> = (0..256).flat_map(leaf).collect();
    assert_eq!(full_hash(&full), Some(subtree(Node { level: 8, index: 0 })));
    assert_eq!(full_hash(&full[32..]), None);
}

fn domain() -> Domain {
    Domain { genesis_tag: [1; 8], program: [2; 32] }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { origin: origin(&domain(), key(1).verifying_key().as_bytes()), size, root: root(size) }
}

#[test]
fn a_checkpoint_is_a_note_that_another_implementation_verifies() {
    let (log, witness) = (key(1), key(2));
    let checkpoint = checkpoint(300);
    let mut note = checkpoint.signed(&log).unwrap();
    note.signatures.push(cosign(&note.text, "witness.example/w1", &witness, 1_679_315_147));
    let bytes = note.encode();
    // Then this reader and the other one see the same.
    let verifier = log_verifier(&domain(), log.verifying_key().as_bytes());
    assert_eq!(Note::parse(bytes.as_bytes()).as_ref(), Ok(&note));
    assert_eq!(open(&note, &verifier).as_ref(), Ok(&checkpoint));
    let theirs = signed_note::Note::from_bytes(bytes.as_bytes()).unwrap();
    let known = signed_note::StandardVerifier::new(&verifier.encode()).unwrap();
    let known = signed_note::VerifierList::new(vec![Box::new(known)]);
    let (verified, unverified) = theirs.verify(&known).unwrap();
    assert_eq!((verified.len(), unverified.len(), theirs.to_bytes()), (1, 1, bytes.clone().into_bytes()));
    let read = tlog_tiles::checkpoint::Checkpoint::from_bytes(note.text.as_bytes()).unwrap();
    assert_eq!((read.origin(), read.size(), read.hash().0), (checkpoint.origin.as_str(), 300, checkpoint.root));
    // And a cosignature says when.
    let name = "witness.example/w1".to_owned();
    let witness = Verifier { name, kind: COSIGNATURE, key: witness.verifying_key().to_bytes() };
    assert_eq!(cosigned_at(&note, &witness), Ok(1_679_315_147));
    assert_eq!(Verifier::decode(&witness.encode()), Ok(witness.clone()));
    // Not by another key, nor as another kind of signature, nor over another text.
    let other = Verifier { key: [9; 32], ..witness.clone() };
    assert!(matches!(cosigned_at(&note, &other), Err(NoteError::NotSigned(_))));
    let other = Verifier { kind: ED25519, ..witness.clone() };
    assert!(matches!(cosigned_at(&note, &other), Err(NoteError::NotSigned(_))));
    let moved = Note { text: self::checkpoint(301).text(), ..note.clone() };
    assert!(matches!(cosigned_at(&moved, &witness), Err(NoteError::BadSignature(_))));
    assert!(matches!(open(&moved, &verifier), Err(NoteError::BadSignature(_))));
    let elsewhere = log_verifier(&Domain { genesis_tag: [9; 8], ..domain() }, &verifier.key);
    assert!(matches!(open(&note, &elsewhere), Err(NoteError::OtherLog { .. })));
}

/// The example of the specification.
#[test]
fn the_cosignature_of_the_specification_reads() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(text.as_bytes()).unwrap();
    assert_eq!(note.encode(), text);
    assert_eq!(Checkpoint::parse(&note.text).unwrap().size, 20_852_163);
    assert_eq!(note.signatures[1].bytes[..8], 1_679_315_147u64.to_be_bytes());
    for wrong in [text.replacen('\n', "", 1), text.replacen("\n\n", "\n", 1), text.replacen("\n\n", "\nmore\n\n", 1)] {
        let read = Note::parse(wrong.as_bytes()).and_then(|note| Checkpoint::parse(&note.text));
        assert!(read.is_err(), "{wrong}");
    }
}

fn request(old: u64, size: u64) -> AddCheckpoint {
    let Ok(proof) = tree::consistency_proof(old, size, &mut ours);
    AddCheckpoint { old_size: old, proof, note: checkpoint(size).signed(&key(1)).unwrap() }
}

/// Invariant O11.
#[test]
fn a_witness_takes_what_goes_on_and_refuses_rollbacks_and_forks() {
    let log = log_verifier(&domain(), key(1).verifying_key().as_bytes());
    let known = |size| Known { size, root: root(size) };
    // What goes on, also by nothing, is cosigned; the request is what the specification says it is.
    for (old, size) in [(0, 1), (0, 300), (1, 2), (255, 300), (256, 300), (300, 300)] {
        let request = request(old, size);
        assert_eq!(AddCheckpoint::parse(request.encode().as_bytes()).as_ref(), Ok(&request));
        let before = if old == 0 { Known::default() } else { known(old) };
        assert_eq!(judge(before, &request, &log), Ok(checkpoint(size)));
    }
    // A rollback: the log offers less than what was cosigned, from an earlier size or backwards.
    let behind = judge(known(300), &request(100, 200), &log);
    assert_eq!(behind, Err(Refusal::OtherSize { known: 300, named: 100 }));
    let backwards = AddCheckpoint { old_size: 300, ..request(200, 200) };
    assert_eq!(judge(known(300), &backwards, &log), Err(Refusal::Backwards { old: 300, size: 200 }));
    // A fork: another root of the same size, and a longer log with another past.
    let fork = |size| Checkpoint { root: hashv(&[b"fork"]), ..checkpoint(size) }.signed(&key(1)).unwrap();
    let same = AddCheckpoint { old_size: 300, proof: Vec::new(), note: fork(300) };
    assert_eq!(judge(known(300), &same, &log), Err(Refusal::Forked(300)));
    let longer = AddCheckpoint { note: fork(400), ..request(300, 400) };
    assert_eq!(judge(known(300), &longer, &log), Err(Refusal::BadProof { old: 300, size: 400 }));
    let unproven = AddCheckpoint { proof: Vec::new(), ..request(300, 400) };
    assert_eq!(judge(known(300), &unproven, &log), Err(Refusal::BadProof { old: 300, size: 400 }));
    // And another signer.
    let forged = AddCheckpoint { note: checkpoint(400).signed(&key(3)).unwrap(), ..request(300, 400) };
    assert!(matches!(judge(known(300), &forged, &log), Err(Refusal::NotSigned(_))));
}

fn receipts(first: u64, count: u64) -> Vec<BatchReceipt> {
    (first..first + count)
        .map(|number| BatchReceipt {
            oracle_key: [1; 32],
            batch_no: number,
            committed_at_ms: 1_000 + number,
            count: 3,
            root: leaf(number),
        })
        .collect()
}

#[test]
fn entries_read_back_and_have_one_encoding() {
    for entry in entries() {
        let bytes = entry.encode();
        assert_eq!(Entry::decode(&bytes), Ok(entry));
        for at in 0..bytes.len() {
            assert!(Entry::decode(&bytes[..at]).is_err());
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            if let Ok(read) = Entry::decode(&altered) {
                assert_eq!(read.encode(), altered);
            }
        }
    }
    let mut bundle = Vec::new();
    for entry in entries() {
        push_entry(&mut bundle, &entry.encode());
    }
    let expected: Vec<Vec<u8>> = entries().iter().map(Entry::encode).collect();
    assert_eq!(entries_of(&bundle), Some(expected.iter().map(Vec::as_slice).collect()));
    assert_eq!(entries_of(&bundle[..bundle.len() - 1]), None);
}

/// Invariant O10.
#[test]
fn a_receipt_is_logged_when_its_very_batch_is() {
    // Given a log whose entry 2 of 3 is of batches 7 to 11.
    let receipts = receipts(7, 5);
    let (batches, second) = Batches::of(&receipts).unwrap();
    let entry = Entry::Batches(batches).encode();
    let node = |node: Node| -> Result<Hash, std::convert::Infallible> {
        Ok(match (node.level, node.index) {
            (0, 2) => leaf_hash(&entry),
            (1, 1) => muster_protocol::merkle::inner(&leaf_hash(&entry), &leaf(3)),
            _ => subtree(node),
        })
    };
    let Ok(path) = tree::inclusion_proof(2, 3, &mut { node });
    let Ok(root) = tree::root(3, &mut { node });
    let signed = Checkpoint { origin: "log".into(), size: 3, root };
    let proof = |position: u32| BatchProof {
        batch_path: second.proof(position).unwrap(),
        inclusion: Inclusion { entry: entry.clone(), index: 2, size: 3, path: path.clone() },
    };
    for (position, receipt) in receipts.iter().enumerate() {
        assert_eq!(batch_is_logged(receipt, &proof(position as u32), &signed), Ok(()));
    }
    // Then a receipt with another root, time, count or number is not.
    let right = receipts[1];
    for wrong in [
        BatchReceipt { root: [9; 32], ..right },
        BatchReceipt { committed_at_ms: 1, ..right },
        BatchReceipt { count: 4, ..right },
        BatchReceipt { batch_no: 9, ..right },
        BatchReceipt { batch_no: 6, ..right },
        BatchReceipt { batch_no: 12, ..right },
    ] {
        let refused = batch_is_logged(&wrong, &proof(1), &signed);
        assert_eq!(refused, Err(LogFault::OtherBatch(wrong.batch_no)));
    }
    // Nor is the right one in another log, or in one of another size.
    let other = Checkpoint { root: [8; 32], ..signed.clone() };
    assert_eq!(batch_is_logged(&right, &proof(1), &other), Err(LogFault::NotIncluded(2)));
    let larger = Checkpoint { size: 4, ..signed.clone() };
    assert_eq!(batch_is_logged(&right, &proof(1), &larger), Err(LogFault::OtherSize { proof: 3, checkpoint: 4 }));
    // And a gap between batches makes no entry.
    assert_eq!(Batches::of(&[receipts[0], receipts[2]]).map(|(entry, _)| entry), None);
    assert_eq!(Batches::of(&[]).map(|(entry, _)| entry), None);
    assert!(is_consistent(&signed, &signed, &[]).is_ok());
    assert!(is_consistent(&signed, &other, &[]).is_err());
}
