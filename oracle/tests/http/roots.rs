//! What an oracle builds the next root on.

use muster_oracle::epochs::store::Store;
use muster_oracle::log::Disk;
use muster_protocol::leaves::Leaves;

use super::*;

const NEXT: u64 = EPOCH + 1;

fn path_of(epoch: u64) -> String {
    format!("/api/v1/projects/{}/epochs/{epoch}", base58(&PROJECT))
}

/// Makes a root that an oracle voted for the active one, whatever the others voted for.
fn activate_vote(chain: &FakeChain, vote: &ApproveRootArgs) {
    chain.with(|state| {
        let version = state.registry.oracle_set.version;
        let distribution = state.registry.distributions.get_mut(&PROJECT).unwrap();
        distribution.pending =
            Root { root: vote.root, epoch: vote.epoch, total: vote.total, count: vote.count, ..Root::default() };
        distribution.pending_version = version;
    });
    activate(chain);
    chain.with(|state| state.tried_votes.clear());
}

/// Node 0 works in the next epoch too, and the settler settles it.
async fn settle_next(chain: &Arc<FakeChain>, oracles: &[&Running]) {
    chain.at(EPOCH_S * 1000 + 25_000);
    for oracle in oracles {
        Sender { seed: node_seed(0), seq: 100 }.send(chain, oracle).await;
    }
    chain.at(2 * EPOCH_S * 1000 + 9_000);
    until("the views", async || {
        chain.with(|state| state.view_sets.get(&NEXT).is_some_and(|set| usize::from(set.in_count) == oracles.len()))
    })
    .await;
    chain.at(2 * EPOCH_S * 1000 + 21_000);
    until("points", async || get(oracles[0], &path_of(NEXT)).await["state"] == "ready").await;
    let epoch = get(oracles[0], &path_of(NEXT)).await;
    let hash = |key: &str| {
        let mut hash = [0; 32];
        hex::decode_to_slice(epoch[key].as_str().unwrap(), &mut hash).unwrap();
        hash
    };
    let mut settlement = Epoch::zeroed();
    settlement.project = PROJECT.into();
    (settlement.points_root, settlement.dataset_hash) = (hash("points_root"), hash("dataset_hash"));
    settlement.epoch = NEXT;
    settlement.total_points = epoch["total_points"].as_u64().unwrap();
    settlement.node_count = epoch["node_count"].as_u64().unwrap() as u32;
    settlement.node_pool = 500;
    settlement.status = epoch_status::SETTLED;
    chain.with(|state| {
        state.settlements.insert(NEXT, settlement);
        let distribution = state.registry.distributions.get_mut(&PROJECT).unwrap();
        (distribution.open_epoch, distribution.open_node_pool) = (NEXT, 500);
        distribution.open_state = settlement_state::SETTLED;
    });
}

/// Lets time pass, a tick after the other, until an oracle says this of the newest root.
async fn until_it_says(chain: &FakeChain, oracle: &Running, what: &str) {
    until(what, async || {
        chain.now_ms.fetch_add(1_500, Ordering::SeqCst);
        oracle.epochs.tick().await;
        standing(&get(oracle, "/api/v1/status").await) == what
    })
    .await;
}

fn standing(status: &Value) -> &str {
    status["roots"][0]["standing"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oracle_votes_for_nothing_on_a_root_other_than_its_own_until_its_operator_accepts_it() {
    // Given two oracles of which one computes another root than the other, and its root is the active one.
    let chain = FakeChain::new();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let honest = oracle(&chain, 1, folders[0].path()).await;
    let wrong = oracle_with(&chain, 2, folders[1].path(), true).await;
    announce(&chain, &[(1, &honest), (2, &wrong)]);
    let oracles = [honest, wrong];
    brought_to_points(&chain, &oracles).await;
    let [honest, wrong] = oracles;
    settle(&chain, &honest, 1_000_000_007).await;
    until("two votes", async || chain.with(|state| state.tried_votes.len() == 2)).await;
    let vote = chain.with(|state| state.tried_votes[&public(2)].clone());
    activate_vote(&chain, &vote);
    // When the honest one sees it, it says so wherever an operator looks, with what to do.
    until("the alarm", async || get(&honest, "/health").await["status"] == "root_disputed").await;
    let health = get(&honest, "/health").await;
    let detail = health["detail"].as_str().unwrap();
    let root = hex::encode(vote.root);
    for part in ["muster epoch hold", "muster-oracle accept-root", &format!("--epoch {EPOCH} --root {root}")] {
        assert!(detail.contains(part), "{detail}");
    }
    let stats = get(&honest, "/api/v1/stats").await;
    assert_eq!((&stats["disputed_roots"], &stats["root_alarms"]), (&Value::from(1), &Value::from(1)));
    let status = get(&honest, "/api/v1/status").await;
    assert_eq!((standing(&status), &status["roots"][0]["root"]), ("disputed", &Value::from(root)));
    // And votes for nothing that is built on it, although the other one does.
    settle_next(&chain, &[&honest, &wrong]).await;
    until("the other's vote", async || chain.with(|state| state.tried_votes.contains_key(&public(2)))).await;
    let why = async || get(&honest, &path_of(NEXT)).await["why"].as_str().unwrap_or_default().to_owned();
    until("the reason", async || why().await.contains("accept-root")).await;
    assert!(!chain.with(|state| state.tried_votes.contains_key(&public(1))));
    // When its operator accepts the root, it takes over the other's leaves and votes.
    let store = Store::new(Arc::new(Disk), folders[0].path());
    assert!(store.accept(&PROJECT, EPOCH, &[1; 32], 5).is_err());
    store.accept(&PROJECT, EPOCH, &vote.root, 5).unwrap();
    chain.at(2 * EPOCH_S * 1000 + 55_000);
    until("the vote", async || chain.with(|state| state.tried_votes.contains_key(&public(1)))).await;
    let on_top = chain.with(|state| state.tried_votes[&public(1)].clone());
    assert_eq!((on_top.epoch, on_top.total), (NEXT, vote.total + 500));
    until("the end of the alarm", async || get(&honest, "/health").await["status"] == "ok").await;
    let status = get(&honest, "/api/v1/status").await;
    assert_eq!((standing(&status), &status["accepted_roots"][0]["accepted_at_s"]), ("accepted", &Value::from(5)));
    honest.stop().await.unwrap();
    wrong.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oracle_that_joins_later_computes_a_root_again_and_takes_over_only_what_it_cannot() {
    // Given an epoch whose root is active.
    let chain = FakeChain::new();
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    chain.with(|state| state.registry.oracle_set.threshold = 1);
    let first = [oracle(&chain, 1, folders[0].path()).await];
    announce(&chain, &[(1, &first[0])]);
    brought_to_points(&chain, &first).await;
    let [first] = first;
    settle(&chain, &first, 1_000).await;
    until("the vote", async || chain.with(|state| state.tried_votes.len() == 1)).await;
    let vote = chain.with(|state| state.tried_votes[&public(1)].clone());
    activate_vote(&chain, &vote);
    let theirs = Store::new(Arc::new(Disk), folders[0].path()).leaves(&PROJECT, EPOCH, 0).unwrap().unwrap();
    // When an oracle joins that never saw a heartbeat of it, and holds leaves that it once computed on another root, it
    // computes them again out of what is public.
    let mut stale = Leaves::decode(&theirs).unwrap();
    (stale.rows[0].cumulative, stale.rows[1].cumulative) = (stale.rows[1].cumulative, stale.rows[0].cumulative);
    let store = Store::new(Arc::new(Disk), folders[1].path());
    store.put_leaves(&PROJECT, EPOCH, 0, &stale.encode().unwrap()).unwrap();
    let second = oracle(&chain, 2, folders[1].path()).await;
    announce(&chain, &[(2, &second)]);
    until_it_says(&chain, &second, "computed").await;
    assert_eq!(store.leaves(&PROJECT, EPOCH, 0).unwrap().unwrap(), theirs);
    // Where the settlement is gone from the chain, the leaves are taken over, and that is said.
    chain.with(|state| state.settlements.remove(&EPOCH));
    let third = oracle(&chain, 3, folders[2].path()).await;
    announce(&chain, &[(3, &third)]);
    until_it_says(&chain, &third, "taken_over").await;
    let status = get(&third, "/api/v1/status").await;
    assert!(status["roots"][0]["why"].as_str().unwrap().contains("not to be seen"), "{status}");
    let store = Store::new(Arc::new(Disk), folders[2].path());
    assert_eq!(store.leaves(&PROJECT, EPOCH, 0).unwrap(), None);
    assert_eq!(store.taken_leaves(&PROJECT, EPOCH, 0).unwrap().unwrap(), theirs);
    for oracle in [first, second, third] {
        oracle.stop().await.unwrap();
    }
}
