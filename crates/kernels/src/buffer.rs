//! Memory of kernels: outputs in huge pages, aligned scratch memory that is kept for reuse, and a slice that
//! parallel tasks write in disjoint parts.

use std::marker::PhantomData;
use std::sync::Mutex;

/// The least bytes of an output for which huge pages are requested.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// `length` zeros, for the output of a layer. On Linux the system is asked to use huge pages for outputs of 4 MiB
/// or more: writing the output then causes hundreds of page faults instead of tens of thousands, which can take
/// more time than the arithmetic of a layer with few channels.
pub fn zeros(length: usize) -> Vec<f32> {
    // Large zeros come from the system, which makes a page when it is first written.
    let values = vec![0.0f32; length];
    #[cfg(target_os = "linux")]
    if length * size_of::<f32>() >= LARGE {
        const HUGE_PAGE: usize = 2 << 20;
        let start = values.as_ptr() as usize;
        let end = (start + length * size_of::<f32>()) / HUGE_PAGE * HUGE_PAGE;
        let start = start.next_multiple_of(HUGE_PAGE);
        if start < end {
            debug_assert!(start >= values.as_ptr().addr());
            debug_assert!(end <= values.as_ptr().addr() + length * size_of::<f32>());
            // SAFETY: the range is inside the vector's memory (its ends were rounded inwards), and the
            // call changes no values; a system without huge pages ignores it.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
        }
    }
    values
}

/// 64 bytes, the length of a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

const _: () = assert!(size_of::<Line>() == 16 * size_of::<f32>());

/// Scratch memory of `f32` that begins at a cache line. When it is dropped, its memory is kept for the next
/// scratch: new pages take as much time as the arithmetic of a small layer.
pub(crate) struct Scratch(Vec<Line>);

static KEPT: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());
/// The most buffers, and the most lines of 64 bytes in all of them, that are kept.
const KEPT_BUFFERS: usize = 64;
const KEPT_LINES: usize = 1 << 20;

impl Scratch {
    /// `length` values, rounded up to a multiple of 16, with unspecified content.
    pub fn any(length: usize) -> Self {
        let lines = length.div_ceil(16);
        let kept = KEPT.lock().ok().and_then(|mut kept| {
            let fits = |(_, buffer): &(usize, &Vec<Line>)| buffer.capacity() >= lines;
            let best = kept
                .iter()
                .enumerate()
                .filter(fits)
                .min_by_key(|(_, b)| b.capacity());
            best.map(|(index, _)| index)
                .map(|index| kept.swap_remove(index))
        });
        let mut buffer = kept.unwrap_or_default();
        buffer.resize(lines, Line([0.0; 16]));
        Self(buffer)
    }

    /// `length` zeros, rounded up to a multiple of 16.
    pub fn zeros(length: usize) -> Self {
        let mut scratch = Self::any(length);
        scratch.as_mut_slice().fill(0.0);
        scratch
    }

    /// The values.
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is 16 `f32` without padding (asserted above), all of them initialised.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 16) }
    }

    /// The values, for writing.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        let length = self.0.len() * 16;
        // SAFETY: `Line` is 16 `f32` without padding (asserted above), all of them initialised, and
        // the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), length) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If the lock is poisoned, the memory is freed instead.
        if let Ok(mut kept) = KEPT.lock() {
            let lines: usize = kept.iter().map(Vec::capacity).sum();
            if kept.len() < KEPT_BUFFERS && lines + self.0.capacity() <= KEPT_LINES {
                kept.push(std::mem::take(&mut self.0));
            }
        }
    }
}

/// A slice of which each parallel task writes its own part.
pub(crate) struct Shared<'a, T = f32> {
    start: *mut T,
    length: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: access goes through `part` and `block`, whose callers must keep parts and blocks that are alive at
// once apart, so that two threads never access one value.
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: it is a `&mut [T]` in other form, which may be sent to another thread if `T` may.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    /// Shares `slice` among tasks.
    pub fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            length: slice.len(),
            borrow: PhantomData,
        }
    }

    /// `length` values from `start` on.
    ///
    /// # Safety
    /// No two parts that are alive at once may overlap.
    ///
    /// # Panics
    /// If the part is not inside of the slice.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, start: usize, length: usize) -> &mut [T] {
        assert!(
            start <= self.length && length <= self.length - start,
            "part outside of its slice"
        );
        // SAFETY: by the assertion the part is inside of a slice that is borrowed for `'a`; the caller ensures
        // that access is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }

    /// A pointer to the first value of a block: `rows` rows of `width` values; the first row begins at `start`,
    /// each other row `step` values after the one before. All rows may be accessed through the pointer, since it
    /// is derived from that of the whole slice.
    ///
    /// # Safety
    /// While the pointer is in use, no other part or block that is alive may overlap the rows of the block.
    ///
    /// # Panics
    /// If a row is not inside of the slice.
    #[inline(always)]
    pub unsafe fn block(&self, start: usize, rows: usize, step: usize, width: usize) -> *mut T {
        let end = rows
            .saturating_sub(1)
            .checked_mul(step)
            .and_then(|last| last.checked_add(start)?.checked_add(width));
        assert!(
            end.is_some_and(|end| end <= self.length),
            "block outside of its slice"
        );
        // SAFETY: by the assertion `start` is at most the length of the slice.
        unsafe { self.start.add(start) }
    }
}
