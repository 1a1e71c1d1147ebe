//! Taking times.

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

fn seconds(work: &mut impl FnMut()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
