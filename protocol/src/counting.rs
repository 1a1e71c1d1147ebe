//! Which buckets a threshold of views has: the one rule, 64 buckets at a time, and what it comes to for many members.

use crate::bitmap::Bitmap;
use crate::dataset::Member;
use crate::merkle::MAX_LEAVES;
use crate::par;
use crate::units::Bucket;
use crate::view::{CombineError, MAX_ORACLES, View, check_views};

/// Members that one thread looks up at a time.
const SHARE: usize = 8192;
/// The bits of a member's number: [`MAX_LEAVES`] is 2^20.
const NUMBER: u64 = MAX_LEAVES as u64 - 1;
/// Nodes that are looked at one by one before a search among all that follow.
const STEPS_MAX: usize = 8;

/// The bits that at least `threshold` of `words` have.
pub(crate) fn at_least(words: &[u64], threshold: u8) -> u64 {
    if words.len() < usize::from(threshold) {
        return 0;
    }
    // Oracles mostly agree.
    if words.iter().all(|word| *word == words[0]) {
        return words[0];
    }
    // Digit k of every bit's number of votes.
    let mut digits = [0u64; 5];
    for word in words {
        let mut carry = *word;
        for digit in &mut digits {
            (*digit, carry) = (*digit ^ carry, *digit & carry);
        }
    }
    let (mut more, mut equal) = (0, u64::MAX);
    for (k, digit) in digits.iter().enumerate().rev() {
        if threshold >> k & 1 == 1 {
            equal &= digit;
        } else {
            more |= equal & digit;
            equal &= !digit;
        }
    }
    more | equal
}

/// How many buckets from `first` on at least `threshold` of the bitmaps have.
fn count(bitmaps: &[&Bitmap], threshold: u8, first: Bucket) -> u32 {
    let Some(any) = bitmaps.first() else {
        return 0;
    };
    let mut count = 0;
    let mut words = [0; MAX_ORACLES];
    for at in first.get() / 64..any.buckets().div_ceil(64) {
        for (word, bitmap) in words.iter_mut().zip(bitmaps) {
            *word = bitmap.word(at as usize);
        }
        let skipped = first.get().saturating_sub(64 * at);
        count += (at_least(&words[..bitmaps.len()], threshold) >> skipped).count_ones();
    }
    count
}

/// For every member, in the members' order: how many buckets from its first one on a threshold of the views has. A
/// member without a key, and one that no view names, has none.
pub fn counted(views: &[&View], threshold: u8, members: &[Member]) -> Result<Vec<u32>, CombineError> {
    check_views(views, threshold)?;
    if members.len() > MAX_LEAVES as usize {
        return Err(CombineError::TooManyMembers(members.len()));
    }
    // By key, as the views are. Its first 44 bits decide nearly always; a member's number is in the lowest 20.
    let place = |i: usize, member: &Member| {
        let head = member.node_key.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        (head & !NUMBER) | i as u64
    };
    let mut order = par::map(members, place);
    par::sort(&mut order);
    for equal in order.chunk_by_mut(|a, b| a & !NUMBER == b & !NUMBER).filter(|equal| equal.len() > 1) {
        equal.sort_unstable_by_key(|place| members[(place & NUMBER) as usize].node_key);
    }
    let shares = par::map_chunks(&order, SHARE, |order| {
        let mut cursors = [0; MAX_ORACLES];
        let mut found = Vec::with_capacity(order.len());
        let mut bitmaps = Vec::with_capacity(views.len());
        for place in order {
            let member = &members[(place & NUMBER) as usize];
            bitmaps.clear();
            for (view, cursor) in views.iter().zip(&mut cursors) {
                *cursor = advance(view, *cursor, &member.node_key);
                let node = view.nodes.get(*cursor).filter(|node| node.node_key == member.node_key);
                bitmaps.extend(node.map(|node| &node.bitmap));
            }
            found.push(count(&bitmaps, threshold, member.first_bucket));
        }
        found
    });
    let mut counted = vec![0; members.len()];
    for (place, found) in order.iter().zip(shares.iter().flatten()) {
        counted[(place & NUMBER) as usize] = *found;
    }
    Ok(counted)
}

/// The first node at or after `from` that is not below `key`.
fn advance(view: &View, from: usize, key: &[u8; 32]) -> usize {
    let rest = &view.nodes[from..];
    match rest.iter().take(STEPS_MAX).position(|node| node.node_key >= *key) {
        Some(steps) => from + steps,
        None => {
            let far = &rest[STEPS_MAX.min(rest.len())..];
            from + STEPS_MAX.min(rest.len()) + far.partition_point(|node| node.node_key < *key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn at_least_counts_votes_bit_by_bit() {
        let words: Vec<u64> = (0..16u64).map(|i| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(i * i + 3)).collect();
        for views in 0..=16 {
            for threshold in 1..=20 {
                let got = at_least(&words[..views], threshold);
                for bit in 0..64 {
                    let votes = words[..views].iter().filter(|word| *word >> bit & 1 == 1).count();
                    assert_eq!(got >> bit & 1 == 1, votes >= usize::from(threshold), "{views} {threshold} {bit}");
                }
            }
        }
        assert_eq!(at_least(&[5, 5, 5], 3), 5);
    }
}
