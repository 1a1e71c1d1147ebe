//! Waiting for a condition: with a deadline, a look at the processes, and a line that says how long it may take.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::localnet::Localnet;

const POLL: Duration = Duration::from_millis(500);

/// Polls `look` until it gives a value. An error of `look` is the last one heard of, not the end: a service that is
/// starting refuses connections. `expected` is what the line counts down from, `limit` when it is given up.
pub async fn until<T>(
    net: &mut Localnet,
    what: &str,
    expected: Duration,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        let last_error = match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        net.watch()?;
        let waited = started.elapsed();
        if waited > limit {
            let why = last_error.map(|error| format!("; the last answer: {error:#}")).unwrap_or_default();
            bail!("gave up after {} s waiting for {what}{why}", limit.as_secs());
        }
        let left = expected.saturating_sub(waited).as_secs();
        net.out.progress(&format!("waiting for {what} ... {left} s"));
        tokio::time::sleep(POLL).await;
    }
}
