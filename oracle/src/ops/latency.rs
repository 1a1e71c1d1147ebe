//! How long the disk and an acknowledgement take.

use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds, seconds: an acknowledgement has 10 ms, a disk that hangs takes seconds.
const BOUNDS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.007_5, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];

/// See the module.
#[derive(Clone, Debug)]
pub struct Latency {
    /// Append and sync of a batch.
    pub commit: Histogram,
    /// From a body that is whole to its answer.
    pub ack: Histogram,
}

impl Default for Latency {
    fn default() -> Self {
        Self { commit: Histogram::new(BOUNDS), ack: Histogram::new(BOUNDS) }
    }
}

/// Notes the time since then.
pub fn observe(histogram: &Histogram, since: Instant) {
    histogram.observe(since.elapsed().as_secs_f64());
}
