//! The two innermost loops, register-blocked: weights × inputs into outputs, and gradients × inputs
//! into weights. Their operands were packed before.

use crate::simd::{Simd, Work, correlate, fma_tile};

/// Output channels of a register block.
pub(crate) const CHANNELS: usize = 4;

/// Adds `Σ_k weights[k][m] × input[base[v] + offsets[k]]` to `VECTORS` vectors of `OUT` channels.
pub(crate) struct Accumulate<'a> {
    /// The tile.
    pub tile: &'a [f32],
    /// The offset of each term's input, relative to a base.
    pub offsets: &'a [usize],
    /// `OUT` weights a term.
    pub weights: &'a [f32],
    /// Values from one channel's sums to the next.
    pub sum_step: usize,
    /// What the sums start with: a value a channel, or what they hold.
    pub start: Option<&'a [f32]>,
}

impl Accumulate<'_> {
    /// Runs the loop for as many vectors as there are bases.
    ///
    /// # Safety
    /// For every base and offset a whole vector at `tile[base + offset]` must be inside the tile,
    /// `weights` must hold `OUT` values a term, `start` (if any) `OUT` values, and `sums` `VECTORS`
    /// whole vectors in each of `OUT` channels, `sum_step` apart.
    #[inline(always)]
    unsafe fn run<S: Simd, const OUT: usize, const VECTORS: usize>(
        &self,
        simd: S,
        bases: &[usize; VECTORS],
        sums: &mut [f32],
    ) {
        debug_assert!(self.weights.len() >= self.offsets.len() * OUT);
        debug_assert!(self.start.is_none_or(|start| start.len() >= OUT));
        debug_assert!((OUT - 1) * self.sum_step + VECTORS * S::LANES <= sums.len());
        debug_assert!(self.offsets.iter().max().is_none_or(|&offset| {
            bases
                .iter()
                .all(|base| base + offset + S::LANES <= self.tile.len())
        }));
        let to = sums.as_mut_ptr();
        // SAFETY: the caller promises that every base, alone and with each offset, is inside the tile
        // with a whole vector after it, and that weights, start and sums are as long as is used here.
        unsafe {
            let bases = bases.map(|base| self.tile.as_ptr().add(base));
            let weights = self.weights.as_ptr();
            let found: [[S::Vector; VECTORS]; OUT] = if OUT == CHANNELS && VECTORS == 3 {
                let bases = std::array::from_fn(|vector| bases[vector % VECTORS]);
                let sums = simd.weigh_4x3(self.offsets, weights, bases);
                std::array::from_fn(|channel| std::array::from_fn(|vector| sums[channel][vector]))
            } else {
                fma_tile(simd, self.offsets, weights, bases)
            };
            // Read once: the compiler cannot know that the stores leave it as it is.
            let (step, start) = (self.sum_step, self.start);
            for (channel, found) in found.into_iter().enumerate() {
                let to = to.add(channel * step);
                let start = start.map(|start| simd.splat(*start.get_unchecked(channel)));
                for (vector, sum) in found.into_iter().enumerate() {
                    let to = to.add(vector * S::LANES);
                    let start = start.unwrap_or_else(|| simd.load(to));
                    simd.store(to, simd.add(start, sum));
                }
            }
        }
    }

    /// [`Accumulate::run`] over all vectors of a tile, as many at a time as fit the registers. `sums`
    /// starts with the first sum of the first channel.
    ///
    /// # Safety
    /// As there, for every base.
    #[inline(always)]
    pub unsafe fn run_all<S: Simd, const OUT: usize>(
        &self,
        simd: S,
        bases: &[usize],
        sums: &mut [f32],
    ) {
        debug_assert!((OUT - 1) * self.sum_step + bases.len() * S::LANES <= sums.len());
        // With fewer channels more vectors are needed to keep the multipliers busy.
        // SAFETY: the bases and the sums are the caller's own, passed on as they are.
        unsafe {
            match (OUT, S::WIDE) {
                (CHANNELS, false) => self.chunks::<S, OUT, 3>(simd, bases, sums),
                (CHANNELS, true) => self.chunks::<S, OUT, 4>(simd, bases, sums),
                (2, false) => self.chunks::<S, OUT, 4>(simd, bases, sums),
                _ => self.chunks::<S, OUT, 8>(simd, bases, sums),
            }
        }
    }

    /// # Safety
    /// As [`Accumulate::run`], for every base.
    #[inline(always)]
    unsafe fn chunks<S: Simd, const OUT: usize, const VECTORS: usize>(
        &self,
        simd: S,
        bases: &[usize],
        sums: &mut [f32],
    ) {
        let (whole, mut rest) = bases.as_chunks::<VECTORS>();
        let mut done = 0;
        for bases in whole {
            simd.call_out_of_line(AccumulateVectors::<OUT, VECTORS> {
                part: self,
                bases,
                sums: &mut sums[done..],
            });
            done += VECTORS * S::LANES;
        }
        if VECTORS > 4
            && let Some((bases, after)) = rest.split_first_chunk::<4>()
        {
            simd.call_out_of_line(AccumulateVectors::<OUT, 4> {
                part: self,
                bases,
                sums: &mut sums[done..],
            });
            done += 4 * S::LANES;
            rest = after;
        }
        if VECTORS > 2
            && let Some((bases, after)) = rest.split_first_chunk::<2>()
        {
            simd.call_out_of_line(AccumulateVectors::<OUT, 2> {
                part: self,
                bases,
                sums: &mut sums[done..],
            });
            done += 2 * S::LANES;
            rest = after;
        }
        for base in rest {
            simd.call_out_of_line(AccumulateVectors::<OUT, 1> {
                part: self,
                bases: &[*base],
                sums: &mut sums[done..],
            });
            done += S::LANES;
        }
    }
}

/// One call of [`Accumulate::run`]; only `chunks` makes it, under its caller's promises.
struct AccumulateVectors<'a, const OUT: usize, const VECTORS: usize> {
    part: &'a Accumulate<'a>,
    bases: &'a [usize; VECTORS],
    sums: &'a mut [f32],
}

impl<const OUT: usize, const VECTORS: usize> Work for AccumulateVectors<'_, OUT, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: `chunks` alone makes these, of bases and of sums that its caller vouched for: the
        // sums start as many vectors after the first as there are bases before these.
        unsafe {
            self.part
                .run::<S, OUT, VECTORS>(simd, self.bases, self.sums)
        }
    }
}

/// Adds `Σ_p gradient[m][p] × input[p + offsets[t]]` over the positions of a tile to
/// `weights[t][m]`, for [`CHANNELS`] channels m.
pub(crate) struct Correlate<'a> {
    /// The tile of the input.
    pub tile: &'a [f32],
    /// The offset of each weight's first input.
    pub offsets: &'a [usize],
    /// The gradient from the first channel on, all positions dense.
    pub gradient: &'a [f32],
    /// Values from one channel's gradient to the next.
    pub gradient_step: usize,
    /// Planes, and values of the tile from one to the next.
    pub planes: [usize; 2],
    /// Runs of vectors in a plane.
    pub runs: super::tile::Runs,
}

impl Correlate<'_> {
    /// Runs the loop over all offsets, as many at a time as fit the registers, and adds to `weights`:
    /// [`CHANNELS`] an offset.
    ///
    /// # Safety
    /// Every vector of every run at every offset must be inside the tile, and `gradient` must hold all
    /// vectors of [`CHANNELS`] channels.
    ///
    /// # Panics
    /// When there are fewer weights than the offsets need.
    #[inline(always)]
    pub unsafe fn run<S: Simd>(&self, simd: S, weights: &mut [f32]) {
        // SAFETY: tile and gradient are the caller's own, passed on as they are.
        unsafe {
            let done = if S::WIDE {
                self.chunks::<S, 6>(simd, 0, weights)
            } else {
                0
            };
            let done = self.chunks::<S, 3>(simd, done, weights);
            self.chunks::<S, 1>(simd, done, weights);
        }
    }

    /// # Safety
    /// As [`Correlate::run`].
    #[inline(always)]
    unsafe fn chunks<S: Simd, const TAPS: usize>(
        &self,
        simd: S,
        mut done: usize,
        weights: &mut [f32],
    ) -> usize {
        while let Some(offsets) = self.offsets[done..].first_chunk::<TAPS>() {
            simd.call_out_of_line(CorrelateTaps::<TAPS> {
                part: self,
                offsets,
                weights: &mut weights[done * CHANNELS..][..TAPS * CHANNELS],
            });
            done += TAPS;
        }
        done
    }

    /// Whether everything that [`Correlate::taps`] reads for these offsets is there.
    fn holds<S: Simd>(&self, offsets: &[usize]) -> bool {
        let (runs, [planes, plane]) = (self.runs, self.planes);
        if planes * runs.count * runs.vectors == 0 {
            return true;
        }
        let last = (planes - 1) * plane + (runs.count - 1) * runs.step + runs.vectors * S::LANES;
        let gradients = planes * runs.count * runs.vectors * S::LANES;
        offsets
            .iter()
            .all(|offset| offset + last <= self.tile.len())
            && (CHANNELS - 1) * self.gradient_step + gradients <= self.gradient.len()
    }

    /// # Safety
    /// As [`Correlate::run`], for these offsets.
    #[inline(always)]
    unsafe fn taps<S: Simd, const TAPS: usize>(
        &self,
        simd: S,
        offsets: &[usize; TAPS],
        weights: &mut [f32],
    ) {
        debug_assert!(self.holds::<S>(offsets));
        let mut sums = [[simd.splat(0.0); CHANNELS]; TAPS];
        // SAFETY: the caller promises that each run of each plane is inside the tile at each offset,
        // and that the gradient has as many vectors as the runs of all planes.
        unsafe {
            let mut gradient = self.gradient.as_ptr();
            for plane in 0..self.planes[0] {
                for run in 0..self.runs.count {
                    let start = plane * self.planes[1] + run * self.runs.step;
                    let start = self.tile.as_ptr().add(start);
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
                    } else if TAPS == 6 {
                        let inputs = std::array::from_fn(|tap| inputs[tap % TAPS]);
                        let mut six = std::array::from_fn(|tap| sums[tap % TAPS]);
                        simd.correlate_6x4(vectors, gradient, self.gradient_step, inputs, &mut six);
                        sums = std::array::from_fn(|tap| six[tap]);
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
        }
        for (sums, weights) in sums.into_iter().zip(weights.chunks_exact_mut(CHANNELS)) {
            for (sum, weight) in simd.reduce4(sums).into_iter().zip(weights) {
                *weight += sum;
            }
        }
    }
}

/// One call of [`Correlate::taps`]; only `chunks` makes it, under its caller's promises.
struct CorrelateTaps<'a, const TAPS: usize> {
    part: &'a Correlate<'a>,
    offsets: &'a [usize; TAPS],
    weights: &'a mut [f32],
}

impl<const TAPS: usize> Work for CorrelateTaps<'_, TAPS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: `chunks` alone makes these, of offsets that its caller vouched for.
        unsafe { self.part.taps::<S, TAPS>(simd, self.offsets, self.weights) }
    }
}
