//! MONAI's inferers as ours.

use super::Refused;
use crate::{Blending, Inferer, Simple, Slice, SlidingWindow, WindowOutside};
use vesalius_bundles::{self as bundles, InfererSpec, Padding};
use vesalius_networks::Architecture;
use vesalius_transforms::Axis;

/// MONAI's σ of Gaussian weights, which is ours too.
const USUAL_SIGMA: f64 = 0.125;

pub(super) fn inferer(spec: &InfererSpec, network: &dyn Architecture) -> Result<Inferer, Refused> {
    match spec {
        InfererSpec::Simple => Ok(Inferer::Simple(Simple {})),
        InfererSpec::SlidingWindow(window) => sliding(window, network),
        InfererSpec::Slice { axis, window } => slice(*axis, window, network),
        _ => Err("`inferer`: its class is not known here".to_owned()),
    }
}

fn sliding(
    window: &bundles::SlidingWindow,
    network: &dyn Architecture,
) -> Result<Inferer, Refused> {
    // A window of a 2-D image lies in one slice.
    let axes = |values: &[f64], beside: f64| -> Result<[f64; 3], Refused> {
        match *values {
            [x, y, z] => Ok([x, y, z]),
            [x, y] if network.spatial_dims() == 2 => Ok([x, y, beside]),
            _ => Err(format!(
                "`inferer`: {} axes are not those of the network",
                values.len()
            )),
        }
    };
    let sizes: Vec<f64> = window.roi_size.iter().map(|&n| n as f64).collect();
    let patch_size = axes(&sizes, 1.0)?.map(size);
    let overlap = axes(&window.overlap, 0.0)?;
    let sigma = axes(&window.sigma_scale, USUAL_SIGMA)?;
    // The network's axes are x, y, z where ours are z, y, x.
    let [first, second, third] = network.divisor();
    let divisor = match network.spatial_dims() {
        2 => [second, first, third],
        _ => [third, second, first],
    };
    let divides = |axis: usize| match usize::try_from(patch_size[axis]) {
        Ok(voxels) => voxels.is_multiple_of(divisor[axis].max(1)),
        Err(_) => true,
    };
    Ok(Inferer::SlidingWindow(SlidingWindow {
        patch_size,
        overlap: overlap[0],
        axis_overlap: (overlap != [overlap[0]; 3] && window.overlap.len() == 3).then_some(overlap),
        blending: blending(window.mode)?,
        batch_size: window.batch_size,
        sigma: (sigma != [USUAL_SIGMA; 3]).then_some(sigma),
        outside: outside(window)?,
        // MONAI's windows are as they are given; those of a whole image are rounded up here, where MONAI's network fails.
        grow: (0..3).all(divides),
        ..SlidingWindow::default()
    }))
}

fn slice(
    axis: u8,
    window: &bundles::SlidingWindow,
    network: &dyn Architecture,
) -> Result<Inferer, Refused> {
    let axis = match axis {
        0 => Axis::X,
        1 => Axis::Y,
        _ => Axis::Z,
    };
    if network.spatial_dims() != 2 {
        return Err("`inferer`: slices go through a network for 2-D images alone".to_owned());
    }
    let [first, second] = window.roi_size[..] else {
        return Err("`inferer::roi_size`: two numbers of voxels are expected".to_owned());
    };
    let overlap = window.overlap.first().copied().unwrap_or(0.0);
    if window.overlap.iter().any(|other| *other != overlap) {
        return Err(
            "`inferer::overlap`: differs between the axes of slices, which is not supported"
                .to_owned(),
        );
    }
    if window.sigma_scale.iter().any(|sigma| *sigma != USUAL_SIGMA) {
        return Err("`inferer::sigma_scale`: is not supported with slices".to_owned());
    }
    Ok(Inferer::Slice(Slice {
        axis,
        patch_size: [first, second].map(|n| size(n as f64)),
        overlap,
        blending: blending(window.mode)?,
        batch_size: window.batch_size,
        outside: outside(window)?,
    }))
}

/// A number of voxels; 0 or less is the whole of an axis.
fn size(voxels: f64) -> i64 {
    if voxels > 0.0 { voxels as i64 } else { -1 }
}

fn blending(mode: bundles::Blending) -> Result<Blending, Refused> {
    match mode {
        bundles::Blending::Constant => Ok(Blending::Constant),
        bundles::Blending::Gaussian => Ok(Blending::Gaussian),
        other => Err(format!("`inferer::mode`: {other:?} is not supported")),
    }
}

fn outside(window: &bundles::SlidingWindow) -> Result<WindowOutside, Refused> {
    match window.padding_mode {
        Padding::Constant => Ok(WindowOutside::Value(window.cval as f32)),
        Padding::Replicate => Ok(WindowOutside::Replicate),
        Padding::Reflect => Ok(WindowOutside::Reflect),
        Padding::Circular => Ok(WindowOutside::Circular),
        other => Err(format!(
            "`inferer::padding_mode`: {other:?} is not supported"
        )),
    }
}
