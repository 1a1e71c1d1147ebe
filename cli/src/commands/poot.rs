//! Proofs of operational time, as the oracles give them.

use muster_client::Pubkey;
use muster_protocol::{
    uptime::UptimeStatement,
    wire::{Domain, Frame},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    args::{PootCommand, ProjectRef},
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    oracles::{Oracle, RequestSigner},
    output::Answer,
};

pub async fn run(context: &Context, command: PootCommand) -> Result<Answer, CliError> {
    match command {
        PootCommand::Show { node, epoch } => show(context, &node, epoch).await,
        PootCommand::Calculate { project, epoch } => calculate(context, &project, epoch).await,
        PootCommand::Credits { node } => credits(context, &node).await,
    }
}

/// The network that frames and requests belong to.
pub async fn domain(context: &Context) -> Result<Domain, CliError> {
    let genesis_hash = context.chain.genesis_hash().await?;
    Ok(Domain::new(&genesis_hash, muster_client::muster_network::ID.to_bytes()))
}

/// The statement in an answer, if its signature is good and it is about this node.
fn checked(domain: &Domain, answer: &Value, node: &Pubkey) -> Result<UptimeStatement, String> {
    let text = answer["statement"].as_str().ok_or("the answer has no statement")?;
    let bytes = hex::decode(text).map_err(|_| "the statement is no hex")?;
    let statement = UptimeStatement::decode_verified(domain, &bytes).map_err(|error| error.to_string())?;
    if statement.node != node.to_bytes() && statement.node_key != node.to_bytes() {
        return Err("the statement is about another node".to_owned());
    }
    Ok(statement)
}

async fn show(context: &Context, node: &Pubkey, epoch: Option<u64>) -> Result<Answer, CliError> {
    let domain = domain(context).await?;
    let set = context.oracle_set().await?;
    let query = epoch.map(|epoch| format!("?epoch={epoch}")).unwrap_or_default();
    let path = format!("/api/v1/poot/{node}{query}");
    let (mut rows, mut said) = (Vec::new(), Vec::new());
    for oracle in context.oracles().await? {
        let answer = match oracle.get::<Value>(&path).await {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                rows.push(vec![oracle.url.clone(), "unknown there".to_owned()]);
                continue;
            }
            Err(error) => {
                rows.push(vec![oracle.url.clone(), error.to_string()]);
                continue;
            }
        };
        match checked(&domain, &answer, node) {
            Ok(statement) => {
                let is_of_set = set.position(&Pubkey::from(statement.oracle_key)).is_some();
                rows.push(vec![
                    oracle.url.clone(),
                    if is_of_set { "good" } else { "good, but of no oracle of the set" }.to_owned(),
                    statement.standing.name().to_owned(),
                    format!("{} of {}", statement.counted, statement.elapsed),
                    statement.excused.to_string(),
                    format!("{}.{:02} %", statement.uptime_bps / 100, statement.uptime_bps % 100),
                    statement
                        .refused
                        .iter()
                        .map(|(reason, n)| format!("{} {n}", reason.name()))
                        .collect::<Vec<_>>()
                        .join(", "),
                ]);
                said.push(json!({"url": oracle.url, "signature": "good", "of_set": is_of_set, "answer": answer}));
            }
            Err(why) => {
                rows.push(vec![oracle.url.clone(), format!("REFUSED: {why}")]);
                said.push(json!({"url": oracle.url, "signature": "refused", "why": why}));
            }
        }
    }
    if said.is_empty() {
        return Err(failed(format!("no oracle knows the node {node} in this epoch")));
    }
    let header = ["ORACLE", "STATEMENT", "STATUS", "COUNTED", "EXCUSED", "UPTIME", "REFUSED"];
    Ok(Answer::table(&header, &rows, "", json!({"node": node.to_string(), "oracles": said})))
}

async fn calculate(context: &Context, project: &ProjectRef, epoch: Option<u64>) -> Result<Answer, CliError> {
    let key = context.signer()?;
    let signer = RequestSigner { domain: domain(context).await?, key: &key };
    let project = project.address().to_string();
    let body = match epoch {
        Some(epoch) => json!({"project": project, "epoch": epoch}),
        None => json!({"project": project}),
    };
    let mut last = failed("no oracle is known");
    for oracle in context.oracles().await? {
        let path = "/api/v1/poot/calculate";
        match oracle.signed::<Value>(&signer, Method::POST, path, body.to_string().into_bytes()).await {
            Ok(made) => return Ok(calculated(&oracle, made)),
            Err(error) if error.is_momentary() => last = error.into(),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last)
}

fn calculated(oracle: &Oracle, made: Value) -> Answer {
    let text = |name: &str| made[name].as_str().map_or_else(|| made[name].to_string(), str::to_owned);
    let lines = [
        ("oracle", oracle.url.clone()),
        ("epoch", text("epoch")),
        ("figures", if made["is_final"] == true { "final" } else { "so far, of this oracle alone" }.to_owned()),
        ("buckets", format!("{} of {} are over", text("elapsed"), text("buckets"))),
        ("nodes", format!("{} earn of {}", text("earning_count"), text("node_count"))),
        ("points", text("total_points")),
        ("same as kept", text("is_same")),
        ("took", format!("{} ms", text("took_ms"))),
    ];
    Answer::new(&lines, made)
}

async fn credits(context: &Context, node: &Pubkey) -> Result<Answer, CliError> {
    let path = format!("/api/v1/credits/{node}");
    let mut last = failed(format!("no oracle knows the node {node}"));
    for oracle in context.oracles().await? {
        let answer = match oracle.get::<Value>(&path).await {
            Ok(Some(answer)) => answer,
            Ok(None) => continue,
            Err(error) => {
                last = error.into();
                continue;
            }
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let epochs = answer["epochs"].as_array().cloned().unwrap_or_default();
        let cells = ["epoch", "counted", "uptime_bps", "score_bps", "points", "is_settled"];
        let rows: Vec<Vec<String>> = epochs.iter().map(|row| cells.map(|name| text(&row[name])).to_vec()).collect();
        let facts = Facts::new().say("oracle", &oracle.url).say("node", text(&answer["node"]));
        let facts = facts.say("points", text(&answer["total_points"])).json("credits", answer);
        return Ok(facts
            .answer()
            .with_table(&["EPOCH", "COUNTED", "UPTIME BPS", "SCORE BPS", "POINTS", "SETTLED"], &rows));
    }
    Err(last)
}
