use std::{cell::RefCell, collections::BTreeMap, path::Path, time::Duration};

use muster_client::{
    Pubkey, addresses, instructions, members,
    muster_network::{
        SettleEpochArgs,
        state::{Network, OracleSet, Project, ViewSet},
    },
};
use muster_protocol::{
    dataset::{Dataset, Header, OracleView},
    scores::{NO_SCORES, Score, Scores},
    split::fee_and_pool,
    units::{EpochIndex, Schedule},
    wire::{Domain, Frame},
};
use serde_json::json;
use solana_sdk::signature::{Keypair, Signer};

use crate::{
    amount::tokens,
    args::EpochSettle,
    context::{Context, wait_for},
    error::{CliError, failed, usage},
    oracles::{EpochState, Oracle},
    output::{Answer, Progress},
};

const POLL_EVERY: Duration = Duration::from_secs(1);
/// The most bytes of a score file as JSON: a million tenures.
const SCORES_LEN_MAX: u64 = 128 * 1024 * 1024;

/// What a settlement is about.
struct Subject {
    address: Pubkey,
    project: Project,
    network: Network,
    epoch: u64,
    genesis_hash: [u8; 32],
}

pub async fn run(context: &Context, args: EpochSettle) -> Result<Answer, CliError> {
    let settler = context.signer()?;
    let (address, project) = context.project(&args.project).await?;
    let mint = context.mint(&project.reward_mint).await?;
    let budget = context.to_base_units(&args.budget, mint.decimals)?;
    let subject = Subject {
        address,
        network: context.network().await?,
        epoch: args.epoch,
        genesis_hash: context.chain.genesis_hash().await?,
        project,
    };
    check(context, &subject, &settler, budget).await?;
    let arguments = match budget {
        // Final without the oracles, so it states nothing that they would have to approve.
        0 => SettleEpochArgs {
            epoch: args.epoch,
            points_root: [0; 32],
            total_points: 0,
            node_count: 0,
            budget,
            dataset_hash: [0; 32],
            scores_hash: NO_SCORES,
        },
        _ => statement(context, &args, &subject, &settler, budget).await?,
    };
    let SettleEpochArgs { points_root, total_points, node_count, dataset_hash, scores_hash, .. } = arguments;
    let instruction =
        instructions::settle_epoch(&settler.pubkey(), &address, &subject.project.reward_mint, &mint.program, arguments);
    let signature = context.send(&[instruction], &[&settler]).await?;
    let (fee, node_pool) = fee_and_pool(budget, subject.network.fee_bps_at(args.epoch));
    let json = json!({
        "signature": signature.to_string(),
        "project": address.to_string(),
        "epoch": args.epoch,
        "settlement": addresses::epoch(&address, args.epoch).to_string(),
        "budget": budget.to_string(),
        "fee": fee.to_string(),
        "node_pool": node_pool.to_string(),
        "points_root": hex::encode(points_root),
        "total_points": total_points.to_string(),
        "node_count": node_count,
        "dataset_hash": hex::encode(dataset_hash),
        "scores_hash": hex::encode(scores_hash),
        "final": budget == 0,
    });
    let lines = [
        ("epoch", args.epoch.to_string()),
        ("points", format!("{total_points} of {node_count} tenures")),
        ("budget", tokens(budget, mint.decimals)),
        ("to the nodes", tokens(node_pool, mint.decimals)),
        ("fee", tokens(fee, mint.decimals)),
        ("points root", hex::encode(points_root)),
        ("signature", signature.to_string()),
    ];
    Ok(Answer::new(&lines, json))
}

/// What would be refused anyway is refused before anything is waited for.
/// What the oracles computed and this tool recomputed.
async fn statement(
    context: &Context,
    args: &EpochSettle,
    subject: &Subject,
    settler: &Keypair,
    budget: u64,
) -> Result<SettleEpochArgs, CliError> {
    let oracles = context.oracles().await?;
    let scores_hash = match &args.scores {
        None => NO_SCORES,
        Some(path) => post_scores(context, subject, settler, path, &oracles, args.timeout).await?,
    };
    let set = context.oracle_set().await?;
    let agreed = wait_until_ready(subject, &set, &oracles, &scores_hash, args.timeout).await?;
    let dataset = download(subject, &agreed).await?;
    verify(context, subject, &dataset, &agreed, &scores_hash).await?;
    let total_points = dataset.total_points();
    if total_points == 0 {
        return Err(failed("nobody earned a point in this epoch: only a budget of 0 can be settled"));
    }
    Ok(SettleEpochArgs {
        epoch: args.epoch,
        points_root: dataset.points_root().map_err(|error| failed(error.to_string()))?,
        total_points,
        node_count: dataset.rows.len() as u32,
        budget,
        dataset_hash: dataset.hash().map_err(|error| failed(error.to_string()))?,
        scores_hash,
    })
}

async fn check(context: &Context, subject: &Subject, settler: &Keypair, budget: u64) -> Result<(), CliError> {
    let (project, epoch) = (&subject.project, subject.epoch);
    if settler.pubkey() != project.settler {
        return Err(usage(format!("the signer {} is not the project's settler {}", settler.pubkey(), project.settler)));
    }
    if context.chain.epoch(&subject.address, epoch).await?.is_some() {
        return Err(failed(format!("epoch {epoch} of this project is settled already")));
    }
    if epoch < project.next_epoch {
        return Err(failed(format!(
            "epoch {epoch} can no longer be settled: the next one of this project is {}",
            project.next_epoch
        )));
    }
    if budget > project.max_budget_at(epoch) {
        return Err(failed(format!(
            "the budget of {budget} base units is above the project's {} an epoch",
            project.max_budget_at(epoch)
        )));
    }
    let vault = addresses::budget_vault(&subject.address);
    let funded = context.chain.balance(&vault).await?.unwrap_or(0);
    if budget > funded {
        return Err(failed(format!(
            "the budget vault holds {funded} base units, {budget} are needed: fund the project"
        )));
    }
    Ok(())
}

/// Signs the scores and gives them to every oracle; one that takes them suffices, they spread.
async fn post_scores(
    context: &Context,
    subject: &Subject,
    settler: &Keypair,
    path: &Path,
    oracles: &[Oracle],
    timeout: Duration,
) -> Result<[u8; 32], CliError> {
    let wrong = |why: String| usage(format!("{}: {why}", path.display()));
    let text = super::job::read_file(path, SCORES_LEN_MAX)?;
    let named: BTreeMap<String, u16> = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("an object of tenures and basis points is needed: {error}")))?;
    let tenures = context.chain.tenures_of(&subject.address).await?;
    let mut entries = Vec::with_capacity(named.len());
    for (name, score_bps) in named {
        let index = tenures
            .iter()
            .find(|(address, _)| address.to_string() == name)
            .map(|(_, tenure)| tenure.leaf_index)
            .ok_or_else(|| wrong(format!("{name} is no tenure of this project")))?;
        entries.push(Score { index, score_bps });
    }
    entries.sort_by_key(|score| score.index);
    let scores = Scores {
        project: subject.address.to_bytes(),
        epoch: EpochIndex::new(subject.epoch),
        settler: settler.pubkey().to_bytes(),
        entries,
    };
    let domain = Domain::new(&subject.genesis_hash, muster_client::muster_network::ID.to_bytes());
    let mut file = scores.signing_bytes(&domain).map_err(|error| wrong(error.to_string()))?;
    let signature = settler.sign_message(&file);
    file.extend_from_slice(signature.as_ref());

    let target = format!("/api/v1/projects/{}/epochs/{}/scores", subject.address, subject.epoch);
    let mut progress = Progress::default();
    let started = tokio::time::Instant::now();
    loop {
        let mut refused = Vec::new();
        for oracle in oracles {
            if let Err(error) = oracle.put(&target, "application/octet-stream", file.clone()).await {
                refused.push(error);
            }
        }
        for error in &refused {
            tracing::debug!("{error}");
        }
        if refused.len() < oracles.len() {
            return Ok(Scores::hash(&file));
        }
        // Nobody took them. A refusal for good is the answer, any other may pass.
        let last = refused.iter().position(|error| !error.is_momentary());
        if last.is_some() || started.elapsed() >= timeout {
            return Err(refused.swap_remove(last.unwrap_or(0)).into());
        }
        progress.say(&format!("no oracle takes the scores of epoch {} yet", subject.epoch));
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// What a threshold of oracles has computed, and one of them that has it.
struct Agreed {
    oracles: Vec<Oracle>,
    dataset_hash: String,
    points_root: String,
}

/// Waits until a threshold of the oracles reports the same dataset over our scores.
async fn wait_until_ready(
    subject: &Subject,
    set: &OracleSet,
    oracles: &[Oracle],
    scores_hash: &[u8; 32],
    timeout: Duration,
) -> Result<Agreed, CliError> {
    let threshold = usize::from(set.threshold);
    if oracles.len() < threshold {
        return Err(usage(format!(
            "{} oracles are named, but {threshold} must agree: name more by --oracle",
            oracles.len()
        )));
    }
    let path = format!("/api/v1/projects/{}/epochs/{}", subject.address, subject.epoch);
    let scores = hex::encode(scores_hash);
    let progress = RefCell::new(Progress::default());
    let what = format!("{threshold} oracles to agree on epoch {}", subject.epoch);
    wait_for(&what, timeout, POLL_EVERY, || async {
        let mut groups: BTreeMap<(String, String), Vec<Oracle>> = BTreeMap::new();
        let mut said = Vec::new();
        for oracle in oracles {
            let state = match oracle.get::<EpochState>(&path).await {
                Ok(Some(state)) => state,
                Ok(None) => {
                    said.push("unknown".to_owned());
                    continue;
                }
                Err(error) => {
                    tracing::debug!(%error, "an oracle did not answer");
                    said.push("unreachable".to_owned());
                    continue;
                }
            };
            let why = state.why.as_deref().filter(|why| !why.is_empty());
            said.push(why.map_or_else(|| state.state.clone(), |why| format!("{} ({why})", state.state)));
            let same_scores = match state.scores_hash.as_deref() {
                None | Some("") => *scores_hash == NO_SCORES,
                Some(hash) => hash == scores,
            };
            if let ("ready", true, Some(dataset), Some(root)) =
                (state.state.as_str(), same_scores, state.dataset_hash, state.points_root)
            {
                groups.entry((dataset, root)).or_default().push(oracle.clone());
            }
        }
        progress.borrow_mut().say(&format!("epoch {}: {}", subject.epoch, said.join(", ")));
        let agreed = groups.into_iter().find(|(_, oracles)| oracles.len() >= threshold);
        Ok(agreed.map(|((dataset_hash, points_root), oracles)| Agreed { oracles, dataset_hash, points_root }))
    })
    .await
}

/// The dataset's bytes from any of those that agree; decoding recomputes every row and the total.
async fn download(subject: &Subject, agreed: &Agreed) -> Result<Dataset, CliError> {
    let path = format!("/api/v1/projects/{}/epochs/{}/dataset", subject.address, subject.epoch);
    let mut last = failed("no oracle has the dataset");
    for oracle in &agreed.oracles {
        let bytes = match oracle.get_bytes(&path).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(error) => {
                last = error.into();
                continue;
            }
        };
        if hex::encode(muster_protocol::hashv(&[&bytes])) != agreed.dataset_hash {
            last = failed(format!("the dataset of {} has another hash than it reports", oracle.url));
            continue;
        }
        match Dataset::decode(&bytes) {
            Ok(dataset) => return Ok(dataset),
            Err(error) => last = failed(format!("the dataset of {} is wrong: {error}", oracle.url)),
        }
    }
    Err(last)
}

/// Checks against the chain what the dataset says about itself, and the root that the oracles computed from it.
async fn verify(
    context: &Context,
    subject: &Subject,
    dataset: &Dataset,
    agreed: &Agreed,
    scores_hash: &[u8; 32],
) -> Result<(), CliError> {
    let views: ViewSet = context.expect("the epoch's view set", &addresses::view_set(subject.epoch)).await?;
    let header =
        header(subject.genesis_hash, &subject.address, &subject.project, &subject.network, &views, *scores_hash)?;
    if dataset.header != header {
        return Err(failed("the oracles' dataset was computed from something else than the chain says now"));
    }
    let followed = context.chain.history(&subject.address).await?;
    let listed =
        followed.history().members(&header.schedule, header.epoch).map_err(|error| failed(error.to_string()))?;
    let same = listed.len() == dataset.rows.len()
        && listed.iter().zip(&dataset.rows).all(|(member, row)| {
            (member.index, member.tenure, member.node, member.node_key, member.first_bucket, member.excused)
                == (row.index, row.tenure, row.node, row.node_key, row.first_bucket, row.excused)
        });
    if !same {
        return Err(failed("the oracles' dataset lists other tenures than the chain"));
    }
    let root = dataset.points_root().map_err(|error| failed(error.to_string()))?;
    if hex::encode(root) != agreed.points_root {
        return Err(failed("the points root of the oracles does not follow from their dataset"));
    }
    Ok(())
}

/// The header that an epoch's dataset must have, by the chain.
pub fn header(
    genesis_hash: [u8; 32],
    address: &Pubkey,
    project: &Project,
    network: &Network,
    views: &ViewSet,
    scores_hash: [u8; 32],
) -> Result<Header, CliError> {
    let schedule = Schedule::new(network.epoch_len.into(), network.bucket_len.into())
        .map_err(|error| failed(error.to_string()))?;
    Ok(Header {
        genesis_hash,
        program: muster_client::muster_network::ID.to_bytes(),
        network: addresses::network().to_bytes(),
        project: address.to_bytes(),
        distribution: addresses::distribution(address).to_bytes(),
        epoch: EpochIndex::new(views.epoch),
        schedule,
        set_version: views.set_version,
        threshold: views.threshold,
        oracles: views
            .oracles()
            .iter()
            .zip(&views.view_hashes)
            .map(|(oracle, view_hash)| OracleView { oracle_key: oracle.to_bytes(), view_hash: *view_hash })
            .collect(),
        formula: members::formula_at(project, views.epoch),
        scores_hash,
    })
}
