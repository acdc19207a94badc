//! Networks that were trained with another order of the spatial axes than ours.

use crate::{AxisOrder, PatchNetwork};
use burn::tensor::Tensor;
use vesalius_networks::{Network, Result};

/// A network behind the axis order that it was trained with.
pub struct AxisOrderAdapter<'a> {
    /// The network.
    pub network: &'a Network,
    /// Its order of axes.
    pub order: AxisOrder,
}

impl PatchNetwork for AxisOrderAdapter<'_> {
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
        let run = |patches| PatchNetwork::forward(self.network, patches);
        self.turn().around(patches, run)
    }

    fn divisor(&self) -> [usize; 3] {
        self.turn().size(self.network.architecture().divisor())
    }

    fn spatial_dims(&self) -> usize {
        self.network.architecture().spatial_dims()
    }

    fn check_input(&self, channels: usize, size: [usize; 3]) -> Result<()> {
        let turn = self.turn();
        let size = turn.size(turn.slice(size));
        self.network.config().check_input(channels, size)
    }

    fn parameters(&self) -> Option<u64> {
        PatchNetwork::parameters(self.network)
    }

    fn memory(&self, batch: usize, channels: usize, size: [usize; 3]) -> Option<u64> {
        let (samples, size) = self.turn().batch_of(batch, size);
        PatchNetwork::memory(self.network, samples, channels, size)
    }

    fn first_not_finite(&self, patches: Tensor<5>) -> Result<Option<String>> {
        PatchNetwork::first_not_finite(self.network, self.turn().forth(patches))
    }
}

impl AxisOrderAdapter<'_> {
    fn turn(&self) -> Turn {
        Turn {
            order: self.order,
            dims: self.spatial_dims(),
        }
    }
}

/// The same for any network.
pub(super) struct Turned<'a> {
    pub network: &'a dyn PatchNetwork,
    pub order: AxisOrder,
}

impl PatchNetwork for Turned<'_> {
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
        let run = |patches| self.network.forward(patches);
        self.turn().around(patches, run)
    }

    fn divisor(&self) -> [usize; 3] {
        self.turn().size(self.network.divisor())
    }

    fn spatial_dims(&self) -> usize {
        self.network.spatial_dims()
    }

    fn check_input(&self, channels: usize, size: [usize; 3]) -> Result<()> {
        let turn = self.turn();
        let size = turn.size(turn.slice(size));
        self.network.check_input(channels, size)
    }

    fn parameters(&self) -> Option<u64> {
        self.network.parameters()
    }

    fn memory(&self, batch: usize, channels: usize, size: [usize; 3]) -> Option<u64> {
        let (samples, size) = self.turn().batch_of(batch, size);
        self.network.memory(samples, channels, size)
    }

    fn first_not_finite(&self, patches: Tensor<5>) -> Result<Option<String>> {
        self.network.first_not_finite(self.turn().forth(patches))
    }
}

impl Turned<'_> {
    fn turn(&self) -> Turn {
        Turn {
            order: self.order,
            dims: self.spatial_dims(),
        }
    }
}

/// How patches `[N, C, Z, Y, X]` become what a network takes: `[N, C, X, Y, Z]` for a 3-D network of order
/// xyz and `[N, C, 1, X, Y]` for a 2-D one, whose slices become samples of the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub order: AxisOrder,
    /// Spatial dimensions of the network.
    pub dims: usize,
}

impl Turn {
    /// A size `[x, y, z]` of the network's tensor in our order, and the reverse.
    pub fn size(self, [x, y, z]: [usize; 3]) -> [usize; 3] {
        match (self.order, self.dims) {
            (AxisOrder::Zyx, _) => [x, y, z],
            (AxisOrder::Xyz, 2) => [y, x, z],
            (AxisOrder::Xyz, _) => [z, y, x],
        }
    }

    /// The size of a patch at the network's input: a 2-D network takes one slice at a time.
    pub fn slice(self, [x, y, z]: [usize; 3]) -> [usize; 3] {
        [x, y, if self.dims == 2 { 1 } else { z }]
    }

    /// How many samples a batch of patches of a size `[x, y, z]` becomes at the network's input, and the size of each
    /// there: the slices of a 2-D network are samples.
    pub fn batch_of(self, patches: usize, size: [usize; 3]) -> (usize, [usize; 3]) {
        let slice = self.slice(size);
        let slices = size[2] / slice[2].max(1);
        (patches.saturating_mul(slices.max(1)), self.size(slice))
    }

    fn around(
        self,
        patches: Tensor<5>,
        run: impl FnOnce(Tensor<5>) -> Result<Tensor<5>>,
    ) -> Result<Tensor<5>> {
        let [n, _, z, _, _] = patches.dims();
        Ok(self.back(run(self.forth(patches))?, n, z))
    }

    fn forth(self, patches: Tensor<5>) -> Tensor<5> {
        let [n, c, z, y, x] = patches.dims();
        let patches = match self.dims == 2 && z != 1 {
            true => patches.swap_dims(1, 2).reshape([n * z, c, 1, y, x]),
            false => patches,
        };
        self.swapped(patches)
    }

    fn back(self, output: Tensor<5>, n: usize, z: usize) -> Tensor<5> {
        let output = self.swapped(output);
        let [samples, k, _, y, x] = output.dims();
        match self.dims == 2 && z != 1 && samples == n * z {
            true => output.reshape([n, z, k, y, x]).swap_dims(1, 2),
            false => output,
        }
    }

    fn swapped(self, tensor: Tensor<5>) -> Tensor<5> {
        match (self.order, self.dims) {
            (AxisOrder::Zyx, _) => tensor,
            (AxisOrder::Xyz, 2) => tensor.swap_dims(3, 4),
            (AxisOrder::Xyz, _) => tensor.swap_dims(2, 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blending, Inferer, Slice};
    use burn::tensor::{Device, TensorData};
    use vesalius_transforms::Axis;
    use vesalius_volume::{Geometry, Volume};

    /// Adds ramps along its last and last but one axis to its input, so that the axes differ in the output, and
    /// slices differ by their mean.
    struct Ramps(usize);

    impl PatchNetwork for Ramps {
        fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
            let [_, _, d, h, w] = patches.dims();
            assert!(self.0 == 3 || d == 1, "a 2-D network takes slices");
            let ramp: Vec<f32> = (0..d * h * w)
                .map(|at| (at % w + 10 * (at / w % h) + 100 * (at / (w * h))) as f32)
                .collect();
            let ramp = TensorData::new(ramp, [1, 1, d, h, w]);
            Ok(patches + Tensor::from_data(ramp, &Device::flex()))
        }

        fn spatial_dims(&self) -> usize {
            self.0
        }

        fn divisor(&self) -> [usize; 3] {
            [4, 2, 1]
        }
    }

    fn run(dims: usize, order: AxisOrder, inferer: &Inferer) -> Vec<f32> {
        let grid = Geometry::axis_aligned([4, 8, 3], [1.0; 3]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| (1000 * x + 2000 * y + 4000 * z) as f32);
        let network = Turned {
            network: &Ramps(dims),
            order,
        };
        let output = inferer.run(&image, &network, &Device::flex()).unwrap();
        let pairs = output.data().iter().zip(image.data());
        pairs.map(|(output, input)| output - input).collect()
    }

    /// What a ramp adds at each voxel.
    fn expected(ramp: impl Fn([usize; 3]) -> usize) -> Vec<f32> {
        let grid = Geometry::axis_aligned([4, 8, 3], [1.0; 3]).unwrap();
        let values = Volume::from_fn(grid, |at| ramp(at) as f32);
        values.into_data()
    }

    #[test]
    fn a_two_dimensional_network_sees_x_and_y_in_its_order_and_one_slice_at_a_time() {
        let simple = Inferer::Simple(crate::Simple {});
        let slice = |axis| {
            Inferer::Slice(Slice {
                axis,
                overlap: 0.0,
                blending: Blending::Constant,
                batch_size: 2,
                ..Slice::default()
            })
        };
        for inferer in [simple, slice(Axis::Z)] {
            let zyx = run(2, AxisOrder::Zyx, &inferer);
            assert_eq!(zyx, expected(|[x, y, _]| x + 10 * y), "{inferer:?}");
            let xyz = run(2, AxisOrder::Xyz, &inferer);
            assert_eq!(xyz, expected(|[x, y, _]| y + 10 * x), "{inferer:?}");
        }
        let across_x = run(2, AxisOrder::Xyz, &slice(Axis::X));
        // The slice of y and z is padded to sizes that divide: 8 by 2, and 3 to 4 at its end.
        assert_eq!(across_x, expected(|[_, y, z]| z + 10 * y));
        let across_y = run(2, AxisOrder::Xyz, &slice(Axis::Y));
        assert_eq!(across_y, expected(|[x, _, z]| z + 10 * x));
    }

    #[test]
    fn a_three_dimensional_network_sees_x_first() {
        let simple = Inferer::Simple(crate::Simple {});
        let grid = [4, 8, 4];
        let turn = Turn {
            order: AxisOrder::Xyz,
            dims: 3,
        };
        assert_eq!(turn.size(grid), [4, 8, 4]);
        assert_eq!(turn.size([1, 2, 3]), [3, 2, 1]);
        let xyz = run(3, AxisOrder::Xyz, &simple);
        // z is padded from 3 to 4 voxels, at its end.
        assert_eq!(xyz, expected(|[x, y, z]| z + 10 * y + 100 * x));
    }
}
