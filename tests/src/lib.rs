//! Tests across parts.
