//! Buffers of whole volumes, on huge pages where the system has them: a filter that runs at the
//! speed of memory otherwise spends a third of its time on the faults of small pages.

use crate::Result;
use rayon::prelude::*;
use vesalius_volume::{Geometry, check_memory};

/// Values that a thread copies at once.
const CHUNK: usize = 1 << 16;
/// Smaller buffers gain nothing.
const WORTHWHILE: usize = 8 << 20;

/// Refuses a grid whose values, with `beside` more bytes each, do not fit into the machine's memory.
pub(crate) fn check<T>(grid: &Geometry, channels: usize, beside: usize) -> Result<()> {
    let width = size_of::<T>() + beside;
    Ok(check_memory(
        "the new grid",
        grid.size(),
        channels,
        width,
        None,
    )?)
}

/// `count` times a value. Where that value is zero no memory is touched yet, so that the threads
/// that fill the buffer share its faults.
pub(crate) fn filled<T: Clone>(value: T, count: usize) -> Vec<T> {
    let mut buffer = vec![value; count];
    advise(&mut buffer);
    buffer
}

/// A copy, made by all threads.
pub(crate) fn copy<T: Copy + Default + Send + Sync>(values: &[T]) -> Vec<T> {
    let mut buffer = filled(T::default(), values.len());
    buffer
        .par_chunks_mut(CHUNK)
        .zip(values.par_chunks(CHUNK))
        .for_each(|(to, from)| to.copy_from_slice(from));
    buffer
}

/// An empty buffer with capacity for `count` values.
pub(crate) fn with_room<T>(count: usize) -> Vec<T> {
    let mut buffer: Vec<T> = Vec::with_capacity(count);
    advise_bytes(
        buffer.as_mut_ptr().cast(),
        buffer.capacity() * size_of::<T>(),
    );
    buffer
}

fn advise<T>(buffer: &mut [T]) {
    advise_bytes(buffer.as_mut_ptr().cast(), size_of_val(buffer));
}

/// Requests huge pages for the whole pages of some memory; a system without them refuses, and
/// nothing is lost.
#[cfg(target_os = "linux")]
fn advise_bytes(start: *mut u8, bytes: usize) {
    // Linux counts in pages of 4 KiB at least; a multiple of 64 KiB is a multiple of every size.
    const PAGE: usize = 64 << 10;
    if bytes < WORTHWHILE {
        return;
    }
    let skipped = start.align_offset(PAGE);
    let whole = bytes.saturating_sub(skipped) / PAGE * PAGE;
    debug_assert!(skipped + whole <= bytes);
    // SAFETY: the range lies within memory that the caller owns, starts on a page, and the advice
    // changes what backs it, never what it holds.
    unsafe {
        libc::madvise(
            start.wrapping_add(skipped).cast(),
            whole,
            libc::MADV_HUGEPAGE,
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_bytes(_: *mut u8, _: usize) {
    let _ = WORTHWHILE;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_buffer_holds_what_it_should() {
        for count in [0, 5, WORTHWHILE / 4 + 3] {
            assert!(filled(7u32, count).iter().all(|&v| v == 7));
            assert!(filled(0.0f32, count).iter().all(|&v| v == 0.0));
            let mut room: Vec<u16> = with_room(count);
            assert!(room.is_empty() && room.capacity() >= count);
            room.extend((0..count).map(|i| i as u16));
            assert_eq!(room.len(), count);
            assert_eq!(copy(&room), room);
        }
    }
}
