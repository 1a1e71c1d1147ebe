//! Tests across parts.

pub mod postgres;

pub mod world;
