//! Views, scores, datasets, leaf files and proofs.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use muster_protocol::Hash;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::App;
use super::problem::{Problem, address, bytes};
use crate::epochs::scores::ScoresError;

/// Whose view; this oracle's own by default.
#[derive(Deserialize)]
pub struct WhoseView {
    oracle: Option<String>,
}

/// `GET /api/v1/views/{epoch}?oracle=KEY`: the signed bytes; of another oracle the ones that are in, where they differ.
pub async fn view(
    State(app): State<Arc<App>>,
    Path(epoch): Path<u64>,
    Query(whose): Query<WhoseView>,
) -> Result<Response, Problem> {
    let store = app.epochs.store();
    let found = match whose.oracle {
        None => store.view(epoch, &app.ctx.identity.key)?,
        Some(oracle) => {
            let oracle = address(&oracle, "oracle")?;
            match store.view_in(epoch, &oracle)? {
                Some(view) => Some(view),
                None => store.view(epoch, &oracle)?,
            }
        }
    };
    let absent = || Problem::not_found("not_published", format!("no view of epoch {epoch} is here"));
    Ok(bytes(found.ok_or_else(absent)?))
}

/// `GET /api/v1/projects/{project}/epochs/{epoch}`.
pub async fn describe(
    State(app): State<Arc<App>>,
    Path((project, epoch)): Path<(String, u64)>,
) -> Result<Json<Value>, Problem> {
    let project = address(&project, "the project")?;
    let found = app.epochs.describe(&project, epoch)?;
    let absent = || Problem::not_found("unknown_epoch", "this oracle knows nothing of this project's epoch");
    Ok(Json(found.ok_or_else(absent)?))
}

/// `GET .../dataset`.
pub async fn dataset(
    State(app): State<Arc<App>>,
    Path((project, epoch)): Path<(String, u64)>,
) -> Result<Response, Problem> {
    let project = address(&project, "the project")?;
    let found = app.epochs.store().dataset(&project, epoch)?;
    let absent = || Problem::not_found("not_computed", "the epoch's dataset is not computed here");
    Ok(bytes(found.ok_or_else(absent)?))
}

/// `GET .../leaves`: the newest revision.
pub async fn leaves(
    State(app): State<Arc<App>>,
    Path((project, epoch)): Path<(String, u64)>,
) -> Result<Response, Problem> {
    let project = address(&project, "the project")?;
    let found = app.epochs.store().newest_leaves(&project, epoch)?;
    let absent = || Problem::not_found("not_computed", "the epoch's leaf file is not here");
    Ok(bytes(found.ok_or_else(absent)?))
}

/// Which score file; the newest one by default.
#[derive(Deserialize)]
pub struct WhichScores {
    hash: Option<String>,
}

/// `GET .../scores?hash=HEX`.
pub async fn get_scores(
    State(app): State<Arc<App>>,
    Path((project, epoch)): Path<(String, u64)>,
    Query(which): Query<WhichScores>,
) -> Result<Response, Problem> {
    let project = address(&project, "the project")?;
    let store = app.epochs.store();
    let found = match which.hash {
        Some(text) => {
            let mut hash = [0; 32];
            hex::decode_to_slice(&text, &mut hash)
                .map_err(|_| Problem::bad_request("bad_hash", "hash is not 64 hex digits"))?;
            store.scores(&project, epoch, &hash)?
        }
        None => store.current_scores(&project, epoch)?.map(|(_, bytes)| bytes),
    };
    let absent = || Problem::not_found("no_scores", "no such score file is here");
    Ok(bytes(found.ok_or_else(absent)?))
}

/// Whether to send the file on to the peers; a peer that sends it on says no.
#[derive(Deserialize)]
pub struct Spread {
    #[serde(default = "yes")]
    spread: bool,
}

fn yes() -> bool {
    true
}

/// `PUT .../scores`: a score file signed by the project's settler. 201 if it is new here, 200 if not.
pub async fn put_scores(
    State(app): State<Arc<App>>,
    Path((project, epoch)): Path<(String, u64)>,
    Query(Spread { spread }): Query<Spread>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let project = address(&project, "the project")?;
    let taken = app.epochs.put_scores(&project, epoch, &body);
    let (hash, new) = taken.map_err(|error| match error {
        ScoresError::UnknownProject => Problem::not_found("unknown_project", error.to_string()),
        ScoresError::Wire(_) => Problem::bad_request("malformed", error.to_string()),
        ScoresError::Misplaced => Problem::bad_request("misplaced", error.to_string()),
        ScoresError::NotSettler { .. } => Problem::new(StatusCode::FORBIDDEN, "not_settler", error.to_string()),
        ScoresError::Settled => Problem::new(StatusCode::CONFLICT, "settled", error.to_string()),
        ScoresError::Disk(error) => Problem::disk(error),
    })?;
    if new && spread {
        let epochs = app.epochs.clone();
        tokio::spawn(async move { epochs.spread_scores(&project, epoch, &body).await });
    }
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!({"scores_hash": hex::encode(hash)}))))
}

/// What a claim needs. Written out field by field: a proof is what is asked for most.
#[derive(Serialize)]
struct Proof<'a> {
    project: &'a str,
    tenure: &'a str,
    epoch: u64,
    revision: u32,
    root: Hex,
    count: u32,
    index: u32,
    cumulative: String,
    proof: Vec<Hex>,
}

/// A hash as 64 hex digits.
struct Hex(Hash);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(str::from_utf8(&digits).map_err(serde::ser::Error::custom)?)
    }
}

/// `GET /api/v1/projects/{project}/proofs/{tenure}`: for the newest root that pays and whose leaves are here.
pub async fn proof(
    State(app): State<Arc<App>>,
    Path((project_text, tenure)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let project = address(&project_text, "the project")?;
    let tenure_key = address(&tenure, "the tenure")?;
    let registry = app.ctx.registry();
    let (Some(info), Some(distribution)) = (registry.projects.get(&project), registry.distributions.get(&project))
    else {
        return Err(Problem::not_found("unknown_project", "this oracle knows no such project"));
    };
    let index =
        registry.tenures.get(&tenure_key).filter(|tenure| tenure.project == project).map(|tenure| tenure.leaf_index);
    let Some(index) = index else {
        return Err(Problem::not_found("unknown_tenure", "the project has no such tenure"));
    };
    for root in distribution.paying_roots(registry.clock_s).filter(|root| root.count > index) {
        let held = app.epochs.held_leaves(info, root).map_err(Problem::disk)?;
        let Some(held) = held else { continue };
        let (Some(row), Some(proof)) = (held.leaves.rows.get(index as usize), held.tree.proof(index)) else {
            continue;
        };
        if row.tenure != tenure_key {
            continue;
        }
        return Ok(Json(Proof {
            project: &project_text,
            tenure: &tenure,
            epoch: root.epoch,
            revision: root.revision,
            root: Hex(root.root),
            count: root.count,
            index,
            cumulative: row.cumulative.get().to_string(),
            proof: proof.into_iter().map(Hex).collect(),
        })
        .into_response());
    }
    Err(Problem::not_found("no_root", "no active root has this tenure's leaf, or its leaves are not here"))
}
