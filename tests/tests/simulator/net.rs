//! The network between oracles, and what an oracle's API gives of its files.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use muster_oracle::epochs::peers::Peers;
use muster_oracle::registry::OraclePeer;
use serde_json::json;

use super::disk::Crash;
use super::exec::lock;
use super::liar;
use super::machine::Running;
use super::world::{Machine, World};

/// How long a peer is waited for.
const TIMEOUT_MS: u64 = 5_000;

/// One machine's way to its oracle's peers.
pub struct SimPeers {
    pub world: Arc<World>,
    pub machine: usize,
}

fn place_of(url: &str) -> Option<usize> {
    url.strip_prefix("sim://")?.parse().ok()
}

impl SimPeers {
    async fn exchange<T>(
        &self,
        what: &'static str,
        peer: &OraclePeer,
        answer: impl Fn(&Machine, &Running) -> Option<T>,
    ) -> Option<T> {
        let (world, own) = (&self.world, &self.world.machines[self.machine]);
        if own.switch.is_off() || own.switch.call(what) != Crash::No {
            std::future::pending::<()>().await;
        }
        let place = place_of(&peer.url)?;
        let exchanged = async {
            world.travel(own.place, place).await?;
            let other = world.answering(place)?;
            let running = lock(&other.running).clone()?;
            let answered = answer(other, &running);
            world.travel(place, own.place).await?;
            // Whatever a machine says while it goes off is not sent.
            if other.switch.is_off() { None } else { answered }
        };
        world.within(TIMEOUT_MS, exchanged).await
    }
}

impl Peers for SimPeers {
    fn get<'a>(&'a self, peer: &'a OraclePeer, path: &'a str, bytes_max: usize) -> BoxFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let asker = self.world.machines[self.machine].place;
            let ask = |other: &Machine, running: &Running| {
                let honest = serve(running, path);
                liar::served(&self.world, other, asker, path, honest)
            };
            let bytes = self.exchange("get", peer, ask).await?;
            (bytes.len() <= bytes_max).then_some(bytes)
        })
    }

    fn put<'a>(&'a self, peer: &'a OraclePeer, path: &'a str, bytes: &'a [u8]) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let take = |_: &Machine, running: &Running| {
                let (project, epoch) = of_project(path)?;
                running.epochs.put_scores(&project, epoch, bytes).ok().map(|_| ())
            };
            self.exchange("put", peer, take).await.is_some()
        })
    }
}

fn key(text: &str) -> Option<[u8; 32]> {
    bs58::decode(text).into_vec().ok()?.try_into().ok()
}

fn of_project(path: &str) -> Option<([u8; 32], u64)> {
    let rest = path.strip_prefix("/api/v1/projects/")?;
    let (project, rest) = rest.split_once("/epochs/")?;
    let epoch = rest.split(['/', '?']).next()?;
    Some((key(project)?, epoch.parse().ok()?))
}

/// What the API answers to a GET; none is not found, or not to be read.
pub fn serve(running: &Running, path: &str) -> Option<Vec<u8>> {
    let store = running.epochs.store();
    let (bare, query) = path.split_once('?').unwrap_or((path, ""));
    if bare == "/api/v1/tick" {
        return tick(running);
    }
    if let Some(epoch) = bare.strip_prefix("/api/v1/views/") {
        let epoch = epoch.parse().ok()?;
        let Some(oracle) = query.strip_prefix("oracle=") else {
            return store.view(epoch, &running.ctx.identity.key).ok()?;
        };
        let oracle = key(oracle)?;
        return match store.view_in(epoch, &oracle).ok()? {
            Some(view) => Some(view),
            None => store.view(epoch, &oracle).ok()?,
        };
    }
    let (project, epoch) = of_project(path)?;
    match bare.rsplit('/').next()? {
        "leaves" => store.newest_leaves(&project, epoch).ok()?,
        "dataset" => store.dataset(&project, epoch).ok()?,
        "scores" => match query.strip_prefix("hash=") {
            Some(text) => {
                let mut hash = [0; 32];
                hex::decode_to_slice(text, &mut hash).ok()?;
                store.scores(&project, epoch, &hash).ok()?
            }
            None => store.current_scores(&project, epoch).ok()?.map(|(_, bytes)| bytes),
        },
        _ => None,
    }
}

fn tick(running: &Running) -> Option<Vec<u8>> {
    let newest = running.handle.core().newest().cloned()?;
    let signed = newest.signed(&running.ctx.domain, &running.ctx.identity.signing_key).ok()?;
    let answer = json!({"oracle_time_ms": running.ctx.now_ms(), "batch": hex::encode(signed)});
    serde_json::to_vec(&answer).ok()
}
