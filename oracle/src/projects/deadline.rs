//! What of a project's epoch is due, by whom and until when; what is late, and what follows from that. Pure.

use muster_network::constants::{RETENTION_EPOCHS, VOID_AFTER_EPOCHS};
use serde_json::{Value, json};

use crate::epochs::report::State;

/// Seconds after which what machines do by themselves counts as late.
const MACHINES_S: i64 = 120;
/// Seconds that an oracle set has to approve a settlement before that counts as late.
const APPROVAL_S: i64 = 600;

/// What is known of an epoch. Times are Unix seconds.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Where it stands.
    pub state: State,
    /// The clock.
    pub now_s: i64,
    /// The epoch's end.
    pub end_s: i64,
    /// Seconds of an epoch.
    pub epoch_len_s: i64,
    /// Seconds after the end in which views are committed.
    pub grace_s: i64,
    /// Views that are in, and oracles of the set.
    pub views: (usize, usize),
    /// Views that must be in.
    pub threshold: usize,
    /// Whether a score file counts.
    pub has_scores: bool,
    /// Whether the formula looks at scores.
    pub wants_scores: bool,
    /// When it was settled; 0 before.
    pub settled_at: i64,
    /// When the approved root may be activated; 0 before.
    pub active_from: i64,
    /// When this oracle's picture of the chain was taken.
    pub chain_s: i64,
}

/// Something that should have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// A code for programs.
    pub what: &'static str,
    /// What follows, and what helps.
    pub then: &'static str,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Who has to do something next.
    pub who: &'static str,
    /// What.
    pub what: &'static str,
    /// Until when, Unix seconds; none where nothing hurries.
    pub by: Option<i64>,
    /// Until when the epoch should be settled: the end of the next one.
    pub cut_off_at: i64,
    /// Until then; negative when it is over.
    pub seconds_left: i64,
    /// What is late.
    pub late: Vec<Late>,
}

const CHAIN_STALE: Late = Late {
    what: "chain",
    then: "this oracle's picture of the chain is old: it counts with the nodes that it knew and votes when its RPC node \
           answers again; ask another oracle meanwhile",
};
const FEW_VIEWS: Late = Late {
    what: "views",
    then: "the set stays open until a threshold of views is in, however late; nothing is computed before, and nothing is lost",
};
const MISSING_VIEWS: Late = Late {
    what: "missing_views",
    then: "the set closed without the views of some oracles: they count as zeros, for ever",
};
const NOT_COMPUTED: Late = Late {
    what: "points",
    then: "a threshold of views is in, but this oracle cannot compute yet; `why` says what it waits for, other oracles may \
           be further",
};
const NO_SCORES: Late = Late {
    what: "scores",
    then: "without a score file every task score is 0; one is taken until the epoch is settled",
};
const NO_SETTLEMENT: Late = Late {
    what: "settlement",
    then: "it may still be settled as long as no later epoch of the project is, and for 90 epochs; an epoch that is passed \
           over is never paid",
};
const NO_APPROVAL: Late = Late {
    what: "approval",
    then: "the settler may replace or void it; seven epochs after it anybody may void it, and the budget goes back",
};
const NO_ACTIVATION: Late = Late { what: "activation", then: "anybody may activate the root: `muster epoch activate`" };

/// What of an epoch is due and what is late.
pub fn outlook(situation: &Situation) -> Outlook {
    let Situation { state, now_s, end_s, epoch_len_s, grace_s, .. } = *situation;
    let cut_off_at = end_s.saturating_add(epoch_len_s);
    let grace_end = end_s.saturating_add(grace_s);
    let (in_count, of) = situation.views;
    let (who, what, by) = match state {
        State::Open => ("nodes", "send heartbeats; the project posts its task scores", Some(end_s)),
        State::Grace => ("oracles", "publish their views and commit the hashes on chain", Some(grace_end)),
        State::Views if in_count < situation.threshold => ("oracles", "bring a threshold of views in", None),
        State::Views => ("this oracle", "compute the points", Some(grace_end.saturating_add(MACHINES_S))),
        State::Ready => ("settler", "post scores if there are any, then settle", Some(cut_off_at)),
        State::Settled => ("oracles", "approve the root", Some(situation.settled_at.saturating_add(APPROVAL_S))),
        State::Approved => ("anybody", "activate the root", Some(situation.active_from.saturating_add(MACHINES_S))),
        State::Final => ("holders", "claim, at any time", None),
        State::Skipped => ("nobody", "a later epoch was settled; this one is never paid", None),
    };
    let mut late = Vec::new();
    let mut add = |is_late: bool, found: Late| late.extend(is_late.then_some(found));
    let is_over = matches!(state, State::Final | State::Skipped);
    add(!is_over && now_s.saturating_sub(situation.chain_s) > MACHINES_S, CHAIN_STALE);
    let after_grace = now_s > grace_end.saturating_add(MACHINES_S);
    add(state == State::Views && in_count < situation.threshold && after_grace, FEW_VIEWS);
    add(state == State::Views && in_count >= situation.threshold && after_grace, NOT_COMPUTED);
    let is_closed = matches!(state, State::Ready | State::Settled | State::Approved);
    add(is_closed && in_count < of, MISSING_VIEWS);
    let past_half = now_s > grace_end.saturating_add(cut_off_at.saturating_sub(grace_end) / 2);
    add(state == State::Ready && situation.wants_scores && !situation.has_scores && past_half, NO_SCORES);
    add(state == State::Ready && now_s > cut_off_at, NO_SETTLEMENT);
    add(state == State::Settled && by.is_some_and(|by| now_s > by), NO_APPROVAL);
    add(state == State::Approved && by.is_some_and(|by| now_s > by), NO_ACTIVATION);
    Outlook { who, what, by, cut_off_at, seconds_left: cut_off_at.saturating_sub(now_s), late }
}

impl Outlook {
    /// `{next: {who, what, by}, cut_off_at, seconds_left, if_missed, late: [{what, then}]}`.
    pub fn json(&self) -> Value {
        let late: Vec<Value> = self.late.iter().map(|late| json!({"what": late.what, "then": late.then})).collect();
        json!({
            "next": {"who": self.who, "what": self.what, "by": self.by},
            "cut_off_at": self.cut_off_at,
            "seconds_left": self.seconds_left,
            "if_missed": NO_SETTLEMENT.then,
            "late": late,
        })
    }
}

/// The last second in which an epoch may be settled at all, whatever else is settled, and the one from which anybody may
/// void a settlement.
pub fn limits(end_s: i64, epoch_len_s: i64, settled_at: i64) -> (i64, Option<i64>) {
    let settle_until = end_s.saturating_add(epoch_len_s.saturating_mul(RETENTION_EPOCHS as i64 - 1));
    let voidable_from = settled_at.saturating_add(epoch_len_s.saturating_mul(VOID_AFTER_EPOCHS.into()));
    (settle_until, (settled_at > 0).then_some(voidable_from))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An epoch that ended at 1,000 s, 100 s of grace, days of 86,400 s.
    fn situation(state: State, now_s: i64) -> Situation {
        Situation {
            state,
            now_s,
            end_s: 1_000,
            epoch_len_s: 86_400,
            grace_s: 100,
            views: (3, 3),
            threshold: 2,
            has_scores: true,
            wants_scores: true,
            settled_at: 5_000,
            active_from: 6_000,
            chain_s: now_s,
        }
    }

    fn late(situation: Situation) -> Vec<&'static str> {
        outlook(&situation).late.iter().map(|late| late.what).collect()
    }

    #[test]
    fn every_state_says_who_is_next_and_an_epoch_in_time_is_never_late() {
        for state in State::ALL {
            let found = outlook(&situation(state, 1_010));
            assert!(found.late.is_empty() && !found.who.is_empty() && !found.what.is_empty(), "{state:?}");
            assert_eq!((found.cut_off_at, found.seconds_left), (87_400, 86_390));
        }
    }

    #[test]
    fn what_did_not_happen_in_time_is_named_with_what_follows() {
        let few = Situation { views: (1, 3), ..situation(State::Views, 1_221) };
        assert_eq!(late(few), ["views"]);
        assert_eq!(late(Situation { now_s: 1_220, chain_s: 1_220, ..few }), [""; 0]);
        assert_eq!(late(situation(State::Views, 1_221)), ["points"]);
        assert_eq!(late(Situation { views: (2, 3), ..situation(State::Ready, 1_200) }), ["missing_views"]);
        let unscored = Situation { has_scores: false, ..situation(State::Ready, 44_251) };
        assert_eq!(late(unscored), ["scores"]);
        assert_eq!(late(Situation { wants_scores: false, ..unscored }), [""; 0]);
        assert_eq!(late(Situation { now_s: 44_250, chain_s: 44_250, ..unscored }), [""; 0]);
        assert_eq!(late(situation(State::Ready, 87_401)), ["settlement"]);
        assert_eq!(outlook(&situation(State::Ready, 87_401)).seconds_left, -1);
        assert_eq!(late(situation(State::Settled, 5_601)), ["approval"]);
        assert_eq!(late(situation(State::Approved, 6_121)), ["activation"]);
        assert_eq!(late(Situation { chain_s: 0, ..situation(State::Open, 900) }), ["chain"]);
        assert_eq!(late(Situation { chain_s: 0, ..situation(State::Final, 900_000) }), [""; 0]);
    }

    #[test]
    fn the_last_moments_are_counted_in_epochs() {
        assert_eq!(limits(1_000, 100, 0), (9_900, None));
        assert_eq!(limits(1_000, 100, 5_000), (9_900, Some(5_700)));
    }
}
