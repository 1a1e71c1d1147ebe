//! What the service does next for an epoch, out of what chain and oracles say. Pure: stopped at any point and asked
//! again, it goes on where it was.

use std::collections::BTreeMap;

use muster_client::muster_network::state::{epoch_status, settlement_state};

/// Ended epochs that oracles still compute.
pub const WINDOW: u64 = 8;

/// What the chain says.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    /// The epoch of the chain's clock.
    pub current: u64,
    /// The chain's clock, Unix seconds.
    pub now: i64,
    /// The first epoch that may still be settled.
    pub next: u64,
    /// The open settlement's epoch and state.
    pub open: Option<(u64, u8)>,
    /// When the approved root may be activated.
    pub active_from: i64,
}

/// The epoch to look after, and how many before it nobody computes any more: the open settlement's first, then the
/// oldest that ended and is to be had.
pub fn target(chain: &Chain, from: Option<u64>, done: Option<u64>) -> (Option<u64>, u64) {
    if let Some((epoch, _)) = chain.open {
        return (Some(epoch), 0);
    }
    let after = done.map_or(0, |done| done + 1);
    let first = chain.next.max(after).max(from.unwrap_or(0));
    let reachable = first.max(chain.current.saturating_sub(WINDOW));
    ((reachable < chain.current).then_some(reachable), reachable - first)
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before others have moved on.
    Wait(&'static str),
    /// State the epoch.
    Settle,
    /// Make the approved root active.
    Activate,
    /// The epoch is over and done.
    Done,
}

/// What is done next for an epoch. `status` is its settlement's, none before.
pub fn step(chain: &Chain, epoch: u64, status: Option<u8>, is_computed: bool) -> Step {
    if status == Some(epoch_status::FINAL) {
        return Step::Done;
    }
    if status.is_none() && epoch < chain.next {
        // A later one was settled.
        return Step::Done;
    }
    match chain.open.filter(|(open, _)| *open == epoch) {
        Some((_, settlement_state::APPROVED)) if chain.now >= chain.active_from => Step::Activate,
        Some((_, settlement_state::APPROVED)) => Step::Wait("the root's delay"),
        Some(_) => Step::Wait("the oracles' approvals"),
        None if chain.open.is_some() => Step::Wait("another epoch's open settlement"),
        None if status.is_some() => Step::Wait("the chain's newest state"),
        None if is_computed => Step::Settle,
        None => Step::Wait("the oracles' points"),
    }
}

/// What an epoch pays: so many hundredths of the vault, at most the project's limit.
pub fn share(vault: u64, percent: u8, most: u64) -> u64 {
    let share = u128::from(vault) * u128::from(percent.min(100)) / 100;
    u64::try_from(share).unwrap_or(u64::MAX).min(most)
}

/// The rows that at least `threshold` oracles give alike, by their dataset.
pub fn agreed<T>(answers: Vec<(String, T)>, threshold: usize) -> Option<T> {
    let mut groups: BTreeMap<String, (usize, T)> = BTreeMap::new();
    for (dataset, rows) in answers {
        groups.entry(dataset).or_insert((0, rows)).0 += 1;
    }
    groups.into_values().find(|(count, _)| *count >= threshold).map(|(_, rows)| rows)
}

/// The scores of all who worked: 10,000 for each tenure with a counted bucket.
pub fn worked(rows: &[(String, u64)]) -> BTreeMap<String, u16> {
    rows.iter().filter(|(_, counted)| *counted > 0).map(|(tenure, _)| (tenure.clone(), 10_000)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Chain = Chain { current: 100, now: 1_000, next: 98, open: None, active_from: 0 };

    #[test]
    fn the_oldest_epoch_that_can_still_be_settled_comes_first_and_an_open_one_before_it() {
        assert_eq!(target(&IDLE, None, None), (Some(98), 0));
        assert_eq!(target(&IDLE, Some(99), None), (Some(99), 0));
        assert_eq!(target(&IDLE, None, Some(98)), (Some(99), 0), "98 gave nobody points and is passed over");
        assert_eq!(target(&IDLE, None, Some(99)), (None, 0), "100 runs");
        assert_eq!(target(&Chain { next: 50, ..IDLE }, None, None), (Some(92), 42), "nobody computes 50 to 91");
        let open = Chain { open: Some((90, settlement_state::SETTLED)), ..IDLE };
        assert_eq!(target(&open, Some(99), Some(99)), (Some(90), 0));
    }

    #[test]
    fn from_every_point_of_an_epoch_there_is_one_next_step() {
        let step = |chain: &Chain, status, is_computed| step(chain, 98, status, is_computed);
        assert!(matches!(step(&IDLE, None, false), Step::Wait(_)));
        assert_eq!(step(&IDLE, None, true), Step::Settle);
        let settled = Some(epoch_status::SETTLED);
        let open = Chain { open: Some((98, settlement_state::SETTLED)), ..IDLE };
        assert!(matches!(step(&open, settled, true), Step::Wait(_)));
        let approved = Chain { open: Some((98, settlement_state::APPROVED)), active_from: 1_001, ..IDLE };
        assert!(matches!(step(&approved, Some(epoch_status::APPROVED), true), Step::Wait(_)));
        let due = Chain { now: 1_001, ..approved };
        assert_eq!(step(&due, Some(epoch_status::APPROVED), true), Step::Activate);
        assert_eq!(step(&IDLE, Some(epoch_status::FINAL), true), Step::Done);
        assert_eq!(step(&Chain { next: 99, ..IDLE }, None, true), Step::Done, "a later one was settled");
        let other = Chain { open: Some((97, settlement_state::SETTLED)), ..IDLE };
        assert!(matches!(step(&other, None, true), Step::Wait(_)));
    }

    #[test]
    fn a_share_of_the_vault_stays_within_the_limit() {
        assert_eq!([share(1_000, 5, 500), share(1_000, 100, 500), share(19, 5, 500)], [50, 500, 0]);
        assert_eq!(share(u64::MAX, 100, u64::MAX), u64::MAX);
    }

    #[test]
    fn only_what_a_threshold_says_alike_is_believed() {
        let answers = || vec![("a".to_owned(), 1), ("b".to_owned(), 2), ("a".to_owned(), 1)];
        assert_eq!(agreed(answers(), 2), Some(1));
        assert_eq!(agreed(answers(), 3), None);
        let scores = worked(&[("T".to_owned(), 3), ("U".to_owned(), 0)]);
        assert_eq!(scores, [("T".to_owned(), 10_000)].into());
    }
}
