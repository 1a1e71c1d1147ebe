//! What holders, project owners, operators and auditors type.
fn main() {}
