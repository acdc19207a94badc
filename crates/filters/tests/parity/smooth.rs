//! Smoothing and derivatives against SimpleITK.

use crate::peers::*;
use vesalius_filters::*;

const SIGMA: [f64; 3] = [1.5, 0.9, 3.0];

#[test]
fn recursive_gaussians_agree_with_itk() {
    // ITK keeps float32 between the axes, and SimpleITK gives float32 back.
    let ours = recursive_gaussian(&image(), SIGMA).unwrap();
    close(ours.data(), "recursive_64", 1e-6);
    close32(
        &recursive_gaussian(&image32(), SIGMA).unwrap(),
        "recursive_32",
    );
    close32(
        &recursive_gaussian(&image32(), [8.0; 3]).unwrap(),
        "recursive_large_32",
    );
    for (name, order) in [("first", Order::First), ("second", Order::Second)] {
        for axis in [0, 2] {
            let mut sigma = [0.0; 3];
            let mut orders = [Order::Zero; 3];
            (sigma[axis], orders[axis]) = (2.0, order);
            let ours = recursive_gaussian_derivative(&image(), sigma, orders).unwrap();
            // ITK's are per voxel, and float32 in SimpleITK.
            let spacing = image().geometry().spacing()[axis];
            let scale = if order == Order::First {
                spacing
            } else {
                spacing * spacing
            };
            let ours: Vec<f64> = ours.data().iter().map(|v| v * scale).collect();
            close(&ours, &format!("recursive_{name}_{axis}"), 1e-6);
        }
    }
}

#[test]
fn discrete_gaussians_agree_with_itk() {
    let options = DiscreteGaussianOptions {
        variance: [2.0, 1.0, 6.0],
        ..Default::default()
    };
    close64(
        &discrete_gaussian(&image(), &options).unwrap(),
        "discrete_64",
    );
    close32(
        &discrete_gaussian(&image32(), &options).unwrap(),
        "discrete_32",
    );
}

#[test]
fn differences_agree_with_itk() {
    // SimpleITK gives float32 back.
    close(
        gradient_magnitude(&image()).unwrap().data(),
        "gradient_64",
        1e-7,
    );
    close32(&gradient_magnitude(&image32()).unwrap(), "gradient_32");
    close64(&laplacian(&image()).unwrap(), "laplacian_64");
    close32(&laplacian(&image32()).unwrap(), "laplacian_32");
    close64(&laplacian_sharpening(&image()).unwrap(), "sharpened_64");
    close32(&laplacian_sharpening(&image32()).unwrap(), "sharpened_32");
    let options = UnsharpMaskOptions {
        sigma: [1.5, 1.5, 3.0],
        amount: 0.7,
        threshold: 5.0,
    };
    // ITK blurs in float32.
    close(
        unsharp_mask(&image(), &options).unwrap().data(),
        "unsharp_64",
        1e-6,
    );
}

#[test]
fn medians_agree_with_itk() {
    close(
        median(&image(), [1, 1, 1]).unwrap().data(),
        "median_111",
        0.0,
    );
    close(
        median(&image(), [2, 1, 0]).unwrap().data(),
        "median_210",
        0.0,
    );
}

#[test]
fn diffusion_agrees_with_itk() {
    let options = DiffusionOptions {
        time_step: 0.04,
        conductance: 3.0,
        iterations: 4,
    };
    close64(
        &curvature_anisotropic_diffusion(&image(), &options).unwrap(),
        "diffused_64",
    );
    close32(
        &curvature_anisotropic_diffusion(&image32(), &options).unwrap(),
        "diffused_32",
    );
}
