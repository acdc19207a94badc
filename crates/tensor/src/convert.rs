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
            what: format!(
                "a batch of {batch} × {} of size {size:?}",
                vesalius_volume::counted(channels, "channel")
            ),
            expected,
            found: values.len(),
        });
    }
    let data = TensorData::new(values, [batch, channels, z, y, x]);
    Ok(Tensor::from_data(data, device))
}

/// `[1, C, Z, Y, X]` from a volume.
///
/// ```
/// use vesalius_tensor::{Device, tensor_from_volume, volume_from_tensor};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([4, 3, 2], [1.0, 1.0, 2.5])?;
/// let scan = Volume::from_fn(grid, |[x, y, z]| (x + y + z) as f32);
/// let tensor = tensor_from_volume(&scan, &Device::flex());
/// assert_eq!(tensor.dims(), [1, 1, 2, 3, 4]);
/// assert_eq!(volume_from_tensor(tensor * 2.0, grid)?.get(0, [3, 2, 1]), 12.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tensor_from_volume(volume: &Volume<f32>, device: &Device) -> Tensor<5> {
    let [z, y, x] = reversed(volume.geometry().size());
    let data = TensorData::new(volume.data().to_vec(), [1, volume.channels(), z, y, x]);
    Tensor::from_data(data, device)
}

/// `[N, C, Z, Y, X]` from volumes of one size and number of channels.
///
/// # Errors
/// [`Error::WrongShape`] for volumes that differ in either; an empty batch is none.
///
/// ```
/// use vesalius_tensor::{Device, tensor_from_volumes, volumes_from_tensor};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grids = [1.0, 2.0].map(|spacing| Geometry::axis_aligned([4, 3, 2], [spacing; 3]).unwrap());
/// let scans = grids.map(|grid| Volume::from_fn(grid, |[x, ..]| x as f32));
/// let batch = tensor_from_volumes(&scans, &Device::flex())?;
/// assert_eq!(batch.dims(), [2, 1, 2, 3, 4]);
/// assert_eq!(volumes_from_tensor(batch, &grids)?, scans);
/// # Ok::<(), vesalius_tensor::Error>(())
/// ```
pub fn tensor_from_volumes(volumes: &[Volume<f32>], device: &Device) -> Result<Tensor<5>> {
    let shape = |volume: &Volume<f32>| {
        let [z, y, x] = reversed(volume.geometry().size());
        [volume.channels(), z, y, x]
    };
    let [channels, z, y, x] = one_shape("volumes of a batch", volumes.iter().map(shape))?;
    let values: Vec<f32> = volumes.iter().flat_map(Volume::data).copied().collect();
    let data = TensorData::new(values, [volumes.len(), channels, z, y, x]);
    Ok(Tensor::from_data(data, device))
}

/// The shape that all of a batch have.
fn one_shape(what: &str, mut shapes: impl Iterator<Item = [usize; 4]>) -> Result<[usize; 4]> {
    let wrong = |found: &[usize], expected: String| Error::WrongShape {
        what: what.to_owned(),
        found: found.to_vec(),
        expected,
    };
    let first = shapes
        .next()
        .ok_or_else(|| wrong(&[], "at least one".to_owned()))?;
    match shapes.find(|shape| *shape != first) {
        Some(other) => Err(wrong(&other, format!("{first:?}, as the first has"))),
        None => Ok(first),
    }
}

/// `[1, 1, Z, Y, X]` of label values from a label map.
///
/// ```
/// use vesalius_tensor::{Device, label_map_from_tensor, label_tensor};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3])?;
/// let labels = LabelMap::from_fn(grid, |[x, ..]| x as u16);
/// let tensor = label_tensor(&labels, &Device::flex());
/// assert_eq!(label_map_from_tensor(tensor, grid)?, labels);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_tensor(labels: &LabelMap, device: &Device) -> Tensor<5, Int> {
    let [z, y, x] = reversed(labels.geometry().size());
    let values: Vec<i32> = labels.data().iter().map(|&label| label.into()).collect();
    Tensor::from_data(TensorData::new(values, [1, 1, z, y, x]), device)
}

/// `[N, 1, Z, Y, X]` of label values from label maps of one size.
///
/// # Errors
/// [`Error::WrongShape`] for label maps of several sizes; an empty batch is none.
///
/// ```
/// use vesalius_tensor::{Device, label_maps_from_tensor, label_tensor_of};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3])?;
/// let labels = [1, 2].map(|organ| LabelMap::from_fn(grid, |[x, ..]| organ * (x % 2) as u16));
/// let batch = label_tensor_of(&labels, &Device::flex())?;
/// assert_eq!(batch.dims(), [2, 1, 2, 3, 4]);
/// assert_eq!(label_maps_from_tensor(batch, &[grid; 2])?, labels);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_tensor_of(labels: &[LabelMap], device: &Device) -> Result<Tensor<5, Int>> {
    let shape = |labels: &LabelMap| {
        let [z, y, x] = reversed(labels.geometry().size());
        [1, z, y, x]
    };
    let [channels, z, y, x] = one_shape("label maps of a batch", labels.iter().map(shape))?;
    let values: Vec<i32> = labels
        .iter()
        .flat_map(LabelMap::data)
        .map(|&label| label.into())
        .collect();
    let data = TensorData::new(values, [labels.len(), channels, z, y, x]);
    Ok(Tensor::from_data(data, device))
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

/// The volumes that a batch `[N, C, Z, Y, X]` holds, placed by a geometry each.
///
/// # Errors
/// [`Error::WrongShape`] when there are not as many geometries as volumes or a grid is not its geometry's;
/// [`Error::Execution`].
pub fn volumes_from_tensor(tensor: Tensor<5>, geometries: &[Geometry]) -> Result<Vec<Volume<f32>>> {
    check_count("a batch to be volumes", tensor.dims(), geometries)?;
    let parts = geometries.iter().enumerate();
    parts
        .map(|(index, &geometry)| volume_from_tensor(tensor.clone().narrow(0, index, 1), geometry))
        .collect()
}

/// The label maps that a batch `[N, 1, Z, Y, X]` of label values holds, placed by a geometry each.
///
/// # Errors
/// As [`volumes_from_tensor`], and [`Error::NotALabel`].
pub fn label_maps_from_tensor(
    tensor: Tensor<5, Int>,
    geometries: &[Geometry],
) -> Result<Vec<LabelMap>> {
    check_count("a batch to be label maps", tensor.dims(), geometries)?;
    let parts = geometries.iter().enumerate();
    parts
        .map(|(index, &geometry)| {
            label_map_from_tensor(tensor.clone().narrow(0, index, 1), geometry)
        })
        .collect()
}

fn check_count(what: &str, dims: [usize; 5], geometries: &[Geometry]) -> Result<()> {
    if dims[0] == geometries.len() {
        return Ok(());
    }
    Err(Error::WrongShape {
        what: what.to_owned(),
        found: dims.to_vec(),
        expected: format!("{} in the batch, one a geometry", geometries.len()),
    })
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
    fn batches_survive_with_all_their_channels_and_those_that_do_not_fit_are_refused() {
        let device = Device::flex();
        let grid = |spacing, size| Geometry::axis_aligned(size, [spacing; 3]).unwrap();
        let grids = [grid(1.0, [4, 3, 2]), grid(2.0, [4, 3, 2])];
        let two = |grid| {
            let volume = Volume::from_fn(grid, |[x, y, z]| (100 * z + 10 * y + x) as f32);
            Volume::stack(&[volume.clone(), volume.map(|v| -v)]).unwrap()
        };
        let volumes = grids.map(two);
        let batch = tensor_from_volumes(&volumes, &device).unwrap();
        assert_eq!(batch.dims(), [2, 2, 2, 3, 4]);
        assert_eq!(volumes_from_tensor(batch.clone(), &grids).unwrap(), volumes);
        let refused = volumes_from_tensor(batch, &grids[..1]).unwrap_err();
        assert!(refused.to_string().contains("one a geometry"), "{refused}");
        assert!(tensor_from_volumes(&[], &device).is_err());
        let other = two(grid(1.0, [4, 3, 3]));
        let refused = tensor_from_volumes(&[volumes[0].clone(), other], &device).unwrap_err();
        assert!(
            refused.to_string().contains("as the first has"),
            "{refused}"
        );
        let maps = [2, 3].map(|z| LabelMap::from_fn(grid(1.0, [2, 2, z]), |[x, ..]| x as u16));
        assert!(label_tensor_of(&maps, &device).is_err());
        let one = label_tensor_of(&maps[..1], &device).unwrap();
        assert_eq!(
            label_maps_from_tensor(one, &[*maps[0].geometry()]).unwrap(),
            maps[..1]
        );
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
