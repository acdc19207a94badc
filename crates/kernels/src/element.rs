//! Numbers as tensors store them: `f32`, or bfloat16 in half the memory. All arithmetic is in `f32`.

pub use half::bf16;

use std::fmt::Debug;

use crate::simd::Simd;

const _: () = assert!(size_of::<bf16>() == 2 && align_of::<bf16>() == 2);

/// A number as a tensor stores it: `f32` or [`bf16`]. Kernels compute in `f32` whatever is stored.
///
/// ```
/// use vesalius_kernels::{Element, bf16};
///
/// // Eight bits of a number are kept; ties go to the even one of two neighbours.
/// assert_eq!(bf16::narrow(1.0 + 1.0 / 256.0), bf16::from_f32(1.0));
/// assert_eq!(bf16::narrow(1.0 + 3.0 / 256.0).widen(), 1.0 + 4.0 / 256.0);
/// assert!(bf16::narrow(f32::NAN).widen().is_nan());
/// ```
pub trait Element:
    Copy + Default + PartialEq + Debug + Send + Sync + 'static + erased::Erased
{
    /// `f32` or `bf16`.
    const NAME: &'static str;

    /// The nearest number that can be stored, ties to even; NaN stays NaN. As the processors' own instruction does,
    /// [`bf16`] makes zeros, with their sign, of numbers below 2⁻¹²⁶. Equal bits at every [`SimdLevel`].
    ///
    /// [`SimdLevel`]: crate::SimdLevel
    fn narrow(value: f32) -> Self;

    /// The same number in `f32`, exactly.
    fn widen(self) -> f32;
}

impl Element for f32 {
    const NAME: &'static str = "f32";

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }
}

impl Element for bf16 {
    const NAME: &'static str = "bf16";

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        let bits = value.to_bits();
        // Half of the last place that is kept, less one where that is even.
        let nearest = bits.wrapping_add(0x7FFF + (bits >> 16 & 1));
        // All are computed and one is taken: no branch, so that it becomes a vector's blend.
        let sign = bits & 0x8000_0000;
        let number = if bits & 0x7F80_0000 == 0 {
            sign
        } else {
            nearest
        };
        let quiet = bits | 0x0040_0000;
        let found = if value.is_nan() { quiet } else { number };
        bf16::from_bits((found >> 16) as u16)
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

/// What kernels need of an [`Element`] besides its arithmetic.
pub(crate) trait Stored: Element {
    /// Whether it is [`bf16`].
    const BF16: bool;

    /// Reads [`Simd::LANES`] values.
    ///
    /// # Safety
    /// `from` must be valid for reads of so many values.
    unsafe fn load<S: Simd>(simd: S, from: *const Self) -> S::Vector;

    /// Reads `count` values; the other lanes are zero.
    ///
    /// # Safety
    /// `from` must be valid for reads of `count` values, at most [`Simd::LANES`].
    unsafe fn load_first<S: Simd>(simd: S, from: *const Self, count: usize) -> S::Vector;

    /// The values in `f32`: themselves, or written to the start of `buffer`, which must have room for all.
    fn floats<'a>(values: &'a [Self], buffer: &'a mut [f32]) -> &'a [f32];

    /// Where outputs for `to` are computed in `f32`: there, or at the start of `buffer`, which must have room for all.
    /// [`Stored::put`] follows.
    fn row<'a>(to: &'a mut [Self], buffer: &'a mut [f32]) -> &'a mut [f32];

    /// Rounds what [`Stored::row`] gave into `to`, unless it was computed there.
    fn put<S: Simd>(simd: S, buffer: &[f32], to: &mut [Self]);
}

impl Stored for f32 {
    const BF16: bool = false;

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const Self) -> S::Vector {
        // SAFETY: the caller's promise, word for word.
        unsafe { simd.load(from) }
    }

    #[inline(always)]
    unsafe fn load_first<S: Simd>(simd: S, from: *const Self, count: usize) -> S::Vector {
        // SAFETY: the caller promises `count` readable values, at most a vector.
        unsafe { simd.load_lanes(from, 0..count) }
    }

    #[inline(always)]
    fn floats<'a>(values: &'a [Self], _: &'a mut [f32]) -> &'a [f32] {
        values
    }

    #[inline(always)]
    fn row<'a>(to: &'a mut [Self], _: &'a mut [f32]) -> &'a mut [f32] {
        to
    }

    #[inline(always)]
    fn put<S: Simd>(_: S, _: &[f32], _: &mut [Self]) {}
}

impl Stored for bf16 {
    const BF16: bool = true;

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const Self) -> S::Vector {
        // SAFETY: the caller's promise, word for word.
        unsafe { simd.load_bf16(from) }
    }

    #[inline(always)]
    unsafe fn load_first<S: Simd>(simd: S, from: *const Self, count: usize) -> S::Vector {
        // SAFETY: the caller's promise, word for word.
        unsafe { simd.load_first_bf16(from, count) }
    }

    #[inline(always)]
    fn floats<'a>(values: &'a [Self], buffer: &'a mut [f32]) -> &'a [f32] {
        let buffer = &mut buffer[..values.len()];
        for (to, value) in buffer.iter_mut().zip(values) {
            *to = value.widen();
        }
        buffer
    }

    #[inline(always)]
    fn row<'a>(to: &'a mut [Self], buffer: &'a mut [f32]) -> &'a mut [f32] {
        &mut buffer[..to.len()]
    }

    #[inline(always)]
    fn put<S: Simd>(simd: S, buffer: &[f32], to: &mut [Self]) {
        round_all(simd, &buffer[..to.len()], to);
    }
}

/// Rounds every value of `from` into `to`, which is as long.
#[inline(always)]
fn round_all<S: Simd>(simd: S, from: &[f32], to: &mut [bf16]) {
    let from = &from[..to.len()];
    let mut done = 0;
    while done + S::LANES <= to.len() {
        debug_assert!(done + S::LANES <= from.len());
        // SAFETY: the condition of the loop keeps a whole vector within both, which are as long.
        unsafe {
            let value = simd.load(from.as_ptr().add(done));
            simd.store_bf16(to.as_mut_ptr().add(done), value);
        }
        done += S::LANES;
    }
    for (to, &value) in to[done..].iter_mut().zip(&from[done..]) {
        *to = bf16::narrow(value);
    }
}

pub(crate) use erased::{Pair, Values, ValuesMut};

/// Slices of either type, so that no caller of this crate compiles its loops again.
mod erased {
    use super::bf16;

    /// Values of a tensor that is read.
    #[derive(Clone, Copy)]
    pub enum Values<'a> {
        F32(&'a [f32]),
        Bf16(&'a [bf16]),
    }

    /// Values of a tensor that is written.
    pub enum ValuesMut<'a> {
        F32(&'a mut [f32]),
        Bf16(&'a mut [bf16]),
    }

    impl ValuesMut<'_> {
        /// The same values, for a shorter time.
        pub fn reborrow(&mut self) -> ValuesMut<'_> {
            match self {
                Self::F32(values) => ValuesMut::F32(values),
                Self::Bf16(values) => ValuesMut::Bf16(values),
            }
        }
    }

    /// What is read and what is written, of one type.
    pub enum Pair<'a> {
        F32(&'a [f32], &'a mut [f32]),
        Bf16(&'a [bf16], &'a mut [bf16]),
    }

    /// An element type as one of the variants.
    pub trait Erased: Sized {
        fn values(values: &[Self]) -> Values<'_>;
        fn values_mut(values: &mut [Self]) -> ValuesMut<'_>;
        fn pair<'a>(input: &'a [Self], output: &'a mut [Self]) -> Pair<'a>;
        fn zeros(length: usize) -> Vec<Self>;
    }

    impl Erased for f32 {
        fn values(values: &[Self]) -> Values<'_> {
            Values::F32(values)
        }

        fn values_mut(values: &mut [Self]) -> ValuesMut<'_> {
            ValuesMut::F32(values)
        }

        fn pair<'a>(input: &'a [Self], output: &'a mut [Self]) -> Pair<'a> {
            Pair::F32(input, output)
        }

        fn zeros(length: usize) -> Vec<Self> {
            vec![0.0; length]
        }
    }

    impl Erased for bf16 {
        fn values(values: &[Self]) -> Values<'_> {
            Values::Bf16(values)
        }

        fn values_mut(values: &mut [Self]) -> ValuesMut<'_> {
            ValuesMut::Bf16(values)
        }

        fn pair<'a>(input: &'a [Self], output: &'a mut [Self]) -> Pair<'a> {
            Pair::Bf16(input, output)
        }

        // Of integers, so that they are the system's own zeros, which nothing has touched yet.
        fn zeros(length: usize) -> Vec<Self> {
            use half::vec::HalfBitsVecExt;
            vec![0u16; length].reinterpret_into()
        }
    }
}

/// An expression for slices of either type: `with_elements!(pair, |input, output| …)`.
macro_rules! with_elements {
    ($pair:expr, |$input:ident, $output:ident| $body:expr) => {
        match $pair {
            $crate::element::Pair::F32($input, $output) => $body,
            $crate::element::Pair::Bf16($input, $output) => $body,
        }
    };
}
pub(crate) use with_elements;
