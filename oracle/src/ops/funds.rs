//! The SOL that pays for this oracle's transactions. Below the floor somebody has to be told; at nothing, votes wait and
//! are tried again, and go out by themselves once there is money.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::context::OracleContext;
use crate::epochs::Epochs;
use crate::registry::ledger::Ledger;

/// Between two looks at the balance.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The balance was never read.
    Unknown,
    /// At the floor or above it.
    Enough,
    /// Below the floor.
    Low,
    /// The chain refused a transaction for want of lamports.
    Empty,
}

impl Level {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Enough => "enough",
            Self::Low => "low",
            Self::Empty => "empty",
        }
    }
}

#[derive(Debug)]
struct Seen {
    lamports: Option<u64>,
    level: Level,
}

/// See the module.
#[derive(Debug)]
pub struct Funds {
    floor: u64,
    seen: Mutex<Seen>,
}

impl Funds {
    /// Nothing is known yet.
    pub fn new(floor: u64) -> Self {
        Self { floor, seen: Mutex::new(Seen { lamports: None, level: Level::Unknown }) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes a balance; says whether steps that failed for want of money should be tried at once. Empty stays until there
    /// is more than there was when the chain refused.
    pub fn note(&self, lamports: u64) -> bool {
        let mut seen = self.seen();
        let grew = seen.lamports.is_some_and(|before| lamports > before);
        let was_empty = seen.level == Level::Empty;
        let level = match () {
            () if lamports >= self.floor => Level::Enough,
            () if was_empty && !grew => Level::Empty,
            () => Level::Low,
        };
        *seen = Seen { lamports: Some(lamports), level };
        was_empty && level != Level::Empty
    }

    /// The chain refused a transaction because its payer has too little; says whether that is new.
    pub fn note_refusal(&self) -> bool {
        let mut seen = self.seen();
        let is_new = seen.level != Level::Empty;
        seen.level = Level::Empty;
        is_new
    }

    /// How much there is.
    pub fn level(&self) -> Level {
        self.seen().level
    }

    /// The balance when it was last read.
    pub fn lamports(&self) -> Option<u64> {
        self.seen().lamports
    }

    /// Below it the oracle warns.
    pub fn floor(&self) -> u64 {
        self.floor
    }
}

/// Looks at the balance for ever.
pub async fn run(ctx: &OracleContext, ledger: &dyn Ledger, epochs: &Epochs, every: Duration) {
    let funds = &ctx.ops.funds;
    let mut told = Level::Unknown;
    loop {
        match ledger.balance().await {
            Ok(lamports) => {
                if funds.note(lamports) {
                    epochs.try_again();
                }
                let level = funds.level();
                if level != told {
                    tell(level, lamports, funds.floor(), &ctx.identity.base58());
                    told = level;
                }
            }
            Err(error) => tracing::debug!(%error, "this oracle's balance was not read"),
        }
        tokio::time::sleep(every).await;
    }
}

fn tell(level: Level, lamports: u64, floor_lamports: u64, oracle: &str) {
    match level {
        Level::Low => tracing::error!(
            lamports,
            floor_lamports,
            oracle,
            "this oracle's SOL runs out; send some to its key, or its votes and views will wait"
        ),
        Level::Empty => tracing::error!(
            lamports,
            oracle,
            "this oracle has no SOL to vote with; its votes and views wait until its key gets some"
        ),
        Level::Enough | Level::Unknown => tracing::info!(lamports, oracle, "this oracle has SOL to vote with"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_money_is_tried_again_when_some_came_and_not_before() {
        let funds = Funds::new(1_000);
        assert!(!funds.note(5_000) && funds.level() == Level::Enough);
        assert!(!funds.note(900) && funds.level() == Level::Low);
        assert!(funds.note_refusal() && !funds.note_refusal(), "told once");
        assert!(!funds.note(900) && funds.level() == Level::Empty, "nothing came");
        assert!(
            funds.note(950) && funds.level() == Level::Low,
            "something came: the chain decides whether it is enough"
        );
        funds.note_refusal();
        assert!(funds.note(2_000) && funds.level() == Level::Enough);
        assert!(!funds.note(2_000), "and only once");
    }
}
