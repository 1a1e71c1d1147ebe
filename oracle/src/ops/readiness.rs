//! Whether an oracle is ready: each check by name, with its state, what was seen and what to do. Data in, data out.

use serde::Serialize;

use super::funds::Level;

/// Polls that may be missed before the picture of the chain is too old.
const POLLS_MAX: u64 = 15;
/// Ticks that may be missed before the committer is taken for stuck.
const TICKS_MAX: u64 = 3;
/// What a poll, a tick and a busy machine may take beyond their time, milliseconds.
const SLACK_MS: u64 = 5_000;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// Wants somebody's attention; the oracle serves all the same.
    Degraded,
    /// The oracle should not be sent anything.
    Failed,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, for alerts.
    pub name: &'static str,
    /// How it came out.
    pub state: State,
    /// What was seen.
    pub detail: String,
    /// What to do; empty when there is nothing to do.
    pub remedy: &'static str,
}

/// What the checks look at.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The log is replayed.
    pub replayed: bool,
    /// Why the disk failed, if it did.
    pub log_failure: Option<String>,
    /// Bytes that the data folder's file system still takes; none when it does not say.
    pub free_bytes: Option<u64>,
    /// Bytes that it should take.
    pub free_bytes_min: u64,
    /// Age of the picture of the chain.
    pub registry_age_ms: Option<u64>,
    /// Between two looks at the chain.
    pub poll_ms: u64,
    /// The clock is off the peers' median.
    pub clock_unsure: bool,
    /// Age of the newest committed batch.
    pub tick_age_ms: Option<u64>,
    /// Between two ticks.
    pub tick_s: u64,
    /// This oracle is in the set.
    pub in_set: bool,
    /// A root on chain that this oracle computed otherwise, and what to do about it.
    pub dispute: Option<String>,
    /// Its money.
    pub level: Level,
    /// Its balance.
    pub lamports: Option<u64>,
    /// Below it the oracle warns.
    pub floor_lamports: u64,
}

fn check(name: &'static str, bad: State, is_ok: bool, detail: String, remedy: &'static str) -> Check {
    if is_ok {
        Check { name, state: State::Ok, detail, remedy: "" }
    } else {
        Check { name, state: bad, detail, remedy }
    }
}

fn age(age_ms: Option<u64>) -> String {
    age_ms.map_or("none yet".into(), |age_ms| format!("{age_ms} ms old"))
}

/// All checks, in the order in which an oracle comes up.
pub fn checks(facts: &Facts) -> Vec<Check> {
    let registry_max_ms = facts.poll_ms.saturating_mul(POLLS_MAX).saturating_add(SLACK_MS);
    let tick_max_ms = facts.tick_s.saturating_mul(1_000 * TICKS_MAX).saturating_add(SLACK_MS);
    let young = |age_ms: Option<u64>, max_ms: u64| age_ms.is_some_and(|age_ms| age_ms <= max_ms);
    let free = facts.free_bytes.map_or("unknown".into(), |free| format!("{free} bytes free"));
    let lamports = facts.lamports.map_or("unknown".into(), |lamports| lamports.to_string());
    vec![
        check(
            "log_replayed",
            State::Failed,
            facts.replayed,
            if facts.replayed { "the log is replayed".into() } else { "the log is being replayed".into() },
            "wait; if it does not end, read the log of this process",
        ),
        check(
            "log_writable",
            State::Failed,
            facts.log_failure.is_none(),
            facts.log_failure.clone().unwrap_or_else(|| "the log takes records".into()),
            "make room, and it goes on by itself; or mend the disk and start the oracle again: until then it acknowledges nothing",
        ),
        check(
            "disk_space",
            State::Degraded,
            facts.free_bytes.is_none_or(|free| free >= facts.free_bytes_min),
            format!("{free}, {} wanted", facts.free_bytes_min),
            "make room on the data folder's file system: a full one stops acknowledgements",
        ),
        check(
            "registry_fresh",
            State::Failed,
            young(facts.registry_age_ms, registry_max_ms),
            format!("the picture of the chain: {}, at most {registry_max_ms} ms allowed", age(facts.registry_age_ms)),
            "see whether the RPC node answers, or name another by --rpc-url",
        ),
        check(
            "clock_sure",
            State::Failed,
            !facts.clock_unsure,
            if facts.clock_unsure { "over 10 s off the peers' median" } else { "near the peers' median" }.into(),
            "synchronise this machine's clock (NTP): nothing is counted until then",
        ),
        check(
            "tick_young",
            State::Failed,
            young(facts.tick_age_ms, tick_max_ms),
            format!("the newest batch: {}, at most {tick_max_ms} ms allowed", age(facts.tick_age_ms)),
            "see whether the disk hangs; a machine that is too slow needs a longer --tick-s",
        ),
        check(
            "in_oracle_set",
            State::Degraded,
            facts.in_set,
            if facts.in_set { "this key is in the set" } else { "this key is not in the set in force" }.into(),
            "have the network's authority name this key, or start with the key that it named",
        ),
        check(
            "roots_agreed",
            State::Degraded,
            facts.dispute.is_none(),
            facts.dispute.clone().unwrap_or_else(|| "no root on chain is disputed here".into()),
            "follow docs/runbooks/oracle.md: the guardian holds the root, or this oracle's operator accepts it",
        ),
        check(
            "balance",
            State::Degraded,
            matches!(facts.level, Level::Enough | Level::Unknown),
            format!("{}: {lamports} lamports, {} wanted", facts.level.name(), facts.floor_lamports),
            "send SOL to this oracle's key; votes that wait go out by themselves",
        ),
    ]
}

/// Whether nothing failed.
pub fn is_ready(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.state != State::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts {
            replayed: true,
            log_failure: None,
            free_bytes: Some(10),
            free_bytes_min: 10,
            registry_age_ms: Some(35_000),
            poll_ms: 2_000,
            clock_unsure: false,
            tick_age_ms: Some(35_000),
            tick_s: 10,
            in_set: true,
            dispute: None,
            level: Level::Enough,
            lamports: Some(5),
            floor_lamports: 5,
        }
    }

    fn outcome(change: impl FnOnce(&mut Facts)) -> (bool, Vec<&'static str>) {
        let mut facts = good();
        change(&mut facts);
        let checks = checks(&facts);
        for check in &checks {
            assert!(!check.detail.is_empty());
            assert_eq!(check.remedy.is_empty(), check.state == State::Ok, "{check:?}");
        }
        let bad = checks.iter().filter(|check| check.state != State::Ok).map(|check| check.name).collect();
        (is_ready(&checks), bad)
    }

    #[test]
    fn each_fault_is_one_check_with_a_remedy() {
        assert_eq!(outcome(|_| {}), (true, vec![]));
        assert_eq!(outcome(|facts| facts.replayed = false), (false, vec!["log_replayed"]));
        assert_eq!(outcome(|facts| facts.log_failure = Some("full".into())), (false, vec!["log_writable"]));
        assert_eq!(outcome(|facts| facts.registry_age_ms = Some(35_001)), (false, vec!["registry_fresh"]));
        assert_eq!(outcome(|facts| facts.registry_age_ms = None), (false, vec!["registry_fresh"]));
        assert_eq!(outcome(|facts| facts.clock_unsure = true), (false, vec!["clock_sure"]));
        assert_eq!(outcome(|facts| facts.tick_age_ms = Some(35_001)), (false, vec!["tick_young"]));
    }

    #[test]
    fn what_only_wants_attention_takes_nobody_out_of_service() {
        assert_eq!(outcome(|facts| facts.free_bytes = Some(9)), (true, vec!["disk_space"]));
        assert_eq!(outcome(|facts| facts.free_bytes = None), (true, vec![]));
        assert_eq!(outcome(|facts| facts.in_set = false), (true, vec!["in_oracle_set"]));
        assert_eq!(outcome(|facts| facts.dispute = Some("other".into())), (true, vec!["roots_agreed"]));
        assert_eq!(outcome(|facts| facts.level = Level::Low), (true, vec!["balance"]));
        assert_eq!(outcome(|facts| facts.level = Level::Empty), (true, vec!["balance"]));
        assert_eq!(outcome(|facts| facts.level = Level::Unknown), (true, vec![]));
    }
}
