//! An oracle among strangers: bytes that nobody meant, callers that hold on to everything, an RPC that is away, a purse
//! that is empty; and what its operator sees of it.

mod fuzz;
mod operations;
mod strangers;
mod tls;
mod world;
