//! Taking times, of the wall and of processors, and memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seconds that `value` and `reference` take, each the median of `rounds` runs.
///
/// They run in turns, so that a slow spell of the machine meets both; one run of each comes first and does not count.
pub fn in_turns(rounds: usize, mut value: impl FnMut(), mut reference: impl FnMut()) -> (f64, f64) {
    value();
    reference();
    let (mut values, mut references) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for _ in 0..rounds {
        values.push(seconds(&mut value));
        references.push(seconds(&mut reference));
    }
    (median(values), median(references))
}

/// Seconds of one run.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

/// The middle one.
pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Nanoseconds of processor time that threads of the load generator have had.
static LOAD_NS: AtomicU64 = AtomicU64::new(0);

/// Runs `work` on this thread as load: its processor time, of the kernel's work for it too, is not the server's.
pub fn as_load<T>(work: impl FnOnce() -> T) -> T {
    let before_ns = thread_cpu_ns();
    let done = work();
    LOAD_NS.fetch_add(thread_cpu_ns() - before_ns, Ordering::Relaxed);
    done
}

fn thread_cpu_ns() -> u64 {
    // nanoseconds on a processor, nanoseconds waiting for one, slices
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this is Linux");
    text.split_whitespace().next().and_then(|ns| ns.parse().ok()).expect("a number")
}

/// Processor seconds, of the kernel's work too, that this process has had without its load.
pub fn server_cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("this is Linux");
    // The fields behind the name, which may hold anything: the 12th and 13th are the ticks of 10 ms.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0 - LOAD_NS.load(Ordering::Relaxed) as f64 / 1e9
}

/// Mebibytes that this process holds in memory.
pub fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: f64 = line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}
