//! Cancelled jobs and signed logs, over a restart.

use muster_client::Pubkey;

use super::*;

fn progress(frame: &[u8], job: Key, seconds: u64, seq: u64) -> Vec<u8> {
    let progress = Progress {
        job,
        node_key: public(&node_key(0)),
        assignment_hash: Assignment::hash(frame),
        percent: 10,
        seq,
        at_ms: NOW_MS + seconds * 1000,
    };
    progress.encode_signed(&domain(), &node_key(0)).unwrap()
}

#[tokio::test]
async fn a_cancelled_job_is_said_to_its_nodes_and_paid_since_the_first_sign_of_work() {
    // Given a job that node 0 works on since its second second,
    let mut world = World::new().await;
    let job = world.job().await;
    world.send("PUT", &path(&job, "/descriptor"), descriptor()).await;
    let frame = assignment(&world.jobs, job, [0, 1]);
    world.send("POST", "/api/v1/assignments", frame.clone()).await;
    for (seconds, seq) in [(2, 5), (3, 6)] {
        let (status, body) = world.send("POST", "/api/v1/progress", progress(&frame, job, seconds, seq)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    let (status, body) = world.send("POST", "/api/v1/progress", progress(&frame, job, 1, 4)).await;
    assert_eq!((status, &body["reason"]), (StatusCode::CONFLICT, &"stale_seq".into()));
    assert_eq!(world.tasks(0).await[0]["cancelled"], false);
    // when its submitter cancels it after a minute,
    let mut chain = world.jobs.core.lock().await.jobs[&job].chain.clone();
    (chain.cancel_at, chain.seq) = ((NOW_MS / 1000) as i64 + 60, 2);
    world.jobs.take_job(chain).await.unwrap();
    world.restarted().await;
    // then its nodes hear of it,
    assert_eq!(world.tasks(0).await[0]["cancelled"], true);
    let (_, view) = world.send("GET", &path(&job, ""), vec![]).await;
    assert_eq!((&view["state"], &view["cancel_at"]), (&"cancelling".into(), &(NOW_MS / 1000 + 60).into()));
    // what they signed is there for the peers,
    let (_, evidence) = world.send("GET", &path(&job, "/evidence"), vec![]).await;
    assert_eq!(evidence["progress"].as_array().unwrap().len(), 2);
    // and what was on its way having come, the oracle votes.
    let core = world.jobs.core.lock().await;
    assert_eq!(core.plan(NOW_MS + 60_000 + SLACK_MS), vec![]);
    let outcome = Outcome::Cancelled { started_at: (NOW_MS / 1000) as i64 + 2, tenures: vec![Pubkey::from(tenure(0))] };
    assert_eq!(core.plan(NOW_MS + 60_000 + SLACK_MS + 1), vec![Action::Attest { job, set_version: 1, outcome }]);
}

#[tokio::test]
async fn a_log_is_taken_under_the_hash_that_its_node_signed() {
    let world = World::new().await;
    let job = world.job().await;
    world.send("PUT", &path(&job, "/descriptor"), descriptor()).await;
    let frame = assignment(&world.jobs, job, [0, 1]);
    world.send("POST", "/api/v1/assignments", frame.clone()).await;
    let log = b"epoch 1\n\xFF".to_vec();
    let log_path = |hash: &Hash| format!("/api/v1/results/{}/log", hex::encode(hash));
    let hash = hashv(&[&log]);
    assert_eq!(world.send("PUT", &log_path(&hash), log.clone()).await.0, StatusCode::NOT_FOUND);
    let (body, _) = TaskResult::decode(&domain(), &result(&frame, job, 0, 8, [0; 32])).unwrap();
    let signed = TaskResult { log_hash: hash, ..body }.encode_signed(&domain(), &node_key(0)).unwrap();
    assert_eq!(world.send("POST", "/api/v1/results", signed).await.0, StatusCode::OK);
    assert_eq!(world.send("PUT", &log_path(&hash), b"other".to_vec()).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let large = world.send("PUT", &log_path(&hash), vec![0; 64 * 1024 + 1]).await;
    assert_eq!(large.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.send("PUT", &log_path(&hash), log.clone()).await.0, StatusCode::OK);
    let read = Request::get(log_path(&hash)).body(Body::empty()).unwrap();
    assert_eq!(world.call(read).await, (StatusCode::OK, log));
    let (_, view) = world.send("GET", &path(&job, ""), vec![]).await;
    assert_eq!(view["results"][0]["log_hash"], hex::encode(hash));
}
