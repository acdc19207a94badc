//! Distances to the borders of masks, as constants that losses weigh voxels with; the transform itself is
//! of `vesalius-filters`.

use crate::Result;
use burn::tensor::TensorData;
use vesalius_filters::squared_distance;
use vesalius_tensor::{Tensor, values_of};

/// What a distance becomes: of a voxel, whether it lies inside, and how far it is, in voxels, from the
/// nearest one of the other side.
pub(crate) type Measure = fn(inside: bool, distance: f32) -> f32;

/// `[N, C, Z, Y, X]`: for every sample and channel, the measure of each voxel against the mask of what is
/// above ½. Masks without a border, empty or full ones, give zeros. No gradient passes.
///
/// # Errors
/// [`crate::Error::Tensor`] when the device failed before.
pub(crate) fn distance_field(tensor: &Tensor<5>, measure: Measure) -> Result<Tensor<5>> {
    let device = tensor.device();
    let [n, c, z, y, x] = tensor.dims();
    let mut values = values_of(tensor.clone().detach())?;
    for mask in values.chunks_mut((z * y * x).max(1)) {
        let inside: Vec<bool> = mask.iter().map(|&value| value > 0.5).collect();
        if inside.iter().all(|&voxel| voxel) || !inside.iter().any(|&voxel| voxel) {
            mask.fill(0.0);
            continue;
        }
        let to = |side: bool| squared_distance(&inside, [x, y, z], [1.0; 3], |v| v == side);
        let (to_inside, to_outside): (Vec<f32>, Vec<f32>) = (to(true)?, to(false)?);
        for (voxel, value) in mask.iter_mut().enumerate() {
            // One of the two is zero.
            let distance = (to_inside[voxel] + to_outside[voxel]).sqrt();
            *value = measure(inside[voxel], distance);
        }
    }
    let data = TensorData::new(values, [n, c, z, y, x]);
    Ok(Tensor::from_data(data, &device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::Device;

    #[test]
    fn distances_run_to_the_other_side_and_borderless_masks_have_none() {
        let device = Device::flex();
        let masks = Tensor::<5>::from_data(
            [[
                [[[0.1, 0.9, 0.8, 0.7, 0.2]]],
                [[[0.0, 0.0, 0.0, 0.0, 0.0]]],
                [[[1.0, 1.0, 1.0, 1.0, 1.0]]],
            ]],
            &device,
        );
        let signed: Measure = |inside, distance| if inside { -distance } else { distance };
        let field = values_of(distance_field(&masks, signed).unwrap()).unwrap();
        assert_eq!(field[..5], [1.0, -1.0, -2.0, -1.0, 1.0]);
        assert!(field[5..].iter().all(|&value| value == 0.0));
    }
}
