//! The innermost loop of the weights' gradient: for every patch, values of input channels times the gradients of
//! a vector or two of output channels.

use crate::simd::{Simd, Work, outer};

/// Input channels of a block of sums.
pub(super) const INPUTS: usize = 4;

/// Adds `Σ_p tile[offset + channel × step + p] × gradients[p][m]` to the sums `[offset][channel][m]`, for
/// [`INPUTS`] channels after each offset.
pub(super) struct Outer<'a> {
    pub tile: &'a [f32],
    /// The offset of the first of [`INPUTS`] channels at each tap along z, for each four of channels.
    pub offsets: &'a [usize],
    /// Values of the tile from one channel to the next.
    pub step: usize,
    /// One or two vectors a patch.
    pub gradients: &'a [f32],
    /// Planes, and values of the tile from one to the next.
    pub planes: [usize; 2],
    /// Patches of a plane.
    pub patches: usize,
    /// Whether the sums are added to, or are written for the first time.
    pub add: bool,
}

impl Outer<'_> {
    /// Runs the loop over all offsets, as many at a time as fit the registers.
    ///
    /// # Safety
    /// For every offset, all patches of all planes of [`INPUTS`] channels must be inside the tile, and the
    /// gradients must hold `width` values for as many patches; `width` is one vector or two.
    ///
    /// # Panics
    /// When there are fewer sums than the offsets need.
    #[inline(always)]
    pub unsafe fn run<S: Simd>(&self, simd: S, width: usize, sums: &mut [f32]) {
        debug_assert!(width == S::LANES || width == 2 * S::LANES);
        // SAFETY: tile and gradients are the caller's own, passed on as they are.
        unsafe {
            match (S::WIDE, width == S::LANES) {
                (true, false) => self.chunks::<S, 3, 2>(simd, sums),
                (true, true) => self.chunks::<S, 3, 1>(simd, sums),
                (false, false) => self.chunks::<S, 1, 2>(simd, sums),
                (false, true) => self.chunks::<S, 2, 1>(simd, sums),
            }
        }
    }

    /// # Safety
    /// As [`Outer::run`].
    #[inline(always)]
    unsafe fn chunks<S: Simd, const OFFSETS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        sums: &mut [f32],
    ) {
        let size = INPUTS * VECTORS * S::LANES;
        let (whole, rest) = self.offsets.as_chunks::<OFFSETS>();
        let (many, few) = sums.split_at_mut(whole.len() * OFFSETS * size);
        for (offsets, sums) in whole.iter().zip(many.chunks_exact_mut(OFFSETS * size)) {
            simd.call_out_of_line(OuterOffsets::<OFFSETS, VECTORS> {
                part: self,
                offsets,
                sums,
            });
        }
        for (offset, sums) in rest.iter().zip(few.chunks_exact_mut(size)) {
            simd.call_out_of_line(OuterOffsets::<1, VECTORS> {
                part: self,
                offsets: &[*offset],
                sums,
            });
        }
    }

    /// Whether everything that is read for these offsets is there.
    fn holds(&self, offsets: &[usize], width: usize) -> bool {
        let [planes, plane] = self.planes;
        let last = planes.saturating_sub(1) * plane + self.patches + (INPUTS - 1) * self.step;
        offsets
            .iter()
            .all(|offset| offset + last <= self.tile.len())
            && planes * self.patches * width <= self.gradients.len()
    }
}

/// One call of the loop; only `chunks` makes it, under its caller's promises.
struct OuterOffsets<'a, const OFFSETS: usize, const VECTORS: usize> {
    part: &'a Outer<'a>,
    offsets: &'a [usize; OFFSETS],
    sums: &'a mut [f32],
}

impl<const OFFSETS: usize, const VECTORS: usize> Work for OuterOffsets<'_, OFFSETS, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let part = self.part;
        debug_assert!(part.holds(self.offsets, VECTORS * S::LANES));
        let mut sums = [[[simd.splat(0.0); VECTORS]; INPUTS]; OFFSETS];
        // SAFETY: the caller of `Outer::run` promises that all patches of all planes are inside the tile for
        // each offset and each of the channels after it, and as many gradients.
        unsafe {
            let mut gradients = part.gradients.as_ptr();
            for plane in 0..part.planes[0] {
                let start = part.tile.as_ptr().add(plane * part.planes[1]);
                let inputs = self.offsets.map(|offset| start.add(offset));
                let patches = part.patches;
                if OFFSETS == 3 && VECTORS == 2 {
                    let inputs = std::array::from_fn(|index| inputs[index % OFFSETS]);
                    let mut all = std::array::from_fn(|index| {
                        sums[index % OFFSETS]
                            .map(|sums| std::array::from_fn(|vector| sums[vector % VECTORS]))
                    });
                    simd.outer_3x4x2(patches, gradients, inputs, part.step, &mut all);
                    sums = std::array::from_fn(|index| {
                        all[index].map(|sums| std::array::from_fn(|vector| sums[vector]))
                    });
                } else {
                    outer(simd, patches, gradients, inputs, part.step, &mut sums);
                }
                gradients = gradients.add(patches * VECTORS * S::LANES);
            }
        }
        let places = self.sums.chunks_exact_mut(S::LANES);
        for (to, sum) in places.zip(sums.as_flattened().as_flattened()) {
            // SAFETY: the place is a vector long.
            unsafe {
                let sum = if part.add {
                    simd.add(simd.load(to.as_ptr()), *sum)
                } else {
                    *sum
                };
                simd.store(to.as_mut_ptr(), sum);
            }
        }
    }
}
