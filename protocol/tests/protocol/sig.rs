use crate::vector_set::{SignatureCase, signature_cases};
use curve25519_dalek::edwards::CompressedEdwardsY;
use muster_protocol::sig::{BATCH_MAX, PublicKey, Signer, SigningKey, verify, verify_batch};
use proptest::prelude::*;

/// The reference: ed25519-zebra's verdict, and what we ask beyond it.
fn reference(case: &SignatureCase) -> bool {
    let strict = |bytes: [u8; 32]| {
        let point = CompressedEdwardsY(bytes).decompress();
        point.is_some_and(|point| point.compress().0 == bytes && !point.is_small_order())
    };
    let zebra = ed25519_zebra::VerificationKey::try_from(case.key)
        .and_then(|key| key.verify(&ed25519_zebra::Signature::from(case.signature), &case.message))
        .is_ok();
    let r = case.signature[..32].try_into().expect("32 bytes");
    zebra && strict(case.key) && strict(r)
}

fn ours(case: &SignatureCase) -> bool {
    PublicKey::from_bytes(&case.key).is_ok_and(|key| verify(&key, &case.message, &case.signature).is_ok())
}

#[test]
fn the_edges_have_the_verdict_of_the_reference_alone_and_in_batches() {
    let cases = signature_cases();
    let mut zebra_alone = 0;
    for case in &cases {
        assert_eq!(ours(case), reference(case), "{}", case.name);
        let key = ed25519_zebra::VerificationKey::try_from(case.key);
        let signature = ed25519_zebra::Signature::from(case.signature);
        zebra_alone += usize::from(key.is_ok_and(|key| key.verify(&signature, &case.message).is_ok()) && !ours(case));
    }
    assert!(zebra_alone > 8, "the cases must reach what only we refuse");
    let valid: Vec<_> = cases.iter().filter(|case| ours(case)).map(|case| case.name).collect();
    assert_eq!(
        valid,
        ["good", "good, empty message", "R with torsion", "A with torsion", "A and R with torsion"],
        "the cofactored equation takes torsion"
    );

    let keyed: Vec<_> = cases.iter().filter_map(|case| Some((PublicKey::from_bytes(&case.key).ok()?, case))).collect();
    let items: Vec<_> = keyed.iter().map(|(key, case)| (key, case.message.as_slice(), &case.signature)).collect();
    let single: Vec<bool> = keyed.iter().map(|(_, case)| ours(case)).collect();
    assert_eq!(verify_batch(&items), single);
    let good: Vec<_> = items.iter().zip(&single).filter(|(_, good)| **good).map(|(item, _)| *item).collect();
    assert_eq!(verify_batch(&good), vec![true; good.len()], "one equation, torsion included");
    // each case in the company of good ones, so that the equation itself meets it
    for (item, expected) in items.iter().zip(&single) {
        assert_eq!(verify_batch(&[good[0], *item, good[1]]), [true, *expected, true]);
    }
    assert_eq!(verify_batch(&[]), Vec::<bool>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_batch_says_what_single_verification_says(
        seeds in prop::collection::vec((any::<[u8; 32]>(), prop::option::weighted(0.1, 0usize..64 * 8)), 0..2 * BATCH_MAX + 5),
    ) {
        let made: Vec<_> = seeds.iter().map(|(seed, flip)| {
            let signing = SigningKey::from_bytes(seed);
            let mut signature = signing.sign(seed).to_bytes();
            if let Some(bit) = flip {
                signature[bit / 8] ^= 1 << (bit % 8);
            }
            (PublicKey::from_bytes(signing.verifying_key().as_bytes()).unwrap(), *seed, signature)
        }).collect();
        let items: Vec<_> = made.iter().map(|(key, seed, signature)| (key, seed.as_slice(), signature)).collect();
        let expected: Vec<bool> = seeds.iter().map(|(_, flip)| flip.is_none()).collect();
        prop_assert_eq!(verify_batch(&items), expected);
    }

    #[test]
    fn any_bytes_have_the_verdict_of_the_reference(key: [u8; 32], r: [u8; 32], s: [u8; 32], message: Vec<u8>) {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        let case = SignatureCase { name: "any", key, message, signature };
        prop_assert_eq!(ours(&case), reference(&case));
    }
}
