use muster_client::{
    Pubkey, ledger, muster_network,
    muster_network::state::{Distribution, Network, OracleSet},
    tlog::{self, Fetch},
};
use muster_protocol::{
    ledger::{Block, ChainId, Data, Tail},
    tlog::{checkpoint::log_verifier, entry::Entry, note::Verifier},
    wire::Domain,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::{LedgerCommand, ProjectRef},
    context::Context,
    error::{CliError, failed},
    oracles::Oracle,
    output::{Answer, Progress},
};

/// Blocks of one request.
const PAGE: u64 = 1_000;
/// An oracle follows the chain's finalised blocks, some 13 s old, every few seconds.
const TRIES: u32 = 10;
const WAIT: std::time::Duration = std::time::Duration::from_secs(3);

#[derive(Deserialize)]
struct Blocks {
    blocks: Vec<Value>,
}

#[derive(Deserialize)]
struct Head {
    logged: Option<Logged>,
}

#[derive(Deserialize)]
struct Logged {
    index: u64,
    entry: u64,
}

#[derive(Deserialize)]
struct Heads {
    jobs: Head,
    projects: std::collections::BTreeMap<String, Head>,
}

#[derive(Deserialize)]
struct LogKey {
    key: String,
}

/// A check and what came of it.
struct Check {
    what: String,
    wrong: Option<String>,
}

pub async fn run(context: &Context, command: LedgerCommand) -> Result<Answer, CliError> {
    let oracles = context.oracles().await?;
    let oracle = oracles.first().ok_or_else(|| failed("no oracle is known; name one by --oracle URL"))?;
    match command {
        LedgerCommand::Show { project, from, limit } => show(context, oracle, project, from, limit).await,
        LedgerCommand::Verify { from } => verify(context, oracle, from.max(1)).await,
    }
}

fn name(chain: &ChainId) -> String {
    match chain {
        ChainId::Jobs => "jobs".to_owned(),
        ChainId::Project(project) => Pubkey::from(*project).to_string(),
    }
}

async fn blocks(oracle: &Oracle, chain: &ChainId, from: u64, limit: u64) -> Result<Vec<Block>, CliError> {
    let path = format!("/api/v1/ledger?chain={}&from={from}&limit={limit}", name(chain));
    let answer: Option<Blocks> = oracle.get(&path).await?;
    let unread = || failed(format!("oracle {} has no ledger as this version reads it", oracle.url));
    let answer = answer.ok_or_else(unread)?;
    answer.blocks.iter().map(|block| ledger::from_json(block).ok_or_else(unread)).collect()
}

async fn show(
    context: &Context,
    oracle: &Oracle,
    project: Option<ProjectRef>,
    from: u64,
    limit: u64,
) -> Result<Answer, CliError> {
    let chain = match project {
        Some(project) => ChainId::Project(context.project(&project).await?.0.to_bytes()),
        None => ChainId::Jobs,
    };
    let blocks = blocks(oracle, &chain, from, limit).await?;
    let rows: Vec<Vec<String>> = blocks.iter().map(row).collect();
    let all: Vec<Value> = blocks.iter().map(ledger::to_json).collect();
    let json = json!({"chain": name(&chain), "blocks": all});
    Ok(Answer::table(&["BLOCK", "TIME", "WHAT", "HASH"], &rows, "no block", json))
}

fn row(block: &Block) -> Vec<String> {
    let what = match block.data {
        Data::Job { job, state, to_nodes, to_treasury, returned, .. } => {
            let ended = match state {
                2 => "completed",
                3 => "failed",
                4 => "cancelled",
                _ => "expired",
            };
            let job = Pubkey::from(job);
            format!("job {job} {ended}: {to_nodes} to nodes, {to_treasury} to the treasury, {returned} back")
        }
        Data::Settlement { epoch, revision, total, .. } => {
            format!("epoch {epoch}, revision {revision}: {total} in all")
        }
    };
    let hash = block.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![block.index.to_string(), block.timestamp.to_string(), what, hash]
}

/// What the chain says of its ledgers.
struct Anchors {
    network: Network,
    set: OracleSet,
    domain: Domain,
    heads: Vec<(ChainId, [u8; 32])>,
}

async fn anchors(context: &Context) -> Result<Anchors, CliError> {
    let chain = &context.chain;
    let genesis_hash = chain.genesis_hash().await?;
    let mut heads = Vec::new();
    if let Some(config) = chain.jobs_config().await? {
        heads.push((ChainId::Jobs, config.ledger_head));
    }
    for (_, distribution) in chain.all::<Distribution>().await? {
        heads.push((ChainId::Project(distribution.project.to_bytes()), distribution.ledger_head));
    }
    heads.sort_unstable();
    Ok(Anchors {
        network: context.network().await?,
        set: context.oracle_set().await?,
        domain: Domain::new(&genesis_hash, muster_network::ID.to_bytes()),
        heads,
    })
}

async fn verify(context: &Context, oracle: &Oracle, from: u64) -> Result<Answer, CliError> {
    let anchors = anchors(context).await?;
    let mut checks = Vec::new();
    let mut tails = Vec::new();
    for (chain, head) in &anchors.heads {
        let (tail, check) = follow(oracle, chain, head, from, anchors.network.epoch_len.into()).await?;
        checks.push(check);
        tails.push((*chain, tail));
    }
    checks.extend(logged(oracle, &anchors, &tails).await?);
    let text: String = checks
        .iter()
        .map(|check| match &check.wrong {
            None => format!("ok      {}\n", check.what),
            Some(why) => format!("WRONG   {}: {why}\n", check.what),
        })
        .collect();
    let all: Vec<Value> = checks
        .iter()
        .map(|check| json!({"what": check.what, "ok": check.wrong.is_none(), "why": check.wrong}))
        .collect();
    let verified = checks.iter().all(|check| check.wrong.is_none());
    let answer = Answer::text(text, json!({"oracle": oracle.url, "verified": verified, "checks": all}));
    if verified {
        return Ok(answer);
    }
    context.print(&answer);
    Err(failed(format!("the ledger of oracle {} is not what the chain says", oracle.url)))
}

/// Recomputes a chain's blocks up to the head on chain, waiting for an oracle that is a little behind.
async fn follow(
    oracle: &Oracle,
    chain: &ChainId,
    head: &[u8; 32],
    mut from: u64,
    epoch_len: u64,
) -> Result<(Tail, Check), CliError> {
    let named = name(chain);
    let mut progress = Progress::default();
    let mut tail = Tail::default();
    let mut is_partial = false;
    for attempt in 1..=TRIES {
        loop {
            let next = if tail == Tail::default() { from } else { tail.index + 1 };
            let page = blocks(oracle, chain, next, PAGE).await?;
            if page.is_empty() && tail == Tail::default() && from > 1 {
                // A chain that is shorter than that is recomputed whole.
                from = 1;
                continue;
            }
            if let Some(first) = page.first().filter(|first| tail == Tail::default() && first.index == from && from > 1)
            {
                tail = Tail { index: from - 1, hash: first.previous_hash };
                is_partial = true;
            }
            for block in &page {
                match tail.follow(*chain, block, epoch_len) {
                    Ok(next) => tail = next,
                    Err(fault) => {
                        let what = format!("the ledger of {named}");
                        return Ok((tail, Check { what, wrong: Some(fault.to_string()) }));
                    }
                }
            }
            if (page.len() as u64) < PAGE {
                break;
            }
        }
        if tail.hash == *head || attempt == TRIES {
            break;
        }
        progress.say(&format!("waiting for the oracle to reach the head of {named} on chain"));
        tokio::time::sleep(WAIT).await;
    }
    let part = if is_partial { format!(" from block {from} on") } else { String::new() };
    let what =
        format!("the ledger of {named}: {} blocks{part}, every hash recomputed, the head is the chain's", tail.index);
    let wrong = (tail.hash != *head).then(|| {
        let hex = |hash: &[u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("block {} has hash {}, the head on chain is {}", tail.index, hex(&tail.hash), hex(head))
    });
    Ok((tail, Check { what, wrong }))
}

struct Base<'a>(&'a Oracle);

impl Fetch for Base<'_> {
    async fn get(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = self.0.get_bytes(path).await.map_err(|error| error.to_string())?;
        bytes.ok_or_else(|| format!("oracle {} does not have {path}", self.0.url))
    }
}

/// The key of the oracle's log, which must be an oracle's of the set.
async fn log_key(oracle: &Oracle, anchors: &Anchors) -> Result<Result<Verifier, String>, CliError> {
    let named: Option<LogKey> = oracle.get("/api/v1/tlog").await?;
    let Some(named) = named else {
        return Ok(Err("it serves no transparency log".to_owned()));
    };
    let of_set = anchors.set.active().iter().map(|entry| log_verifier(&anchors.domain, &entry.key.to_bytes()));
    let found = of_set.into_iter().find(|verifier| verifier.encode() == named.key);
    Ok(found.ok_or_else(|| "the key of its log is no oracle's of the set".to_owned()))
}

/// Whether the newest blocks are in the oracle's transparency log.
async fn logged(oracle: &Oracle, anchors: &Anchors, tails: &[(ChainId, Tail)]) -> Result<Vec<Check>, CliError> {
    let checkpoint = "the checkpoint of the transparency log".to_owned();
    let key = match log_key(oracle, anchors).await? {
        Ok(key) => key,
        Err(why) => return Ok(vec![Check { what: checkpoint, wrong: Some(why) }]),
    };
    let heads: Option<Heads> = oracle.get("/api/v1/ledger/head").await?;
    let heads = heads.ok_or_else(|| failed(format!("oracle {} says no heads of its ledger", oracle.url)))?;
    let base = Base(oracle);
    let verified = match tlog::checkpoint(&base, &key).await {
        Ok(verified) => verified,
        Err(error) => return Ok(vec![Check { what: checkpoint, wrong: Some(error.to_string()) }]),
    };
    let size = verified.checkpoint.size;
    let mut checks = vec![Check { what: format!("{checkpoint}: {size} entries, signed by {}", key.name), wrong: None }];
    for (chain, tail) in tails.iter().filter(|(_, tail)| tail.index > 0) {
        let head = match chain {
            ChainId::Jobs => Some(&heads.jobs),
            ChainId::Project(_) => heads.projects.get(&name(chain)),
        };
        let what = format!("the head of {} is in the transparency log", name(chain));
        let wrong = match head.and_then(|head| head.logged.as_ref()) {
            Some(logged) if logged.index >= tail.index && logged.entry < size => {
                is_entry(&base, &verified, logged, tail).await.err()
            }
            Some(logged) => Some(format!("block {} is the newest there, in entry {}", logged.index, logged.entry)),
            None => Some("none of its blocks is".to_owned()),
        };
        checks.push(Check { what, wrong });
    }
    Ok(checks)
}

async fn is_entry(base: &impl Fetch, verified: &tlog::Verified, logged: &Logged, tail: &Tail) -> Result<(), String> {
    let entry = tlog::entry(base, &verified.checkpoint, logged.entry).await.map_err(|error| error.to_string())?;
    match entry {
        // One that came since follows on it.
        Entry::Block(block) if block.index > tail.index => Ok(()),
        Entry::Block(block) if block.hash == tail.hash => Ok(()),
        _ => Err(format!("entry {} is another block", logged.entry)),
    }
}
