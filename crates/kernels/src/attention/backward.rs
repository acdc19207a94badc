//! The backward pass: probabilities are computed again, a block of queries at a time. What goes to
//! queries is a sum over keys and done with the block; what goes to keys and values is gathered over
//! blocks, from the same numbers turned over.

use rayon::prelude::*;

use super::head::{Head, Part, Tiles, exponentials};
use super::{AttentionShape, WindowMask};
use crate::buffer::{Scratch, Shared};
use crate::error::{Result, check_length};
use crate::matrix::{MAX_COLUMNS, Matrix, ROWS, columns, term_offsets};
use crate::simd::{MAX_LANES, Simd, SimdLevel, Work, dispatch, turn_square};

/// Tasks that the windows of all heads are shared among when each gathers a bias's gradient; fixed, so
/// that sums do not depend on the number of threads.
const TASKS: usize = 16;

/// Where the gradients of an attention go.
#[derive(Debug)]
pub struct AttentionGradients<'a> {
    /// To queries, keys and values, shaped as they are.
    pub input: &'a mut [f32],
    /// To the bias, if wanted.
    pub bias: Option<&'a mut [f32]>,
}

/// The gradients of [`super::attention_forward`], given that to its output and the sums that it left.
///
/// # Errors
/// As there.
pub fn attention_backward(
    shape: &AttentionShape,
    input: &[f32],
    bias: Option<&[f32]>,
    mask: Option<WindowMask>,
    sums: &[f32],
    output_gradient: &[f32],
    gradients: AttentionGradients,
) -> Result<()> {
    shape.check(input, bias, mask)?;
    check_length("output_gradient", output_gradient, shape.output_len())?;
    check_length("sums", sums, shape.sums_len())?;
    check_length("input_gradient", gradients.input, shape.input_len())?;
    let square = shape.tokens * shape.tokens;
    if let Some(bias) = &gradients.bias {
        check_length("bias_gradient", bias, shape.bias_len())?;
    }
    let wanted = gradients.bias.is_some();
    let parts = match wanted {
        true => TASKS.div_ceil(shape.heads).min(shape.windows.max(1)),
        false => shape.windows,
    };
    let each = if wanted { square } else { 0 };
    let mut shares = Scratch::any(parts * shape.heads * each);
    let (path, to) = (SimdLevel::current(), Shared::new(gradients.input));
    let shared = Shared::new(shares.as_mut_slice());
    (0..parts * shape.heads).into_par_iter().for_each(|task| {
        let (part, head) = (task / shape.heads, task % shape.heads);
        // SAFETY: shares of tasks with different numbers are `each` apart and as long.
        let share = unsafe { shared.part(task * each, each) };
        share.fill(0.0);
        let windows = part * shape.windows / parts..(part + 1) * shape.windows / parts;
        for window in windows {
            let at = [window, head];
            let work = Backward {
                head: Head::new(*shape, input, bias, mask, at),
                sums: &sums[(window * shape.heads + head) * shape.tokens..][..shape.tokens],
                gradient: output_gradient,
                to: &to,
                bias: &mut *share,
            };
            dispatch(path, work);
        }
    });
    if let Some(bias) = gradients.bias {
        let shares = shares.as_slice();
        bias.par_chunks_exact_mut(square)
            .enumerate()
            .for_each(|(head, bias)| {
                bias.fill(0.0);
                for part in 0..parts {
                    let share = &shares[(part * shape.heads + head) * square..][..square];
                    bias.iter_mut().zip(share).for_each(|(to, s)| *to += s);
                }
            });
    }
    Ok(())
}

/// One head of one window.
struct Backward<'a> {
    head: Head<'a>,
    sums: &'a [f32],
    gradient: &'a [f32],
    to: &'a Shared<'a>,
    /// `[keys, queries]`, or empty.
    bias: &'a mut [f32],
}

/// The packed operands, and buffers for one block of queries.
struct Buffers {
    keys: Scratch,
    values: Scratch,
    keys_by_depth: Scratch,
    queries: Scratch,
    gradients: Scratch,
    queries_by_depth: Scratch,
    gradients_by_depth: Scratch,
    scores: Scratch,
    slopes: Scratch,
    turned: Scratch,
    to_queries: Scratch,
    to_keys: Scratch,
    to_values: Scratch,
}

impl Buffers {
    fn new(head: &Head, wide: usize) -> Self {
        let AttentionShape { tokens, depth, .. } = head.shape;
        let keys_len = tokens.next_multiple_of(ROWS);
        let depth_len = depth.next_multiple_of(ROWS);
        let across = tokens.next_multiple_of(wide);
        // Whole squares of vectors are turned over.
        let rows = tokens.next_multiple_of(MAX_LANES);
        let mut room = Self {
            keys: Scratch::any(keys_len * depth),
            values: Scratch::any(keys_len * depth),
            keys_by_depth: Scratch::any(depth_len * tokens),
            queries: Scratch::any(depth * wide),
            gradients: Scratch::any(depth * wide),
            queries_by_depth: Scratch::any(depth_len * wide),
            gradients_by_depth: Scratch::any(depth_len * wide),
            scores: Scratch::zeros(rows * wide),
            slopes: Scratch::zeros(rows * wide),
            turned: Scratch::zeros(wide * across),
            to_queries: Scratch::any(depth_len * wide),
            to_keys: Scratch::zeros(depth_len * across),
            to_values: Scratch::zeros(depth_len * across),
        };
        let key = head.part(Part::Key);
        let value = head.part(Part::Value);
        key.pack_rows(0, tokens, 0..depth, room.keys.as_mut_slice());
        value.pack_rows(0, tokens, 0..depth, room.values.as_mut_slice());
        let by_depth = room.keys_by_depth.as_mut_slice();
        key.transposed().pack_rows(0, depth, 0..tokens, by_depth);
        room
    }
}

impl Work for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (tokens, wide) = (self.head.shape.tokens, columns::<S>());
        let across = tokens.next_multiple_of(wide);
        let mut room = Buffers::new(&self.head, wide);
        let offsets = term_offsets(wide, tokens.max(self.head.shape.depth));
        let turned_offsets = term_offsets(across, wide);
        for first in (0..tokens).step_by(wide) {
            let count = (tokens - first).min(wide);
            self.pack(wide, first, count, &mut room);
            self.slopes(simd, &offsets, first, count, &mut room);
            self.to_queries(simd, &offsets, first, count, &mut room);
            self.to_keys(simd, &turned_offsets[..count], &mut room);
        }
        let to_keys = room.to_keys.as_slice();
        self.write(Part::Key, 0, tokens, across, 1.0, to_keys);
        let to_values = room.to_values.as_slice();
        self.write(Part::Value, 0, tokens, across, 1.0, to_values);
    }
}

impl Backward<'_> {
    /// Packs a block of queries, scaled, and of the output's gradient, each in both orders.
    #[inline(always)]
    fn pack(&self, wide: usize, first: usize, count: usize, room: &mut Buffers) {
        let depth = self.head.shape.depth;
        let queries = self.head.part(Part::Query).transposed();
        let gradients: Matrix = self.head.of_output(self.gradient).transposed();
        let block = first..first + count;
        queries.pack_panel(0..depth, first, count, wide, room.queries.as_mut_slice());
        let by_depth = room.queries_by_depth.as_mut_slice();
        queries.pack_rows(0, depth, block.clone(), by_depth);
        gradients.pack_panel(0..depth, first, count, wide, room.gradients.as_mut_slice());
        let by_depth = room.gradients_by_depth.as_mut_slice();
        gradients.pack_rows(0, depth, block, by_depth);
        let scale = self.head.scale();
        for packed in [&mut room.queries, &mut room.queries_by_depth] {
            packed.as_mut_slice().iter_mut().for_each(|q| *q *= scale);
        }
    }

    /// The block's probabilities into `scores`, the gradients to its scores into `slopes`.
    #[inline(always)]
    fn slopes<S: Simd>(
        &mut self,
        simd: S,
        offsets: &[usize],
        first: usize,
        count: usize,
        room: &mut Buffers,
    ) {
        let (head, wide) = (self.head, columns::<S>());
        let AttentionShape { tokens, depth, .. } = head.shape;
        let product = |rows: &Scratch, panel: &Scratch, to: &mut Scratch| {
            let tiles = Tiles {
                offsets: &offsets[..depth],
                rows: rows.as_slice(),
                panel: panel.as_slice(),
                step: wide,
                add: false,
            };
            tiles.run(simd, tokens, to.as_mut_slice());
        };
        product(&room.keys, &room.queries, &mut room.scores);
        product(&room.values, &room.gradients, &mut room.slopes);
        let scores = &mut room.scores.as_mut_slice()[..tokens * wide];
        let slopes = &mut room.slopes.as_mut_slice()[..tokens * wide];
        head.adjust(wide, first, count, scores);
        let mut shift = [0.0; MAX_COLUMNS];
        shift[..count].copy_from_slice(&self.sums[first..first + count]);
        exponentials(wide, &shift, scores);
        let mut means = [0.0f32; MAX_COLUMNS];
        for (scores, slopes) in scores.chunks_exact(wide).zip(slopes.chunks_exact(wide)) {
            for ((mean, &p), &slope) in means.iter_mut().zip(scores).zip(slopes) {
                *mean += p * slope;
            }
        }
        for (scores, slopes) in scores.chunks_exact(wide).zip(slopes.chunks_exact_mut(wide)) {
            for ((slope, &p), &mean) in slopes.iter_mut().zip(scores).zip(&means) {
                *slope = p * (*slope - mean);
            }
        }
        if !self.bias.is_empty() {
            let rows = self.bias.chunks_exact_mut(tokens);
            for (bias, slopes) in rows.zip(slopes.chunks_exact(wide)) {
                let bias = &mut bias[first..first + count];
                for (to, slope) in bias.iter_mut().zip(slopes) {
                    *to += slope;
                }
            }
        }
    }

    #[inline(always)]
    fn to_queries<S: Simd>(
        &self,
        simd: S,
        offsets: &[usize],
        first: usize,
        count: usize,
        room: &mut Buffers,
    ) {
        let wide = columns::<S>();
        let AttentionShape { tokens, depth, .. } = self.head.shape;
        let tiles = Tiles {
            offsets: &offsets[..tokens],
            rows: room.keys_by_depth.as_slice(),
            panel: room.slopes.as_slice(),
            step: wide,
            add: false,
        };
        tiles.run(simd, depth, room.to_queries.as_mut_slice());
        let found = room.to_queries.as_slice();
        self.write(Part::Query, first, count, wide, self.head.scale(), found);
    }

    /// Adds the block's share to the gradients to keys and values, `[depth, tokens]`.
    #[inline(always)]
    fn to_keys<S: Simd>(&self, simd: S, offsets: &[usize], room: &mut Buffers) {
        let wide = columns::<S>();
        let AttentionShape { tokens, depth, .. } = self.head.shape;
        let across = tokens.next_multiple_of(wide);
        for (from, rows, to) in [
            (&room.slopes, &room.queries_by_depth, &mut room.to_keys),
            (&room.scores, &room.gradients_by_depth, &mut room.to_values),
        ] {
            let (from, turned) = (from.as_slice(), room.turned.as_mut_slice());
            turn(simd, tokens, across, from, turned);
            let to = to.as_mut_slice();
            for first in (0..across).step_by(wide) {
                let tiles = Tiles {
                    offsets,
                    rows: rows.as_slice(),
                    panel: &turned[first..],
                    step: across,
                    add: true,
                };
                tiles.run(simd, depth, &mut to[first..]);
            }
        }
    }

    /// Writes `found`, `[depth, step]`, to some tokens of a part of the input's gradient.
    #[inline(always)]
    fn write(
        &self,
        part: Part,
        first: usize,
        count: usize,
        step: usize,
        scale: f32,
        found: &[f32],
    ) {
        let depth = self.head.shape.depth;
        for token in 0..count {
            // SAFETY: one task alone has this window and head, and writes a token's part once at a time.
            let to = unsafe { self.to.part(self.head.place(part, first + token), depth) };
            for (row, to) in to.iter_mut().enumerate() {
                *to = found[row * step + token] * scale;
            }
        }
    }
}

/// `[tokens, wide]` to `[wide, across]`; the values beyond the tokens are unspecified.
#[inline(always)]
fn turn<S: Simd>(simd: S, tokens: usize, across: usize, from: &[f32], to: &mut [f32]) {
    let wide = columns::<S>();
    let down = tokens.next_multiple_of(S::LANES);
    assert!(down <= across && from.len() >= down * wide && to.len() >= wide * across);
    for top in (0..down).step_by(S::LANES) {
        for left in (0..wide).step_by(S::LANES) {
            debug_assert!((top + S::LANES - 1) * wide + left + S::LANES <= from.len());
            debug_assert!((left + S::LANES - 1) * across + top + S::LANES <= to.len());
            // SAFETY: `down`, `wide` and `across` are whole vectors, so that a square that starts inside
            // of `down` rows of `wide` (of `wide` rows of `across`) ends there; the lengths were compared.
            unsafe {
                let from = from.as_ptr().add(top * wide + left);
                let to = to.as_mut_ptr().add(left * across + top);
                turn_square(simd, from, wide, to, across);
            }
        }
    }
}
