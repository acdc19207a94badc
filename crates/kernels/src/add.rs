//! The sum of two tensors, as at the end of a residual block.

use rayon::prelude::*;

use crate::activation::{Activation, ChannelShape, leak};
use crate::element::{Element, Pair, Stored, with_elements};
use crate::error::{Result, check_length};
use crate::parallel::{PART, plain};
use crate::simd::SimdLevel;

/// `sum = activation(sum + input)`, in one pass over memory.
///
/// ```
/// use vesalius_kernels::{Activation, ChannelShape, add_activation};
///
/// let shape = ChannelShape { batch: 1, channels: 1, voxels: 2 };
/// let mut sum = [1.0f32, -3.0];
/// add_activation(&shape, &[1.0, 1.0], Activation::Relu, &mut sum)?;
/// assert_eq!(sum, [2.0, 0.0]);
/// # Ok::<(), vesalius_kernels::Error>(())
/// ```
///
/// # Errors
/// When a slice's length does not fit the shape.
pub fn add_activation<E: Element>(
    shape: &ChannelShape,
    input: &[E],
    activation: Activation,
    sum: &mut [E],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("sum", sum, input.len())?;
    activation.check(shape.channels)?;
    if !shape.is_empty() {
        add_all(shape, activation, E::pair(input, sum));
    }
    Ok(())
}

fn add_all(shape: &ChannelShape, activation: Activation, values: Pair) {
    with_elements!(values, |input, sum| add_rows(shape, activation, input, sum));
}

fn add_rows<E: Stored>(shape: &ChannelShape, activation: Activation, input: &[E], sum: &mut [E]) {
    let path = SimdLevel::current();
    let rows = sum
        .par_chunks_mut(shape.voxels)
        .zip(input.par_chunks(shape.voxels));
    rows.enumerate().for_each(|(row, (sum, input))| {
        let slope = activation.slope(row % shape.channels);
        let parts = sum.par_chunks_mut(PART).zip(input.par_chunks(PART));
        parts.for_each(|(sum, input)| {
            plain(path, move || {
                for (to, &x) in sum.iter_mut().zip(input) {
                    *to = E::narrow(leak(to.widen() + x.widen(), slope));
                }
            });
        });
    });
}
