use std::path::Path;
use std::sync::Arc;

use muster_protocol::ledger::{Block, ChainId, Data, Tail};

use super::{Books, chain_of, encode, name};
use crate::log::storage::Disk;

const PROJECT: ChainId = ChainId::Project([7; 32]);

fn blocks(chain: ChainId, count: u64) -> Vec<Block> {
    let mut tail = Tail::default();
    let mut blocks = Vec::new();
    for number in 0..count {
        let data = match chain {
            ChainId::Jobs => Data::Job {
                job: [number as u8; 32],
                state: 2,
                outcome_hash: [2; 32],
                result_hash: [3; 32],
                to_nodes: 80,
                to_treasury: 20,
                returned: 0,
            },
            ChainId::Project(project) => Data::Settlement {
                project,
                epoch: number,
                revision: 0,
                points_root: [4; 32],
                root: [5; 32],
                total: number,
                dataset_hash: [6; 32],
            },
        };
        let block = tail.next(data, Data::settled_at(number, 100));
        tail = Tail { index: block.index, hash: block.hash };
        blocks.push(block);
    }
    blocks
}

fn open(folder: &Path) -> Books {
    Books::open(Arc::new(Disk), folder.join("ledger"), 100).expect("the books open")
}

#[test]
fn blocks_are_kept_over_a_restart_and_read_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let books = open(folder.path());
    for chain in [ChainId::Jobs, PROJECT] {
        let all = blocks(chain, 5);
        assert_eq!(books.tail(&chain), Tail::default());
        books.append(chain, &all[..2]).unwrap();
        books.append(chain, &all[2..]).unwrap();
        // One that does not follow is refused, and nothing of it stays.
        assert!(books.append(chain, &all[1..2]).is_err());
        assert_eq!(books.tail(&chain), Tail { index: 5, hash: all[4].hash });
    }
    drop(books);
    let books = open(folder.path());
    for chain in [ChainId::Jobs, PROJECT] {
        let all = blocks(chain, 5);
        assert_eq!(books.blocks(&chain, 1, 100).unwrap(), all);
        assert_eq!(books.blocks(&chain, 2, 2).unwrap(), all[1..3]);
        for beyond in [0, 6, u64::MAX] {
            assert_eq!(books.blocks(&chain, beyond, 10).unwrap(), []);
        }
        assert_eq!(chain_of(&name(&chain)), Some(chain));
    }
    assert_eq!(chain_of("x"), None);
}

#[test]
fn what_is_damaged_is_cut_off_and_written_again() {
    for chain in [ChainId::Jobs, PROJECT] {
        let all = blocks(chain, 4);
        let len = encode(&all[0]).len();
        for at in [0, len, 2 * len + 50, 4 * len - 1] {
            let folder = tempfile::tempdir().unwrap();
            open(folder.path()).append(chain, &all).unwrap();
            let path = folder.path().join("ledger").join(name(&chain));
            let mut bytes = std::fs::read(&path).unwrap();
            assert_eq!(bytes.len(), 4 * len);
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            let books = open(folder.path());
            let good = at / len;
            assert_eq!(books.tail(&chain).index, good as u64);
            books.append(chain, &all[good..]).unwrap();
            assert_eq!(books.blocks(&chain, 1, 10).unwrap(), all);
        }
    }
}
