//! The end of an epoch with a million members on all processors: from the views in memory to the points root, and from
//! the points to the root that tenures claim against; each also against bare SHA-256 over the same tree.

use std::hint::black_box;

use muster_oracle::registry::ProjectInfo;
use muster_protocol::counting::counted;
use muster_protocol::dataset::Member;
use muster_protocol::leaves::Leaves;
use muster_protocol::units::{BaseUnits, EpochIndex};
use muster_protocol::view::View;

use super::Bench;
use crate::close::{self, bare_tree, dataset};
use crate::measure::{in_turns, seconds};
use crate::network::MILLION;
use crate::report::{Line, Target};

pub const CLOSE: Bench = Bench {
    names: &["epoch_close_1m_ms", "epoch_close_1m_hash"],
    about: "three views of 1M nodes in memory to the points root, against bare sha2 over its tree",
    run: close_run,
};

pub const DISTRIBUTION: Bench = Bench {
    names: &["distribution_root_1m_ms", "distribution_root_1m_hash"],
    about: "1M points to the root that tenures claim against, against bare sha2 over its tree",
    run: distribution_run,
};

const ROUNDS: usize = 9;
const POOL: u64 = 1_000_000_000_000_007;

fn lines(names: &'static [&'static str], most_ms: f64, (value_s, bare_s): (f64, f64)) -> Vec<Line> {
    let line = |name, reference, target| Line {
        name,
        unit: "ms",
        value: value_s * 1e3,
        reference,
        target,
        more: vec![("threads", rayon::current_num_threads() as f64)],
    };
    vec![line(names[0], None, Target::AtMost(most_ms)), line(names[1], Some(bare_s * 1e3), Target::RatioAtMost(1.8))]
}

fn close_run() -> Vec<Line> {
    let (views, members, project) = (close::views(MILLION), close::members(MILLION), close::project());
    let views: Vec<&View> = views.iter().collect();
    let parts = parts(&project, &members, &views);
    let points_root = || {
        let dataset = dataset(&project, black_box(&members), black_box(&views));
        black_box(dataset.points_root().expect("a tree"));
    };
    let figures = in_turns(ROUNDS, points_root, || _ = black_box(bare_tree::<45>(MILLION)));
    let mut lines = lines(CLOSE.names, 150.0, figures);
    lines[0].more.extend(parts);
    lines
}

/// Where the time goes: the fastest of some runs of each part, milliseconds.
fn parts(project: &ProjectInfo, members: &[Member], views: &[&View]) -> [(&'static str, f64); 3] {
    let least_ms = |work: &dyn Fn()| (0..ROUNDS).map(|_| seconds(work)).fold(f64::MAX, f64::min) * 1e3;
    let whole = dataset(project, members, views);
    let all_ms = least_ms(&|| _ = black_box(dataset(project, members, views)));
    let counted_ms = least_ms(&|| _ = black_box(counted(views, close::THRESHOLD, members)));
    let tree_ms = least_ms(&|| _ = black_box(whole.points_root()));
    [("counted_ms", counted_ms), ("rows_ms", all_ms - counted_ms), ("tree_ms", tree_ms)]
}

fn distribution_run() -> Vec<Line> {
    let (views, members, project) = (close::views(MILLION), close::members(MILLION), close::project());
    let mut today = dataset(&project, &members, &views.iter().collect::<Vec<_>>());
    drop(views);
    let mut yesterday = today.clone();
    yesterday.header.epoch = EpochIndex::new(close::EPOCH - 1);
    let before = Leaves::next(None, &yesterday, BaseUnits::new(POOL), 0).expect("somebody has points");
    drop(yesterday);
    today.header.epoch = EpochIndex::new(close::EPOCH);
    let root = || {
        let after = Leaves::next(Some(black_box(&before)), &today, BaseUnits::new(POOL), 0).expect("the same tenures");
        black_box(after.root().expect("a tree"));
    };
    let bare = || _ = black_box(bare_tree::<109>(MILLION));
    lines(DISTRIBUTION.names, 200.0, in_turns(ROUNDS, root, bare))
}
