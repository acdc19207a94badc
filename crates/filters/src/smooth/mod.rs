//! Smoothing and derivatives: Gaussians in millimetres, median, majority of labels, gradient, Laplacian, diffusion.

mod convolve;
mod derivatives;
mod diffusion;
mod discrete;
mod majority;
mod median;
mod recursive;

pub use derivatives::{
    UnsharpMaskOptions, gradient_magnitude, laplacian, laplacian_sharpening, unsharp_mask,
};
pub(crate) use derivatives::{mean, range};
pub use diffusion::{DiffusionOptions, curvature_anisotropic_diffusion};
pub use discrete::{DiscreteGaussianOptions, discrete_gaussian, gaussian_kernel};
pub use majority::majority;
pub use median::median;
pub use recursive::{Order, recursive_gaussian, recursive_gaussian_derivative};
