//! The final points of an epoch as a file, with an oracle's signed word on them.

use std::{fs, path::PathBuf};

use muster_client::Pubkey;
use muster_protocol::{
    export::{Finality, HEADER, PointsStatement},
    hashv,
    wire::{Domain, Frame},
};
use serde_json::json;

use crate::{
    args::{ExportFormat, ProjectExport},
    commands::poot::domain,
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
};

/// What was got, and the oracle's word on it.
struct Got {
    bytes: Vec<u8>,
    statement: PointsStatement,
    frame: String,
}

/// Whether an answer's bytes are what the oracle signed, about this project's epoch.
fn check(domain: &Domain, project: &Pubkey, epoch: u64, bytes: Vec<u8>, frame: Option<String>) -> Result<Got, String> {
    let frame = frame.ok_or_else(|| format!("the answer has no header {HEADER}"))?;
    let signed = hex::decode(&frame).map_err(|_| format!("the header {HEADER} is no hex"))?;
    let statement = PointsStatement::decode_verified(domain, &signed).map_err(|error| error.to_string())?;
    if statement.project != project.to_bytes() || statement.epoch.get() != epoch {
        return Err("the statement is of another project or epoch".to_owned());
    }
    if statement.file_hash != hashv(&[&bytes]) {
        return Err("the statement is of another file".to_owned());
    }
    Ok(Got { bytes, statement, frame })
}

pub async fn run(context: &Context, args: ProjectExport) -> Result<Answer, CliError> {
    let (address, _) = context.project(&args.project).await?;
    let (domain, set) = (domain(context).await?, context.oracle_set().await?);
    let format = match args.format {
        ExportFormat::Json => "json",
        ExportFormat::Csv => "csv",
    };
    let path = format!("/api/v1/projects/{address}/epochs/{}/points?format={format}", args.epoch);
    let mut last = failed("no oracle is known");
    for oracle in context.oracles().await? {
        let got = match oracle.with_header(&path, HEADER).await {
            Ok((bytes, frame)) => check(&domain, &address, args.epoch, bytes, frame),
            Err(error) => {
                last = error.into();
                continue;
            }
        };
        let got = match got {
            Ok(got) => got,
            Err(why) => {
                last = failed(format!("the points of {} are refused: {why}", oracle.url));
                continue;
            }
        };
        if set.position(&Pubkey::from(got.statement.oracle_key)).is_none() {
            last = failed(format!("{} signs by a key that is no oracle's of the set", oracle.url));
            continue;
        }
        if got.statement.finality != Finality::Final && !args.early {
            let named = got.statement.finality.name();
            last = failed(format!("the points are {named}, not final yet; --early takes them all the same"));
            continue;
        }
        let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{address}-{}.{format}", args.epoch)));
        return save(&oracle.url, &out, &got);
    }
    Err(last)
}

fn save(url: &str, out: &PathBuf, got: &Got) -> Result<Answer, CliError> {
    let mut beside = out.clone().into_os_string();
    beside.push(".statement");
    let written = fs::write(out, &got.bytes).and_then(|()| fs::write(&beside, &got.frame));
    written.map_err(|error| failed(format!("{} cannot be written: {error}", out.display())))?;
    let statement = &got.statement;
    let facts = Facts::new()
        .say("file", out.display())
        .say("statement", PathBuf::from(&beside).display())
        .say("oracle", url)
        .say("points are", statement.finality.name())
        .number("nodes", statement.node_count)
        .say("points", statement.total_points)
        .say("points root", hex::encode(statement.points_root))
        .say("dataset hash", hex::encode(statement.dataset_hash));
    Ok(facts.json("oracle_key", json!(Pubkey::from(statement.oracle_key).to_string())).answer())
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_protocol::units::EpochIndex;
    use solana_sdk::signature::{Keypair, Signer};

    #[test]
    fn points_are_taken_with_the_word_of_the_oracle_on_these_very_bytes_alone() {
        let domain = Domain { genesis_tag: [1; 8], program: [2; 32] };
        let (oracle, project) = (Keypair::new(), Pubkey::from([3; 32]));
        let statement = PointsStatement {
            oracle_key: oracle.pubkey().to_bytes(),
            project: project.to_bytes(),
            epoch: EpochIndex::new(7),
            finality: Finality::Final,
            dataset_hash: [4; 32],
            points_root: [5; 32],
            node_count: 1,
            total_points: 9,
            file_hash: hashv(&[b"points"]),
            stated_at_ms: 1,
        };
        let mut frame = statement.signing_bytes(&domain).unwrap();
        let signature = oracle.sign_message(&frame);
        frame.extend_from_slice(signature.as_ref());
        let good = Some(hex::encode(&frame));
        let check = |epoch, bytes: &[u8], frame| check(&domain, &project, epoch, bytes.to_vec(), frame);
        assert_eq!(check(7, b"points", good.clone()).unwrap().statement, statement);
        assert!(check(8, b"points", good.clone()).is_err() && check(7, b"others", good).is_err());
        assert!(check(7, b"points", None).is_err());
        frame[130] ^= 1;
        assert!(check(7, b"points", Some(hex::encode(frame))).is_err());
    }
}
