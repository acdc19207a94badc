//! One small vector interface over AVX-512, AVX2+FMA, NEON and portable code, chosen once at run time.
//! Kernels are written once against [`Simd`].

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_loops;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_loops;
mod level;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pairs;
mod portable;

use std::ops::Range;

pub(crate) use pairs::{interleave_rows, split_row, turn_square};

pub use level::{SimdLevel, with_simd_level};

/// A processor's vectors of `f32`. A value of an implementing type proves that the processor has them.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// One register.
    type Vector: Copy;
    /// Values a register holds; at most [`MAX_LANES`].
    const LANES: usize;
    /// Whether there are 32 registers (then 4 × 4 sums are kept in them) or 16 (4 × 3).
    const WIDE: bool;

    /// `value` in every lane.
    fn splat(self, value: f32) -> Self::Vector;
    /// Reads `LANES` values; any alignment.
    ///
    /// # Safety
    /// `from` must be valid for reads of `LANES` values.
    unsafe fn load(self, from: *const f32) -> Self::Vector;
    /// Writes `LANES` values; any alignment.
    ///
    /// # Safety
    /// `to` must be valid for writes of `LANES` values.
    unsafe fn store(self, to: *mut f32, value: Self::Vector);
    /// `a + b`.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a − b`.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a₀ b₀ a₁ b₁ …`, in two vectors.
    fn interleave(self, a: Self::Vector, b: Self::Vector) -> [Self::Vector; 2];
    /// The values at even and at odd places of two vectors: undoes [`Simd::interleave`].
    fn deinterleave(self, a: Self::Vector, b: Self::Vector) -> [Self::Vector; 2];
    /// `a × b + c`, with one rounding where the processor can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The sums of the lanes of four vectors.
    fn reduce4(self, vectors: [Self::Vector; 4]) -> [f32; 4];
    /// `Σ_k weights[4 k + m] × inputs[v][offsets[k]]` for four channels m and three vectors v.
    ///
    /// # Safety
    /// `weights` must be valid for four reads a term, and each input for whole vectors at each offset.
    #[inline(always)]
    unsafe fn weigh_4x3(
        self,
        offsets: &[usize],
        weights: *const f32,
        inputs: [*const f32; 3],
    ) -> [[Self::Vector; 3]; 4] {
        // SAFETY: the caller promises four weights a term and whole vectors at each offset.
        unsafe { fma_tile(self, offsets, weights, inputs) }
    }

    /// Adds `Σ_p gradients[m × step + p] × inputs[t][p]` over `vectors` vectors of p to `sums[t][m]`.
    ///
    /// # Safety
    /// Inputs and four channels of gradients must be valid for reads of as many vectors.
    #[inline(always)]
    unsafe fn correlate_3x4(
        self,
        vectors: usize,
        gradients: *const f32,
        step: usize,
        inputs: [*const f32; 3],
        sums: &mut [[Self::Vector; 4]; 3],
    ) {
        // SAFETY: the caller promises `vectors` whole vectors of each input and each channel.
        unsafe { correlate(self, vectors, gradients, step, inputs, sums) }
    }

    /// [`Simd::correlate_3x4`] for six inputs, where [`Simd::WIDE`].
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    unsafe fn correlate_6x4(
        self,
        vectors: usize,
        gradients: *const f32,
        step: usize,
        inputs: [*const f32; 6],
        sums: &mut [[Self::Vector; 4]; 6],
    ) {
        // SAFETY: the caller promises `vectors` whole vectors of each input and each channel.
        unsafe { correlate(self, vectors, gradients, step, inputs, sums) }
    }

    /// Adds `Σ_p inputs[t][c × step + p] × gradients[p][v]` over `places` places p to `sums[t][c][v]`, where
    /// [`Simd::WIDE`].
    ///
    /// # Safety
    /// Each input must be valid for reads of as many values at each multiple of `step`, and `gradients` of two
    /// vectors a place.
    #[inline(always)]
    unsafe fn outer_3x4x2(
        self,
        places: usize,
        gradients: *const f32,
        inputs: [*const f32; 3],
        step: usize,
        sums: &mut [[[Self::Vector; 2]; 4]; 3],
    ) {
        // SAFETY: the caller promises as many places of each input and of the gradients.
        unsafe { outer(self, places, gradients, inputs, step, sums) }
    }

    /// Reads the lanes `lanes` from as many places after `from`; the others are zero.
    ///
    /// # Safety
    /// The values at `from + lane` must be valid for reads for every such lane; `from` itself need not point
    /// into anything. `lanes` must end within [`Simd::LANES`].
    #[inline(always)]
    unsafe fn load_lanes(self, from: *const f32, lanes: Range<usize>) -> Self::Vector {
        debug_assert!(lanes.end <= Self::LANES);
        let mut values = [0.0; MAX_LANES];
        for lane in lanes {
            // SAFETY: the caller promises a readable value for each of the lanes.
            values[lane] = unsafe { from.wrapping_add(lane).read() };
        }
        // SAFETY: a level has at most `MAX_LANES` lanes.
        unsafe { self.load(values.as_ptr()) }
    }

    /// Writes the first `count` lanes.
    ///
    /// # Safety
    /// `to` must be valid for writes of `count` values, at most [`Simd::LANES`].
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, value: Self::Vector, count: usize) {
        debug_assert!(count <= Self::LANES);
        let mut values = [0.0; MAX_LANES];
        // SAFETY: a level has at most `MAX_LANES` lanes; the caller promises `count` writable values.
        unsafe {
            self.store(values.as_mut_ptr(), value);
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, count);
        }
    }

    /// Runs `work` in a function of its own: an innermost loop that shares a function with others
    /// does not get all the registers.
    fn call_out_of_line<W: Work>(self, work: W) -> W::Output;
}

/// [`Simd::weigh_4x3`] for any number of channels and vectors, in plain Rust.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn fma_tile<S: Simd, const OUT: usize, const VECTORS: usize>(
    simd: S,
    offsets: &[usize],
    mut weights: *const f32,
    inputs: [*const f32; VECTORS],
) -> [[S::Vector; VECTORS]; OUT] {
    let mut sums = [[simd.splat(0.0); VECTORS]; OUT];
    for &offset in offsets {
        // SAFETY: the caller promises whole vectors at each offset of each input, and `OUT` weights for
        // each of the offsets, after which the pointer ends.
        unsafe {
            let values = inputs.map(|input| simd.load(input.add(offset)));
            for (channel, sums) in sums.iter_mut().enumerate() {
                let weight = simd.splat(*weights.add(channel));
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add(weight, value, *sum);
                }
            }
            weights = weights.add(OUT);
        }
    }
    sums
}

/// [`Simd::correlate_3x4`] for any number of taps, in plain Rust.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn correlate<S: Simd, const TAPS: usize>(
    simd: S,
    vectors: usize,
    gradients: *const f32,
    step: usize,
    inputs: [*const f32; TAPS],
    sums: &mut [[S::Vector; 4]; TAPS],
) {
    for vector in 0..vectors {
        let at = vector * S::LANES;
        // SAFETY: the caller promises `vectors` whole vectors of each input and of four channels, `step`
        // apart, and `vector` is less than `vectors`.
        unsafe {
            let slopes: [S::Vector; 4] =
                std::array::from_fn(|channel| simd.load(gradients.add(channel * step + at)));
            for (sums, input) in sums.iter_mut().zip(inputs) {
                let value = simd.load(input.add(at));
                for (sum, slope) in sums.iter_mut().zip(slopes) {
                    *sum = simd.mul_add(slope, value, *sum);
                }
            }
        }
    }
}

/// [`Simd::outer_3x4x2`] for any number of inputs and vectors, in plain Rust.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn outer<S: Simd, const INPUTS: usize, const VECTORS: usize>(
    simd: S,
    places: usize,
    mut gradients: *const f32,
    inputs: [*const f32; INPUTS],
    step: usize,
    sums: &mut [[[S::Vector; VECTORS]; 4]; INPUTS],
) {
    for place in 0..places {
        // SAFETY: the caller promises `places` values of each input at each of four multiples of `step`, and
        // as many times `VECTORS` vectors of gradients, after which the pointer ends.
        unsafe {
            let slopes: [S::Vector; VECTORS] =
                std::array::from_fn(|vector| simd.load(gradients.add(vector * S::LANES)));
            for (sums, input) in sums.iter_mut().zip(inputs) {
                for (channel, sums) in sums.iter_mut().enumerate() {
                    let value = simd.splat(*input.add(channel * step + place));
                    for (sum, slope) in sums.iter_mut().zip(slopes) {
                        *sum = simd.mul_add(value, slope, *sum);
                    }
                }
            }
            gradients = gradients.add(VECTORS * S::LANES);
        }
    }
}

/// Requests the cache line at `from`, which may be anywhere, on processors with such an instruction.
#[inline(always)]
pub(crate) fn prefetch(from: *const f32) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every x86-64 processor has the instruction, which reads nothing and never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(from.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = from;
}

/// [`prefetch`] of `length` values.
#[inline(always)]
pub(crate) fn prefetch_all(from: *const f32, length: usize) {
    const LINE: usize = 16;
    for at in (0..length).step_by(LINE) {
        prefetch(from.wrapping_add(at));
    }
}

/// The most lanes of any level; buffers that are read by whole vectors end with this much slack.
pub(crate) const MAX_LANES: usize = 16;

/// Something that is computed with vectors; see [`dispatch`].
pub(crate) trait Work {
    /// What it yields.
    type Output;
    /// Does it. Implementations must be `#[inline(always)]`, and so must all they call with `simd`,
    /// or the compiler cannot use the level's instructions.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs `work` compiled for a level; a [`SimdLevel`] exists only where this processor has its instructions.
#[inline]
pub(crate) fn dispatch<W: Work>(path: SimdLevel, work: W) -> W::Output {
    match path.kind() {
        #[cfg(target_arch = "x86_64")]
        level::Kind::Avx512 => avx512::run(work),
        #[cfg(target_arch = "x86_64")]
        level::Kind::Avx2 => avx2::run(work),
        #[cfg(target_arch = "aarch64")]
        level::Kind::Neon => neon::run(work),
        level::Kind::Portable => work.run(portable::Portable),
        #[allow(unreachable_patterns)]
        _ => work.run(portable::Portable),
    }
}
