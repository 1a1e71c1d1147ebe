//! Callers that hold on, flood, or speak nonsense: each is answered or cut, and others are served meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use muster_oracle::serve::places::Places;
use muster_oracle::serve::{Limits, Server};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::world::{FakeChain, oracle, serves, until};

/// A server with limits of its own and one route.
struct Small {
    address: SocketAddr,
    places: Arc<Places>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

async fn small(limits: Limits) -> Small {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let places: Arc<Places> = Arc::default();
    let router = Router::new().route("/", get(async || "here"));
    let server = Server { listener, router, acceptor: None, limits, places: places.clone(), stop: stopped };
    Small { address, places, stop, task: tokio::spawn(server.run()) }
}

impl Small {
    async fn serves(&self) {
        let answer = reqwest::get(format!("http://{}/", self.address)).await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "here");
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

/// Reads until the other side closes; what it said.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    let reading = async {
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            said.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the connection is cut");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_never_ends_its_head_is_cut_while_others_are_served() {
    let limits = Limits { first_request: Duration::from_millis(300), ..Limits::new(64) };
    let server = small(limits).await;
    let mut slow = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-").await.unwrap();
        slow.push(tokio::spawn(async move {
            // A byte now and then keeps a naive timer running.
            for _ in 0..600 {
                if stream.write_all(b"a").await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            rest(&mut stream).await
        }));
    }
    // Silence from the first moment on is no better.
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    server.serves().await;
    for caller in slow {
        caller.await.unwrap();
    }
    rest(&mut silent).await;
    until("their places", async || server.places.open() == 0).await;
    server.serves().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_left_open_or_grows_old_is_ended() {
    let idle = Limits { idle: Duration::from_millis(300), ..Limits::new(8) };
    let old = Limits { age: Duration::from_millis(300), ..Limits::new(8) };
    for limits in [idle, old] {
        let server = small(limits).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let said = String::from_utf8(rest(&mut stream).await).unwrap();
        assert!(said.starts_with("HTTP/1.1 200 OK") && said.ends_with("here"), "{said}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded_and_a_free_place_is_given_again() {
    let server = small(Limits::new(4)).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        held.push(stream);
    }
    let mut refused = TcpStream::connect(server.address).await.unwrap();
    assert!(rest(&mut refused).await.is_empty(), "no place, no answer");
    assert_eq!((server.places.open(), server.places.refused()), (4, 1));
    drop(held);
    until("free places", async || server.places.open() == 0).await;
    server.serves().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_and_costs_nobody_else() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let alive = oracle(&chain, folder.path()).await;
    let mut random = StdRng::seed_from_u64(7);
    let head = "x".repeat(200 << 10);
    let many = "a: b\r\n".repeat(200);
    let mut nonsense: Vec<Vec<u8>> = vec![
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"POST /api/v1/heartbeats HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_vec(),
        b"POST /api/v1/heartbeats HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n"
            .to_vec(),
        format!("GET /{head} HTTP/1.1\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\n{many}\r\n").into_bytes(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
    ];
    nonsense.extend((0..50).map(|_| {
        let mut bytes = vec![0; random.random_range(20..500)];
        random.fill(&mut bytes[..]);
        // The end of a head, so that it is looked at now.
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes
    }));
    for bytes in nonsense {
        let mut stream = TcpStream::connect(alive.address).await.unwrap();
        // It may be cut before all is written.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let said = rest(&mut stream).await;
        let is_refusal = said.is_empty() || said.starts_with(b"HTTP/1.1 4") || !said.starts_with(b"HTTP/");
        assert!(is_refusal, "{:?} was answered {:?}", &bytes[..20], String::from_utf8_lossy(&said));
    }
    serves(&alive, 0, 1).await;
    alive.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_or_never_comes_is_answered() {
    let chain = FakeChain::new();
    let folder = tempfile::tempdir().unwrap();
    let alive = oracle(&chain, folder.path()).await;
    let head = "POST /api/v1/heartbeats HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\nconnection: close\r\n";
    // Without a length, so that only reading shows how much it is.
    let mut large = TcpStream::connect(alive.address).await.unwrap();
    large.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
    for _ in 0..40 {
        let mut chunk = b"4000\r\n".to_vec();
        chunk.extend_from_slice(&[0; 0x4000]);
        chunk.extend_from_slice(b"\r\n");
        if large.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let said = rest(&mut large).await;
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&said));

    let mut late = TcpStream::connect(alive.address).await.unwrap();
    late.write_all(format!("{head}content-length: 100\r\n\r\n12345").as_bytes()).await.unwrap();
    serves(&alive, 0, 1).await;
    let said = rest(&mut late).await;
    assert!(said.starts_with(b"HTTP/1.1 504"), "{}", String::from_utf8_lossy(&said));
    serves(&alive, 0, 2).await;
    alive.stop().await.unwrap();
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const END: u8 = 5;
/// `GET http://a/` by HPACK's static table.
const GET_ROOT: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];

fn hello() -> Vec<u8> {
    let mut out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    out.extend(frame(SETTINGS, 0, 0, &[]));
    out
}

/// The kinds of the frames that came.
fn kinds(mut said: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let Some((head, rest)) = said.split_first_chunk::<9>() {
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        kinds.push(head[3]);
        said = rest.get(len..).unwrap_or_default();
    }
    kinds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_opened_and_reset_at_once_end_their_connection() {
    let server = small(Limits::new(8)).await;
    // Given a caller that keeps to the rules.
    let mut good = TcpStream::connect(server.address).await.unwrap();
    let mut asked = hello();
    asked.extend(frame(HEADERS, END, 1, GET_ROOT));
    asked.extend(frame(GO_AWAY, 0, 0, &[0; 8]));
    good.write_all(&asked).await.unwrap();
    let said = kinds(&rest(&mut good).await);
    assert!(said.contains(&HEADERS) && said.contains(&DATA), "HTTP/2 without TLS is served: {said:?}");
    // When another opens and resets streams without end, then it is told to go.
    let mut bad = TcpStream::connect(server.address).await.unwrap();
    bad.write_all(&hello()).await.unwrap();
    let mut flood = Vec::new();
    for stream in 0..20_000u32 {
        flood.extend(frame(HEADERS, END, 2 * stream + 1, GET_ROOT));
        flood.extend(frame(RESET, 0, 2 * stream + 1, &[0, 0, 0, 8]));
    }
    let (mut read, mut write) = bad.into_split();
    let writing = tokio::spawn(async move {
        let _ = write.write_all(&flood).await;
        write
    });
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(Duration::from_secs(60), read.read(&mut piece)).await {
        said.extend_from_slice(&piece[..count]);
    }
    drop(writing.await.unwrap());
    let said = kinds(&said);
    assert!(said.is_empty() || said.contains(&GO_AWAY), "{} frames", said.len());
    server.serves().await;
    until("its place", async || server.places.open() <= 1).await;
    server.stop().await;
}
