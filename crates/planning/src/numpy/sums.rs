//! Means and standard deviations by NumPy's pairwise summation, in the values' own precision: the same
//! tree of additions, so the same last digit, on any number of threads.

use std::iter::Sum;
use std::ops::{Add, Mul, Sub};

/// A precision to sum in.
pub(crate) trait Summand:
    Copy + Default + Send + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Sum
{
    /// The nearest value of this precision.
    fn nearest(value: f64) -> Self;
    /// The value in double precision.
    fn double(self) -> f64;
}

impl Summand for f32 {
    fn nearest(value: f64) -> Self {
        value as f32
    }
    fn double(self) -> f64 {
        f64::from(self)
    }
}

impl Summand for f64 {
    fn nearest(value: f64) -> Self {
        value
    }
    fn double(self) -> f64 {
        self
    }
}

/// The longest run that is summed in eight lanes.
const BLOCK: usize = 128;
/// Shorter runs are not worth another thread.
const PARALLEL: usize = 1 << 17;

fn pairwise<T: Summand>(values: &[f32], term: &(impl Fn(f32) -> T + Sync)) -> T {
    let n = values.len();
    if n <= BLOCK {
        return block(values, term);
    }
    let middle = n / 2 - (n / 2) % 8;
    let (low, high) = values.split_at(middle);
    let (low, high) = match n > PARALLEL {
        true => rayon::join(|| pairwise(low, term), || pairwise(high, term)),
        false => (pairwise(low, term), pairwise(high, term)),
    };
    low + high
}

fn block<T: Summand>(values: &[f32], term: &impl Fn(f32) -> T) -> T {
    let (eights, rest) = values.as_chunks::<8>();
    let Some((first, eights)) = eights.split_first() else {
        return rest.iter().fold(T::default(), |sum, &v| sum + term(v));
    };
    let mut lanes = first.map(term);
    for eight in eights {
        for (lane, &value) in lanes.iter_mut().zip(eight) {
            *lane = *lane + term(value);
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(sum, |sum, &v| sum + term(v))
}

/// `numpy.mean` of the values as `T`.
pub(crate) fn mean<T: Summand>(values: &[f32]) -> T {
    let sum = pairwise(values, &|v| T::nearest(f64::from(v)));
    T::nearest(sum.double() / values.len() as f64)
}

/// `numpy.std` of the values as `T`, whose mean is known.
pub(crate) fn standard_deviation<T: Summand>(values: &[f32], mean: T) -> T {
    let sum = pairwise(values, &|v| {
        let distance = T::nearest(f64::from(v)) - mean;
        distance * distance
    });
    let variance = T::nearest(sum.double() / values.len() as f64);
    T::nearest(variance.double().sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numpy::RandomState;

    /// NumPy 2.4.6, `RandomState(3)`: mean and deviation of `randint(0, 100000, n) / float32(7)`, as it
    /// is and as `float64`.
    #[test]
    fn sums_are_numpys_to_the_last_bit() {
        let expected = [
            (
                5,
                [9224.857421875, 1449.5958251953125],
                [9224.85712890625, 1449.595747909786],
            ),
            (
                127,
                [6919.22119140625, 4022.385009765625],
                [6919.220468476063, 4022.384963143922],
            ),
            (
                1000,
                [7126.853515625, 4195.4140625],
                [7126.853414591313, 4195.413771829009],
            ),
            (
                300_001,
                [7137.7333984375, 4119.69921875],
                [7137.733176409151, 4119.699070494314],
            ),
        ];
        let mut random = RandomState::new(3);
        for (n, single, double) in expected {
            let values: Vec<f32> = (0..n).map(|_| random.up_to(99_999) as f32 / 7.0).collect();
            let m: f32 = mean(&values);
            assert_eq!([m, standard_deviation(&values, m)].map(f64::from), single);
            let m: f64 = mean(&values);
            assert_eq!([m, standard_deviation(&values, m)], double);
        }
    }
}
