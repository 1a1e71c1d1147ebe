//! A load generator over keep-alive HTTP/1.1: requests that were made beforehand, blocking sockets, threads of its own
//! whose processor time [`crate::measure::server_cpu_s`] leaves out.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::measure::as_load;

/// A `POST` of frames, whole.
pub fn post(body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let head = format!(
        "POST /api/v1/heartbeats HTTP/1.1\r\nHost: oracle\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {len}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A `GET`, whole.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: oracle\r\n\r\n").into_bytes()
}

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a TCP stream");
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// Sends a request and waits for its whole answer, which must be a 200; gives the body.
    pub fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).expect("the server takes it");
        let mut filled = 0;
        loop {
            filled += match self.stream.read(&mut self.buffer[filled..]) {
                Ok(0) => panic!("the server closed the connection"),
                Ok(count) => count,
                Err(error) => panic!("the server does not answer: {error}"),
            };
            let seen = &self.buffer[..filled];
            let Some(head_len) = seen.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else {
                continue;
            };
            let head = String::from_utf8_lossy(&seen[..head_len]).to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{head}{}", String::from_utf8_lossy(&seen[head_len..]));
            let len = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let len: usize = len.and_then(|len| len.trim().parse().ok()).expect("an answer with a length");
            if filled >= head_len + len {
                return &self.buffer[head_len..head_len + len];
            }
        }
    }
}

/// Each list of requests over a connection of its own, all at once, as fast as answers come. Seconds.
pub fn closed_loop(address: SocketAddr, requests: &[Vec<Vec<u8>>]) -> f64 {
    let mut connections: Vec<Connection> = requests.iter().map(|_| Connection::open(address)).collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for (connection, requests) in connections.iter_mut().zip(requests) {
            scope.spawn(move || {
                as_load(|| {
                    for request in requests {
                        connection.ask(request);
                    }
                });
            });
        }
    });
    began.elapsed().as_secs_f64()
}

/// Each list of requests over a connection of its own, one every `every`, whether or not the server keeps up. For each
/// request the time from when it was due to its answer.
pub fn open_loop(address: SocketAddr, requests: &[Vec<Vec<u8>>], every: Duration) -> Vec<Duration> {
    let count = requests.len() as u32;
    std::thread::scope(|scope| {
        let began = Instant::now() + Duration::from_millis(50);
        let spawn = |(i, requests)| {
            let mut due = began + every * i as u32 / count;
            let requests: &Vec<Vec<u8>> = requests;
            let work = move || {
                let mut connection = Connection::open(address);
                let mut took = Vec::with_capacity(requests.len());
                for request in requests {
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    connection.ask(request);
                    took.push(due.elapsed());
                    due += every;
                }
                took
            };
            scope.spawn(move || as_load(work))
        };
        let threads: Vec<_> = requests.iter().enumerate().map(spawn).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("the load ran")).collect()
    })
}
