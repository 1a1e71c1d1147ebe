//! Takes the ledger's blocks from the chain.

use std::sync::Arc;
use std::time::Duration;

use muster_client::Pubkey;
use muster_client::chain::ChainError;
use muster_protocol::ledger::{ChainId, Tail};

use super::Books;
use crate::context::OracleContext;
use crate::log::storage::{read_whole, write_whole};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// The longest wait after failures.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// Why a look did not succeed.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("the ledger's files: {0}")]
    Disk(#[from] std::io::Error),
}

/// Follows for ever.
pub async fn run(ctx: Arc<OracleContext>, books: Arc<Books>) {
    let mut failures: u32 = 0;
    loop {
        tokio::time::sleep((EVERY * 2u32.saturating_pow(failures.min(8))).min(WAIT_MAX)).await;
        match look(&ctx, &books).await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures.is_power_of_two() {
                    tracing::warn!(failures, %error, "the ledger waits");
                }
            }
        }
    }
}

async fn look(ctx: &OracleContext, books: &Books) -> Result<(), FollowError> {
    jobs(ctx, books).await?;
    let registry = ctx.registry();
    for (project, distribution) in &registry.distributions {
        let chain = ChainId::Project(*project);
        let tail = books.tail(&chain);
        if distribution.ledger_head != tail.hash {
            let project = Pubkey::from(*project);
            let epoch_len = ctx.schedule.epoch_len();
            let blocks = ctx.chain.settlement_blocks(&project, distribution, tail, epoch_len).await?;
            books.append(chain, &blocks)?;
        }
    }
    Ok(())
}

async fn jobs(ctx: &OracleContext, books: &Books) -> Result<(), FollowError> {
    let tail = books.tail(&ChainId::Jobs);
    let config = ctx.chain.jobs_config().await?;
    if config.is_none_or(|config| config.finished_count == tail.index) {
        return Ok(());
    }
    let from = next_slot(ctx, &tail)?;
    let (blocks, next) = ctx.chain.job_blocks(tail, from).await?;
    books.append(ChainId::Jobs, &blocks)?;
    let tail = books.tail(&ChainId::Jobs);
    let folder = ctx.folder("ledger");
    let text = format!("{} {next}", tail.index);
    write_whole(&*ctx.storage, &folder.join("jobs.slot"), &folder.join("jobs.slot.temporary"), text.as_bytes())?;
    Ok(())
}

/// The slot to go on from: from the first one, unless it is known for this very tail or one before it.
fn next_slot(ctx: &OracleContext, tail: &Tail) -> std::io::Result<u64> {
    let text = read_whole(&*ctx.storage, &ctx.folder("ledger").join("jobs.slot"))?.unwrap_or_default();
    let text = String::from_utf8(text).unwrap_or_default();
    let known = text.split_once(' ').and_then(|(index, slot)| Some((index.parse().ok()?, slot.parse().ok()?)));
    Ok(known.filter(|(index, _): &(u64, u64)| *index <= tail.index).map_or(0, |(_, slot)| slot))
}
