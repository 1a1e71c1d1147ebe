use muster_protocol::merkle::{EMPTY, MAX_DEPTH, MAX_LEAVES, Tree, depth, inner, root_from_proof, verify};
use muster_protocol::{Hash, hashv};
use proptest::prelude::*;

fn leaves(count: u32) -> Vec<Hash> {
    (0..count).map(|i| hashv(&[b"leaf", &i.to_le_bytes()])).collect()
}

/// The definition: all slots written out, empty ones zero.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    level.resize(1 << depth(leaves.len() as u32), EMPTY);
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| inner(&pair[0], &pair[1])).collect();
    }
    level[0]
}

#[test]
fn the_depth_is_the_least_that_holds_the_leaves_and_at_least_one() {
    assert_eq!([0, 1, 2, 3, 4, 5, 8, 9, 1 << 19, (1 << 19) + 1].map(depth), [1, 1, 1, 2, 2, 3, 3, 4, 19, 20]);
    assert_eq!(depth(MAX_LEAVES), MAX_DEPTH);
    assert!(depth(MAX_LEAVES + 1) > MAX_DEPTH && depth(u32::MAX) == 32);
}

#[test]
fn every_leaf_of_every_small_tree_is_proven_where_it_stands_and_nowhere_else() {
    for count in 0..=40 {
        let leaves = leaves(count);
        let tree = Tree::build(leaves.clone()).expect("a small tree");
        assert_eq!(tree.root(), root_by_definition(&leaves));
        assert_eq!(tree.proof(count), None);
        for i in 0..count {
            let proof = tree.proof(i).expect("in the tree");
            assert_eq!(proof.len(), usize::from(depth(count)));
            for j in 0..1 << depth(count) {
                let stands = verify(&tree.root(), &leaves[i as usize], j, count, &proof);
                assert_eq!(stands, i == j, "leaf {i} of {count} at {j}");
            }
        }
    }
}

#[test]
fn too_many_leaves_are_refused() {
    assert!(Tree::build(vec![EMPTY; MAX_LEAVES as usize + 1]).is_err());
    assert!(!verify(&EMPTY, &EMPTY, 0, u32::MAX, &[EMPTY; 32]));
}

proptest! {
    #[test]
    fn a_proof_holds_for_nothing_else(count in 1u32..300, pick: u32, bit in 0usize..256, other: u32) {
        let tree = Tree::build(leaves(count)).unwrap();
        let (root, i) = (tree.root(), pick % count);
        let (leaf, proof) = (tree.leaf(i).unwrap(), tree.proof(i).unwrap());
        prop_assert!(verify(&root, &leaf, i, count, &proof));
        prop_assert_eq!(root_from_proof(&leaf, i, &proof), root);

        let mut wrong_leaf = leaf;
        wrong_leaf[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!verify(&root, &wrong_leaf, i, count, &proof));
        prop_assert!(other == i || !verify(&root, &leaf, other, count, &proof));
        let mut wrong_proof = proof.clone();
        wrong_proof[other as usize % proof.len()][bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!verify(&root, &leaf, i, count, &wrong_proof));
        let longer = [proof.as_slice(), &[EMPTY]].concat();
        prop_assert!(!verify(&root, &leaf, i, count, &longer) && !verify(&root, &leaf, i, count, &proof[1..]));
        prop_assert!(!verify(&root, &leaf, i, 2 * count + 1, &proof), "of another depth");
        let above = if i & 1 == 0 { inner(&leaf, &proof[0]) } else { inner(&proof[0], &leaf) };
        prop_assert!(!verify(&root, &above, i / 2, count, &proof[1..]), "an inner node is no leaf");
    }
}
