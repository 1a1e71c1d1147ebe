//! Recomputes an epoch from evidence: the views that are in give the points, the points and the pool give the root.

mod evidence;

use base64::{Engine, prelude::BASE64_STANDARD};
use muster_client::{
    Pubkey,
    accounts::{ChainAccount, decode},
    addresses,
    chain::Followed,
    members, muster_network,
    muster_network::state::{
        Distribution, Epoch, Network, Node, OracleSet, Project, Root, Tenure, ViewSet, epoch_status,
    },
};
use muster_protocol::{
    dataset::{Dataset, Member},
    leaves::Leaves,
    membership::LeafMissing,
    scores::{NO_SCORES, Scores},
    split::fee_and_pool,
    units::{BaseUnits, EpochIndex, Schedule},
    view::{View, combine},
    wire::{Domain, Frame},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::AuditArgs,
    context::Context,
    error::{CliError, failed, usage},
    output::Answer,
};
use evidence::Evidence;

/// What the chain says about the epoch.
struct Chain {
    genesis_hash: [u8; 32],
    network: Network,
    set: OracleSet,
    project: Project,
    distribution: Distribution,
    epoch: Epoch,
    views: ViewSet,
    members: Members,
}

/// Where the epoch's members are read from.
enum Members {
    /// The project's events: right for every epoch.
    History(Followed),
    /// The accounts in the evidence, taken when the epoch was paid.
    Accounts { tenures: Vec<(Pubkey, Tenure)>, nodes: Vec<(Pubkey, Node)> },
}

impl Members {
    fn of(&self, schedule: &Schedule, project: &Pubkey, epoch: u64) -> Result<Vec<Member>, LeafMissing> {
        match self {
            Self::History(followed) => followed.history().members(schedule, EpochIndex::new(epoch)),
            Self::Accounts { tenures, nodes } => members::members(schedule, project, epoch, tenures, nodes),
        }
    }
}

/// What was compared, in order. A failed check ends nothing: whoever audits wants to see all of them.
#[derive(Default)]
struct Checks(Vec<Check>);

struct Check {
    what: &'static str,
    verdict: Verdict,
}

enum Verdict {
    Holds,
    Wrong(String),
    /// Nothing is left to compare with.
    Skipped(String),
}

impl From<Result<(), String>> for Verdict {
    fn from(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::Holds,
            Err(why) => Self::Wrong(why),
        }
    }
}

impl Verdict {
    /// The word, whether it holds (`None` when skipped), and why not.
    fn parts(&self) -> (&'static str, Option<bool>, Option<&str>) {
        match self {
            Self::Holds => ("ok", Some(true), None),
            Self::Wrong(why) => ("WRONG", Some(false), Some(why)),
            Self::Skipped(why) => ("skipped", None, Some(why)),
        }
    }
}

impl Checks {
    fn note(&mut self, what: &'static str, result: Result<(), String>) {
        self.0.push(Check { what, verdict: result.into() });
    }

    fn skip(&mut self, what: &'static str, why: &str) {
        self.0.push(Check { what, verdict: Verdict::Skipped(why.to_owned()) });
    }

    fn same<T: PartialEq>(&mut self, what: &'static str, found: T, expected: T, show: impl Fn(&T) -> String) {
        let differs = || format!("the evidence gives {}, the chain says {}", show(&found), show(&expected));
        let result = if found == expected { Ok(()) } else { Err(differs()) };
        self.note(what, result);
    }

    fn failures(&self) -> usize {
        self.0.iter().filter(|check| matches!(check.verdict, Verdict::Wrong(_))).count()
    }
}

pub async fn run(context: &Context, args: AuditArgs) -> Result<(), CliError> {
    let address = args.project.address();
    let evidence = Evidence::read(&args.evidence)?;
    let chain = if args.offline { from_file(&args, &address)? } else { from_rpc(context, &args, &address).await? };
    let mut checks = Checks::default();
    let figures = recompute(&mut checks, &chain, &evidence, &address, args.epoch);
    let (mut rows, mut listed) = (Vec::new(), Vec::new());
    for check in &checks.0 {
        let (word, ok, why) = check.verdict.parts();
        rows.push(vec![word.to_owned(), check.what.to_owned(), why.unwrap_or_default().to_owned()]);
        listed.push(json!({"check": check.what, "ok": ok, "why": why}));
    }
    let json = json!({
        "project": address.to_string(),
        "epoch": args.epoch,
        "ok": checks.failures() == 0,
        "checks": listed,
        "figures": figures,
    });
    context.print(&Answer::table(&["", "CHECK", "WHY"], &rows, "nothing was checked", json));
    match checks.failures() {
        0 => Ok(()),
        count => Err(failed(format!("{count} of {} checks failed", checks.0.len()))),
    }
}

async fn from_rpc(context: &Context, args: &AuditArgs, address: &Pubkey) -> Result<Chain, CliError> {
    Ok(Chain {
        genesis_hash: context.chain.genesis_hash().await?,
        network: context.network().await?,
        set: context.oracle_set().await?,
        project: context.expect("the project", address).await?,
        distribution: context.expect("the distribution", &addresses::distribution(address)).await?,
        epoch: context.expect("the settlement of the epoch", &addresses::epoch(address, args.epoch)).await?,
        views: context.expect("the epoch's view set", &addresses::view_set(args.epoch)).await?,
        members: Members::History(context.chain.history(address).await?),
    })
}

/// An account of `chain.json`.
#[derive(Deserialize)]
struct SavedAccount {
    address: String,
    owner: String,
    /// Base64.
    data: String,
}

#[derive(Deserialize)]
struct SavedChain {
    accounts: Vec<SavedAccount>,
}

#[derive(Deserialize)]
struct SavedIndex {
    /// Base58.
    genesis_hash: String,
}

/// Accounts in the order of the file: address, owner, data.
type Accounts = Vec<(Pubkey, Pubkey, Vec<u8>)>;

fn from_file(args: &AuditArgs, address: &Pubkey) -> Result<Chain, CliError> {
    const LEN_MAX: u64 = 1 << 30;
    let read = |name: &str| crate::files::read_file(&args.evidence.join(name), LEN_MAX);
    let wrong = |name: &str, why: String| usage(format!("{name} in the evidence is not readable: {why}"));
    let index: SavedIndex =
        serde_json::from_slice(&read("index.json")?).map_err(|error| wrong("index.json", error.to_string()))?;
    let genesis: Pubkey =
        index.genesis_hash.parse().map_err(|_| wrong("index.json", "genesis_hash is not base58".to_owned()))?;
    let saved: SavedChain =
        serde_json::from_slice(&read("chain.json")?).map_err(|error| wrong("chain.json", error.to_string()))?;
    let mut accounts: Accounts = Vec::with_capacity(saved.accounts.len());
    for account in saved.accounts {
        let parsed = (account.address.parse(), account.owner.parse(), BASE64_STANDARD.decode(&account.data));
        let (Ok(address), Ok(owner), Ok(data)) = parsed else {
            return Err(wrong("chain.json", format!("account {} is malformed", account.address)));
        };
        accounts.push((address, owner, data));
    }
    let mut tenures: Vec<(Pubkey, Tenure)> = every(&accounts);
    tenures.retain(|(_, tenure)| tenure.project == *address);
    let mut nodes: Vec<(Pubkey, Node)> = every(&accounts);
    nodes.retain(|(_, node)| node.project == *address);
    Ok(Chain {
        genesis_hash: genesis.to_bytes(),
        network: one(&accounts, &addresses::network())?,
        set: one(&accounts, &addresses::oracle_set())?,
        project: one(&accounts, address)?,
        distribution: one(&accounts, &addresses::distribution(address))?,
        epoch: one(&accounts, &addresses::epoch(address, args.epoch))?,
        views: one(&accounts, &addresses::view_set(args.epoch))?,
        members: Members::Accounts { tenures, nodes },
    })
}

fn one<T: ChainAccount>(accounts: &Accounts, address: &Pubkey) -> Result<T, CliError> {
    let (_, owner, data) = accounts
        .iter()
        .find(|(found, ..)| found == address)
        .ok_or_else(|| failed(format!("chain.json has no {} at {address}", T::NAME)))?;
    decode(owner, data).map_err(|error| failed(format!("{address} of chain.json: {error}")))
}

fn every<T: ChainAccount>(accounts: &Accounts) -> Vec<(Pubkey, T)> {
    accounts.iter().filter_map(|(address, owner, data)| Some((*address, decode(owner, data).ok()?))).collect()
}

fn hex_of(bytes: &[u8; 32]) -> String {
    hex::encode(bytes)
}

/// Every check that the evidence allows; what is missing is a failed check. Answers the recomputed figures.
fn recompute(checks: &mut Checks, chain: &Chain, evidence: &Evidence, address: &Pubkey, epoch: u64) -> Value {
    let domain = Domain::new(&chain.genesis_hash, muster_network::ID.to_bytes());
    let settled = &chain.epoch;
    let grace_end = chain.network.epoch_end(epoch) + i64::from(chain.network.grace);
    let closed = chain.views.is_closed(settled.settled_at, grace_end);
    checks.note(
        "the view set was closed when the epoch was settled",
        closed.then_some(()).ok_or_else(|| "it was open".to_owned()),
    );
    let (fee, node_pool) = fee_and_pool(settled.budget, chain.network.fee_bps_at(epoch));
    checks.same("the fee is the network's share of the budget", fee, settled.fee, u64::to_string);
    checks.same("the node pool is the rest", node_pool, settled.node_pool, u64::to_string);

    let dataset = match dataset(checks, chain, evidence, &domain, address, epoch) {
        Ok(dataset) => dataset,
        Err(why) => {
            checks.note("the dataset can be recomputed", Err(why));
            return Value::Null;
        }
    };
    let figures = json!({
        "total_points": dataset.total_points().to_string(),
        "node_count": dataset.rows.len(),
        "fee": fee.to_string(),
        "node_pool": node_pool.to_string(),
    });
    let root = match dataset.points_root() {
        Ok(root) => root,
        Err(error) => {
            checks.note("the points have a root", Err(error.to_string()));
            return figures;
        }
    };
    checks.same("the points root is on chain", root, settled.points_root, hex_of);
    checks.same("the total points are on chain", dataset.total_points(), settled.total_points, u64::to_string);
    checks.same("the node count is on chain", dataset.rows.len() as u32, settled.node_count, u32::to_string);
    if settled.budget > 0 {
        let result = leaves(checks, chain, evidence, &dataset, epoch);
        if let Err(why) = result {
            checks.note("the cumulative root can be recomputed", Err(why));
        }
    }
    figures
}

/// Views, scores and members to the dataset, checked against the file and the chain.
fn dataset(
    checks: &mut Checks,
    chain: &Chain,
    evidence: &Evidence,
    domain: &Domain,
    address: &Pubkey,
    epoch: u64,
) -> Result<Dataset, String> {
    let mut views = Vec::new();
    for (index, oracle) in chain.set.active().iter().enumerate() {
        let hash = chain.views.view_hashes[index];
        if hash == [0; 32] {
            continue;
        }
        let file = evidence
            .by_hash(&hash)
            .ok_or_else(|| format!("the view {} of oracle {} is not among the evidence", hex_of(&hash), oracle.key))?;
        let view =
            View::decode_verified(domain, file).map_err(|error| format!("the view of {}: {error}", oracle.key))?;
        if view.oracle_key != oracle.key.to_bytes() || view.epoch.get() != epoch {
            return Err(format!("the view of {} is another oracle's or of another epoch", oracle.key));
        }
        views.push(view);
    }
    checks.note("every view that is in is there, signed by its oracle", Ok(()));

    let scores_hash = chain.epoch.scores_hash;
    let scores = if scores_hash == NO_SCORES {
        None
    } else {
        let file = evidence
            .by_hash(&scores_hash)
            .ok_or_else(|| format!("the score file {} is not among the evidence", hex_of(&scores_hash)))?;
        let scores = Scores::decode_verified(domain, file).map_err(|error| format!("the score file: {error}"))?;
        let ours = scores.project == address.to_bytes()
            && scores.epoch.get() == epoch
            && scores.settler == chain.project.settler.to_bytes();
        checks.note(
            "the score file is the settler's, of this epoch",
            ours.then_some(()).ok_or_else(|| "it names another project, epoch or settler".to_owned()),
        );
        Some(scores)
    };
    let header =
        super::epoch::header(chain.genesis_hash, address, &chain.project, &chain.network, &chain.views, scores_hash)
            .map_err(|error| error.to_string())?;
    let listed = chain.members.of(&header.schedule, address, epoch).map_err(|error| error.to_string())?;
    let views: Vec<&View> = views.iter().collect();
    let combined = combine(&views, chain.views.threshold).map_err(|error| error.to_string())?;
    let dataset = Dataset::compute(header, &listed, &combined, scores.as_ref()).map_err(|error| error.to_string())?;
    let hash = dataset.hash().map_err(|error| error.to_string())?;
    checks.same("the dataset's hash is on chain", hash, chain.epoch.dataset_hash, hex_of);
    let file = evidence.by_hash(&hash);
    checks.note(
        "the dataset's file is what the views give, byte for byte",
        file.map(drop).ok_or_else(|| "no file of the evidence has these bytes".to_owned()),
    );
    Ok(dataset)
}

/// The previous leaves and the node pool to the cumulative root.
fn leaves(
    checks: &mut Checks,
    chain: &Chain,
    evidence: &Evidence,
    dataset: &Dataset,
    epoch: u64,
) -> Result<(), String> {
    let on_chain = chain
        .distribution
        .roots
        .iter()
        .chain([&chain.distribution.pending])
        .find(|root: &&Root| root.epoch == epoch && root.root != [0; 32])
        .copied();
    let previous = evidence.previous_leaves(&dataset.header.distribution, epoch);
    let next = Leaves::next(previous, dataset, BaseUnits::new(chain.epoch.node_pool), chain.epoch.revision)
        .map_err(|error| error.to_string())?;
    let root = next.root().map_err(|error| error.to_string())?;
    match on_chain {
        Some(found) => {
            checks.same("the cumulative root is on chain", root, found.root, hex_of);
            checks.same("the cumulative total is on chain", next.total.get(), found.total, u64::to_string);
            checks.same("the leaf count is on chain", next.rows.len() as u32, found.count, u32::to_string);
        }
        None if chain.epoch.status == epoch_status::FINAL => {
            checks.skip("the cumulative root is on chain", "newer roots have taken its place; its event still names it")
        }
        None => checks.skip("the cumulative root is on chain", "the oracles have not approved one yet"),
    }
    let file = next.encode().map_err(|error| error.to_string())?;
    checks.note(
        "the leaf file is what points and pool give, byte for byte",
        evidence
            .by_hash(&muster_protocol::hashv(&[&file]))
            .map(drop)
            .ok_or_else(|| "no file of the evidence has these bytes".to_owned()),
    );
    Ok(())
}
