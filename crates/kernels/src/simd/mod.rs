//! One small vector interface over AVX-512, AVX2+FMA, NEON and portable code, chosen once at run time.
//! Kernels are written once against [`Simd`].

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_loops;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod level;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pairs;
mod portable;

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
