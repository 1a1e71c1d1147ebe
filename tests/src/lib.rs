//! Tests across parts.

pub mod postgres;
