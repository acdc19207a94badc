//! Filters that smooth, sharpen and find edges.

use super::ArgumentKind::{Choices, Count, Counts, Number, Numbers};
use super::{Argument, Choice, Filter, Findings, Result, Run};
use vesalius_filters::{
    DiffusionOptions, DiscreteGaussianOptions, Order, UnsharpMaskOptions,
    curvature_anisotropic_diffusion_with, discrete_gaussian_with, gradient_magnitude, laplacian,
    laplacian_sharpening_with, majority_with, median_with, recursive_gaussian_derivative_with,
    unsharp_mask_with,
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::new(
        "gaussian",
        "Smooth with a Gaussian, or take its derivative, at a cost that does not grow with sigma",
        &[
            Argument::new("sigma", Numbers, "Standard deviation in mm, one or x,y,z")
                .value("MM")
                .negative(),
            Argument::new(
                "derivative",
                Choices(DERIVATIVES),
                "Derivatives along x,y,z, per mm: each none, first or second",
            )
            .value("X,Y,Z")
            .default("none"),
        ],
        gaussian,
    ),
    Filter::new(
        "discrete-gaussian",
        "Smooth with a discrete Gaussian kernel (Lindeberg)",
        &[
            Argument::new("variance", Numbers, "Variance in mm², one or x,y,z")
                .value("MM²")
                .negative(),
            Argument::new(
                "maximum-error",
                Number,
                "The share of the kernel that may be cut off",
            )
            .default("0.01"),
            Argument::new(
                "maximum-width",
                Count,
                "The most voxels of the kernel along an axis",
            )
            .value("VOXELS")
            .default("32"),
        ],
        gaussian_kernel,
    ),
    Filter::new(
        "median",
        "The median of a box around each voxel; of labels the one that most of the box has",
        &[Argument::new(
            "radius",
            Counts,
            "Radius of the box in voxels, one or x,y,z",
        )
        .value("VOXELS")
        .default("1")
        .negative()],
        median_of_box,
    )
    .by_kind(),
    Filter::new(
        "curvature-diffusion",
        "Smooth within regions and along edges, not across them",
        &[
            Argument::new("iterations", Count, "How often").default("5"),
            Argument::new(
                "time-step",
                Number,
                "Length of a step; stable up to 0.0625 times the smallest spacing",
            )
            .default("0.0625"),
            Argument::new(
                "conductance",
                Number,
                "How strong an edge stops the smoothing; less stops earlier",
            )
            .default("3"),
        ],
        diffusion,
    ),
    Filter::new(
        "gradient-magnitude",
        "Length of the gradient, per mm",
        &[],
        |run| run.filter(gradient_magnitude),
    ),
    Filter::new(
        "laplacian",
        "Sum of the second derivatives, per mm²",
        &[],
        |run| run.filter(laplacian),
    ),
    Filter::new(
        "laplacian-sharpening",
        "Sharpen by taking the Laplacian away, with mean and range kept",
        &[],
        |run| {
            let control = run.control;
            run.filter(|image| laplacian_sharpening_with(image, control))
        },
    ),
    Filter::new(
        "unsharp-mask",
        "Sharpen by adding what a blur takes away",
        &[
            Argument::new(
                "sigma",
                Numbers,
                "Standard deviation of the blur in mm, one or x,y,z",
            )
            .value("MM")
            .default("1")
            .negative(),
            Argument::new("amount", Number, "How much of the difference is added").default("0.5"),
            Argument::new(
                "threshold",
                Number,
                "Differences up to this stay as they are, in the image's values",
            )
            .default("0"),
        ],
        unsharp,
    ),
];

/// Which derivative is taken along an axis.
const DERIVATIVES: &[Choice] = &[
    Choice::new("none", "The axis is smoothed"),
    Choice::new("first", "The first, per mm"),
    Choice::new("second", "The second, per mm²"),
];

fn gaussian(run: &mut Run) -> Result<Findings> {
    let sigma = run.values.numbers("sigma")?;
    let order = run
        .values
        .three_words("derivative")?
        .map(|word| match word {
            "first" => Order::First,
            "second" => Order::Second,
            _ => Order::Zero,
        });
    let control = run.control;
    run.filter(|image| recursive_gaussian_derivative_with(image, sigma, order, control))
}

fn gaussian_kernel(run: &mut Run) -> Result<Findings> {
    let options = DiscreteGaussianOptions {
        variance: run.values.numbers("variance")?,
        maximum_error: run.values.number("maximum-error")?,
        maximum_kernel_width: run.values.count("maximum-width")?,
    };
    let control = run.control;
    run.filter(|image| discrete_gaussian_with(image, &options, control))
}

fn median_of_box(run: &mut Run) -> Result<Findings> {
    let radius = run.values.counts("radius")?;
    match run.image_unless_labels()? {
        Some(image) => run.write(&median_with(&image, radius, run.control)?),
        None => {
            let control = run.control;
            run.relabel(|labels| majority_with(labels, radius, control))
        }
    }
}

fn diffusion(run: &mut Run) -> Result<Findings> {
    let options = DiffusionOptions {
        time_step: run.values.number("time-step")?,
        conductance: run.values.number("conductance")?,
        iterations: run.values.count("iterations")?,
    };
    let control = run.control;
    run.filter(|image| curvature_anisotropic_diffusion_with(image, &options, control))
}

fn unsharp(run: &mut Run) -> Result<Findings> {
    let options = UnsharpMaskOptions {
        sigma: run.values.numbers("sigma")?,
        amount: run.values.number("amount")?,
        threshold: run.values.number("threshold")?,
    };
    let control = run.control;
    run.filter(|image| unsharp_mask_with(image, &options, control))
}
