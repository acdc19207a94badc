//! What a convolution or its adjoint reads for each output, as plain facts about each axis:
//! both become a "gather" over a grid of outputs. How it is computed is left to others.

use super::shape::ConvShape;

/// One tap of a kernel along one axis: an output at grid position `g` reads the input at
/// `g × stride + offset` (zero where that is outside).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tap {
    /// Index along the kernel's axis.
    pub kernel: usize,
    /// Where it reads, relative to the grid position.
    pub offset: isize,
}

/// The place of the weights of one output and one input channel:
/// `group × group_step + output × output_step + input × input_step`, taps contiguous.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightOrder {
    pub group: usize,
    pub output: usize,
    pub input: usize,
}

/// Outputs as weighted sums of inputs. The outputs' positions fall into phases (position modulo
/// `step`); those of one phase form a grid and share their taps. A convolution has one phase; the
/// gradient of one with stride s has s an axis.
#[derive(Debug, Clone)]
pub(crate) struct ConvLayout {
    pub batch: usize,
    pub groups: usize,
    /// Channels summed over, of one group.
    pub in_channels: usize,
    /// Channels made, of one group.
    pub out_channels: usize,
    /// Sizes, `[x, y, z]`.
    pub input: [usize; 3],
    pub output: [usize; 3],
    /// Grid positions of phase zero, the largest.
    pub grid: [usize; 3],
    /// Step of the input for one step of the grid.
    pub stride: [usize; 3],
    /// Step of the output for one step of the grid; the number of phases.
    pub step: [usize; 3],
    /// Taps of each phase of each axis, in the order in which they are summed.
    pub taps: [Vec<Vec<Tap>>; 3],
    /// Size of the kernel.
    pub kernel: [usize; 3],
    pub weights: WeightOrder,
}

impl ConvLayout {
    /// The convolution itself. `output` is the shape's own.
    pub fn forward(shape: &ConvShape, output: [usize; 3]) -> Self {
        let taps = std::array::from_fn(|axis| {
            let tap = |kernel| Tap {
                kernel,
                offset: (kernel * shape.dilation[axis]) as isize - shape.padding[axis][0] as isize,
            };
            vec![(0..shape.kernel[axis]).map(tap).collect()]
        });
        let (inputs, outputs) = (
            shape.in_channels / shape.groups,
            shape.out_channels / shape.groups,
        );
        Self {
            batch: shape.batch,
            groups: shape.groups,
            in_channels: inputs,
            out_channels: outputs,
            input: shape.input,
            output,
            grid: output,
            stride: shape.stride,
            step: [1; 3],
            taps,
            kernel: shape.kernel,
            weights: WeightOrder {
                group: inputs * outputs * shape.taps(),
                output: inputs * shape.taps(),
                input: shape.taps(),
            },
        }
    }

    /// The gradient to the convolution's input, which reads the gradient of its output.
    pub fn adjoint(shape: &ConvShape, output: [usize; 3]) -> Self {
        let taps = std::array::from_fn(|axis| {
            let (stride, dilation) = (shape.stride[axis] as isize, shape.dilation[axis] as isize);
            (0..stride)
                .map(|phase| {
                    let reach = |kernel: usize| {
                        phase + shape.padding[axis][0] as isize - kernel as isize * dilation
                    };
                    (0..shape.kernel[axis])
                        .filter(|&kernel| reach(kernel).rem_euclid(stride) == 0)
                        .map(|kernel| Tap {
                            kernel,
                            offset: reach(kernel).div_euclid(stride),
                        })
                        .rev()
                        .collect()
                })
                .collect()
        });
        let (inputs, outputs) = (
            shape.in_channels / shape.groups,
            shape.out_channels / shape.groups,
        );
        Self {
            batch: shape.batch,
            groups: shape.groups,
            in_channels: outputs,
            out_channels: inputs,
            input: output,
            output: shape.input,
            grid: std::array::from_fn(|axis| shape.input[axis].div_ceil(shape.stride[axis])),
            stride: [1; 3],
            step: shape.stride,
            taps,
            kernel: shape.kernel,
            weights: WeightOrder {
                group: inputs * outputs * shape.taps(),
                output: shape.taps(),
                input: inputs * shape.taps(),
            },
        }
    }

    /// All phases as `[x, y, z]`, x fastest.
    pub fn phases(&self) -> Vec<[usize; 3]> {
        let [x, y, z] = self.step;
        let phase = |index: usize| [index % x, index / x % y, index / (x * y)];
        (0..x * y * z).map(phase).collect()
    }

    /// The taps of one phase as (index into the kernel's values, offsets `[x, y, z]`).
    pub fn phase_taps(&self, phase: [usize; 3]) -> Vec<(usize, [isize; 3])> {
        let [xs, ys, zs] = [0, 1, 2].map(|axis| &self.taps[axis][phase[axis]]);
        let mut taps = Vec::with_capacity(xs.len() * ys.len() * zs.len());
        for z in zs {
            for y in ys {
                for x in xs {
                    let index = (z.kernel * self.kernel[1] + y.kernel) * self.kernel[0] + x.kernel;
                    taps.push((index, [x.offset, y.offset, z.offset]));
                }
            }
        }
        taps
    }

    /// The offsets that any phase reads along an axis, ascending, each once.
    pub fn offsets(&self, axis: usize) -> Vec<isize> {
        let mut offsets: Vec<isize> = self.taps[axis]
            .iter()
            .flatten()
            .map(|tap| tap.offset)
            .collect();
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }
}
