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
pub use diffusion::{
    DiffusionOptions, curvature_anisotropic_diffusion, curvature_anisotropic_diffusion_with,
};
pub use discrete::{DiscreteGaussianOptions, discrete_gaussian, gaussian_kernel};
pub use majority::{majority, majority_with};
pub use median::{median, median_with};
pub use recursive::{Order, recursive_gaussian, recursive_gaussian_derivative};
