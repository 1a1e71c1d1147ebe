//! `GET /api/v1/events`: what happens, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event as Message, KeepAlive};
use futures_util::Stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::App;
use super::problem::Problem;
use crate::events::hub::Hub;
use crate::events::{Event, Filter};

/// Readers at a time.
pub const READERS_MAX: usize = 256;
/// Events that are taken from the hub at a time.
const PAGE: usize = 64;
/// A silent connection says so this often, so that proxies leave it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which events.
#[derive(Deserialize)]
pub struct Wanted {
    /// About this project alone.
    project: Option<String>,
    /// These kinds alone, separated by commas.
    kinds: Option<String>,
    /// From after this number on; the header `Last-Event-ID` goes before. Without both: what happens from now on.
    after: Option<u64>,
}

struct Reader {
    hub: Hub,
    bell: watch::Receiver<Option<u64>>,
    filter: Filter,
    oracle: String,
    cursor: u64,
    ready: VecDeque<Message>,
    _permit: OwnedSemaphorePermit,
}

/// The stream: `id` is the event's number, `event` its kind, `data` the object of `docs/oracle.md`. An event `missed` says
/// how many were dropped before the reader asked for them.
pub async fn stream(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, Problem> {
    let kinds = wanted.kinds.as_deref().unwrap_or_default();
    let kinds = kinds.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
    let filter = Filter { project: wanted.project, kinds };
    if let Some(unknown) = filter.unknown_kind() {
        return Err(Problem::bad_request("unknown_kind", format!("there is no kind of events {unknown:?}")));
    }
    let busy = |_| Problem::unavailable("busy", "this oracle has as many readers of events as it can", 30);
    let permit = app.event_readers.clone().try_acquire_owned().map_err(busy)?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let cursor = last.or(wanted.after).unwrap_or_else(|| app.events.newest());
    let reader = Reader {
        hub: app.events.clone(),
        bell: app.events.bell(),
        filter,
        oracle: app.ctx.identity.base58(),
        cursor,
        ready: VecDeque::new(),
        _permit: permit,
    };
    let stream = futures_util::stream::unfold(reader, |mut reader| async move {
        let message = reader.next().await?;
        Some((Ok(message), reader))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

impl Reader {
    /// The next message; none when the oracle stops.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            // Before the look: what happens after it rings again.
            let is_open = self.bell.borrow_and_update().is_some();
            let page = self.hub.after(self.cursor, PAGE);
            if page.missed > 0 {
                self.cursor += page.missed;
                let data = serde_json::json!({"missed": page.missed}).to_string();
                self.ready.push_back(Message::default().event("missed").data(data));
            }
            for event in &page.events {
                self.cursor = event.id;
                if self.filter.takes(event) {
                    self.ready.push_back(self.message(event));
                }
            }
            if page.events.is_empty() && self.ready.is_empty() {
                // A number from the future counts as the newest.
                self.cursor = self.cursor.min(self.hub.newest());
                if !is_open || self.bell.changed().await.is_err() {
                    return None;
                }
            }
        }
    }

    fn message(&self, event: &Event) -> Message {
        let message = Message::default().id(event.id.to_string()).event(&event.kind);
        message.data(event.json(&self.oracle).to_string())
    }
}
