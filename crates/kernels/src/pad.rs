//! Padding with a constant, the edge or a reflection, forward and backward.

use rayon::prelude::*;

use crate::error::{Error, Result, check_length, product};

/// The values of the added voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadFill {
    /// One value.
    Constant(f32),
    /// The nearest voxel (PyTorch's `replicate`).
    Edge,
    /// The mirror image around the last voxel, which is not repeated; less wide than the input.
    Reflect,
}

/// The shape of a padding; three-vectors are `[x, y, z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PadShape {
    /// Samples × channels.
    pub channels: usize,
    /// Input size.
    pub input: [usize; 3],
    /// Voxels added before and after each axis.
    pub width: [[usize; 2]; 3],
}

impl PadShape {
    /// The output's size.
    pub fn output(&self) -> [usize; 3] {
        std::array::from_fn(|axis| {
            self.input[axis]
                .saturating_add(self.width[axis][0])
                .saturating_add(self.width[axis][1])
        })
    }

    /// For each axis and output the input that it shows, if any.
    fn sources(&self, mode: PadFill) -> Result<[Vec<Option<usize>>; 3]> {
        let [x, y, z] = self.output();
        product("output", &[self.channels, z, y, x])?;
        let mut sources = [const { Vec::new() }; 3];
        for (axis, name) in ['x', 'y', 'z'].into_iter().enumerate() {
            let (size, [low, high]) = (self.input[axis], self.width[axis]);
            let widest = low.max(high);
            if mode == PadFill::Reflect && widest >= size.max(1) {
                return Err(Error::BadAxis {
                    what: "reflected padding",
                    axis: name,
                    found: widest,
                    expected: format!("less than the input's {size} voxels"),
                });
            }
            if mode == PadFill::Edge && size == 0 {
                return Err(Error::Zero {
                    what: "an axis to pad with its edge",
                });
            }
            let source = |index: usize| match mode {
                PadFill::Constant(_) => index.checked_sub(low).filter(|&index| index < size),
                PadFill::Edge => Some(index.saturating_sub(low).min(size - 1)),
                PadFill::Reflect => {
                    let inside = index.abs_diff(low);
                    Some(if inside < size {
                        inside
                    } else {
                        2 * (size - 1) - inside
                    })
                }
            };
            sources[axis] = (0..size + low + high).map(source).collect();
        }
        Ok(sources)
    }
}

/// Pads every channel.
///
/// # Errors
/// When a reflection is as wide as the input, or a slice's length does not fit.
pub fn pad3d_forward(
    shape: &PadShape,
    mode: PadFill,
    input: &[f32],
    output: &mut [f32],
) -> Result<()> {
    let [xs, ys, zs] = shape.sources(mode)?;
    let ([ix, iy, iz], [ox, oy, oz]) = (shape.input, shape.output());
    check_length("input", input, shape.channels * ix * iy * iz)?;
    check_length("output", output, shape.channels * ox * oy * oz)?;
    let value = if let PadFill::Constant(value) = mode {
        value
    } else {
        0.0
    };
    if output.is_empty() {
        return Ok(());
    }
    output
        .par_chunks_mut(ox * oy)
        .enumerate()
        .for_each(|(index, output)| {
            let (channel, z) = (index / oz, index % oz);
            for (to, y) in output.chunks_exact_mut(ox).zip(&ys) {
                let (Some(z), Some(y)) = (zs[z], *y) else {
                    to.fill(value);
                    continue;
                };
                let from = &input[((channel * iz + z) * iy + y) * ix..][..ix];
                let low = shape.width[0][0];
                to[low..low + ix].copy_from_slice(from);
                for (to, x) in to.iter_mut().zip(&xs).take(low) {
                    *to = x.map_or(value, |x| from[x]);
                }
                for (to, x) in to.iter_mut().zip(&xs).skip(low + ix) {
                    *to = x.map_or(value, |x| from[x]);
                }
            }
        });
    Ok(())
}

/// The gradient to the input of [`pad3d_forward`].
///
/// # Errors
/// As there.
pub fn pad3d_backward(
    shape: &PadShape,
    mode: PadFill,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    let [xs, ys, zs] = shape.sources(mode)?;
    let ([ix, iy, iz], [ox, oy, oz]) = (shape.input, shape.output());
    check_length(
        "output_gradient",
        output_gradient,
        shape.channels * ox * oy * oz,
    )?;
    check_length(
        "input_gradient",
        input_gradient,
        shape.channels * ix * iy * iz,
    )?;
    if input_gradient.is_empty() {
        return Ok(());
    }
    let channels = output_gradient.par_chunks(ox * oy * oz);
    input_gradient
        .par_chunks_mut(ix * iy * iz)
        .zip(channels)
        .for_each(|(to, gradient)| {
            to.fill(0.0);
            for (index, gradient) in gradient.chunks_exact(ox).enumerate() {
                let (Some(z), Some(y)) = (zs[index / oy], ys[index % oy]) else {
                    continue;
                };
                let to = &mut to[(z * iy + y) * ix..][..ix];
                for (gradient, x) in gradient.iter().zip(&xs) {
                    if let Some(x) = *x {
                        to[x] += gradient;
                    }
                }
            }
        });
    Ok(())
}
