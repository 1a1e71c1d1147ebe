//! Delivers events to webhooks, each at its own pace and in order. A slow receiver delays itself alone.

use std::sync::Arc;
use std::time::Duration;

use super::hub::Hub;
use super::ring::Page;
use super::webhook::{Endpoint, Next, next};
use super::{Event, kind};
use crate::context::OracleContext;
use crate::projects::Projects;

/// A receiver has so long to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Events that are taken from the hub at a time.
const PAGE: usize = 64;

/// Delivers for ever; ends with the hub.
pub async fn run(ctx: Arc<OracleContext>, hub: Hub, projects: Arc<Projects>, endpoint: Endpoint) {
    let name = endpoint.name();
    let mut bell = hub.bell();
    let mut cursor = hub.cursor(&name);
    hub.set_cursor(&name, cursor);
    loop {
        let Page { missed, events } = hub.after(cursor, PAGE);
        if missed > 0 {
            tracing::warn!(webhook = name, missed, "a webhook is too slow: events were dropped before it took them");
        }
        cursor += missed;
        for event in &events {
            if endpoint.filter.takes(event) && !deliver(&ctx, &projects, &endpoint, &name, event).await {
                return;
            }
            cursor = event.id;
            hub.set_cursor(&name, cursor);
        }
        if events.is_empty() {
            hub.set_cursor(&name, cursor);
            if bell.changed().await.is_err() || bell.borrow_and_update().is_none() {
                return;
            }
        }
    }
}

/// Says whether the receiver wants more.
async fn deliver(ctx: &OracleContext, projects: &Projects, endpoint: &Endpoint, name: &str, event: &Event) -> bool {
    let mut body = event.json(&ctx.identity.base58());
    let mut statement = None;
    if event.kind == kind::POINTS_FINAL {
        // Whoever pays elsewhere needs the points themselves; they are too many for the ring.
        statement = projects.attach_points(&mut body);
    }
    let body = body.to_string();
    // One message per oracle and event: a receiver that sees it twice takes it once.
    let id = format!("{}-{}", ctx.identity.base58(), event.id);
    let mut tries = 0;
    loop {
        tries += 1;
        let at_s = i64::try_from(ctx.now_ms() / 1000).unwrap_or(0);
        let headers = match endpoint.headers(&id, at_s, body.as_bytes()) {
            Ok(headers) => headers,
            Err(why) => {
                tracing::error!(webhook = name, why, "a webhook cannot be signed");
                return true;
            }
        };
        let mut request = ctx.http.post(&endpoint.url).timeout(TIMEOUT).header("content-type", "application/json");
        for (header, value) in headers {
            request = request.header(header, value);
        }
        if let Some(rows) = &statement {
            request = request.header(muster_protocol::export::HEADER, projects.points_statement(rows, body.as_bytes()));
        }
        let status = match request.body(body.clone()).send().await {
            Ok(response) => Some(response.status().as_u16()),
            Err(error) => {
                tracing::debug!(webhook = name, error = %error.without_url(), "a webhook does not answer");
                None
            }
        };
        match next(status, tries) {
            Next::Done => return true,
            Next::Retry(wait_s) => tokio::time::sleep(Duration::from_secs(wait_s)).await,
            Next::GiveUp => {
                tracing::warn!(webhook = name, event = event.id, tries, ?status, "gave up delivering an event");
                return true;
            }
            Next::Gone => {
                tracing::warn!(
                    webhook = name,
                    "the receiver of a webhook is gone; it gets nothing until the next start"
                );
                return false;
            }
        }
    }
}
