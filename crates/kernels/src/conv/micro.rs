//! The two innermost loops, register-blocked: weights × inputs into outputs, and gradients × inputs
//! into weights. Everything they read was laid out for them before.

use crate::simd::{Simd, Work, correlate, weigh};

/// Output channels of a register block.
pub(crate) const CHANNELS: usize = 4;

/// Adds `Σ_k weights[k][m] × input[base[v] + offsets[k]]` to `VECTORS` vectors of `OUT` channels.
pub(crate) struct Accumulate<'a> {
    /// The tile.
    pub tile: *const f32,
    /// Where each term's input stands, relative to a base.
    pub offsets: &'a [usize],
    /// `OUT` weights a term.
    pub weights: *const f32,
    /// First sum of the first channel.
    pub sums: *mut f32,
    /// Values from one channel's sums to the next.
    pub sum_step: usize,
    /// What the sums start with: a value a channel, or (null) what `sums` holds.
    pub start: *const f32,
}

impl Accumulate<'_> {
    /// Runs the loop for as many vectors as there are bases.
    ///
    /// # Safety
    /// For every base and offset a whole vector at `tile + base + offset` must be readable, `weights`
    /// must hold `OUT` values a term, `start` (unless null) `OUT` values, and `sums` `VECTORS` whole
    /// vectors in each of `OUT` channels.
    #[inline(always)]
    unsafe fn run<S: Simd, const OUT: usize, const VECTORS: usize>(
        &self,
        simd: S,
        bases: &[usize; VECTORS],
    ) {
        // SAFETY: all pointers are within what the caller promises.
        unsafe {
            let bases = bases.map(|base| self.tile.add(base));
            let sums: [[S::Vector; VECTORS]; OUT] = if OUT == CHANNELS && VECTORS == 3 {
                let bases = std::array::from_fn(|vector| bases[vector % VECTORS]);
                let sums = simd.weigh_4x3(self.offsets, self.weights, bases);
                std::array::from_fn(|channel| std::array::from_fn(|vector| sums[channel][vector]))
            } else {
                weigh(simd, self.offsets, self.weights, bases)
            };
            for (channel, sums) in sums.into_iter().enumerate() {
                for (vector, sum) in sums.into_iter().enumerate() {
                    let to = self.sums.add(channel * self.sum_step + vector * S::LANES);
                    let start = if self.start.is_null() {
                        simd.load(to)
                    } else {
                        simd.splat(*self.start.add(channel))
                    };
                    simd.store(to, simd.add(start, sum));
                }
            }
        }
    }

    /// [`Accumulate::run`] over all vectors of a tile, as many at a time as fit the registers.
    ///
    /// # Safety
    /// As there, for every base.
    #[inline(always)]
    pub unsafe fn run_all<S: Simd, const OUT: usize>(&self, simd: S, bases: &[usize]) {
        // With fewer channels more vectors are needed to keep the multipliers busy.
        // SAFETY: each call's bases and sums are a part of the caller's.
        unsafe {
            match (OUT, S::WIDE) {
                (CHANNELS, false) => self.chunks::<S, OUT, 3>(simd, bases),
                (CHANNELS, true) => self.chunks::<S, OUT, 4>(simd, bases),
                (2, false) => self.chunks::<S, OUT, 4>(simd, bases),
                _ => self.chunks::<S, OUT, 8>(simd, bases),
            }
        }
    }

    #[inline(always)]
    unsafe fn chunks<S: Simd, const OUT: usize, const VECTORS: usize>(
        &self,
        simd: S,
        bases: &[usize],
    ) {
        let (whole, mut rest) = bases.as_chunks::<VECTORS>();
        let mut part = Accumulate { ..*self };
        // SAFETY: `sums` moves on by the vectors that are done, within the caller's.
        unsafe {
            for bases in whole {
                simd.isolate(AccumulateVectors::<OUT, VECTORS> { part: &part, bases });
                part.sums = part.sums.add(VECTORS * S::LANES);
            }
            if VECTORS > 4
                && let Some((bases, after)) = rest.split_first_chunk::<4>()
            {
                simd.isolate(AccumulateVectors::<OUT, 4> { part: &part, bases });
                part.sums = part.sums.add(4 * S::LANES);
                rest = after;
            }
            if VECTORS > 2
                && let Some((bases, after)) = rest.split_first_chunk::<2>()
            {
                simd.isolate(AccumulateVectors::<OUT, 2> { part: &part, bases });
                part.sums = part.sums.add(2 * S::LANES);
                rest = after;
            }
            for base in rest {
                simd.isolate(AccumulateVectors::<OUT, 1> {
                    part: &part,
                    bases: &[*base],
                });
                part.sums = part.sums.add(S::LANES);
            }
        }
    }
}

/// One call of [`Accumulate::run`]; only `chunks` makes it, under its caller's promises.
struct AccumulateVectors<'a, const OUT: usize, const VECTORS: usize> {
    part: &'a Accumulate<'a>,
    bases: &'a [usize; VECTORS],
}

impl<const OUT: usize, const VECTORS: usize> Work for AccumulateVectors<'_, OUT, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: as `chunks`.
        unsafe { self.part.run::<S, OUT, VECTORS>(simd, self.bases) }
    }
}

/// Adds `Σ_p gradient[m][p] × input[p + offsets[t]]` over the positions of a tile to
/// `weights[t][m]`, for [`CHANNELS`] channels m.
pub(crate) struct Correlate<'a> {
    /// The tile of the input.
    pub tile: *const f32,
    /// Where each weight's first input stands.
    pub offsets: &'a [usize],
    /// The gradient of the first channel, all positions dense.
    pub gradient: *const f32,
    /// Values from one channel's gradient to the next.
    pub gradient_step: usize,
    /// Planes, and values of the tile from one to the next.
    pub planes: [usize; 2],
    /// Runs of vectors in a plane.
    pub runs: super::tile::Runs,
    /// [`CHANNELS`] weights an offset.
    pub weights: *mut f32,
}

impl Correlate<'_> {
    /// Runs the loop over all offsets, as many at a time as fit the registers.
    ///
    /// # Safety
    /// Every vector of every run at every offset must be readable, `gradient` must hold all vectors
    /// of [`CHANNELS`] channels, and `weights` [`CHANNELS`] values an offset.
    #[inline(always)]
    pub unsafe fn run<S: Simd>(&self, simd: S) {
        // SAFETY: each part's offsets and weights are a part of the caller's.
        unsafe {
            let done = if S::WIDE {
                self.chunks::<S, 4>(simd, 0)
            } else {
                0
            };
            let done = self.chunks::<S, 3>(simd, done);
            self.chunks::<S, 1>(simd, done);
        }
    }

    #[inline(always)]
    unsafe fn chunks<S: Simd, const TAPS: usize>(&self, simd: S, mut done: usize) -> usize {
        while let Some(offsets) = self.offsets[done..].first_chunk::<TAPS>() {
            // SAFETY: as `run`.
            let weights = unsafe { self.weights.add(done * CHANNELS) };
            simd.isolate(CorrelateTaps::<TAPS> {
                part: self,
                offsets,
                weights,
            });
            done += TAPS;
        }
        done
    }

    #[inline(always)]
    unsafe fn taps<S: Simd, const TAPS: usize>(
        &self,
        simd: S,
        offsets: &[usize; TAPS],
        weights: *mut f32,
    ) {
        // SAFETY: as `run`.
        unsafe {
            let mut sums = [[simd.splat(0.0); CHANNELS]; TAPS];
            let mut gradient = self.gradient;
            for plane in 0..self.planes[0] {
                for run in 0..self.runs.count {
                    let start = self.tile.add(plane * self.planes[1] + run * self.runs.step);
                    let inputs = offsets.map(|offset| start.add(offset));
                    let vectors = self.runs.vectors;
                    if TAPS == 3 {
                        let inputs = std::array::from_fn(|tap| inputs[tap % TAPS]);
                        let mut three = std::array::from_fn(|tap| sums[tap % TAPS]);
                        simd.correlate_3x4(
                            vectors,
                            gradient,
                            self.gradient_step,
                            inputs,
                            &mut three,
                        );
                        sums = std::array::from_fn(|tap| three[tap]);
                    } else {
                        correlate(
                            simd,
                            vectors,
                            gradient,
                            self.gradient_step,
                            inputs,
                            &mut sums,
                        );
                    }
                    gradient = gradient.add(vectors * S::LANES);
                }
            }
            for (tap, sums) in sums.into_iter().enumerate() {
                for (channel, sum) in simd.reduce4(sums).into_iter().enumerate() {
                    *weights.add(tap * CHANNELS + channel) += sum;
                }
            }
        }
    }
}

/// One call of [`Correlate::taps`]; only `chunks` makes it, under its caller's promises.
struct CorrelateTaps<'a, const TAPS: usize> {
    part: &'a Correlate<'a>,
    offsets: &'a [usize; TAPS],
    weights: *mut f32,
}

impl<const TAPS: usize> Work for CorrelateTaps<'_, TAPS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: as `chunks`.
        unsafe { self.part.taps::<S, TAPS>(simd, self.offsets, self.weights) }
    }
}
