//! Prometheus' text format over the smallest HTTP that serves it: one request a connection, bounded in size and time.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Shared;
use crate::failure::Failure;
use crate::oracle_api::now_ms;

/// Bytes of a request.
const REQUEST_BYTES_MAX: usize = 8 * 1024;
/// Connections at once.
const CONNECTIONS_MAX: usize = 16;
/// One connection, from start to end.
const CONNECTION_WITHIN: Duration = Duration::from_secs(5);

/// Binds before anything else starts; an empty address means that no metrics are served.
pub async fn bind(address: &str) -> Result<Option<TcpListener>, Failure> {
    if address.is_empty() {
        return Ok(None);
    }
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|error| {
        Failure::Local(format!(
            "metrics cannot be served at {address}: {error}; choose another --metrics-listen, or an empty one for none"
        ))
    })
}

/// Serves until the agent ends.
pub async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stopped() => return,
        };
        // An error here is one connection's, or a lack of descriptors that passes.
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            continue;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            // A reader that breaks off is no matter of ours.
            let _ = tokio::time::timeout(CONNECTION_WITHIN, serve(stream, &shared)).await;
            drop(slot);
        });
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk).await?;
        if read == 0 || request.len() + read > REQUEST_BYTES_MAX {
            return Ok(());
        }
        request.extend_from_slice(&chunk[..read]);
    }
    let (status, body) = match request.split(|byte| *byte == b' ').nth(1) {
        _ if !request.starts_with(b"GET ") => ("405 Method Not Allowed", String::new()),
        Some(b"/metrics") => ("200 OK", text(shared, now_ms())),
        Some(b"/health") => ("200 OK", "ok\n".to_owned()),
        _ => ("404 Not Found", "see /metrics\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// All metrics.
fn text(shared: &Shared, now_ms: u64) -> String {
    let network = shared.network();
    let (epoch, bucket) = network.schedule.bucket_at_ms(now_ms);
    let (safe, lived) = {
        let book = shared.book();
        (book.safe(&network.keys(), network.threshold, epoch).count(), book.lived_count(epoch))
    };
    let load = shared.load();
    let (status, _) = shared.status();
    let mut out = Page::default();
    out.gauge("muster_agent_epoch", "Present epoch.", epoch.get());
    out.gauge("muster_agent_bucket", "Present bucket of the epoch.", bucket.get());
    out.gauge("muster_agent_buckets_safe", "Buckets of this epoch that a threshold of oracles acknowledged.", safe);
    out.gauge("muster_agent_buckets_lived", "Buckets of this epoch for which a heartbeat was made.", lived);
    out.gauge("muster_agent_status", "1 online, 2 busy, 3 maintenance.", status as u8);
    out.gauge("muster_agent_cpu_permille", "CPU load in thousandths.", load.cpu_permille);
    out.gauge("muster_agent_memory_permille", "Memory load in thousandths.", load.memory_permille);
    let progress = shared.running().map_or(0, |running| running.percent);
    out.gauge("muster_agent_task_progress_percent", "Progress of the running task, 0 if none runs.", progress);
    out.gauge("muster_agent_start_time_seconds", "Start of the agent, Unix time.", shared.started_at_ms / 1000);
    out.head("muster_agent_receipts_total", "counter", "Receipts kept since the start.");
    out.line("muster_agent_receipts_total", "", shared.counters.receipts.load(Ordering::Relaxed));
    out.head("muster_agent_tasks_total", "counter", "Tasks that ended since the start, by status.");
    for (status, count) in shared.task_counts() {
        out.line("muster_agent_tasks_total", &format!("status=\"{status}\""), count);
    }
    out.head("muster_agent_heartbeats_total", "counter", "Heartbeats since the start, by oracle and verdict.");
    for (oracle, link) in shared.links() {
        let oracle = bs58::encode(oracle).into_string();
        let label = |result: &str| format!("oracle=\"{oracle}\",result=\"{result}\"");
        out.line("muster_agent_heartbeats_total", &label("accepted"), link.accepted);
        out.line("muster_agent_heartbeats_total", &label("no_answer"), link.failed);
        for (reason, count) in &link.refused {
            out.line("muster_agent_heartbeats_total", &label(reason), *count);
        }
    }
    out.head(
        "muster_agent_acknowledgement_latency_ms",
        "gauge",
        "From sending to the last acknowledgement, milliseconds.",
    );
    for (oracle, link) in shared.links() {
        let label = format!("oracle=\"{}\"", bs58::encode(oracle).into_string());
        out.line("muster_agent_acknowledgement_latency_ms", &label, link.last_latency_ms);
    }
    out.0
}

/// The text as it grows; writing to a String cannot fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, "gauge", help);
        self.line(name, "", value);
    }
}

#[cfg(test)]
mod tests {
    use muster_protocol::reason::Reason;
    use muster_protocol::units::{Bucket, EpochIndex, Schedule};
    use muster_protocol::wire::Domain;
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::cli::Context;
    use crate::network::{Network, Oracle};
    use crate::run::shared::{Load, Running};

    #[test]
    fn the_page_has_every_metric_with_what_happened() {
        // Given an agent with two oracles of three behind it, in bucket 2 of epoch 7
        let folder = tempfile::tempdir().unwrap();
        let context = Context::for_tests(&["--data-dir", folder.path().to_str().unwrap(), "--rpc-url", "", "run"]);
        context.data.create().unwrap();
        muster_client::shell::keys::generate(&context.key_path()).unwrap();
        let identity = context.identity().unwrap();
        let oracle = |seed: u8| Oracle { key: [seed; 32], url: String::new() };
        let network = Network {
            domain: Domain { genesis_tag: [0; 8], program: [0; 32] },
            schedule: Schedule::new(60, 10).unwrap(),
            set_version: 1,
            threshold: 2,
            oracles: vec![oracle(1), oracle(2), oracle(3)],
        };
        let (_network, network) = watch::channel(Arc::new(network));
        let (_stop, stop) = watch::channel(false);
        let shared = Shared::new(context, identity, network, mpsc::channel(1).0, stop).unwrap();
        let epoch = EpochIndex::new(7);
        for bucket in [0, 1, 2] {
            shared.book().lived(epoch, Bucket::new(bucket));
            shared.book().acknowledged(&[1; 32], epoch, Bucket::new(bucket));
        }
        shared.book().acknowledged(&[2; 32], epoch, Bucket::new(1));
        shared.set_load(Load { cpu_permille: 250, memory_permille: 500 });
        shared.set_running(Some(Running { job: [9; 32], percent: 40, started_at_ms: 1 }));
        shared.count_task("completed");
        shared.count_task("completed");
        shared.counters.receipts.fetch_add(4, Ordering::Relaxed);
        shared.on_link(&[1; 32], |link| {
            link.verdict(Reason::Accepted);
            link.verdict(Reason::StaleSeq);
            link.failed = 5;
            link.last_latency_ms = 12;
        });
        // When the page is asked for
        let page = text(&shared, (7 * 60 + 25) * 1000);
        // Then each metric has its value, and nothing else is there.
        let oracle = bs58::encode([1u8; 32]).into_string();
        let expected = [
            "muster_agent_epoch 7".to_owned(),
            "muster_agent_bucket 2".into(),
            "muster_agent_buckets_safe 1".into(),
            "muster_agent_buckets_lived 3".into(),
            "muster_agent_status 2".into(),
            "muster_agent_cpu_permille 250".into(),
            "muster_agent_memory_permille 500".into(),
            "muster_agent_task_progress_percent 40".into(),
            format!("muster_agent_start_time_seconds {}", shared.started_at_ms / 1000),
            "muster_agent_receipts_total 4".into(),
            "muster_agent_tasks_total{status=\"completed\"} 2".into(),
            format!("muster_agent_heartbeats_total{{oracle=\"{oracle}\",result=\"accepted\"}} 1"),
            format!("muster_agent_heartbeats_total{{oracle=\"{oracle}\",result=\"no_answer\"}} 5"),
            format!("muster_agent_heartbeats_total{{oracle=\"{oracle}\",result=\"stale_seq\"}} 1"),
            format!("muster_agent_acknowledgement_latency_ms{{oracle=\"{oracle}\"}} 12"),
        ];
        let values: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(values, expected);
        // Every value stands under its own HELP and TYPE.
        for value in values {
            let name = value.split(['{', ' ']).next().unwrap();
            assert!(page.contains(&format!("# HELP {name} ")) && page.contains(&format!("# TYPE {name} ")), "{name}");
        }
    }
}
