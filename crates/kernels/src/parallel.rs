//! Loops over long slices, in parts of a fixed size on all threads, compiled for the chosen SIMD level.

use rayon::prelude::*;

use crate::simd::{Simd, SimdLevel, Work, dispatch};

/// Values of one part: a few microseconds of work, and small enough for the caches.
pub(crate) const PART: usize = 16 * 1024;

/// Plain Rust compiled for a SIMD level; what it calls must be inlined.
struct Plain<F>(F);

impl<T, F: FnOnce() -> T> Work for Plain<F> {
    type Output = T;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> T {
        (self.0)()
    }
}

/// Runs `body` compiled for a SIMD level.
#[inline(always)]
pub(crate) fn plain<T>(path: SimdLevel, body: impl FnOnce() -> T) -> T {
    dispatch(path, Plain(body))
}

/// `output[i] = function(input[i])`.
pub(crate) fn map(input: &[f32], output: &mut [f32], function: impl Fn(f32) -> f32 + Sync + Copy) {
    let path = SimdLevel::current();
    output
        .par_chunks_mut(PART)
        .zip(input.par_chunks(PART))
        .for_each(|(output, input)| {
            // Moved in: what `function` holds then stays in registers, however `output` is written.
            plain(path, move || {
                output
                    .iter_mut()
                    .zip(input)
                    .for_each(|(to, &from)| *to = function(from));
            });
        });
}

/// `values[i] = function(values[i])`.
pub(crate) fn map_in_place(values: &mut [f32], function: impl Fn(f32) -> f32 + Sync + Copy) {
    let path = SimdLevel::current();
    values.par_chunks_mut(PART).for_each(|values| {
        plain(path, move || {
            values
                .iter_mut()
                .for_each(|value| *value = function(*value))
        });
    });
}

/// `output[i] = function(a[i], b[i])`.
pub(crate) fn map2(
    a: &[f32],
    b: &[f32],
    output: &mut [f32],
    function: impl Fn(f32, f32) -> f32 + Sync + Copy,
) {
    let path = SimdLevel::current();
    let inputs = a.par_chunks(PART).zip(b.par_chunks(PART));
    output
        .par_chunks_mut(PART)
        .zip(inputs)
        .for_each(|(output, (a, b))| {
            plain(path, move || {
                for ((to, &a), &b) in output.iter_mut().zip(a).zip(b) {
                    *to = function(a, b);
                }
            });
        });
}
