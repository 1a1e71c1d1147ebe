//! Mutates the corpus. Guided by what decoders say: an input that is refused for a reason not seen before, or accepted,
//! joins the pool, so that the search goes from field to field.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::memory::largest_allocation;

/// Inputs of one target in `make test`.
const INPUTS: u64 = 20_000;
/// Bytes of an input at most.
const LEN_MAX: usize = 16 << 10;
/// Inputs in the pool at most, besides the corpus.
const POOL_MAX: usize = 512;
/// The largest allocation that any input may cause, beyond a multiple of its own length: tables and error texts.
const ALLOCATION_BASE: usize = 64 << 10;
/// Decoded values are larger than their bytes, by less than this.
const ALLOCATION_FACTOR: usize = 64;
/// Borsh asks for a megabyte at most before it has read what a length announces.
const BORSH_BASE: usize = (1 << 20) + ALLOCATION_BASE;
/// Whose bytes it reads.
const BORSH: [&str; 3] = ["account", "event", "transaction"];

/// What a decoder made of an input.
pub enum Verdict {
    /// Refused; why, in the decoder's words.
    Refused(String),
    /// Accepted, and this is what it writes for it.
    Accepted(Vec<u8>),
    /// Accepted; the form has no writer, or more than one spelling.
    Taken,
}

/// Decodes, and encodes what it decoded.
pub type Target = fn(&[u8]) -> Verdict;

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The corpus's folders.
pub fn folders() -> Vec<String> {
    let entries = std::fs::read_dir(fuzz_folder().join("corpus")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = fuzz_folder().join("corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// Tries inputs on a target until its number or its time is used up.
pub fn run(name: &str, target: Target) {
    let seconds = number("MUSTER_FUZZ_S");
    let fresh = || std::time::UNIX_EPOCH.elapsed().map_or(1, |since| since.subsec_nanos().into());
    let seed = number("MUSTER_FUZZ_SEED").unwrap_or_else(|| seconds.map_or(1, |_| fresh()));
    let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = StdRng::seed_from_u64(seed);
    let mut pool = corpus(name);
    let seeds = pool.len();
    let mut reasons = BTreeSet::new();
    let (mut tried, mut accepted) = (0u64, 0u64);
    for input in pool.clone() {
        accepted += u64::from(check(name, target, seed, &input).is_none());
    }
    assert!(accepted > 0, "nothing of fuzz/corpus/{name} is accepted: the search would begin nowhere");
    while deadline.map_or(tried < INPUTS, |deadline| Instant::now() < deadline) {
        let input = mutate(&mut random, &pool);
        tried += 1;
        let is_new = match check(name, target, seed, &input) {
            None => {
                accepted += 1;
                accepted.is_power_of_two()
            }
            Some(why) => reasons.insert(rule(&why)),
        };
        if is_new && pool.len() < seeds + POOL_MAX {
            pool.push(input);
        }
    }
    println!("{name}: {tried} inputs of seed {seed}, {accepted} accepted, {} reasons to refuse", reasons.len());
}

/// Why an input is refused; none if it is accepted. Panics with the input kept when a promise is broken.
fn check(name: &str, target: Target, seed: u64, input: &[u8]) -> Option<String> {
    let base = if BORSH.contains(&name) { BORSH_BASE } else { ALLOCATION_BASE };
    let allowed = base + ALLOCATION_FACTOR * input.len();
    let (verdict, largest) = largest_allocation(|| catch_unwind(AssertUnwindSafe(|| target(input))));
    let broken = match &verdict {
        Err(_) => Some("it panics".to_owned()),
        Ok(_) if largest > allowed => Some(format!("it allocates {largest} bytes at once, {allowed} are allowed")),
        Ok(Verdict::Accepted(again)) if again != input => {
            let at =
                again.iter().zip(input).position(|(one, other)| one != other).unwrap_or(again.len().min(input.len()));
            Some(format!("it accepts bytes that it writes otherwise, from byte {at} on"))
        }
        Ok(_) => None,
    };
    if let Some(broken) = broken {
        let path = keep(name, input);
        panic!("{name}: {broken}; seed {seed}, the input of {} bytes is in {}", input.len(), path.display());
    }
    match verdict {
        Ok(Verdict::Refused(why)) => Some(why),
        _ => None,
    }
}

/// Which field and which rule a refusal names: its words, without the figures and the bytes that it quotes.
fn rule(why: &str) -> String {
    let is_quoted = |word: &&str| !word.contains(|c: char| c.is_ascii_digit() || "[]\",".contains(c));
    let words: Vec<&str> = why.split_whitespace().filter(is_quoted).filter(|word| word.len() > 2).take(12).collect();
    words.join(" ")
}

fn keep(name: &str, input: &[u8]) -> PathBuf {
    let folder = fuzz_folder().join("crashes").join(name);
    let path = folder.join(hex::encode(&muster_protocol::hashv(&[input])[..8]));
    // A folder that cannot be written costs the file, not the finding.
    let _ = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    path
}

/// Numbers at which rules change.
const EDGES: [u64; 16] =
    [0, 1, 2, 16, 63, 64, 127, 255, 256, 10_000, 65_535, 1 << 20, (1 << 31) - 1, 1 << 31, u32::MAX as u64, u64::MAX];

fn mutate(random: &mut StdRng, pool: &[Vec<u8>]) -> Vec<u8> {
    let mut input = pool[random.random_range(0..pool.len())].clone();
    for _ in 0..random.random_range(1..5) {
        let at = random.random_range(0..=input.len());
        let until = random.random_range(at..=input.len().min(at + 64));
        match random.random_range(0..10) {
            0 | 1 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
            2 if at < input.len() => input[at] = random.random(),
            3 => {
                let width = [1, 2, 4, 8][random.random_range(0..4)];
                let edge = EDGES[random.random_range(0..EDGES.len())].to_le_bytes();
                for (byte, edge) in input.iter_mut().skip(at).zip(&edge[..width]) {
                    *byte = *edge;
                }
            }
            4 => input.truncate(at),
            5 => drop(input.drain(at..until)),
            6 => {
                let again = input[at..until].to_vec();
                input.splice(at..at, again);
            }
            7 => {
                let more: Vec<u8> = (0..random.random_range(1..9)).map(|_| random.random()).collect();
                input.splice(at..at, more);
            }
            8 => {
                let other = &pool[random.random_range(0..pool.len())];
                let from = random.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ if at + 8 <= input.len() => {
                // A number one off.
                let width = [2, 4, 8][random.random_range(0..3)];
                let mut bytes = [0; 8];
                bytes[..width].copy_from_slice(&input[at..at + width]);
                let value = u64::from_le_bytes(bytes);
                let near = if random.random() { value.wrapping_add(1) } else { value.wrapping_sub(1) };
                input[at..at + width].copy_from_slice(&near.to_le_bytes()[..width]);
            }
            _ => {}
        }
    }
    input.truncate(LEN_MAX);
    input
}
