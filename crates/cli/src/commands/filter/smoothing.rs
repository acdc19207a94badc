//! Filters that smooth, sharpen and find edges.

use super::Result;
use super::files::Files;
use crate::kind::KindOption;
use crate::values::triple;
use clap::ValueEnum;
use std::str::FromStr;
use vesalius::filters::{
    DiffusionOptions, DiscreteGaussianOptions, Order, UnsharpMaskOptions,
    curvature_anisotropic_diffusion, discrete_gaussian, gradient_magnitude, laplacian,
    laplacian_sharpening, majority, median, recursive_gaussian_derivative, unsharp_mask,
};
use vesalius::io::write;

/// Filters of neighbourhoods.
#[derive(clap::Subcommand)]
pub enum Smoothing {
    /// Smooth with a Gaussian, or take its derivative, at a cost that does not grow with sigma
    Gaussian {
        #[command(flatten)]
        files: Files,
        /// Standard deviation in mm, one or x,y,z
        #[arg(long, value_parser = triple::<f64>, value_name = "MM", allow_negative_numbers = true)]
        sigma: [f64; 3],
        /// Derivatives along x,y,z, per mm: each none, first or second
        #[arg(long, value_parser = triple::<Derivative>, value_name = "X,Y,Z", default_value = "none")]
        derivative: [Derivative; 3],
    },
    /// Smooth with a discrete Gaussian kernel (Lindeberg)
    DiscreteGaussian {
        #[command(flatten)]
        files: Files,
        /// Variance in mm², one or x,y,z
        #[arg(long, value_parser = triple::<f64>, value_name = "MM²", allow_negative_numbers = true)]
        variance: [f64; 3],
        /// The share of the kernel that may be cut off
        #[arg(long, default_value_t = 0.01)]
        maximum_error: f64,
        /// The most voxels of the kernel along an axis
        #[arg(long, default_value_t = 32, value_name = "VOXELS")]
        maximum_width: usize,
    },
    /// The median of a box around each voxel; of labels the one that most of the box has
    Median {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        kind: KindOption,
        /// Radius of the box in voxels, one or x,y,z
        #[arg(long, value_parser = triple::<usize>, value_name = "VOXELS", default_value = "1", allow_negative_numbers = true)]
        radius: [usize; 3],
    },
    /// Smooth within regions and along edges, not across them
    CurvatureDiffusion {
        #[command(flatten)]
        files: Files,
        /// How often
        #[arg(long, default_value_t = 5)]
        iterations: usize,
        /// Length of a step; stable up to 0.0625 times the smallest spacing
        #[arg(long, default_value_t = 0.0625)]
        time_step: f64,
        /// How strong an edge stops the smoothing; less stops earlier
        #[arg(long, default_value_t = 3.0)]
        conductance: f64,
    },
    /// Length of the gradient, per mm
    GradientMagnitude {
        #[command(flatten)]
        files: Files,
    },
    /// Sum of the second derivatives, per mm²
    Laplacian {
        #[command(flatten)]
        files: Files,
    },
    /// Sharpen by taking the Laplacian away, with mean and range kept
    LaplacianSharpening {
        #[command(flatten)]
        files: Files,
    },
    /// Sharpen by adding what a blur takes away
    UnsharpMask {
        #[command(flatten)]
        files: Files,
        /// Standard deviation of the blur in mm, one or x,y,z
        #[arg(long, value_parser = triple::<f64>, value_name = "MM", default_value = "1", allow_negative_numbers = true)]
        sigma: [f64; 3],
        /// How much of the difference is added
        #[arg(long, default_value_t = 0.5)]
        amount: f64,
        /// Differences up to this stay as they are, in the image's values
        #[arg(long, default_value_t = 0.0)]
        threshold: f64,
    },
}

/// Which derivative is taken along an axis.
#[derive(Clone, Copy, ValueEnum)]
pub enum Derivative {
    /// The axis is smoothed
    None,
    /// The first, per mm
    First,
    /// The second, per mm²
    Second,
}

impl FromStr for Derivative {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        <Self as ValueEnum>::from_str(text, true)
    }
}

impl Smoothing {
    /// Reads, filters and writes.
    pub fn run(&self) -> Result<()> {
        match self {
            Self::Gaussian {
                files,
                sigma,
                derivative,
            } => {
                let order = derivative.map(|derivative| match derivative {
                    Derivative::None => Order::Zero,
                    Derivative::First => Order::First,
                    Derivative::Second => Order::Second,
                });
                files.filter(|image| recursive_gaussian_derivative(image, *sigma, order))
            }
            Self::DiscreteGaussian {
                files,
                variance,
                maximum_error,
                maximum_width,
            } => {
                let options = DiscreteGaussianOptions {
                    variance: *variance,
                    maximum_error: *maximum_error,
                    maximum_kernel_width: *maximum_width,
                };
                files.filter(|image| discrete_gaussian(image, &options))
            }
            Self::Median {
                files,
                kind,
                radius,
            } => {
                if !kind.says_labels() {
                    let image = files.image()?;
                    if !kind.is_labels(files.input(), &image, &files.reading())? {
                        return Ok(write(files.output(), &median(&image, *radius)?)?);
                    }
                }
                files.relabel(|labels| majority(labels, *radius))
            }
            Self::CurvatureDiffusion {
                files,
                iterations,
                time_step,
                conductance,
            } => {
                let options = DiffusionOptions {
                    time_step: *time_step,
                    conductance: *conductance,
                    iterations: *iterations,
                };
                files.filter(|image| curvature_anisotropic_diffusion(image, &options))
            }
            Self::GradientMagnitude { files } => files.filter(gradient_magnitude),
            Self::Laplacian { files } => files.filter(laplacian),
            Self::LaplacianSharpening { files } => files.filter(laplacian_sharpening),
            Self::UnsharpMask {
                files,
                sigma,
                amount,
                threshold,
            } => {
                let options = UnsharpMaskOptions {
                    sigma: *sigma,
                    amount: *amount,
                    threshold: *threshold,
                };
                files.filter(|image| unsharp_mask(image, &options))
            }
        }
    }
}
