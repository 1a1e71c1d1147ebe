//! An oracle whose clock is over 10 s off its peers' median counts nothing and says so.

use std::time::Duration;

use serde::Deserialize;

use crate::context::OracleContext;
use crate::epochs::peers;
use crate::ingest::Handle;

/// How far off the peers' median a clock may be.
pub const MAX_OFFSET_MS: i64 = 10_000;
/// One peer alone cannot say whose clock is wrong.
const PEERS_MIN: usize = 2;
const EVERY: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
struct Tick {
    oracle_time_ms: u64,
}

/// The median of the peers' offsets; of the two middle ones the one nearer to zero. None if too few answered.
pub fn median_offset_ms(mut offsets_ms: Vec<i64>) -> Option<i64> {
    if offsets_ms.len() < PEERS_MIN {
        return None;
    }
    offsets_ms.sort_unstable();
    let (low, high) = (offsets_ms[(offsets_ms.len() - 1) / 2], offsets_ms[offsets_ms.len() / 2]);
    Some(if low.abs() <= high.abs() { low } else { high })
}

/// Compares for ever.
pub async fn run(ctx: &OracleContext, ingest: &Handle) {
    let mut was_unsure = false;
    loop {
        tokio::time::sleep(EVERY).await;
        let peers = ctx.peers();
        let offsets = peers.iter().map(|peer| async {
            let before_ms = ctx.now_ms();
            let bytes = peers::get(ctx, peer, "/api/v1/tick", 16 << 10).await?;
            let tick: Tick = serde_json::from_slice(&bytes).ok()?;
            let middle_ms = before_ms / 2 + ctx.now_ms() / 2;
            i64::try_from(tick.oracle_time_ms).ok()?.checked_sub_unsigned(middle_ms)
        });
        let offsets = futures_util::future::join_all(offsets).await.into_iter().flatten().collect();
        let offset_ms = median_offset_ms(offsets);
        let unsure = offset_ms.is_some_and(|offset_ms| offset_ms.abs() > MAX_OFFSET_MS);
        if unsure != was_unsure {
            tracing::warn!(?offset_ms, unsure, "this oracle's clock against its peers' median");
            was_unsure = unsure;
        }
        ingest.clock_unsure(unsure);
    }
}

#[cfg(test)]
mod tests {
    use super::median_offset_ms;

    #[test]
    fn one_wrong_peer_of_two_does_not_move_the_median() {
        assert_eq!(median_offset_ms(vec![0]), None);
        assert_eq!(median_offset_ms(vec![3, 60_000]), Some(3));
        assert_eq!(median_offset_ms(vec![-60_000, 5]), Some(5));
        assert_eq!(median_offset_ms(vec![40_000, 41_000, -2]), Some(40_000));
    }
}
