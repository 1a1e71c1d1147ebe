//! The listener: HTTP/1.1 and HTTP/2 on one port, plain or by TLS, with a limit on everything that a stranger holds open:
//! connections in all and by address, silence before a first request, idleness between two, streams, headers, age.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use places::{Place, Places};

pub mod places;
pub mod tls;

/// How long the open requests of a server that stops, or of a connection that grew old, are waited for: more than any
/// request may take.
pub const DRAIN: Duration = Duration::from_secs(16);
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 << 10;
const HEADERS_MAX: usize = 64;
/// Requests that one HTTP/2 connection has open at a time.
const STREAMS_MAX: u32 = 128;
/// Streams that a caller opened and reset before they were looked at; more end the connection.
const RESET_STREAMS_MAX: usize = 20;
const PING_EVERY: Duration = Duration::from_secs(20);

/// What one caller, and all of them, may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections_max: usize,
    /// Connections of one address; this machine's own are not limited, for a proxy in front is one address.
    pub per_address_max: usize,
    /// From the connection to its first whole request head, the TLS handshake included.
    pub first_request: Duration,
    /// From an answer to the next whole request head.
    pub idle: Duration,
    /// After which a connection takes no further request.
    pub age: Duration,
}

impl Limits {
    /// For so many connections in all.
    pub fn new(connections_max: usize) -> Self {
        Self {
            connections_max,
            per_address_max: (connections_max / 8).max(1),
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            age: Duration::from_secs(900),
        }
    }
}

/// See the module.
pub struct Server {
    /// Where it listens.
    pub listener: TcpListener,
    /// What it serves.
    pub router: Router,
    /// Plain HTTP without.
    pub acceptor: Option<TlsAcceptor>,
    /// What callers may hold.
    pub limits: Limits,
    /// Who holds what.
    pub places: Arc<Places>,
    /// True ends it: no new connection, the open requests answered.
    pub stop: watch::Receiver<bool>,
}

impl Server {
    /// Serves until it is told to stop; what is open then is waited for, [`DRAIN`] at most.
    pub async fn run(self) {
        let Self { listener, router, acceptor, limits, places, mut stop } = self;
        let builder = Arc::new(builder(&limits));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopped(&mut stop) => break,
                Some(_) = connections.join_next() => continue,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: a moment later some are free again.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // A dropped stream is closed: whoever has too many sees it at once.
            let Some(place) = places.take(peer.ip(), &limits) else { continue };
            let one = Connection {
                router: router.clone(),
                builder: builder.clone(),
                limits,
                stop: stop.clone(),
                peer,
                _place: place,
            };
            connections.spawn(one.run(stream, acceptor.clone()));
        }
        drop(listener);
        let drained = tokio::time::timeout(DRAIN, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!(connections = connections.len(), "connections that did not end are cut");
        }
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY);
    builder
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever could say it is gone: that is the end as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

struct Connection {
    router: Router,
    builder: Arc<Builder<TokioExecutor>>,
    limits: Limits,
    stop: watch::Receiver<bool>,
    peer: SocketAddr,
    _place: Place,
}

impl Connection {
    async fn run(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        // Answers are written whole: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = acceptor else {
            return self.serve(stream).await;
        };
        match tokio::time::timeout(self.limits.first_request, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream).await,
            Ok(Err(error)) => tracing::debug!(peer = %self.peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(peer = %self.peer, "a TLS handshake took too long"),
        }
    }

    async fn serve(mut self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (router, peer) = (self.router, self.peer);
        let asked = Arc::new(AtomicBool::new(false));
        let service = {
            let asked = asked.clone();
            service_fn(move |mut request: Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().call(request)
            })
        };
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(io), service));
        let mut silence = pin!(tokio::time::sleep(self.limits.first_request));
        let mut end = pin!(tokio::time::sleep(self.limits.age));
        let (mut watched, mut closing) = (true, false);
        loop {
            tokio::select! {
                served = connection.as_mut() => {
                    if let Err(error) = served {
                        tracing::debug!(%peer, %error, "a connection ended");
                    }
                    return;
                }
                () = silence.as_mut(), if watched => {
                    watched = false;
                    if !asked.load(Ordering::Relaxed) {
                        return;
                    }
                }
                () = stopped(&mut self.stop), if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                    end.as_mut().reset(tokio::time::Instant::now() + DRAIN);
                }
                () = end.as_mut() => {
                    if closing {
                        return;
                    }
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                    end.as_mut().reset(tokio::time::Instant::now() + DRAIN);
                }
            }
        }
    }
}

/// Whether an address is this machine's own.
fn is_own(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
