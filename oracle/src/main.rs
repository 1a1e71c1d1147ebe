//! Heartbeats and results in, points and settlements out.
fn main() {}
