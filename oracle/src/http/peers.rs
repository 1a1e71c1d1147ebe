//! `GET /api/v1/peers`: the oracles of the set as this one sees them, so that a stalled one is seen.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use muster_network::state::settlement_state;
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;
use crate::registry::{OraclePeer, Registry};

fn base58(key: &[u8; 32]) -> String {
    bs58::encode(key).into_string()
}

/// Each oracle: whether it answered last (null before the first question), its clock against this one's, the age of its
/// newest batch, whether its view of the last ended epoch is held here, and its votes on the open settlements.
pub async fn peers(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let registry = app.ctx.registry();
    let now_ms = app.ctx.now_ms();
    let last = app.ctx.schedule.epoch_of(now_ms / 1000).get().saturating_sub(1);
    let set = &registry.oracle_set;
    let mut peers = Vec::with_capacity(set.oracles.len());
    for (position, oracle) in set.oracles.iter().enumerate() {
        let mut peer = if oracle.key == app.ctx.identity.key { own(&app, now_ms) } else { other(&app, oracle, now_ms) };
        peer["oracle"] = json!(base58(&oracle.key));
        peer["url"] = json!(oracle.url);
        peer["view_held"] = json!(app.epochs.store().holds_view(last, &oracle.key)?);
        peer["votes"] = json!(votes(&registry, position));
        peers.push(peer);
    }
    Ok(Json(json!({
        "oracle": app.ctx.identity.base58(),
        "oracle_time_ms": now_ms,
        "set_version": set.version,
        "threshold": set.threshold,
        "last_epoch": last,
        "peers": peers,
    })))
}

fn own(app: &App, now_ms: u64) -> Value {
    let newest = app.ingest.core().newest().map(|newest| *newest.receipt());
    json!({
        "own": true,
        "reachable": true,
        "answered_at_ms": now_ms,
        "failures": 0,
        "clock_offset_ms": 0,
        "tick_age_ms": newest.map(|newest| now_ms.saturating_sub(newest.committed_at_ms)),
        "batch_no": newest.map(|newest| newest.batch_no),
    })
}

fn other(app: &App, oracle: &OraclePeer, now_ms: u64) -> Value {
    let peer = app.ctx.ops.peers.get(&oracle.key);
    let heard = peer.heard.map(|(_, heard)| heard);
    let newest = heard.and_then(|heard| heard.newest);
    // Its stamp is by its own clock.
    let age_ms = |(_, at_ms): (u64, u64)| {
        let offset_ms = heard.map_or(0, |heard| heard.offset_ms);
        now_ms.saturating_sub(at_ms.saturating_add_signed(offset_ms.saturating_neg()))
    };
    json!({
        "own": false,
        "reachable": peer.is_reachable(),
        "answered_at_ms": peer.heard.map(|(at_ms, _)| at_ms),
        "failures": peer.failures,
        "clock_offset_ms": heard.map(|heard| heard.offset_ms),
        "tick_age_ms": newest.map(age_ms),
        "batch_no": newest.map(|(no, _)| no),
    })
}

/// Its vote on every open settlement; `same` compares it with the most common one.
fn votes(registry: &Registry, position: usize) -> Vec<Value> {
    let set = &registry.oracle_set;
    let open = registry.distributions.iter().filter(|(_, distribution)| {
        matches!(distribution.open_state, settlement_state::SETTLED | settlement_state::APPROVED)
    });
    let vote = |(project, distribution): (&[u8; 32], &muster_network::state::Distribution)| {
        let votes = &distribution.votes[..set.oracles.len().min(distribution.votes.len())];
        let counts = |vote: &[u8; 32]| votes.iter().filter(|other| *other == vote).count();
        let own = votes.get(position).filter(|vote| **vote != [0; 32] && distribution.votes_version == set.version);
        let most = votes.iter().filter(|vote| **vote != [0; 32]).map(counts).max().unwrap_or(0);
        json!({
            "project": base58(project),
            "epoch": distribution.open_epoch,
            "revision": distribution.open_revision,
            "voted": own.is_some(),
            "same": own.map(|vote| counts(vote) == most),
        })
    };
    open.map(vote).collect()
}
