//! The fold: whatever the batches, repetitions and order between streams, the same state; a gap stops its stream alone.

mod common;

use common::postgres;
use common::{decoded, key, store, story, text, transaction};
use muster_client::addresses;
use muster_client::events::Event;
use muster_client::muster_network::events::{NodeAccepted, ProjectFunded};
use muster_indexer::decode::{ChainEvent, InnerInstruction, decode};
use muster_indexer::store::{Batch, StoreError};
use muster_indexer::verify::verify;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::time::Duration;

fn batch(events: &[ChainEvent]) -> Batch {
    Batch { events: events.to_vec(), upto: events.iter().map(|event| event.slot).max().unwrap_or(0) }
}

#[tokio::test]
async fn one_batch_of_every_event_is_the_state_that_verify_rebuilds() {
    let database = postgres::database();
    let store = store(database.url(), "whole").await;
    let events = decoded(&story());
    let names: std::collections::BTreeSet<&str> = events.iter().map(|event| event.event.name()).collect();
    assert_eq!(names, Event::NAMES.iter().copied().collect(), "the story must hold every kind of event");
    store.write(&batch(&events)).await.unwrap();
    let state = text(&store).await;
    for table in muster_indexer::store::STATE_TABLES {
        let filled = state.contains(&format!("# {}\n{{", table.0));
        assert_eq!(filled, table.0 != "waiting", "{}", table.0);
    }
    let report = verify(&store, None, Duration::ZERO).await.unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
    assert_eq!(report.events as usize, events.len());

    let pool = store.pool();
    let bond: (String, String, String) = sqlx::query_as(
        "SELECT earned::text, earned_total::text, withdrawn_total::text FROM bond WHERE withdrawn_total > 0",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(bond, ("0".to_owned(), "80000000".to_owned(), "80000000".to_owned()));
    let node: (String, Option<i64>, i64) =
        sqlx::query_as("SELECT status, accepted_at, tenure_number FROM node WHERE holder = $1 LIMIT 1")
            .bind(key(41).to_string())
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!((node.0.as_str(), node.1.is_some(), node.2), ("active", true, 3));
    let treasury: String =
        sqlx::query_scalar("SELECT sum(amount)::text FROM treasury_entry").fetch_one(pool).await.unwrap();
    assert_eq!(treasury, (6 * 200_000 + 2 * 20_000_000 + 80_000_025).to_string());
    let project: (String, String) =
        sqlx::query_as("SELECT funded_total::text, price::text FROM project LIMIT 1").fetch_one(pool).await.unwrap();
    assert_eq!(project, ("12000000".to_owned(), "3".to_owned()));
}

#[tokio::test]
async fn verify_names_what_was_changed_behind_its_back() {
    let database = postgres::database();
    let store = store(database.url(), "changed").await;
    store.write(&batch(&decoded(&story()))).await.unwrap();
    sqlx::query("UPDATE claim SET amount = amount + 1 WHERE seq = 5").execute(store.pool()).await.unwrap();
    let report = verify(&store, None, Duration::ZERO).await.unwrap();
    assert_eq!(report.differences.len(), 4, "{:?}", report.differences);
    assert!(report.differences.iter().all(|difference| difference.starts_with("claim, only")));
}

/// How a story reaches the indexer: an order, repetitions, cuts.
fn deliveries(count: usize) -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    let order = Just((0..count).collect::<Vec<usize>>()).prop_shuffle();
    let repeated = prop::collection::vec(0..count, 0..20);
    let cuts = prop::collection::vec(0..count + 20, 0..12);
    (order, repeated, cuts, any::<bool>()).prop_map(move |(shuffled, repeated, mut cuts, shuffle)| {
        let mut order = if shuffle { shuffled } else { (0..count).collect() };
        for (i, event) in repeated.into_iter().enumerate() {
            order.insert((event * 7 + i) % order.len(), event);
        }
        cuts.retain(|cut| *cut < order.len());
        cuts.extend([0, order.len()]);
        cuts.sort_unstable();
        (order, cuts)
    })
}

#[test]
fn any_batches_repetitions_order_and_restarts_give_the_same_dump() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = postgres::database();
    let events = decoded(&story());
    let expected = runtime.block_on(async {
        let store = store(database.url(), "expected").await;
        store.write(&batch(&events)).await.unwrap();
        text(&store).await
    });
    let cases = std::sync::atomic::AtomicUsize::new(0);
    let with_gaps = std::sync::atomic::AtomicUsize::new(0);
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&deliveries(events.len()), |(order, cuts)| {
            let case = cases.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let got = runtime.block_on(async {
                let schema = format!("case_{case}");
                let mut gaps_seen = false;
                for cut in cuts.windows(2) {
                    // Connected anew for each batch, as after a restart.
                    let store = store(database.url(), &schema).await;
                    let part: Vec<ChainEvent> = order[cut[0]..cut[1]].iter().map(|i| events[*i].clone()).collect();
                    store.write(&batch(&part)).await.unwrap();
                    gaps_seen |= !store.gaps().await.unwrap().is_empty();
                    store.pool().close().await;
                }
                let store = store(database.url(), &schema).await;
                let got = text(&store).await;
                store.pool().close().await;
                (got, gaps_seen)
            });
            prop_assert_eq!(&got.0, &expected);
            with_gaps.fetch_add(usize::from(got.1), std::sync::atomic::Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
    assert!(cases.into_inner() >= 24);
    assert!(with_gaps.into_inner() >= 4, "hardly any case had a gap on its way");
}

#[tokio::test]
async fn a_gap_stops_its_stream_and_no_other_until_it_is_filled() {
    let database = postgres::database();
    let (whole, broken) = (store(database.url(), "whole").await, store(database.url(), "broken").await);
    let events = decoded(&story());
    whole.write(&batch(&events)).await.unwrap();

    let project = addresses::project(0).to_string();
    let is_missing = |event: &ChainEvent| event.event.stream().to_string() == project && event.event.seq() == 5;
    let (missing, rest): (Vec<_>, Vec<_>) = events.iter().cloned().partition(is_missing);
    assert_eq!(missing.len(), 1);
    broken.write(&batch(&rest)).await.unwrap();

    let gaps = broken.gaps().await.unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].stream.as_str(), gaps[0].last_seq, gaps[0].waiting_from), (project.as_str(), 4, 6));
    let slot = broken.gap_slot().await.unwrap().unwrap();
    assert!(slot <= missing[0].slot, "what is missing must be read again");
    let report = verify(&broken, None, Duration::ZERO).await.unwrap();
    assert_eq!(report.differences.len(), 1, "{:?}", report.differences);
    assert!(report.differences[0].contains("has a gap"), "{:?}", report.differences);
    let jobs: i64 =
        sqlx::query_scalar("SELECT count(*) FROM job WHERE state <> 'open'").fetch_one(broken.pool()).await.unwrap();
    assert_eq!(jobs, 4, "the other streams go on");

    broken.write(&batch(&missing)).await.unwrap();
    assert_eq!(broken.gaps().await.unwrap(), vec![]);
    assert_eq!(text(&broken).await, text(&whole).await);
}

#[tokio::test]
async fn a_writer_that_is_cut_off_anywhere_leaves_nothing_half_done() {
    let database = postgres::database();
    let (whole, cut) = (store(database.url(), "whole").await, store(database.url(), "cut").await);
    let events = decoded(&story());
    whole.write(&batch(&events)).await.unwrap();
    let empty = text(&cut).await;

    let mut cut_off = 0;
    for delay_us in (0..40_000).step_by(1_000) {
        // Connections of its own before and after the cut, as a process that starts again has them.
        let (writing, batch) = (store(database.url(), "cut").await, batch(&events));
        let writer = tokio::spawn(async move { writing.write(&batch).await });
        tokio::time::sleep(Duration::from_micros(delay_us)).await;
        if delay_us % 2_000 == 0 {
            writer.abort();
        } else {
            // As kill -9 does: the connection is gone in the middle of whatever it did.
            sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
                .execute(whole.pool())
                .await
                .unwrap();
        }
        let written = matches!(writer.await, Ok(Ok(())));
        if written {
            break;
        }
        let cut = store(database.url(), "cut").await;
        let cursor = cut.cursor().await;
        let state = text(&cut).await;
        if cursor.is_ok_and(|slot| slot > 0) {
            // The commit had happened; only its answer was cut off.
            break;
        }
        assert_eq!(state, empty, "cut off after {delay_us} us");
        cut_off += 1;
    }
    assert!(cut_off > 0, "no writer was cut off: the test tested nothing");
    let cut = store(database.url(), "cut").await;
    cut.write(&batch(&events)).await.unwrap();
    assert_eq!(text(&cut).await, text(&whole).await);
}

#[tokio::test]
async fn two_events_with_one_number_are_refused_whole() {
    let database = postgres::database();
    let store = store(database.url(), "twice").await;
    let funded = |amount| {
        Event::ProjectFunded(ProjectFunded { stream: key(9), seq: 1, timestamp: 1, funder: key(1), amount, balance: 1 })
    };
    store.write(&batch(&decoded(&[transaction(5, 1, &[funded(1)])]))).await.unwrap();
    let before = text(&store).await;
    let error = store.write(&batch(&decoded(&[transaction(6, 2, &[funded(2)])]))).await.unwrap_err();
    assert!(matches!(error, StoreError::Contradiction(_)), "{error}");
    assert_eq!((text(&store).await, store.cursor().await.unwrap()), (before, 5));
}

#[tokio::test]
async fn a_schema_serves_one_chain_for_ever() {
    let database = postgres::database();
    let store = store(database.url(), "one").await;
    let mut other = common::identity();
    other.genesis_hash = "another".to_owned();
    assert!(matches!(store.bind_to(&other).await, Err(StoreError::OtherChain { .. })));
    for schema in ["", "Upper", "a-b", "1a", "a;drop"] {
        assert!(
            matches!(muster_indexer::store::Store::open(database.url(), schema), Err(StoreError::Schema(_))),
            "{schema}"
        );
    }
}

#[test]
fn only_a_programs_call_of_itself_is_an_event() {
    let accepted =
        Event::NodeAccepted(NodeAccepted { stream: key(1), seq: 1, timestamp: 1, node: key(2), node_key: key(3) });
    let good = transaction(1, 1, std::slice::from_ref(&accepted));
    assert_eq!(decode(&good).unwrap().len(), 1);
    let change = |change: &dyn Fn(&mut InnerInstruction)| {
        let mut changed = good.clone();
        change(&mut changed.inner[0].instructions[0]);
        decode(&changed)
    };
    assert!(change(&|ix| ix.program = key(7)).unwrap().is_empty(), "another program");
    assert!(change(&|ix| ix.accounts = vec![key(7)]).unwrap().is_empty(), "another authority");
    assert!(change(&|ix| ix.accounts.push(key(7))).unwrap().is_empty(), "more accounts");
    assert!(change(&|ix| ix.data.truncate(7)).unwrap().is_empty(), "no tag");
    assert!(change(&|ix| ix.data[8] ^= 1).is_err(), "an event that this version does not know stops the indexer");
    assert!(change(&|ix| ix.data.push(0)).is_err(), "an event with more fields stops the indexer");
    assert!(change(&|ix| ix.data.truncate(40)).is_err(), "an event with fewer fields stops the indexer");
}
