//! Activations.

use super::{CpuOperation, Saved, expect_fit};
use vesalius_kernels as kernels;
use vesalius_kernels::{Activation, ChannelShape};

/// What is applied to each value. Slopes of PReLU are the operation's last operand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ActivationKind {
    Identity,
    Relu,
    LeakyRelu(f32),
    Prelu,
}

impl ActivationKind {
    /// The kernels' form; `slopes` are those of PReLU.
    pub(super) fn with<'a>(&self, slopes: Option<&'a [f32]>) -> Activation<'a> {
        match (self, slopes) {
            (Self::Identity, _) => Activation::Identity,
            (Self::Relu, _) => Activation::Relu,
            (Self::LeakyRelu(slope), _) => Activation::LeakyRelu(*slope),
            // Callers that build the operation give PReLU its slopes.
            (Self::Prelu, slopes) => Activation::PRelu(slopes.unwrap_or(&[])),
        }
    }
}

/// Operands: input and, for PReLU, slopes.
#[derive(Debug)]
pub(crate) struct ActivationOperation {
    pub shape: Vec<usize>,
    pub kind: ActivationKind,
}

impl ActivationOperation {
    fn channels(&self) -> ChannelShape {
        ChannelShape {
            batch: self.shape[0],
            channels: self.shape[1],
            voxels: self.shape[2..].iter().product(),
        }
    }
}

impl CpuOperation for ActivationOperation {
    fn output_shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let input = inputs[0];
        let mut output = kernels::zeros(input.len());
        expect_fit(match self.kind {
            ActivationKind::Identity => {
                output.copy_from_slice(input);
                Ok(())
            }
            ActivationKind::Relu => kernels::relu_forward(input, &mut output),
            ActivationKind::LeakyRelu(slope) => {
                kernels::leaky_relu_forward(input, slope, &mut output)
            }
            ActivationKind::Prelu => {
                kernels::prelu_forward(&self.channels(), input, inputs[1], &mut output)
            }
        });
        (output, Saved::default())
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        _: &Saved,
        gradient: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let input = inputs[0];
        let mut to = kernels::zeros(input.len());
        let mut slopes = inputs.get(1).map(|slopes| vec![0.0; slopes.len()]);
        expect_fit(match (self.kind, &mut slopes) {
            (ActivationKind::Relu, _) => kernels::relu_backward(input, gradient, &mut to),
            (ActivationKind::LeakyRelu(slope), _) => {
                kernels::leaky_relu_backward(input, gradient, slope, &mut to)
            }
            (ActivationKind::Prelu, Some(slopes)) => kernels::prelu_backward(
                &self.channels(),
                input,
                gradient,
                inputs[1],
                &mut to,
                slopes,
            ),
            _ => {
                to.copy_from_slice(gradient);
                Ok(())
            }
        });
        std::iter::once(Some(to)).chain(slopes.map(Some)).collect()
    }
}
