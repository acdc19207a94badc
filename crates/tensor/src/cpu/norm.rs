//! Instance, group and batch norm, each ending in an activation if wanted.

use super::{ActivationKind, CpuOperation, Saved, expect_fit};
use std::sync::OnceLock;
use vesalius_kernels as kernels;
use vesalius_kernels::{ChannelShape, NormOptions};

/// Which operands follow the input: weight and bias if `affine`, then PReLU's slopes.
fn options<'a>(
    inputs: &[&'a [f32]],
    affine: bool,
    epsilon: f64,
    activation: ActivationKind,
) -> NormOptions<'a> {
    let slopes = inputs.get(if affine { 3 } else { 1 }).copied();
    NormOptions {
        weight: affine.then(|| inputs[1]),
        bias: affine.then(|| inputs[2]),
        epsilon: epsilon as f32,
        activation: activation.with(slopes),
    }
}

fn channel_shape(shape: &[usize]) -> ChannelShape {
    ChannelShape {
        batch: shape[0],
        channels: shape[1],
        voxels: shape[2..].iter().product(),
    }
}

/// Groups of channels by their own moments. Operands: input, weight and bias if `affine`, slopes of
/// PReLU if that is the activation.
#[derive(Debug)]
pub(crate) struct GroupNormOperation {
    pub shape: Vec<usize>,
    pub groups: usize,
    pub affine: bool,
    pub epsilon: f64,
    pub activation: ActivationKind,
}

impl CpuOperation for GroupNormOperation {
    fn output_shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let shape = channel_shape(&self.shape);
        let options = options(inputs, self.affine, self.epsilon, self.activation);
        let mut output = kernels::zeros(inputs[0].len());
        let mut mean = vec![0.0; shape.batch * self.groups];
        let mut reciprocal = mean.clone();
        expect_fit(kernels::group_norm_forward(
            &shape,
            self.groups,
            &options,
            inputs[0],
            &mut output,
            &mut mean,
            &mut reciprocal,
        ));
        let saved = Saved {
            floats: vec![mean, reciprocal],
            indices: Vec::new(),
        };
        (output, saved)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        saved: &Saved,
        gradient: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let shape = channel_shape(&self.shape);
        let options = options(inputs, self.affine, self.epsilon, self.activation);
        let mut to = kernels::zeros(inputs[0].len());
        let mut weight = vec![0.0; shape.channels];
        let mut bias = vec![0.0; shape.channels];
        expect_fit(kernels::group_norm_backward(
            &shape,
            self.groups,
            &options,
            inputs[0],
            &saved.floats[0],
            &saved.floats[1],
            gradient,
            &mut to,
            &mut weight,
            &mut bias,
        ));
        let mut found = vec![Some(to)];
        if self.affine {
            found.extend([Some(weight), Some(bias)]);
        }
        if self.activation == ActivationKind::Prelu {
            let mut slopes = vec![0.0; inputs[inputs.len() - 1].len()];
            expect_fit(kernels::group_norm_slope_gradient(
                &shape,
                self.groups,
                &options,
                inputs[0],
                &saved.floats[0],
                &saved.floats[1],
                gradient,
                &mut slopes,
            ));
            found.push(Some(slopes));
        }
        found
    }
}

/// Channels by their moments over the batch. Operands: input, weight and bias if `affine`.
#[derive(Debug)]
pub(crate) struct BatchNormOperation {
    pub shape: Vec<usize>,
    pub affine: bool,
    pub epsilon: f64,
    /// Receives the batch's mean and biased variance, for the layer's running averages.
    pub moments: std::sync::Arc<OnceLock<(Vec<f32>, Vec<f32>)>>,
}

impl CpuOperation for BatchNormOperation {
    fn output_shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let shape = channel_shape(&self.shape);
        let options = options(inputs, self.affine, self.epsilon, ActivationKind::Identity);
        let mut output = kernels::zeros(inputs[0].len());
        let mut mean = vec![0.0; shape.channels];
        let mut variance = mean.clone();
        expect_fit(kernels::batch_norm_forward(
            &shape,
            &options,
            inputs[0],
            &mut output,
            &mut mean,
            &mut variance,
        ));
        // A second forward pass of the same operation does not happen.
        let _ = self.moments.set((mean.clone(), variance.clone()));
        let saved = Saved {
            floats: vec![mean, variance],
            indices: Vec::new(),
        };
        (output, saved)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        saved: &Saved,
        gradient: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let shape = channel_shape(&self.shape);
        let options = options(inputs, self.affine, self.epsilon, ActivationKind::Identity);
        let mut to = kernels::zeros(inputs[0].len());
        let mut weight = vec![0.0; shape.channels];
        let mut bias = vec![0.0; shape.channels];
        expect_fit(kernels::batch_norm_backward(
            &shape,
            &options,
            inputs[0],
            &saved.floats[0],
            &saved.floats[1],
            gradient,
            &mut to,
            &mut weight,
            &mut bias,
        ));
        let mut found = vec![Some(to)];
        if self.affine {
            found.extend([Some(weight), Some(bias)]);
        }
        found
    }
}
