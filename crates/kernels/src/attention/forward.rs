//! The forward pass: a block of queries at a time against all keys.

use rayon::prelude::*;

use super::head::{Head, Part, Tiles, exponentials, largest};
use super::{AttentionShape, WindowMask};
use crate::buffer::{Scratch, Shared};
use crate::error::{Result, check_length};
use crate::matrix::{ROWS, columns, term_offsets};
use crate::simd::{Simd, SimdLevel, Work, dispatch};

/// `output = softmax(query · keyᵀ / √depth + bias + mask) · value` for every window and head.
/// `bias` is `[heads, keys, queries]`. `sums` receives the logarithm of each query's sum of
/// exponentials, `[windows, heads, queries]`, for the backward pass.
///
/// # Errors
/// When the shape has a zero or a slice's length does not fit the shape.
pub fn attention_forward(
    shape: &AttentionShape,
    input: &[f32],
    bias: Option<&[f32]>,
    mask: Option<WindowMask>,
    output: &mut [f32],
    sums: &mut [f32],
) -> Result<()> {
    shape.check(input, bias, mask)?;
    check_length("output", output, shape.output_len())?;
    check_length("sums", sums, shape.sums_len())?;
    let (path, output) = (SimdLevel::current(), Shared::new(output));
    sums.par_chunks_exact_mut(shape.tokens)
        .enumerate()
        .for_each(|(task, sums)| {
            let at = [task / shape.heads, task % shape.heads];
            let head = Head::new(*shape, input, bias, mask, at);
            let output = &output;
            dispatch(path, Forward { head, output, sums });
        });
    Ok(())
}

/// One head of one window.
struct Forward<'a> {
    head: Head<'a>,
    output: &'a Shared<'a>,
    sums: &'a mut [f32],
}

impl Work for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (head, wide) = (self.head, columns::<S>());
        let AttentionShape { tokens, depth, .. } = head.shape;
        let keys_len = tokens.next_multiple_of(ROWS);
        let depth_len = depth.next_multiple_of(ROWS);
        let mut keys = Scratch::any(keys_len * depth);
        let mut values = Scratch::any(depth_len * tokens);
        let mut queries = Scratch::any(depth * wide);
        let mut scores = Scratch::any(keys_len * wide);
        let mut mixed = Scratch::any(depth_len * wide);
        let offsets = term_offsets(wide, tokens.max(depth));
        head.part(Part::Key)
            .pack_rows(0, tokens, 0..depth, keys.as_mut_slice());
        let by_depth = head.part(Part::Value).transposed();
        by_depth.pack_rows(0, depth, 0..tokens, values.as_mut_slice());
        let query = head.part(Part::Query).transposed();
        for first in (0..tokens).step_by(wide) {
            let count = (tokens - first).min(wide);
            query.pack_panel(0..depth, first, count, wide, queries.as_mut_slice());
            let scale = head.scale();
            queries.as_mut_slice().iter_mut().for_each(|q| *q *= scale);
            let products = Tiles {
                offsets: &offsets[..depth],
                rows: keys.as_slice(),
                panel: queries.as_slice(),
                step: wide,
                add: false,
            };
            products.run(simd, tokens, scores.as_mut_slice());
            let scores = &mut scores.as_mut_slice()[..tokens * wide];
            head.adjust(wide, first, count, scores);
            let most = largest(wide, scores);
            let sums = exponentials(wide, &most, scores);
            let mix = Tiles {
                offsets: &offsets[..tokens],
                rows: values.as_slice(),
                panel: scores,
                step: wide,
                add: false,
            };
            mix.run(simd, depth, mixed.as_mut_slice());
            let mixed = mixed.as_slice();
            for query in 0..count {
                let place = head.output_place(first + query);
                // SAFETY: one task alone has this window and head, and writes one token's part at a time.
                let to = unsafe { self.output.part(place, depth) };
                let share = 1.0 / sums[query];
                for (row, to) in to.iter_mut().enumerate() {
                    *to = mixed[row * wide + query] * share;
                }
                self.sums[first + query] = most[query] + sums[query].ln();
            }
        }
    }
}
