//! The hash-chained ledger.

use muster_protocol::ledger::{Block, ChainId, Data, Tail};
use muster_protocol::wire::Reader;

const EPOCH_LEN: u64 = 86_400;

fn job(state: u8) -> Data {
    Data::Job {
        job: [state; 32],
        state,
        outcome_hash: [2; 32],
        result_hash: [3; 32],
        to_nodes: 80,
        to_treasury: 20,
        returned: 5,
    }
}

fn settlement(epoch: u64) -> Data {
    Data::Settlement {
        project: [7; 32],
        epoch,
        revision: 1,
        points_root: [4; 32],
        root: [5; 32],
        total: 600,
        dataset_hash: [6; 32],
    }
}

/// Three blocks of jobs and three of settlements.
fn chains() -> [(ChainId, Vec<Block>); 2] {
    let mut tails = [Tail::default(); 2];
    let mut blocks = [Vec::new(), Vec::new()];
    for number in 0..3 {
        let new = [
            tails[0].next(job(2 + number as u8), 1_700_000_000 + number),
            tails[1].next(settlement(number as u64), Data::settled_at(number as u64, EPOCH_LEN)),
        ];
        for (at, block) in new.into_iter().enumerate() {
            tails[at] = Tail { index: block.index, hash: block.hash };
            blocks[at].push(block);
        }
    }
    let [jobs, settlements] = blocks;
    [(ChainId::Jobs, jobs), (ChainId::Project([7; 32]), settlements)]
}

fn follow(chain: ChainId, blocks: &[Block]) -> Option<Tail> {
    blocks.iter().try_fold(Tail::default(), |tail, block| tail.follow(chain, block, EPOCH_LEN).ok())
}

#[test]
fn an_honest_chain_leads_to_its_head_and_reads_back() {
    for (chain, blocks) in chains() {
        let head = follow(chain, &blocks).expect("the chain is good");
        assert_eq!((head.index, head.hash), (3, blocks[2].hash));
        for block in blocks {
            let mut bytes = Vec::new();
            block.write(&mut bytes);
            let mut reader = Reader::new(&bytes);
            assert_eq!(Block::read(&mut reader), Ok(block));
            assert_eq!(reader.remaining(), 0);
        }
    }
}

/// Every byte of every block, and so every field, for that is all that a block is written with. Whoever also writes the
/// hashes anew ends at another head.
#[test]
fn no_byte_of_a_block_is_altered_unnoticed() {
    for (chain, blocks) in chains() {
        let head = follow(chain, &blocks);
        let mut altered = 0;
        for (at, block) in blocks.iter().enumerate() {
            let mut bytes = Vec::new();
            block.write(&mut bytes);
            for byte in 0..bytes.len() {
                let mut bytes = bytes.clone();
                bytes[byte] ^= 1;
                let Ok(wrong) = Block::read(&mut Reader::new(&bytes)) else {
                    continue;
                };
                altered += 1;
                let mut all = blocks.clone();
                all[at] = wrong;
                assert_eq!(follow(chain, &all), None, "byte {byte} of block {at} of {chain:?}");
                // A forger of the whole rest of the chain.
                let tail = at
                    .checked_sub(1)
                    .map_or_else(Tail::default, |before| Tail { index: all[before].index, hash: all[before].hash });
                let mut forged = tail.next(wrong.data, wrong.timestamp);
                let same = forged.data == block.data && forged.timestamp == block.timestamp;
                let mut rest = all[..at].to_vec();
                for block in all[at..].iter().skip(1) {
                    rest.push(forged);
                    forged = Tail { index: forged.index, hash: forged.hash }.next(block.data, block.timestamp);
                }
                rest.push(forged);
                assert!(same || follow(chain, &rest) != head, "byte {byte} of block {at} of {chain:?}");
            }
        }
        assert!(altered > 600, "{altered}");
    }
}

#[test]
fn no_block_is_left_out_added_or_moved() {
    for (chain, blocks) in chains() {
        let head = follow(chain, &blocks);
        for wrong in [
            vec![blocks[0], blocks[2]],
            vec![blocks[1], blocks[2]],
            vec![blocks[0], blocks[0], blocks[1], blocks[2]],
            vec![blocks[1], blocks[0], blocks[2]],
        ] {
            assert_eq!(follow(chain, &wrong), None);
        }
        assert_ne!(follow(chain, &blocks[..2]), head);
    }
}
