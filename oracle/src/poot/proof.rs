//! The proof of one node's operational time.

use axum::http::StatusCode;
use muster_protocol::Hash;
use muster_protocol::bitmap::Bitmap;
use muster_protocol::dataset::{Dataset, Member, Row};
use muster_protocol::heartbeat::frame_hash;
use muster_protocol::points::uptime_bps;
use muster_protocol::reason::Reason;
use muster_protocol::units::EpochIndex;
use muster_protocol::uptime::{LastFrame, UptimeStatement, counted_until};
use muster_protocol::view::View;
use muster_protocol::wire::Frame;
use serde_json::{Map, Value, json};

use super::core::{elapsed, standing};
use super::{Poot, Problem};
use crate::core::node::Ack;
use crate::registry::{NodeInfo, Registry};

/// What this oracle saw of a node in an epoch.
pub struct SeenIn {
    /// Its bits.
    pub bitmap: Bitmap,
    /// By reason, ascending.
    pub refused: Vec<(Reason, u32)>,
    /// Of a published view: the last frame, empty if there is none.
    pub view_frame: Option<Vec<u8>>,
}

/// The receipt of a heartbeat and its place.
struct Receipt {
    batch: String,
    index: u32,
    path: Vec<Hash>,
}

/// A node by its address or its key.
pub fn find<'a>(registry: &'a Registry, named: &[u8; 32]) -> Option<&'a NodeInfo> {
    registry.nodes.get(named).or_else(|| registry.nodes.values().find(|node| node.node == *named))
}

impl Poot {
    /// What this oracle saw of a key in an epoch: from memory, of older epochs from its published view.
    pub fn seen_in(&self, key: &[u8; 32], epoch: u64) -> Result<SeenIn, Problem> {
        let nothing =
            || SeenIn { bitmap: Bitmap::new(self.ctx.schedule.buckets()), refused: Vec::new(), view_frame: None };
        let is_open = {
            let core = self.ingest.core();
            let node = core.epoch(epoch).and_then(|state| state.node(key));
            if let Some(node) = node.filter(|_| epoch >= core.frozen_before()) {
                return Ok(SeenIn { bitmap: node.bitmap, refused: node.refused, view_frame: None });
            }
            epoch >= core.frozen_before()
        };
        if is_open {
            return Ok(nothing());
        }
        let Some(bytes) = self.epochs.store().view(epoch, &self.ctx.identity.key)? else {
            return Ok(nothing());
        };
        let (view, _) = View::decode(&self.ctx.domain, &bytes).map_err(Problem::disk)?;
        Ok(view.node(key).map_or_else(nothing, |node| SeenIn {
            bitmap: node.bitmap.clone(),
            refused: node.refused.clone(),
            view_frame: Some(node.last_frame.clone()),
        }))
    }

    /// The node's row of an epoch: the dataset's, or as it would be if the epoch ended now.
    fn row(&self, node: &NodeInfo, epoch: u64) -> Result<(Member, Option<Row>), Problem> {
        let registry = self.ctx.registry();
        let leaf = registry.tenures.get(&node.tenure).map(|tenure| tenure.leaf_index);
        let absent = || Problem::not_found("not_in_epoch", "the node's tenure has no row in this epoch");
        let leaf = leaf.ok_or_else(absent)?;
        let computed = self.epochs.store().dataset_rows(&node.project, epoch, leaf, 1)?;
        let row = computed.and_then(|found| found.rows.into_iter().next()).filter(|row| row.tenure == node.tenure);
        if let Some(row) = row {
            let Row { index, tenure, node, node_key, first_bucket, excused, .. } = row;
            return Ok((Member { index, tenure, node, node_key, first_bucket, excused }, Some(row)));
        }
        let members = self.members(&node.project, epoch)?;
        let member = members.get(leaf as usize).filter(|member| member.tenure == node.tenure);
        Ok((*member.ok_or_else(absent)?, None))
    }

    fn last(&self, node_key: &[u8; 32], epoch: u64, seen: &SeenIn) -> (LastFrame, Option<Receipt>) {
        let last = self.ingest.core().last(node_key).cloned();
        let newest = last.as_ref().and_then(|last| Some((last.hash()?, last)));
        let current = self.ctx.schedule.epoch_of(self.ctx.now_ms() / 1000).get();
        let of_view =
            seen.view_frame.as_deref().map(|frame| if frame.is_empty() { [0; 32] } else { frame_hash(frame) });
        let found = newest.filter(|(hash, _)| match of_view {
            Some(in_view) => in_view == *hash,
            None => epoch >= current,
        });
        let Some((hash, last)) = found else {
            return (LastFrame { hash: of_view.unwrap_or_default(), received_at_ms: 0 }, None);
        };
        let receipt = match &last.ack {
            Ack::Durable(committed, index) => committed.inclusion(0, *index).and_then(|inclusion| {
                let batch = committed.signed(&self.ctx.domain, &self.ctx.identity.signing_key).ok()?;
                Some(Receipt { batch: hex::encode(batch), index: *index, path: inclusion.path })
            }),
            Ack::Open(_) | Ack::Logged { .. } | Ack::Gone => None,
        };
        (LastFrame { hash, received_at_ms: last.received_at_ms }, receipt)
    }

    /// The proof of a node in an epoch, the running one by default.
    pub fn proof(&self, named: &[u8; 32], epoch: Option<u64>) -> Result<Value, Problem> {
        let registry = self.ctx.registry();
        let unknown = || Problem::not_found("unknown_node", "no node has this address or key");
        let node = find(&registry, named).ok_or_else(unknown)?;
        let now_ms = self.ctx.now_ms();
        let schedule = &self.ctx.schedule;
        let current = schedule.epoch_of(now_ms / 1000).get();
        let epoch = epoch.unwrap_or(current);
        if epoch > current {
            return Err(Problem::bad_request("future_epoch", format!("the epoch that runs is {current}")));
        }
        let (member, row) = self.row(node, epoch)?;
        let seen = self.seen_in(&member.node_key, epoch)?;
        let (last_frame, receipt) = self.last(&member.node_key, epoch, &seen);
        let elapsed = elapsed(schedule, EpochIndex::new(epoch), now_ms);
        let counted = counted_until(&seen.bitmap, member.first_bucket, elapsed);
        let excused = member.excused.min(elapsed);
        let heard = self.ctx.seen(&node.node_key);
        let statement = UptimeStatement {
            oracle_key: self.ctx.identity.key,
            project: node.project,
            node: node.node,
            tenure: member.tenure,
            node_key: member.node_key,
            epoch: EpochIndex::new(epoch),
            stated_at_ms: now_ms,
            last_seen_ms: heard.map_or(0, |heard| heard.at_ms),
            standing: standing(schedule, self.ctx.settings.offline_after, now_ms, node, heard),
            buckets: schedule.buckets(),
            elapsed,
            first_bucket: member.first_bucket,
            excused,
            counted,
            uptime_bps: uptime_bps(counted, elapsed, excused),
            bitmap: seen.bitmap,
            refused: seen.refused,
            last_frame,
        };
        let signed = statement.encode_signed(&self.ctx.domain, &self.ctx.identity.signing_key);
        let signed = signed.map_err(|error| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "statement", format!("no statement can be made: {error}"))
        })?;
        let mut body = describe(&statement);
        body["oracle"] = json!(self.ctx.identity.base58());
        body["statement"] = json!(hex::encode(&signed));
        body["receipt"] = json!(receipt.map(|receipt| json!({
            "batch": receipt.batch,
            "index": receipt.index,
            "path": receipt.path.iter().map(hex::encode).collect::<Vec<_>>(),
        })));
        body["last_frame"]["bytes"] = json!(seen.view_frame.filter(|frame| !frame.is_empty()).map(hex::encode));
        body["dataset"] = match row {
            Some(row) => self.dataset_proof(node, epoch, &row)?,
            None => Value::Null,
        };
        body["leaf"] = match row {
            Some(row) => self.leaf_proof(&registry, node, epoch, row.index)?,
            None => Value::Null,
        };
        Ok(body)
    }

    /// The dataset's row and its path to the points root, which the settlement names on chain.
    fn dataset_proof(&self, node: &NodeInfo, epoch: u64, row: &Row) -> Result<Value, Problem> {
        let computed = self.epochs.known(&node.project, epoch)?.and_then(|report| report.computed);
        let Some(computed) = computed else {
            return Ok(Value::Null);
        };
        let dataset: &Dataset = &computed.dataset;
        let tree = dataset.points_tree().map_err(Problem::disk)?;
        Ok(json!({
            "hash": hex::encode(computed.hash),
            "points_root": hex::encode(tree.root()),
            "count": tree.count(),
            "index": row.index,
            "counted": row.counted,
            "excused": row.excused,
            "uptime_bps": row.uptime_bps,
            "score_bps": row.score_bps,
            "points": row.points.get().to_string(),
            "path": tree.proof(row.index).unwrap_or_default().iter().map(hex::encode).collect::<Vec<_>>(),
        }))
    }

    /// The cumulative leaf in this epoch's own root, while the chain has it.
    fn leaf_proof(&self, registry: &Registry, node: &NodeInfo, epoch: u64, index: u32) -> Result<Value, Problem> {
        let (Some(info), Some(distribution)) =
            (registry.projects.get(&node.project), registry.distributions.get(&node.project))
        else {
            return Ok(Value::Null);
        };
        let root = distribution.roots.iter().find(|root| root.epoch == epoch && root.count > index);
        let Some(root) = root else {
            return Ok(Value::Null);
        };
        let held = self.epochs.held_leaves(info, root).map_err(Problem::disk)?;
        let Some(held) = held else {
            return Ok(Value::Null);
        };
        let cumulative = held.leaves.rows.get(index as usize).map(|leaf| leaf.cumulative.get().to_string());
        Ok(json!({
            "distribution": bs58::encode(info.distribution).into_string(),
            "epoch": root.epoch,
            "revision": root.revision,
            "root": hex::encode(root.root),
            "count": root.count,
            "index": index,
            "cumulative": cumulative,
            "path": held.tree.proof(index).unwrap_or_default().iter().map(hex::encode).collect::<Vec<_>>(),
        }))
    }
}

/// What a statement says, for people and programs that do not read frames.
fn describe(statement: &UptimeStatement) -> Value {
    let base58 = |key: &[u8; 32]| bs58::encode(key).into_string();
    let refused: Map<String, Value> =
        statement.refused.iter().map(|(reason, count)| (reason.name().to_owned(), json!(count))).collect();
    let LastFrame { hash, received_at_ms } = statement.last_frame;
    json!({
        "project": base58(&statement.project),
        "node": base58(&statement.node),
        "tenure": base58(&statement.tenure),
        "node_key": base58(&statement.node_key),
        "epoch": statement.epoch.get(),
        "is_closed": statement.is_closed(),
        "stated_at_ms": statement.stated_at_ms,
        "status": statement.standing.name(),
        "last_seen_ms": (statement.last_seen_ms > 0).then_some(statement.last_seen_ms),
        "buckets": statement.buckets,
        "elapsed": statement.elapsed,
        "first_bucket": statement.first_bucket.get(),
        "counted": statement.counted,
        "excused": statement.excused,
        "uptime_bps": statement.uptime_bps,
        "bitmap": hex::encode(statement.bitmap.as_bytes()),
        "refused": refused,
        "last_frame": {
            "hash": (hash != [0; 32]).then(|| hex::encode(hash)),
            "received_at_ms": (received_at_ms > 0).then_some(received_at_ms),
        },
    })
}
