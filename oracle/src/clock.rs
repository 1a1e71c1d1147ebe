//! An oracle whose clock is over 10 s off its peers' median counts nothing and says so.

use std::time::Duration;

use crate::context::OracleContext;
use crate::epochs::peers;
use crate::ingest::Handle;
use crate::ops::peers::Heard;

/// How far off the peers' median a clock may be.
pub const MAX_OFFSET_MS: i64 = 10_000;
/// One peer alone cannot say whose clock is wrong.
const PEERS_MIN: usize = 2;
const EVERY: Duration = Duration::from_secs(15);

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
    // A first look soon, so that /api/v1/peers knows something.
    let mut wait = Duration::from_secs(1);
    loop {
        tokio::time::sleep(wait).await;
        wait = EVERY;
        let unsure = is_unsure(ctx).await;
        if unsure != was_unsure {
            tracing::warn!(unsure, "this oracle's clock against its peers' median");
            was_unsure = unsure;
        }
        ingest.clock_unsure(unsure);
    }
}

/// Compares once: whether this oracle's clock is too far off its peers' median.
pub async fn is_unsure(ctx: &OracleContext) -> bool {
    let peers = ctx.peers();
    let round = peers.iter().map(|peer| async {
        let before_ms = ctx.now_ms();
        let bytes = peers::get(ctx, peer, "/api/v1/tick", 16 << 10).await;
        let heard = bytes.and_then(|bytes| Heard::read(&bytes, peer, &ctx.domain, (before_ms, ctx.now_ms())));
        (peer.key, heard)
    });
    let round = futures_util::future::join_all(round).await;
    ctx.ops.peers.note(ctx.now_ms(), &round);
    let offsets = round.iter().filter_map(|(_, heard)| heard.map(|heard| heard.offset_ms)).collect();
    let offset_ms = median_offset_ms(offsets);
    tracing::debug!(?offset_ms, "this oracle's clock against its peers' median");
    offset_ms.is_some_and(|offset_ms| offset_ms.abs() > MAX_OFFSET_MS)
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
