//! The chain in PostgreSQL, and the API over it.
fn main() {}
