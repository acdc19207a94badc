//! Volumes and label maps to tensors and back. The memory order is the same on both sides, so
//! nothing is transposed; on the CPU a buffer moves in without a copy.

use crate::logits::check_grid;
use crate::{Device, Error, Int, Result, Tensor, axes::reversed};
use burn::tensor::TensorData;
use vesalius_volume::{Geometry, LabelMap, Volume};

/// `[N, C, Z, Y, X]` from a buffer with x fastest, then y, z, channel and batch; `size` is `[x, y, z]`.
///
/// # Errors
/// [`Error::WrongLength`].
pub fn tensor_from_values(
    values: Vec<f32>,
    batch: usize,
    channels: usize,
    size: [usize; 3],
    device: &Device,
) -> Result<Tensor<5>> {
    let [z, y, x] = reversed(size);
    let expected = batch * channels * z * y * x;
    if values.len() != expected {
        return Err(Error::WrongLength {
            what: format!("a batch of {batch} × {channels} channel(s) of size {size:?}"),
            expected,
            found: values.len(),
        });
    }
    let data = TensorData::new(values, [batch, channels, z, y, x]);
    Ok(Tensor::from_data(data, device))
}

/// `[1, C, Z, Y, X]` from a volume.
pub fn tensor_from_volume(volume: &Volume<f32>, device: &Device) -> Tensor<5> {
    let [z, y, x] = reversed(volume.geometry().size());
    let data = TensorData::new(volume.data().to_vec(), [1, volume.channels(), z, y, x]);
    Tensor::from_data(data, device)
}

/// `[1, 1, Z, Y, X]` of label values from a label map.
pub fn label_tensor(labels: &LabelMap, device: &Device) -> Tensor<5, Int> {
    let [z, y, x] = reversed(labels.geometry().size());
    let values: Vec<i32> = labels.data().iter().map(|&label| label.into()).collect();
    Tensor::from_data(TensorData::new(values, [1, 1, z, y, x]), device)
}

/// The values of a tensor in memory order (x fastest).
///
/// # Errors
/// [`Error::Execution`] or [`Error::DeviceMemory`] when the device failed before.
pub fn values_of(tensor: Tensor<5>) -> Result<Vec<f32>> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| Error::of_device(&error.to_string()))
}

/// The volume that a tensor `[1, C, Z, Y, X]` holds, placed by `geometry`.
///
/// # Errors
/// [`Error::WrongShape`] when the batch is not 1 or the grid not the geometry's;
/// [`Error::Execution`].
pub fn volume_from_tensor(tensor: Tensor<5>, geometry: Geometry) -> Result<Volume<f32>> {
    let channels = tensor.dims()[1];
    check_grid("a tensor to be a volume", tensor.dims(), geometry)?;
    Ok(Volume::new(geometry, channels, values_of(tensor)?)?)
}

/// The label map that a tensor `[1, 1, Z, Y, X]` of label values holds, placed by `geometry`.
///
/// # Errors
/// As [`volume_from_tensor`], and [`Error::NotALabel`].
pub fn label_map_from_tensor(tensor: Tensor<5, Int>, geometry: Geometry) -> Result<LabelMap> {
    let dims = tensor.dims();
    check_grid("a tensor to be a label map", dims, geometry)?;
    if dims[1] != 1 {
        return Err(Error::WrongShape {
            what: "a tensor to be a label map".to_owned(),
            found: dims.to_vec(),
            expected: "one channel".to_owned(),
        });
    }
    let values = tensor
        .try_into_vec_as::<i64>()
        .map_err(|error| Error::of_device(&error.to_string()))?;
    let labels = values
        .into_iter()
        .map(|value| u16::try_from(value).map_err(|_| Error::NotALabel(value)))
        .collect::<Result<Vec<_>>>()?;
    Ok(LabelMap::new(geometry, labels)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_survives_the_round_trip_in_tensor_order() {
        let geometry = Geometry::axis_aligned([4, 3, 2], [1.0, 2.0, 3.0]).unwrap();
        let volume = Volume::from_fn(geometry, |[x, y, z]| (100 * z + 10 * y + x) as f32);
        let volume = Volume::stack(&[volume.clone(), volume.map(|v| -v)]).unwrap();
        let tensor = tensor_from_volume(&volume, &Device::flex());
        assert_eq!(tensor.dims(), [1, 2, 2, 3, 4]);
        let corner: f32 = tensor
            .clone()
            .slice([0..1, 1..2, 1..2, 2..3, 3..4])
            .into_scalar();
        assert_eq!(corner, -123.0);
        assert_eq!(volume_from_tensor(tensor, geometry).unwrap(), volume);
    }

    #[test]
    fn labels_survive_and_wrong_ones_are_refused() {
        let geometry = Geometry::axis_aligned([3, 2, 2], [1.0; 3]).unwrap();
        let labels = LabelMap::from_fn(geometry, |[x, y, z]| (x * 20_000 + y + z) as u16);
        let tensor = label_tensor(&labels, &Device::flex());
        assert_eq!(
            label_map_from_tensor(tensor.clone(), geometry).unwrap(),
            labels
        );
        let message = label_map_from_tensor(tensor.sub_scalar(7), geometry)
            .unwrap_err()
            .to_string();
        assert!(message.contains("-7"), "{message}");
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let geometry = Geometry::axis_aligned([3, 2, 2], [1.0; 3]).unwrap();
        let tensor = Tensor::zeros([1, 1, 3, 2, 2], &Device::flex());
        let message = volume_from_tensor(tensor, geometry)
            .unwrap_err()
            .to_string();
        assert!(message.contains("[1, channels, 2, 2, 3]"), "{message}");
        assert!(tensor_from_values(vec![0.0; 5], 1, 1, [2, 3, 1], &Device::flex()).is_err());
    }
}
