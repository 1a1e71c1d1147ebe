//! Uptime and points: `points = min(cap, (w_uptime x uptime_bps + w_task x score_bps) / 10,000)`.

use crate::split::BPS;

/// How a project turns uptime and task scores into points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formula {
    /// Points of full uptime.
    pub w_uptime: u32,
    /// Points of a full task score.
    pub w_task: u32,
    /// The most points that one tenure earns in an epoch.
    pub cap: u64,
    /// Below this uptime (basis points) there are no points at all.
    pub min_uptime_bps: u16,
}

/// Uptime in basis points: `floor(10,000 x counted / (buckets - excused))`, at most 10,000. Nothing to count in (all
/// buckets excused) is no uptime: maintenance earns nothing.
pub const fn uptime_bps(counted: u32, buckets: u32, excused: u32) -> u16 {
    let due = buckets.saturating_sub(excused);
    if due == 0 {
        return 0;
    }
    let counted = if counted > due { due } else { counted };
    (counted as u64 * BPS as u64 / due as u64) as u16
}

/// Points of one tenure and epoch; inputs above 10,000 basis points count as 10,000.
pub const fn points(formula: &Formula, uptime_bps: u16, score_bps: u16) -> u64 {
    let uptime_bps = if uptime_bps > BPS { BPS } else { uptime_bps };
    let score_bps = if score_bps > BPS { BPS } else { score_bps };
    if uptime_bps < formula.min_uptime_bps {
        return 0;
    }
    let weighed = formula.w_uptime as u64 * uptime_bps as u64 + formula.w_task as u64 * score_bps as u64;
    let points = weighed / BPS as u64;
    if points > formula.cap { formula.cap } else { points }
}
