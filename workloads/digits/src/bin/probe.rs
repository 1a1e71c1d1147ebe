//! Misbehaves on demand, to test the walls around a container: `probe MODE`.
//!
//! Exit code 0 means that the wall held where the mode asks a question, so that a test can tell it from a crash.

use std::{
    fs,
    io::{self, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    os::unix::fs::symlink,
    process::ExitCode,
    thread,
    time::Duration,
};

fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    match run(&mode) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("probe {mode}: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(mode: &str) -> io::Result<bool> {
    match mode {
        "endless" => endless(),
        "no-network" => no_network(),
        "read-only" => read_only(),
        "privileges" => privileges(),
        "threads" => Ok(threads()),
        "hog" => hog(),
        "flood" => flood(),
        "many-files" => many_files(),
        "links" => links(),
        "chatter" => chatter(),
        "progress" => progress(),
        _ => Err(io::Error::other("the mode is unknown")),
    }
}

/// Only the loopback interface, and no packet gets out.
fn no_network() -> io::Result<bool> {
    let interfaces: Vec<String> = fs::read_dir("/sys/class/net")?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    let address = SocketAddr::from(([192, 0, 2, 1], 80)); // TEST-NET-1: nobody answers there
    let connected = TcpStream::connect_timeout(&address, Duration::from_millis(300));
    let unreachable = connected.is_err_and(|error| error.kind() == io::ErrorKind::NetworkUnreachable);
    let sent = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", address));
    println!("interfaces {interfaces:?}, TCP unreachable {unreachable}, UDP {sent:?}");
    Ok(interfaces.iter().all(|name| name == "lo" || name.starts_with("tunl") || name.starts_with("sit"))
        && unreachable
        && sent.is_err())
}

/// The root and /input refuse writing; /tmp takes it; the image's own volume is memory, not the node's disk.
fn read_only() -> io::Result<bool> {
    let refused = ["/x", "/input/x", "/probe", "/etc/x"].map(|path| fs::write(path, b"x").is_err());
    let temporary = fs::write("/tmp/x", b"x").is_ok();
    let mounts = fs::read_to_string("/proc/mounts")?;
    let volume = mounts.lines().find(|line| line.contains(" /data "));
    println!("refused {refused:?}, /tmp writable {temporary}, volume {volume:?}");
    let volume_in_memory = volume.is_some_and(|line| line.starts_with("tmpfs "));
    Ok(refused.iter().all(|refused| *refused) && temporary && volume_in_memory)
}

/// User and group 65534, no capability in any set, no new privileges.
fn privileges() -> io::Result<bool> {
    let status = fs::read_to_string("/proc/self/status")?;
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("absent").trim().to_string();
    let capabilities = ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"].map(field);
    let limits = fs::read_to_string("/proc/self/limits")?;
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or("absent");
    println!(
        "{capabilities:?} NoNewPrivs {} Seccomp {} Uid {} {open_files}",
        field("NoNewPrivs:"),
        field("Seccomp:"),
        field("Uid:")
    );
    Ok(capabilities.iter().all(|set| set.chars().all(|digit| digit == '0'))
        && field("NoNewPrivs:") == "1"
        && field("Uid:").split_whitespace().all(|id| id == "65534")
        && field("Gid:").split_whitespace().all(|id| id == "65534"))
}

/// The process limit stops it before 10,000 threads.
fn threads() -> bool {
    let mut started = 0;
    while started < 10_000 {
        let thread = thread::Builder::new().stack_size(16 * 1024).spawn(|| thread::sleep(Duration::from_secs(60)));
        if thread.is_err() {
            println!("stopped at {started} threads");
            return true;
        }
        started += 1;
    }
    false
}

/// Touches memory until it is killed, at most 4 GiB.
fn hog() -> io::Result<bool> {
    let mut held = Vec::new();
    for _ in 0..1024 {
        held.push(vec![1_u8; 4 << 20]);
    }
    println!("still alive with {} blocks", held.len());
    Ok(false)
}

/// Writes up to 256 MiB of output.
fn flood() -> io::Result<bool> {
    for index in 0..64 {
        let mut file = fs::File::create(format!("/output/{index}"))?;
        for _ in 0..4 {
            file.write_all(&vec![7; 1 << 20])?;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(true)
}

fn many_files() -> io::Result<bool> {
    for index in 0..2_000 {
        fs::write(format!("/output/{index}"), b"")?;
    }
    Ok(true)
}

/// Links out of the folder must not be followed.
fn links() -> io::Result<bool> {
    fs::create_dir("/output/b")?;
    fs::write("/output/b/real", b"real")?;
    fs::write("/output/a", b"first")?;
    symlink("/etc/hostname", "/output/link")?;
    symlink("/", "/output/root")?;
    fs::hard_link("/output/a", "/output/c")?;
    Ok(true)
}

/// Much on one stream, the last line known.
fn chatter() -> io::Result<bool> {
    for index in 0..20_000 {
        println!("line {index} {}", "x".repeat(100));
    }
    Ok(true)
}

/// Says that it runs, and never ends.
fn endless() -> ! {
    println!("{{\"progress\": 1}}");
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

/// Progress that goes back, over the top, and is no number; and a word on the other stream.
fn progress() -> io::Result<bool> {
    eprintln!("said on standard error");
    println!("{{\"progress\": 30}}\n{{\"progress\": 10, \"accuracy\": 0.5}}\nnot JSON\n{{\"progress\": \"x\"}}");
    println!("{{\"progress\": 250, \"loss\": 0.25, \"epoch\": 9}}");
    Ok(true)
}
