//! Puts the parts together: listens, replays, polls, looks after epochs, serves; and stops in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use muster_client::chain::Chain;
use muster_protocol::units::Schedule;
use muster_protocol::wire::Domain;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::context::{ClockFn, Identity, OracleContext, peer_client};
use crate::core::Config;
use crate::core::node::Rate;
use crate::epochs::Epochs;
use crate::epochs::peers::HttpPeers;
use crate::epochs::store::Store;
use crate::events::hub::Hub;
use crate::events::run::Watcher;
use crate::events::state::StateFile;
use crate::events::webhook::Endpoint;
use crate::events::webhooks;
use crate::http::addresses::{self, Addresses};
use crate::http::events::READERS_MAX;
use crate::http::signed::Once;
use crate::http::{App, service};
use crate::ingest::committer::open_log;
use crate::ingest::{Handle, Start};
use crate::log::Storage;
use crate::ops::ledger::Watched;
use crate::ops::{self, Ops, funds};
use crate::poot::Poot;
use crate::projects::Projects;
use crate::registry::ledger::Ledger;
use crate::registry::poll;
use crate::serve::tls::Certificate;
use crate::serve::{Limits, Server};
use crate::settings::Settings;
use crate::transparency;
use crate::transparency::boot::Booted;

/// How often one node may send: more than twice a bucket, with room for tries.
const RATE: Rate = Rate { burst: 40, refill_ms: 250 };

/// What the parts are put together from.
pub struct Boot {
    /// Who the oracle is.
    pub identity: Identity,
    /// Which network it belongs to.
    pub domain: Domain,
    /// The cluster's genesis hash.
    pub genesis_hash: [u8; 32],
    /// The network's calendar.
    pub schedule: Schedule,
    /// The chain, for jobs.
    pub chain: Chain,
    /// The chain, for registry and epochs.
    pub ledger: Arc<dyn Ledger>,
    /// The wall clock.
    pub clock: ClockFn,
    /// Where log and epoch files are.
    pub storage: Arc<dyn Storage>,
    /// Effective settings.
    pub settings: Settings,
}

/// What the job scheduler gives the server; the default is an oracle that takes part in no job.
#[derive(Default)]
pub struct JobPart {
    /// Merged into the API.
    pub router: Router,
    /// What `/api/v1/stats` says under "jobs".
    pub stats: Option<StatsFn>,
}

/// Figures of a part, as JSON.
pub type StatsFn = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

/// A running oracle.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its health and metrics are.
    pub ops_address: SocketAddr,
    /// What its parts share.
    pub ctx: Arc<OracleContext>,
    /// The way to its committer.
    pub ingest: Handle,
    /// Its epochs.
    pub epochs: Arc<Epochs>,
    /// What happens.
    pub events: Hub,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    ops_server: JoinHandle<()>,
    tasks: Vec<JoinHandle<()>>,
    committer: std::thread::JoinHandle<()>,
    writer: Option<transparency::Stop>,
    snapshots: std::thread::JoinHandle<()>,
}

/// Starts everything; `jobs` makes the job scheduler's part out of the context.
pub async fn start<F, Fut>(boot: Boot, jobs: F) -> anyhow::Result<Running>
where
    F: FnOnce(Arc<OracleContext>) -> Fut,
    Fut: Future<Output = anyhow::Result<JobPart>>,
{
    let settings = boot.settings;
    let certificate = Certificate::of_settings(settings.tls_cert.as_deref(), settings.tls_key.as_deref())?;
    let endpoints = settings.webhooks.as_deref().map(Endpoint::read).transpose()?.unwrap_or_default();
    let listener = listen(&settings, certificate.is_some()).await?;
    let address = listener.local_addr().context("the listening address cannot be read")?;
    let ops_listener = ops::listener::listen(&settings).await?;
    let ops_address = ops_listener.local_addr().context("the listening address of operations cannot be read")?;
    let (stop, stopped) = watch::channel(false);
    let serving = ops::listener::Later::default();
    let ops_server = tokio::spawn(ops::listener::run(ops_listener, serving.clone(), stopped.clone()));
    let ops = Arc::new(Ops::new(settings.balance_floor_lamports));
    let ledger: Arc<dyn Ledger> = Arc::new(Watched::new(boot.ledger, ops.clone(), boot.clock.clone()));
    let first = ledger.registry().await.context("the chain cannot be read")?;
    let (pictures, registry) = watch::channel(Arc::new(first));

    let key = boot.identity.key;
    let frozen_before = Store::new(boot.storage.clone(), &settings.data_dir).frozen_before(&key);
    let frozen_before = frozen_before.context("the data folder's views cannot be listed")?;
    let seen = Arc::default();
    let snapshots = settings.snapshots(boot.storage.clone(), key, boot.clock.clone());
    let start = Start {
        config: Config {
            domain: boot.domain,
            signing_key: boot.identity.signing_key.clone(),
            schedule: boot.schedule,
            rate: RATE,
        },
        frozen_before,
        log: open_log(boot.storage.clone(), &settings.data_dir, key, settings.log_options(boot.clock.clone()))?,
        snapshots: Some(snapshots.clone()),
        registry: registry.borrow().clone(),
        seen: Arc::clone(&seen),
        clock: boot.clock.clone(),
        tick_every: Duration::from_secs(settings.tick_s.max(1)),
        queue_requests_max: settings.queue_requests_max,
    };
    let (ingest, committer) = tokio::task::spawn_blocking(|| start.start()).await??;

    let http = peer_client(Duration::from_secs(5)).context("the HTTP client cannot start")?;
    let ctx = Arc::new(OracleContext {
        identity: boot.identity,
        domain: boot.domain,
        genesis_hash: boot.genesis_hash,
        schedule: boot.schedule,
        chain: boot.chain,
        registry,
        seen,
        clock: boot.clock.clone(),
        storage: boot.storage,
        to_peers: Arc::new(HttpPeers(http.clone())),
        ops,
        http,
        settings,
    });
    let jobs = jobs(ctx.clone()).await?;
    let epochs = Arc::new(Epochs::new(ctx.clone(), ledger.clone(), ingest.clone()));
    let mut tasks = vec![
        tokio::spawn(poll::run(
            ledger.clone(),
            pictures,
            boot.clock,
            Duration::from_millis(ctx.settings.poll_ms.max(100)),
        )),
        tokio::spawn(forward(ctx.clone(), ingest.clone())),
        tokio::spawn({
            let (ctx, ingest) = (ctx.clone(), ingest.clone());
            async move { crate::clock::run(&ctx, &ingest).await }
        }),
        tokio::spawn({
            let epochs = epochs.clone();
            async move { epochs.run().await }
        }),
        tokio::spawn({
            let (ctx, epochs) = (ctx.clone(), epochs.clone());
            async move { funds::run(&ctx, &*ledger, &epochs, funds::LOOK_EVERY).await }
        }),
    ];
    let Booted { books, transparency, writer, tasks: followers } = transparency::boot::boot(&ctx, &ingest).await?;
    tasks.extend(followers);
    let poot = Arc::new(Poot::new(ctx.clone(), epochs.clone(), ingest.clone()));
    let projects = Arc::new(Projects::new(ctx.clone(), epochs.clone()));
    let file = StateFile::new(ctx.storage.clone(), &ctx.folder("events"));
    let (events, memory) = file.load().context("the state of events cannot be read")?;
    tasks.push(tokio::spawn(poot.clone().run()));
    for endpoint in endpoints {
        tasks.push(tokio::spawn(webhooks::run(ctx.clone(), events.clone(), projects.clone(), endpoint)));
    }
    let hub = events.clone();
    let watcher = Watcher { ctx: ctx.clone(), epochs: epochs.clone(), ingest: ingest.clone(), hub, file, memory };
    tasks.push(tokio::spawn(watcher.run()));
    let app = Arc::new(App {
        ctx: ctx.clone(),
        ingest: ingest.clone(),
        addresses: Addresses::new(addresses::RATE),
        epochs: epochs.clone(),
        books,
        transparency,
        poot,
        projects,
        events: events.clone(),
        event_readers: Arc::new(Semaphore::new(READERS_MAX)),
        once: Once::new(ctx.now_ms()),
        job_stats: jobs.stats,
    });
    let _ = serving.set(app.clone());
    let snapshots = {
        let (ingest, stopped) = (ingest.clone(), stopped.clone());
        let run = move || snapshots.run(&ingest, || *stopped.borrow());
        std::thread::Builder::new().name("snapshots".into()).spawn(run).context("no thread for snapshots")?
    };
    let server = Server {
        listener,
        router: service(app, jobs.router),
        acceptor: certificate.as_ref().map(Certificate::acceptor).transpose()?,
        limits: Limits::new(ctx.settings.connections_max),
        places: ctx.ops.places.clone(),
        stop: stopped,
    };
    let server = tokio::spawn(server.run());
    if let Some(certificate) = certificate {
        let mut hangup = signal(SignalKind::hangup()).context("SIGHUP cannot be handled")?;
        let wake = async move || {
            hangup.recv().await;
        };
        tasks.push(tokio::spawn(certificate.watch(wake)));
    }
    tracing::info!(%address, %ops_address, oracle = ctx.identity.base58(), "the oracle serves");
    Ok(Running {
        address,
        ops_address,
        ctx,
        ingest,
        epochs,
        events,
        stop,
        server,
        ops_server,
        tasks,
        committer,
        writer,
        snapshots,
    })
}

/// A listening address that this oracle may not use.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is not a loopback address and this oracle speaks plain HTTP; name --tls-cert and --tls-key, or put a TLS proxy \
     in front and say --behind-proxy"
)]
pub struct ListenError(pub SocketAddr);

/// Plain HTTP goes over loopback alone, or to a proxy that speaks TLS in front.
async fn listen(settings: &Settings, is_tls: bool) -> anyhow::Result<TcpListener> {
    let address = settings.listen;
    if !address.ip().is_loopback() && !settings.behind_proxy && !is_tls {
        return Err(ListenError(address).into());
    }
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; name another --listen or stop what uses the port"))
}

/// Hands every new picture of the chain to the core.
async fn forward(ctx: Arc<OracleContext>, ingest: Handle) {
    let mut pictures = ctx.registry.clone();
    while pictures.changed().await.is_ok() {
        let picture = pictures.borrow_and_update().clone();
        ingest.registry(picture);
    }
}

impl Running {
    /// Stops in order: no new requests, the open ones answered, the open batch on disk.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        // Else a stream of events would never end.
        self.events.close();
        self.server.await.context("the server task failed")?;
        self.ops_server.await.context("the server of operations failed")?;
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            let _ = task.await;
        }
        let ingest = self.ingest;
        tokio::task::spawn_blocking(move || {
            ingest.stop();
            let stopped = self.committer.join().and_then(|()| self.snapshots.join());
            drop(self.writer);
            stopped
        })
        .await
        .context("the committer cannot be waited for")?
        .map_err(|_| anyhow::anyhow!("the committer panicked; see the log"))
    }
}
