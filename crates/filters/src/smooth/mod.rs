//! Smoothing and derivatives: Gaussians in millimetres, median, majority of labels, gradient, Laplacian, diffusion.

mod convolve;
mod derivatives;
mod diffusion;
mod discrete;
mod integrated;
mod majority;
mod median;
mod recursive;

pub use derivatives::{
    UnsharpMaskOptions, gradient_magnitude, gradient_magnitude_with, laplacian,
    laplacian_sharpening, laplacian_sharpening_with, laplacian_with, unsharp_mask,
    unsharp_mask_with,
};
pub(crate) use derivatives::{mean, range};
pub use diffusion::{
    DiffusionOptions, curvature_anisotropic_diffusion, curvature_anisotropic_diffusion_with,
};
pub use discrete::{
    DiscreteGaussianOptions, discrete_gaussian, discrete_gaussian_with, gaussian_kernel,
};
pub use integrated::integrated_gaussian_kernel;
pub use majority::{majority, majority_with};
pub use median::{median, median_with};
pub use recursive::{
    Order, recursive_gaussian, recursive_gaussian_derivative, recursive_gaussian_derivative_with,
    recursive_gaussian_with,
};
