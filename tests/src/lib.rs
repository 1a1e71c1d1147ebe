//! Tests across parts.

pub mod world;
