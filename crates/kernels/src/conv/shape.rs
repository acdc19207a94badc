//! The shapes of convolutions and transposed convolutions, checked before any value is touched.

use crate::error::{Error, Result, product};

const AXES: [char; 3] = ['x', 'y', 'z'];

/// The shape of a 3-D convolution. Tensors are dense: input `[batch, in_channels, Z, Y, X]`,
/// weights `[out_channels, in_channels / groups, kz, ky, kx]`, as PyTorch's; all three-vectors here
/// are `[x, y, z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Samples; zero is allowed.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Input size; an axis may be empty if its padding holds the kernel.
    pub input: [usize; 3],
    /// Kernel size.
    pub kernel: [usize; 3],
    /// Step between outputs.
    pub stride: [usize; 3],
    /// Zeros before and after each axis.
    pub padding: [[usize; 2]; 3],
    /// Step between the kernel's taps.
    pub dilation: [usize; 3],
    /// Independent groups of channels.
    pub groups: usize,
}

impl ConvShape {
    /// Stride 1, no padding, no dilation, one group.
    pub fn new(
        batch: usize,
        [in_channels, out_channels]: [usize; 2],
        input: [usize; 3],
        kernel: [usize; 3],
    ) -> Self {
        Self {
            batch,
            in_channels,
            out_channels,
            input,
            kernel,
            stride: [1; 3],
            padding: [[0; 2]; 3],
            dilation: [1; 3],
            groups: 1,
        }
    }

    /// The same shape with (kernel − 1) / 2 zeros on both sides of each axis, which keeps the size at
    /// stride 1 for odd kernels.
    pub fn padded_for_kernel(mut self) -> Self {
        self.padding = self.kernel.map(|kernel| [kernel.saturating_sub(1) / 2; 2]);
        self
    }

    /// The output's size, `⌊(input + padding − dilation × (kernel − 1) − 1) / stride⌋ + 1`.
    ///
    /// # Errors
    /// When a number that must be positive is zero, channels do not divide into groups, the kernel
    /// does not fit, or a tensor cannot be addressed.
    pub fn output(&self) -> Result<[usize; 3]> {
        check_channels(self.in_channels, self.out_channels, self.groups)?;
        let mut output = [0; 3];
        for axis in 0..3 {
            check_positive(self.kernel[axis], self.stride[axis], self.dilation[axis])?;
            let padded = self.input[axis]
                .checked_add(self.padding[axis][0])
                .and_then(|size| size.checked_add(self.padding[axis][1]))
                .ok_or(Error::TooLarge {
                    what: "padded input",
                })?;
            let span = (self.kernel[axis] - 1)
                .checked_mul(self.dilation[axis])
                .and_then(|span| span.checked_add(1))
                .ok_or(Error::TooLarge { what: "kernel" })?;
            if span > padded {
                return Err(Error::KernelTooLarge {
                    axis: AXES[axis],
                    span,
                    padded,
                });
            }
            output[axis] = (padded - span) / self.stride[axis] + 1;
        }
        product("input", &dense(self.batch, self.in_channels, self.input))?;
        product("output", &dense(self.batch, self.out_channels, output))?;
        product(
            "weights",
            &dense(self.in_channels, self.out_channels, self.kernel),
        )?;
        Ok(output)
    }

    /// Values in the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.input.iter().product::<usize>()
    }

    /// Values in the weights.
    pub fn weight_len(&self) -> usize {
        self.in_channels / self.groups.max(1) * self.out_channels * self.taps()
    }

    /// Values in the output.
    ///
    /// # Errors
    /// As [`ConvShape::output`].
    pub fn output_len(&self) -> Result<usize> {
        Ok(self.batch * self.out_channels * self.output()?.iter().product::<usize>())
    }

    /// Values in one channel of the kernel.
    pub(crate) fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
}

/// The shape of a transposed 3-D convolution. Input `[batch, in_channels, Z, Y, X]`, weights
/// `[in_channels, out_channels / groups, kz, ky, kx]`, as PyTorch's; three-vectors are `[x, y, z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTransposeShape {
    /// Samples; zero is allowed.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Input size.
    pub input: [usize; 3],
    /// Kernel size.
    pub kernel: [usize; 3],
    /// Step between the places where inputs are spread to.
    pub stride: [usize; 3],
    /// Voxels cut off both sides of each axis of the output.
    pub padding: [usize; 3],
    /// Voxels added to the high side of each axis of the output; less than stride or dilation.
    pub output_padding: [usize; 3],
    /// Step between the kernel's taps.
    pub dilation: [usize; 3],
    /// Independent groups of channels.
    pub groups: usize,
}

impl ConvTransposeShape {
    /// No padding, no dilation, one group.
    pub fn new(
        batch: usize,
        [in_channels, out_channels]: [usize; 2],
        input: [usize; 3],
        kernel: [usize; 3],
        stride: [usize; 3],
    ) -> Self {
        Self {
            batch,
            in_channels,
            out_channels,
            input,
            kernel,
            stride,
            padding: [0; 3],
            output_padding: [0; 3],
            dilation: [1; 3],
            groups: 1,
        }
    }

    /// The output's size, `(input − 1) × stride − 2 padding + dilation × (kernel − 1) +
    /// output_padding + 1`.
    ///
    /// # Errors
    /// When a number that must be positive is zero, channels do not divide into groups, the output
    /// padding is too large, or nothing is left of an axis.
    pub fn output(&self) -> Result<[usize; 3]> {
        check_channels(self.in_channels, self.out_channels, self.groups)?;
        let mut output = [0; 3];
        for axis in 0..3 {
            check_positive(self.kernel[axis], self.stride[axis], self.dilation[axis])?;
            if self.input[axis] == 0 {
                return Err(Error::Zero {
                    what: "an axis of a transposed convolution's input",
                });
            }
            let limit = self.stride[axis].max(self.dilation[axis]);
            if self.output_padding[axis] >= limit {
                return Err(Error::BadAxis {
                    what: "output padding",
                    axis: AXES[axis],
                    found: self.output_padding[axis],
                    expected: format!("less than {limit}, the larger of stride and dilation"),
                });
            }
            let too_large = Error::TooLarge { what: "output" };
            let full = (self.input[axis] - 1)
                .checked_mul(self.stride[axis])
                .and_then(|size| {
                    let span = (self.kernel[axis] - 1).checked_mul(self.dilation[axis])?;
                    size.checked_add(span)?
                        .checked_add(self.output_padding[axis] + 1)
                })
                .ok_or(too_large.clone())?;
            let cut = self.padding[axis].checked_mul(2).ok_or(too_large)?;
            if cut >= full {
                return Err(Error::BadAxis {
                    what: "padding, twice",
                    axis: AXES[axis],
                    found: cut,
                    expected: format!("less than the {full} voxels that there are without it"),
                });
            }
            output[axis] = full - cut;
        }
        product("input", &dense(self.batch, self.in_channels, self.input))?;
        product("output", &dense(self.batch, self.out_channels, output))?;
        product(
            "weights",
            &dense(self.in_channels, self.out_channels, self.kernel),
        )?;
        Ok(output)
    }

    /// Values in the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.input.iter().product::<usize>()
    }

    /// Values in the weights.
    pub fn weight_len(&self) -> usize {
        let taps: usize = self.kernel.iter().product();
        self.in_channels * (self.out_channels / self.groups.max(1)) * taps
    }

    /// Values in the output.
    ///
    /// # Errors
    /// As [`ConvTransposeShape::output`].
    pub fn output_len(&self) -> Result<usize> {
        Ok(self.batch * self.out_channels * self.output()?.iter().product::<usize>())
    }

    /// The convolution whose gradient to its input is this operation; its weights are the same
    /// values in the same order.
    pub(crate) fn adjoint(&self) -> Result<ConvShape> {
        let output = self.output()?;
        let mut padding = [[0; 2]; 3];
        for axis in 0..3 {
            // The high side is what makes the convolution's output this input's size exactly; with
            // output padding there may be voxels that no tap reads, which zeros there leave alone.
            let low = self.padding[axis];
            let span = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
            let reach = (self.input[axis] - 1) * self.stride[axis] + span;
            padding[axis] = [low, reach.saturating_sub(output[axis] + low)];
        }
        Ok(ConvShape {
            batch: self.batch,
            in_channels: self.out_channels,
            out_channels: self.in_channels,
            input: output,
            kernel: self.kernel,
            stride: self.stride,
            padding,
            dilation: self.dilation,
            groups: self.groups,
        })
    }
}

fn check_channels(in_channels: usize, out_channels: usize, groups: usize) -> Result<()> {
    for (what, value) in [
        ("in_channels", in_channels),
        ("out_channels", out_channels),
        ("groups", groups),
    ] {
        if value == 0 {
            return Err(Error::Zero { what });
        }
    }
    for (what, channels) in [
        ("input channels", in_channels),
        ("output channels", out_channels),
    ] {
        if channels % groups != 0 {
            return Err(Error::Groups {
                what,
                channels,
                groups,
            });
        }
    }
    Ok(())
}

fn check_positive(kernel: usize, stride: usize, dilation: usize) -> Result<()> {
    for (what, value) in [
        ("kernel size", kernel),
        ("stride", stride),
        ("dilation", dilation),
    ] {
        if value == 0 {
            return Err(Error::Zero { what });
        }
    }
    Ok(())
}

fn dense(a: usize, b: usize, [x, y, z]: [usize; 3]) -> [usize; 5] {
    [a, b, z, y, x]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_sizes_follow_the_formula() {
        let mut shape = ConvShape::new(1, [1, 1], [9, 8, 7], [3, 3, 3]).padded_for_kernel();
        assert_eq!(shape.output(), Ok([9, 8, 7]));
        shape.stride = [2; 3];
        assert_eq!(shape.output(), Ok([5, 4, 4]));
        shape.dilation = [5, 1, 1];
        assert_eq!(shape.output(), Ok([1, 4, 4]));
        shape.dilation = [6, 1, 1];
        assert_eq!(
            shape.output(),
            Err(Error::KernelTooLarge {
                axis: 'x',
                span: 13,
                padded: 11
            })
        );
    }

    #[test]
    fn bad_channels_are_named() {
        let mut shape = ConvShape::new(1, [3, 4], [4; 3], [1; 3]);
        shape.groups = 2;
        let what = "input channels";
        assert_eq!(
            shape.output(),
            Err(Error::Groups {
                what,
                channels: 3,
                groups: 2
            })
        );
        shape.groups = 0;
        assert_eq!(shape.output(), Err(Error::Zero { what: "groups" }));
    }

    #[test]
    fn adjoint_maps_sizes_back() {
        for (kernel, stride, padding, extra) in
            [(2, 2, 0, 0), (3, 2, 1, 1), (3, 3, 0, 2), (1, 3, 0, 2)]
        {
            let mut shape = ConvTransposeShape::new(1, [2, 3], [5, 4, 3], [kernel; 3], [stride; 3]);
            shape.padding = [padding; 3];
            shape.output_padding = [extra; 3];
            let adjoint = shape.adjoint().unwrap();
            assert_eq!(adjoint.output(), Ok(shape.input), "{shape:?}");
        }
    }
}
