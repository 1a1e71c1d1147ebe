//! Tests across parts.

pub mod cases;
pub mod world;
