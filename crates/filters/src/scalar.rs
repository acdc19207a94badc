//! The numbers that filters compute with: `f32` and `f64`, and how voxel types turn into them.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};
use vesalius_volume::Voxel;

/// A floating-point type that filters compute in.
pub trait Real:
    Voxel
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + std::iter::Sum
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// This value as `f64`, exactly.
    fn to_f64(self) -> f64;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The smaller one; the other when one is not a number.
    fn min(self, other: Self) -> Self;
    /// The larger one; the other when one is not a number.
    fn max(self, other: Self) -> Self;
    /// The distance from zero.
    fn abs(self) -> Self;
    /// Whether this is neither infinite nor not-a-number.
    fn is_finite(self) -> bool;
}

macro_rules! real {
    ($type:ty) => {
        impl Real for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INFINITY: Self = <$type>::INFINITY;
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$type>::sqrt(self)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if self < other { self } else { other }
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if self > other { self } else { other }
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$type>::abs(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <$type>::is_finite(self)
            }
        }
    };
}

real!(f32);
real!(f64);

/// A voxel type that can be interpolated: what it is computed in, and how the result comes back.
///
/// Integers are computed in `f64`, clamped to their range and truncated towards zero, as ITK does.
pub trait Sample: Voxel {
    /// The type the arithmetic is done in.
    type Work: Real + Sample<Work = Self::Work>;
    /// This voxel as a number to compute with.
    fn to_work(self) -> Self::Work;
    /// The voxel nearest to a computed number, by this type's rule.
    fn from_work(value: Self::Work) -> Self;
    /// The buffer itself where this type is its own work type.
    fn as_work(data: &[Self]) -> Option<&[Self::Work]> {
        let _ = data;
        None
    }
    /// A computed buffer as a buffer of this type.
    fn collect(data: Vec<Self::Work>) -> Vec<Self> {
        data.into_iter().map(Self::from_work).collect()
    }
}

macro_rules! float_sample {
    ($type:ty) => {
        impl Sample for $type {
            type Work = $type;
            #[inline(always)]
            fn to_work(self) -> $type {
                self
            }
            #[inline(always)]
            fn from_work(value: $type) -> Self {
                value
            }
            fn as_work(data: &[Self]) -> Option<&[$type]> {
                Some(data)
            }
            fn collect(data: Vec<$type>) -> Vec<Self> {
                data
            }
        }
    };
}

float_sample!(f32);
float_sample!(f64);

macro_rules! integer_sample {
    ($($type:ty),*) => {$(
        impl Sample for $type {
            type Work = f64;
            #[inline(always)]
            fn to_work(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn from_work(value: f64) -> Self {
                // `as` clamps to the type's range and truncates towards zero.
                value as Self
            }
        }
    )*};
}

integer_sample!(u8, i8, u16, i16, u32, i32, u64, i64);
