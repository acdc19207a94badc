//! Whether numbers are finite, fast enough to check every output of a network.

/// Values that are checked before an early return: they stay in the first-level cache.
const BLOCK: usize = 4096;

/// Whether no value is NaN or infinite.
///
/// ```
/// assert!(vesalius_tensor::all_finite(&[0.0, -1.0, f32::MAX]));
/// assert!(!vesalius_tensor::all_finite(&[0.0, f32::NAN]));
/// ```
pub fn all_finite(values: &[f32]) -> bool {
    /// The bits of infinity; those of NaN, without the sign, are larger.
    const INFINITY: i32 = 0x7f80_0000;
    let bad = |value: &f32| i32::from((value.to_bits() & 0x7fff_ffff) as i32 >= INFINITY);
    let block = |block: &[f32]| block.iter().fold(0, |found, value| found | bad(value)) == 0;
    values.chunks(BLOCK).all(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_among_many_is_found() {
        let mut values = vec![f32::MAX, f32::MIN, 0.0, -0.0, f32::MIN_POSITIVE, 1e-45];
        values.resize(10_000, 1.0);
        assert!(all_finite(&values) && all_finite(&[]));
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 4095, 4096, 9_999] {
                let before = std::mem::replace(&mut values[at], bad);
                assert!(!all_finite(&values), "{bad} at {at}");
                values[at] = before;
            }
        }
    }
}
