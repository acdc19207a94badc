//! Tensors from one element type to the other, and tensors joined by their channels.

use rayon::prelude::*;

use crate::element::{Element, Stored, Values, ValuesMut, bf16};
use crate::error::{Error, Result, check_length};
use crate::parallel::PART;
use crate::simd::{Simd, SimdLevel, Work, dispatch};

/// `output[i] = input[i]`, rounded as [`Element::narrow`] says.
///
/// ```
/// use vesalius_kernels::{bf16, convert};
///
/// let mut stored = [bf16::ZERO; 3];
/// convert(&[1.0f32, -0.1, 1e38], &mut stored)?;
/// let mut again = [0.0f32; 3];
/// convert(&stored, &mut again)?;
/// // Three digits are kept, and all of the range.
/// assert_eq!(again, [1.0, -0.100097656, 9.9692e37]);
/// # Ok::<(), vesalius_kernels::Error>(())
/// ```
///
/// # Errors
/// When the slices' lengths differ.
pub fn convert<I: Element, O: Element>(input: &[I], output: &mut [O]) -> Result<()> {
    check_length("output", output, input.len())?;
    convert_all(I::values(input), O::values_mut(output));
    Ok(())
}

fn convert_all(input: Values, output: ValuesMut) {
    match (input, output) {
        (Values::F32(input), ValuesMut::F32(output)) => copy(input, output),
        (Values::Bf16(input), ValuesMut::Bf16(output)) => copy(input, output),
        (Values::F32(input), ValuesMut::Bf16(output)) => by_parts(input, output, narrow),
        (Values::Bf16(input), ValuesMut::F32(output)) => by_parts(input, output, widen),
    }
}

fn copy<T: Copy + Send + Sync>(input: &[T], output: &mut [T]) {
    by_parts(input, output, |input, output| output.copy_from_slice(input));
}

/// `convert(input, output)` of all parts, on all threads.
fn by_parts<I: Sync, O: Send>(
    input: &[I],
    output: &mut [O],
    convert: impl Fn(&[I], &mut [O]) + Sync,
) {
    output
        .par_chunks_mut(PART)
        .zip(input.par_chunks(PART))
        .for_each(|(output, input)| convert(input, output));
}

fn narrow(input: &[f32], output: &mut [bf16]) {
    struct Narrow<'a>(&'a [f32], &'a mut [bf16]);
    impl Work for Narrow<'_> {
        type Output = ();
        const BF16: bool = true;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            bf16::put(simd, self.0, self.1);
        }
    }
    dispatch(SimdLevel::current(), Narrow(input, output));
}

fn widen(input: &[bf16], output: &mut [f32]) {
    struct Widen<'a>(&'a [bf16], &'a mut [f32]);
    impl Work for Widen<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, _: S) {
            bf16::floats(self.0, self.1);
        }
    }
    dispatch(SimdLevel::current(), Widen(input, output));
}

/// Joins the channels of tensors: `[batch, c₀, voxels]`, `[batch, c₁, voxels]` … to `[batch, c₀ + c₁ + …, voxels]`.
/// A layer that writes into its part of a larger buffer saves the copy.
///
/// ```
/// use vesalius_kernels::concatenate;
///
/// let mut output = [0.0f32; 6];
/// concatenate(2, &[&[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0]], &mut output)?;
/// assert_eq!(output, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
/// # Ok::<(), vesalius_kernels::Error>(())
/// ```
///
/// # Errors
/// When a part's length is no multiple of the batch, or the output's is not the sum of the parts'.
pub fn concatenate<E: Element>(batch: usize, parts: &[&[E]], output: &mut [E]) -> Result<()> {
    let length = parts.iter().map(|part| part.len()).sum();
    check_length("output", output, length)?;
    if let Some(part) = parts.iter().find(|part| part.len() % batch.max(1) != 0) {
        return Err(Error::WrongLength {
            what: "part",
            expected: part.len().next_multiple_of(batch.max(1)),
            found: part.len(),
        });
    }
    if batch == 0 || output.is_empty() {
        return Ok(());
    }
    for (sample, mut output) in output.chunks_exact_mut(length / batch).enumerate() {
        for part in parts {
            let length = part.len() / batch;
            let (to, rest) = output.split_at_mut(length);
            convert(&part[sample * length..][..length], to)?;
            output = rest;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::with_simd_level;

    /// Numbers of every exponent and sign, ties and their neighbours, infinities, NaN and numbers below 2⁻¹²⁶.
    fn all_kinds() -> Vec<f32> {
        let mantissas = [
            0x0, 0x1, 0x7FFF, 0x8000, 0x8001, 0x1_7FFF, 0x1_8000, 0x1_8001, 0x7F_7FFF, 0x7F_8000,
            0x7F_FFFF, 0x40_0000, 0x12_3456,
        ];
        let exponents = if cfg!(miri) { 0..3u32 } else { 0..256 };
        let of = |exponent: u32| {
            let both =
                move |mantissa: u32| [0, 1].map(|sign| sign << 31 | exponent << 23 | mantissa);
            mantissas.into_iter().flat_map(both)
        };
        exponents
            .chain([254, 255])
            .flat_map(of)
            .map(f32::from_bits)
            .collect()
    }

    /// The nearest of the two neighbours by their distance in double precision.
    fn expected(value: f32) -> bf16 {
        if value.is_nan() {
            return bf16::from_bits((value.to_bits() >> 16) as u16 | 0x40);
        }
        if value.abs() < f32::MIN_POSITIVE {
            return bf16::from_bits((value.to_bits() >> 16) as u16 & 0x8000);
        }
        let below = (value.to_bits() >> 16) as u16;
        if value.is_infinite() || value.to_bits() & 0xFFFF == 0 {
            return bf16::from_bits(below);
        }
        // Infinity stands for the number that would follow the largest one.
        let wide = |bits: u16| match f64::from(f32::from_bits(u32::from(bits) << 16)) {
            wide if wide.is_infinite() => 2f64.powi(128).copysign(wide),
            wide => wide,
        };
        let far = |bits: u16| (f64::from(value) - wide(bits)).abs();
        let above = below + 1;
        let up = far(above) < far(below) || far(above) == far(below) && below % 2 == 1;
        bf16::from_bits(if up { above } else { below })
    }

    #[test]
    fn odd_lengths_are_rounded_to_the_nearest_with_equal_bits_at_every_level() {
        let input = all_kinds();
        let expected: Vec<u16> = input
            .iter()
            .map(|&value| expected(value).to_bits())
            .collect();
        for level in SimdLevel::available() {
            let mut found = vec![bf16::ONE; input.len()];
            with_simd_level(level, || convert(&input, &mut found)).unwrap();
            for ((value, found), &expected) in input.iter().zip(&found).zip(&expected) {
                assert_eq!(
                    found.to_bits(),
                    expected,
                    "{value:e} ({:#x}) at {}",
                    value.to_bits(),
                    level.name()
                );
            }
        }
    }

    #[test]
    fn odd_lengths_are_widened_exactly_at_every_level() {
        let step = if cfg!(miri) { 977 } else { 1 };
        let input: Vec<bf16> = (0..=u16::MAX).step_by(step).map(bf16::from_bits).collect();
        for level in SimdLevel::available() {
            let mut found = vec![1.0f32; input.len()];
            with_simd_level(level, || convert(&input, &mut found)).unwrap();
            for (value, found) in input.iter().zip(&found) {
                assert_eq!(found.to_bits(), u32::from(value.to_bits()) << 16);
            }
        }
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        assert!(convert(&[1.0f32; 3], &mut [bf16::ZERO; 2]).is_err());
        let mut output = [0.0f32; 5];
        assert!(concatenate(2, &[&[1.0; 3], &[1.0; 2]], &mut output).is_err());
        assert!(concatenate(1, &[&[1.0; 3], &[1.0; 3]], &mut output).is_err());
        assert!(concatenate(0, &[&[1.0; 3], &[1.0; 2]], &mut output).is_ok());
        assert!(concatenate::<f32>(3, &[], &mut []).is_ok());
    }
}
