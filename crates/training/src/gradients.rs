//! Gradients of a whole network at once: their global norm, and their scaling.

use crate::{Error, Result};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use vesalius_networks::Network;
use vesalius_tensor::Tensor;

/// What PyTorch adds to the norm before it divides by it.
const SMALL: f64 = 1e-6;

/// The norm of all gradients taken as one vector.
///
/// # Errors
/// [`Error::Device`] when the device's result cannot be read.
pub(crate) fn global_norm(network: &Network, gradients: &GradientsParams) -> Result<f64> {
    let mut squares = Squares {
        gradients,
        sum: None,
    };
    network.visit(&mut squares);
    match squares.sum {
        None => Ok(0.0),
        Some(sum) => {
            let sum = sum.try_into_scalar::<f32>();
            let sum = sum
                .map_err(|e| Error::of_device(vesalius_tensor::Error::of_device(&e.to_string())))?;
            Ok(f64::from(sum).sqrt())
        }
    }
}

/// Every gradient times `factor`.
pub(crate) fn scaled(
    network: &Network,
    gradients: GradientsParams,
    factor: f64,
) -> GradientsParams {
    if factor == 1.0 {
        return gradients;
    }
    let mut scaling = Scaling { gradients, factor };
    network.visit(&mut scaling);
    scaling.gradients
}

/// What gradients of this norm are multiplied by so that it does not exceed `limit`, as in PyTorch's
/// `clip_grad_norm_`.
pub(crate) fn clip_factor(norm: f64, limit: Option<f64>) -> f64 {
    match limit {
        Some(limit) if norm > limit => limit / (norm + SMALL),
        _ => 1.0,
    }
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            // One number is read back at the end, not one a parameter: a GPU would wait each time.
            let square = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scaling {
    gradients: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scaling {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let scaled = gradient.mul_scalar(self.factor);
            self.gradients.register(param.id, scaled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipping_factor_is_pytorchs() {
        // torch 2.15: gradient (-3.025, -9.105, 6.08), norm 11.3586111, clipped to 2.
        let norm = (3.025f64.powi(2) + 9.105f64.powi(2) + 6.08f64.powi(2)).sqrt();
        assert!((norm - 11.358_611).abs() < 1e-4);
        let factor = clip_factor(norm, Some(2.0));
        for (gradient, clipped) in [
            (-3.025, -0.532_635_45),
            (-9.105, -1.603_188_87),
            (6.08, 1.070_553_3),
        ] {
            assert!((gradient * factor - clipped).abs() < 1e-5);
        }
        assert_eq!(clip_factor(norm, None), 1.0);
        assert_eq!(clip_factor(1.0, Some(2.0)), 1.0);
    }
}
