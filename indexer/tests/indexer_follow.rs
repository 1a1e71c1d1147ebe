//! The loop over a source that is late, forgetful or broken: nothing is skipped, and it ends where it should.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::postgres;
use common::{FakeSource, decoded, store, story, text};
use muster_indexer::follow::{Follower, Pace};
use muster_indexer::status::Status;
use muster_indexer::store::{Batch, Store};

fn follower(source: &FakeSource, store: &Store, status: &Arc<Status>) -> Follower<FakeSource> {
    let pace = Pace { poll: Duration::from_millis(10), overlap_slots: 3 };
    Follower::new(source.clone(), store.clone(), status.clone(), pace)
}

async fn expected(url: &str) -> String {
    let store = store(url, "expected").await;
    store.write(&Batch { events: decoded(&story()), upto: 1 }).await.unwrap();
    text(&store).await
}

#[tokio::test]
async fn it_reaches_the_head_in_parts_and_fetches_nothing_twice() {
    let database = postgres::database();
    let store = store(database.url(), "followed").await;
    let source = FakeSource::new(story());
    source.with(|fake| fake.listing_max = 7);
    let status = Arc::new(Status::default());
    let mut follower = follower(&source, &store, &status);
    follower.round().await.unwrap();
    let head = source.with(|fake| fake.head);
    assert_eq!(store.cursor().await.unwrap(), head);
    assert_eq!(text(&store).await, expected(database.url()).await);
    let fetched = source.with(|fake| fake.fetched);
    assert_eq!(fetched, story().len());
    follower.round().await.unwrap();
    assert_eq!(source.with(|fake| fake.fetched), fetched);
    let snapshot = status.snapshot();
    assert_eq!((snapshot.head_slot, snapshot.cursor_slot, snapshot.gaps.len()), (head, head, 0));
}

#[tokio::test]
async fn a_transaction_that_cannot_be_had_stops_the_cursor_before_it() {
    let database = postgres::database();
    let store = store(database.url(), "stopped").await;
    let story = story();
    let lost = &story[story.len() / 2];
    let source = FakeSource::new(story.clone());
    source.with(|fake| {
        fake.lost = Some(lost.signature.clone());
        fake.listing_max = 4;
    });
    let status = Arc::new(Status::default());
    let mut follower = follower(&source, &store, &status);
    for _ in 0..3 {
        let error = follower.round().await.unwrap_err().to_string();
        assert!(error.contains(&lost.signature), "{error}");
    }
    let cursor = store.cursor().await.unwrap();
    assert!(0 < cursor && cursor < lost.slot, "{cursor} {}", lost.slot);
    source.with(|fake| fake.lost = None);
    follower.round().await.unwrap();
    assert_eq!(text(&store).await, expected(database.url()).await);
}

#[tokio::test]
async fn what_a_node_forgot_to_list_is_found_by_the_streams_own_numbering() {
    let database = postgres::database();
    let store = store(database.url(), "forgot").await;
    let story = story();
    // Far behind the overlap of three slots by the time the head is reached.
    let hidden = story[9].clone();
    let source = FakeSource::new(story);
    source.with(|fake| fake.hidden = Some(hidden.signature.clone()));
    let status = Arc::new(Status::default());
    let mut follower = follower(&source, &store, &status);
    follower.round().await.unwrap();
    assert_eq!(status.snapshot().gaps.len(), 1);
    source.with(|fake| fake.hidden = None);
    follower.round().await.unwrap();
    assert_eq!((status.snapshot().gaps.len(), status.snapshot().rescans), (0, 1));
    assert_eq!(text(&store).await, expected(database.url()).await);
}

#[tokio::test]
async fn aborted_at_random_moments_and_restarted_it_ends_with_the_same_bytes() {
    let database = postgres::database();
    let source = FakeSource::new(story());
    source.with(|fake| fake.listing_max = 5);
    let status = Arc::new(Status::default());
    for delay_ms in [1, 3, 7, 12, 20, 35, 60] {
        // Connections of its own each time, as a process that starts again has them.
        let store = store(database.url(), "aborted").await;
        let task = tokio::spawn(follower(&source, &store, &status).run());
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        task.abort();
        let _ = task.await;
    }
    let store = store(database.url(), "aborted").await;
    follower(&source, &store, &status).round().await.unwrap();
    assert_eq!(text(&store).await, expected(database.url()).await);
}
