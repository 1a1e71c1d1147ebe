//! Accounts: fixed size, versioned, with a reserved tail; zero-copy where they are hot.

// bytemuck's derives, through Anchor's `zero_copy`, write `unsafe impl`: they check at compile time
// that the layout has no padding and that every bit pattern is valid.
#![allow(unsafe_code)]

mod bond;
mod config;
mod job;
mod outcome;
mod slash;
mod sponsorship;

pub use bond::*;
pub use config::*;
pub use job::*;
pub use outcome::*;
pub use slash::*;
pub use sponsorship::*;
