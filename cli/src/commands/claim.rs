use std::time::Duration;

use muster_client::{
    Pubkey, addresses,
    chain::{ChainError, SendOptions},
    instructions,
    muster_network::{
        self,
        state::{Distribution, Project, Root, Tenure},
    },
};
use muster_protocol::merkle::{distribution_leaf, verify};
use serde_json::{Value, json};
use solana_sdk::signature::{Keypair, Signer};

use crate::{
    amount::tokens,
    args::ClaimArgs,
    context::Context,
    error::{CliError, failed},
    oracles::{Oracle, Proof},
    output::{Answer, Progress},
};

/// Enough for a payout account's creation and a claim at depth 20.
const COMPUTE_UNITS: u32 = 120_000;
/// Lamports per compute unit are left to the cluster's floor, but the instruction is there as in a busy cluster.
const COMPUTE_UNIT_PRICE: u64 = 0;

/// How long the oracles may take to follow an activation: a finalised block is some 13 s old.
const PROOF_TIMEOUT: Duration = Duration::from_secs(45);
const PROOF_EVERY: Duration = Duration::from_secs(1);

/// What a claim came to.
enum Claim {
    Paid(Box<Value>, Vec<String>),
    Skipped(String),
}

pub async fn run(context: &Context, args: ClaimArgs) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let tenures = select(context, &args).await?;
    let oracles = context.oracles().await?;
    let mut progress = Progress::default();
    let (mut paid, mut skipped, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let mut failures = 0;
    for (number, (address, tenure)) in tenures.iter().enumerate() {
        if tenures.len() > 1 {
            progress.say(&format!("claiming {} of {}", number + 1, tenures.len()));
        }
        match one(context, &payer, &oracles, address, tenure).await {
            Ok(Claim::Paid(json, row)) => {
                paid.push(*json);
                rows.push(row);
            }
            Ok(Claim::Skipped(why)) => {
                rows.push(vec![address.to_string(), "0".to_owned(), why.clone(), "-".to_owned()]);
                skipped.push(json!({"tenure": address.to_string(), "reason": why}));
            }
            Err(error @ CliError::DryRun(_)) => return Err(error),
            Err(error) if tenures.len() == 1 => return Err(error),
            // The others are paid all the same.
            Err(error) => {
                failures += 1;
                rows.push(vec![address.to_string(), "0".to_owned(), error.to_string(), "-".to_owned()]);
                skipped.push(json!({"tenure": address.to_string(), "reason": error.to_string()}));
            }
        }
    }
    drop(progress);
    let sum: u64 = paid.iter().filter_map(|claim| claim["amount"].as_str()?.parse::<u64>().ok()).sum();
    let json = json!({"claims": paid, "skipped": skipped, "sum": sum.to_string()});
    let answer = Answer::table(&["TENURE", "AMOUNT", "PAYOUT", "SIGNATURE"], &rows, "no tenure", json);
    if failures > 0 {
        context.print(&answer);
        return Err(failed(format!("{failures} of {} claims failed", tenures.len())));
    }
    if args.tenure.is_some() && paid.is_empty() {
        let why = skipped.first().and_then(|skipped| skipped["reason"].as_str()).unwrap_or("nothing to claim");
        return Err(failed(why));
    }
    Ok(answer)
}

async fn select(context: &Context, args: &ClaimArgs) -> Result<Vec<(Pubkey, Tenure)>, CliError> {
    let mut tenures = match (&args.tenure, &args.holder, &args.project) {
        (Some(tenure), _, _) => vec![(*tenure, context.expect("the tenure", tenure).await?)],
        (None, Some(holder), _) => context.chain.tenures_held_by(holder).await?,
        (None, None, Some(project)) => context.chain.tenures_of(&project.address()).await?,
        (None, None, None) => context.chain.tenures().await?,
    };
    if let Some(project) = &args.project {
        let address = project.address();
        tenures.retain(|(_, tenure)| tenure.project == address);
    }
    tenures.sort_by_key(|(_, tenure)| (tenure.project, tenure.leaf_index));
    Ok(tenures)
}

async fn one(
    context: &Context,
    payer: &Keypair,
    oracles: &[Oracle],
    address: &Pubkey,
    tenure: &Tenure,
) -> Result<Claim, CliError> {
    let project: Project = context.expect("the tenure's project", &tenure.project).await?;
    let mint = context.mint(&project.reward_mint).await?;
    let distribution: Distribution = context.expect("the distribution", &tenure.distribution).await?;
    let now = context.chain.clock().await?;
    if distribution.roots[0].root == [0; 32] {
        return Ok(Claim::Skipped("no root is active yet".to_owned()));
    }
    if distribution.roots.iter().all(|root| tenure.leaf_index >= root.count) {
        return Ok(Claim::Skipped("the active roots have no leaf for this tenure yet".to_owned()));
    }
    let (root, cumulative, proof) = find_proof(oracles, address, tenure, &distribution, now).await?;
    if cumulative <= tenure.claimed_total {
        return Ok(Claim::Skipped("all that is owed is claimed".to_owned()));
    }
    let create = instructions::create_ata(&payer.pubkey(), &tenure.payout_owner, &project.reward_mint, &mint.program);
    let claim = instructions::claim(
        address,
        &tenure.distribution,
        &tenure.payout,
        &project.reward_mint,
        &mint.program,
        cumulative,
        proof,
    );
    let budget = SendOptions { compute_units: Some(COMPUTE_UNITS), compute_unit_price: Some(COMPUTE_UNIT_PRICE) };
    let sent = match context.send_with(&[create, claim], &[payer], budget).await {
        Ok(sent) => sent,
        Err(error) => {
            return match error.program_error() {
                // Somebody else claimed in between, or the breaker asks to come back: neither is a failure.
                Some("NothingToClaim" | "AllowanceUsedUp") => Ok(Claim::Skipped(sentence(&error))),
                _ => Err(error),
            };
        }
    };
    let after: Tenure = context.expect("the tenure", address).await?;
    let amount = after.claimed_total.saturating_sub(tenure.claimed_total);
    let compute_units = context.compute_units(&sent).await;
    let json = json!({
        "tenure": address.to_string(),
        "signature": sent.signature.to_string(),
        "amount": amount.to_string(),
        "cumulative": cumulative.to_string(),
        "claimed_total": after.claimed_total.to_string(),
        "payout": tenure.payout.to_string(),
        "payout_owner": tenure.payout_owner.to_string(),
        "epoch": root.epoch,
        "compute_units": compute_units,
        "bytes": sent.bytes,
    });
    let row =
        vec![address.to_string(), tokens(amount, mint.decimals), tenure.payout.to_string(), sent.signature.to_string()];
    Ok(Claim::Paid(Box::new(json), row))
}

fn sentence(error: &CliError) -> String {
    match error {
        CliError::Chain(ChainError::Program { error, .. }) => error.message.clone(),
        other => other.to_string(),
    }
}

type Found = (Root, u64, Vec<[u8; 32]>);

/// A proof for the newest root that pays the tenure. Oracles follow the chain some seconds behind, so a root that was
/// activated just now is waited for; what an older one gives is taken when that time is over.
async fn find_proof(
    oracles: &[Oracle],
    address: &Pubkey,
    tenure: &Tenure,
    distribution: &Distribution,
    now: i64,
) -> Result<Found, CliError> {
    let newest = distribution.paying_roots(now).find(|root| tenure.leaf_index < root.count).map(|root| root.root);
    let started = tokio::time::Instant::now();
    loop {
        let found = ask_for_proof(oracles, address, tenure, distribution, now).await;
        let is_newest = matches!(&found, Ok((root, ..)) if Some(root.root) == newest);
        if is_newest || started.elapsed() >= PROOF_TIMEOUT {
            return found;
        }
        tokio::time::sleep(PROOF_EVERY).await;
    }
}

/// The proof of the newest root that any oracle gives.
async fn ask_for_proof(
    oracles: &[Oracle],
    address: &Pubkey,
    tenure: &Tenure,
    distribution: &Distribution,
    now: i64,
) -> Result<Found, CliError> {
    let path = format!("/api/v1/projects/{}/proofs/{address}", tenure.project);
    let mut last = failed("no oracle has a proof for this tenure yet; try again in a moment");
    let mut best: Option<Found> = None;
    for oracle in oracles {
        match oracle.get::<Proof>(&path).await {
            Ok(Some(proof)) => match check(&proof, address, tenure, distribution, now) {
                Ok(found) if best.as_ref().is_none_or(|best| found.0.epoch > best.0.epoch) => best = Some(found),
                Ok(_) => {}
                Err(why) => last = failed(format!("the proof of oracle {} is of no use: {why}", oracle.url)),
            },
            Ok(None) => {}
            Err(error) => last = error.into(),
        }
    }
    best.ok_or(last)
}

/// Checks a proof as the program will: an active root that nobody holds, the leaf of this very tenure.
fn check(
    proof: &Proof,
    address: &Pubkey,
    tenure: &Tenure,
    distribution: &Distribution,
    now: i64,
) -> Result<Found, &'static str> {
    let root = hash(&proof.root).ok_or("the root is not 64 hex digits")?;
    let cumulative: u64 = proof.cumulative.parse().map_err(|_| "the amount is no number")?;
    let siblings: Option<Vec<[u8; 32]>> = proof.proof.iter().map(|sibling| hash(sibling)).collect();
    let siblings = siblings.ok_or("a sibling is not 64 hex digits")?;
    let active = distribution
        .roots
        .iter()
        .find(|active| active.root == root && active.count == proof.count)
        .ok_or("its root is not active")?;
    if now < active.held_until {
        return Err("the guardian holds its root");
    }
    if !distribution.paying_roots(now).any(|paying| paying.root == root) {
        return Err("its root was held or corrected, and pays later or not at all");
    }
    if proof.index != tenure.leaf_index {
        return Err("it is of another leaf");
    }
    let leaf = distribution_leaf(
        &muster_network::ID.to_bytes(),
        &addresses::distribution(&tenure.project).to_bytes(),
        &address.to_bytes(),
        tenure.leaf_index,
        cumulative,
    );
    if !verify(&root, &leaf, tenure.leaf_index, active.count, &siblings) {
        return Err("it does not lead to its root");
    }
    Ok((*active, cumulative, siblings))
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use muster_protocol::merkle::Tree;

    use super::*;

    fn example() -> (Pubkey, Tenure, Distribution, Proof) {
        let project = Pubkey::new_unique();
        let distribution_address = addresses::distribution(&project);
        let address = Pubkey::new_unique();
        let tenure = Tenure { project, distribution: distribution_address, leaf_index: 2, ..Tenure::zeroed() };
        let leaf = |index: u32, tenure: &Pubkey, cumulative| {
            distribution_leaf(
                &muster_network::ID.to_bytes(),
                &distribution_address.to_bytes(),
                &tenure.to_bytes(),
                index,
                cumulative,
            )
        };
        let other = Pubkey::new_unique();
        let tree = Tree::build(vec![leaf(0, &other, 1), leaf(1, &other, 2), leaf(2, &address, 500)]).unwrap();
        let mut distribution = Distribution::zeroed();
        distribution.roots[1] = Root { root: tree.root(), count: 3, epoch: 7, held_until: 50, ..Root::default() };
        let proof = Proof {
            root: hex::encode(tree.root()),
            count: 3,
            index: 2,
            cumulative: "500".to_owned(),
            proof: tree.proof(2).unwrap().iter().map(hex::encode).collect(),
        };
        (address, tenure, distribution, proof)
    }

    #[test]
    fn a_proof_of_an_active_root_is_taken() {
        let (address, tenure, distribution, proof) = example();
        let (root, cumulative, siblings) = check(&proof, &address, &tenure, &distribution, 50).unwrap();
        assert_eq!((root.epoch, cumulative, siblings.len()), (7, 500, 2));
    }

    #[test]
    fn a_proof_that_the_program_would_refuse_is_never_sent() {
        let (address, tenure, distribution, proof) = example();
        let with = |change: fn(&mut Proof)| {
            let mut proof = proof.clone();
            change(&mut proof);
            check(&proof, &address, &tenure, &distribution, 50).map(|_| ())
        };
        assert_eq!(with(|proof| proof.cumulative = "501".into()), Err("it does not lead to its root"));
        assert_eq!(with(|proof| proof.index = 1), Err("it is of another leaf"));
        assert_eq!(with(|proof| proof.count = 4), Err("its root is not active"));
        assert_eq!(with(|proof| proof.proof.truncate(1)), Err("it does not lead to its root"));
        assert_eq!(with(|proof| proof.proof[0] = "zz".into()), Err("a sibling is not 64 hex digits"));
        let held = check(&proof, &address, &tenure, &distribution, 49);
        assert_eq!(held.map(|_| ()), Err("the guardian holds its root"));
        let mut corrected = distribution;
        corrected.roots[0] = Root { root: [9; 32], count: 3, pays_from: 50, ..Root::default() };
        let late = check(&proof, &address, &tenure, &corrected, 50);
        assert_eq!(late.map(|_| ()), Err("its root was held or corrected, and pays later or not at all"));
        let stranger = check(&proof, &Pubkey::new_unique(), &tenure, &distribution, 50);
        assert_eq!(stranger.map(|_| ()), Err("it does not lead to its root"));
    }
}
