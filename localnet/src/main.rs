//! The whole network on one machine.
mod chain;
mod command;
mod docker;
mod processes;
fn main() {}
