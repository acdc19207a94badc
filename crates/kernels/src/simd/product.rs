//! What the lanes of weights and inputs contribute to a sum, and the innermost loop over such terms.

use super::Simd;

/// The product of a weight and an input, added to a sum; each is 32 bits.
pub(crate) trait Product: Copy + Send + Sync {
    /// Whether lanes are `f32`, for which a level may have a loop of its own.
    const FLOATS: bool;

    /// `sum + weight × input`.
    fn add<S: Simd>(
        self,
        simd: S,
        weight: S::Vector,
        input: S::Vector,
        sum: S::Vector,
    ) -> S::Vector;
}

/// One `f32` a lane.
#[derive(Clone, Copy)]
pub(crate) struct Floats;

impl Product for Floats {
    const FLOATS: bool = true;

    #[inline(always)]
    fn add<S: Simd>(
        self,
        simd: S,
        weight: S::Vector,
        input: S::Vector,
        sum: S::Vector,
    ) -> S::Vector {
        simd.mul_add(weight, input, sum)
    }
}

/// Two bfloat16 numbers a lane: a term is the sum of two products.
#[derive(Clone, Copy)]
pub(crate) struct Bf16Pairs;

impl Product for Bf16Pairs {
    const FLOATS: bool = false;

    #[inline(always)]
    fn add<S: Simd>(
        self,
        simd: S,
        weight: S::Vector,
        input: S::Vector,
        sum: S::Vector,
    ) -> S::Vector {
        simd.dot_pairs(weight, input, sum)
    }
}

/// [`Simd::weigh_4x3`] for any product and any number of channels and vectors, in plain Rust.
///
/// # Safety
/// `weights` must be valid for `OUT` reads a term, and each input for whole vectors at each offset.
#[inline(always)]
pub(crate) unsafe fn product_tile<S: Simd, P: Product, const OUT: usize, const VECTORS: usize>(
    simd: S,
    product: P,
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
                    *sum = product.add(simd, weight, value, *sum);
                }
            }
            weights = weights.add(OUT);
        }
    }
    sums
}
