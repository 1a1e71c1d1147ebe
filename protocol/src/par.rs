//! The same step for many: on all threads of rayon's pool with the `parallel` feature, else one after the other. The
//! result is the same.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// What a thread takes at least; less is not worth the hand-over.
#[cfg(feature = "parallel")]
const SHARE_MIN: usize = 4096;

/// `f` of every `size` items, which the last may lack, in order.
#[cfg(feature = "parallel")]
pub(crate) fn map_chunks<T: Sync, U: Send>(items: &[T], size: usize, f: impl Fn(&[T]) -> U + Send + Sync) -> Vec<U> {
    items.par_chunks(size).with_min_len((SHARE_MIN / size).max(1)).map(f).collect()
}

#[cfg(not(feature = "parallel"))]
pub(crate) fn map_chunks<T, U>(items: &[T], size: usize, f: impl Fn(&[T]) -> U) -> Vec<U> {
    items.chunks(size).map(f).collect()
}

/// `f` of every item and its number, in order.
#[cfg(feature = "parallel")]
pub(crate) fn map<T: Sync, U: Send>(items: &[T], f: impl Fn(usize, &T) -> U + Send + Sync) -> Vec<U> {
    items.par_iter().with_min_len(SHARE_MIN).enumerate().map(|(i, item)| f(i, item)).collect()
}

#[cfg(not(feature = "parallel"))]
pub(crate) fn map<T, U>(items: &[T], f: impl Fn(usize, &T) -> U) -> Vec<U> {
    items.iter().enumerate().map(|(i, item)| f(i, item)).collect()
}

/// The first error that `f` finds, by the items' order.
#[cfg(all(feature = "host", feature = "parallel"))]
pub(crate) fn check<T: Sync, E: Send>(
    items: &[T],
    f: impl Fn(usize, &T) -> Result<(), E> + Send + Sync,
) -> Result<(), E> {
    let found = items.par_iter().with_min_len(SHARE_MIN).enumerate().find_map_first(|(i, item)| f(i, item).err());
    found.map_or(Ok(()), Err)
}

#[cfg(all(feature = "host", not(feature = "parallel")))]
pub(crate) fn check<T, E>(items: &[T], f: impl Fn(usize, &T) -> Result<(), E>) -> Result<(), E> {
    items.iter().enumerate().try_for_each(|(i, item)| f(i, item))
}

/// Sorts; equal items may change places.
#[cfg(all(feature = "host", feature = "parallel"))]
pub(crate) fn sort<T: Send + Ord>(items: &mut [T]) {
    items.par_sort_unstable();
}

#[cfg(all(feature = "host", not(feature = "parallel")))]
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    items.sort_unstable();
}
