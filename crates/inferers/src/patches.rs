//! A volume through a network in patches of a grid, combined by a merger, built in or user-defined.

use crate::batch::Batches;
use crate::checked::checked_serde;
use crate::custom::CustomMerger;
use crate::inferer::{Extent, Pass};
use crate::merger::{AverageMerger, MaximumMerger, Merger, PatchLocation, VolumeMerger};
use crate::progress::WindowCount;
use crate::windows::{WindowGrid, check_batch, divisible};
use crate::{Error, PatchNetwork, Result};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vesalius_control::Control;
use vesalius_registry::{Custom, Registry};
use vesalius_volume::{Geometry, Volume};

/// Runs a network over patches that start at multiples of a step, as MONAI's `PatchInferer` with its
/// `SlidingWindowSplitter`: the volume is padded with zeros behind its end until the last patch fits, and
/// no patch is weighed by place. [`crate::SlidingWindow`] moves the last window back inside instead. Numbers that
/// [`Patches::check`] refuses are not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Patches {
    /// Size of a patch `[x, y, z]` in voxels.
    pub patch_size: [usize; 3],
    /// Share of a patch that its neighbour covers too, 0 to below 1.
    pub overlap: f64,
    /// How many patches go through the network at a time.
    pub batch_size: usize,
    /// What makes one output of the patches'.
    pub merger: PatchMerger,
}

/// What makes one output of the patches'; [`Patches::merge`] takes one of a program too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PatchMerger {
    /// The mean of the patches that cover a voxel: MONAI's `AvgMerger`.
    #[default]
    Average,
    /// The largest value of the patches that cover a voxel, channel by channel.
    Maximum,
    /// A user-defined merger: in YAML `custom: my_merger` or `custom: {name: my_merger, …}`, for which
    /// [`crate::Inferer::resolve`] is called after reading.
    Custom(Custom<dyn CustomMerger>),
}

impl PatchMerger {
    pub(crate) fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match self {
            Self::Custom(custom) => Ok(custom.resolve(registry)?),
            Self::Average | Self::Maximum => Ok(()),
        }
    }

    /// A merger without a patch, over a volume.
    fn begin(&self, geometry: &Geometry) -> Result<Box<dyn VolumeMerger>> {
        Ok(match self {
            Self::Average => Box::new(AverageMerger::new(*geometry)),
            Self::Maximum => Box::new(MaximumMerger::new(*geometry)),
            Self::Custom(custom) => custom.get()?.begin(geometry)?,
        })
    }
}

checked_serde!(Patches, check_numbers);

impl Default for Patches {
    fn default() -> Self {
        Self {
            patch_size: [96; 3],
            overlap: 0.0,
            batch_size: 1,
            merger: PatchMerger::Average,
        }
    }
}

impl Patches {
    /// Checks that the values are valid.
    ///
    /// # Errors
    /// [`Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        self.check_numbers()?;
        match &self.merger {
            PatchMerger::Custom(custom) => custom.get()?.check(),
            PatchMerger::Average | PatchMerger::Maximum => Ok(()),
        }
    }

    /// Checks the numbers: a user-defined merger is made after reading.
    fn check_numbers(&self) -> Result<()> {
        let bad = |key, found, expected| Err(Error::bad_value(key, found, expected));
        if self.patch_size.contains(&0) {
            let found = format!("{:?}", self.patch_size);
            return bad("patches.patch_size", found, "positive numbers of voxels");
        }
        if !(0.0..1.0).contains(&self.overlap) {
            let found = self.overlap.to_string();
            return bad("patches.overlap", found, "a number from 0 to below 1");
        }
        if self.batch_size == 0 {
            return bad("patches.batch_size", "0".to_owned(), "at least 1");
        }
        Ok(())
    }

    /// The network's output on the volume's own grid, by the merger of the configuration.
    ///
    /// # Errors
    /// [`Error::BadValue`]; [`Error::OutputSize`] for a network whose output has another size than its
    /// input; [`Error::EmptyVolume`].
    pub fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        crate::Inferer::Patches(self.clone()).run(image, network, device)
    }

    /// Hands every patch's output to a merger of your own, in order of place (x fastest); the outputs may
    /// have any size that the merger understands.
    ///
    /// # Errors
    /// As [`Patches::run`]; what the merger gives.
    pub fn merge(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
        merger: &mut dyn Merger,
    ) -> Result<()> {
        self.check()?;
        let extent = self.extent(image.geometry().size(), network.divisor());
        let pass = Pass {
            network,
            device,
            windows: &WindowCount::new(&Control::new(), extent.windows),
            check_layers: false,
        };
        self.merge_pass(image, &pass, merger)
    }

    /// As [`Patches::run`], for a pass.
    pub(crate) fn pass(&self, image: &Volume<f32>, pass: &Pass) -> Result<Volume<f32>> {
        let mut merger = self.merger.begin(image.geometry())?;
        self.merge_pass(image, pass, &mut *merger)?;
        let merged = merger.finish()?;
        image
            .geometry()
            .check_same(merged.geometry(), "what a merger made")?;
        Ok(merged)
    }

    fn merge_pass(&self, image: &Volume<f32>, pass: &Pass, merger: &mut dyn Merger) -> Result<()> {
        self.check()?;
        let size = image.geometry().size();
        if size.contains(&0) {
            return Err(Error::EmptyVolume { size });
        }
        let grid = self.grid(size, pass.network.divisor());
        check_batch(&grid, image.channels(), self.batch_size)?;
        pass.network.check_input(image.channels(), grid.window)?;
        let windows = grid.list(&(0..size[1]));
        let batches = Batches {
            image,
            grid: &grid,
            pass,
        };
        for batch in windows.chunks(self.batch_size) {
            pass.windows.between()?;
            let input = batches.input_shape(batch.len());
            let fits = |output: [usize; 5]| match output[0] == input[0] {
                true => Ok(()),
                false => Err(Error::OutputSize { input, output }),
            };
            let output = batches.run(batch, Vec::new(), fits)?;
            let [_, k, z, y, x] = output.shape;
            let each = (k * z * y * x).max(1);
            for (start, values) in batch.iter().zip(output.values.chunks_exact(each)) {
                let place = PatchLocation {
                    // Patches start inside of the volume.
                    start: start.map(|first| first.max(0) as usize),
                    patch: grid.window,
                    output: [x, y, z],
                    channels: k,
                };
                merger.add(&place, values)?;
            }
            pass.windows.advance(batch.len());
        }
        pass.windows.tell();
        Ok(())
    }

    /// What is known of a run before it starts.
    pub(crate) fn extent(&self, size: [usize; 3], divisor: [usize; 3]) -> Extent {
        let grid = self.grid(size, divisor);
        Extent {
            windows: grid.count(),
            window: grid.window,
            batch: self.batch_size,
            outputs: 1,
            // The image, and how often each voxel was covered.
            images: 2,
        }
    }

    fn grid(&self, size: [usize; 3], divisor: [usize; 3]) -> WindowGrid {
        let window: [usize; 3] = std::array::from_fn(|a| divisible(self.patch_size[a], divisor[a]));
        let starts = std::array::from_fn(|a| {
            // MONAI rounds as Python does, to the even number.
            let step = (window[a] as f64 * (1.0 - self.overlap)).round_ties_even();
            let beyond = size[a].saturating_sub(window[a]);
            (0..beyond + (step as usize).max(1))
                .step_by((step as usize).max(1))
                .collect()
        });
        WindowGrid::from_starts(size, window, starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tensor;
    use vesalius_volume::Geometry;

    /// A user-defined merger: one number a patch.
    #[derive(Default)]
    struct Means(Vec<([usize; 3], f32)>);

    impl Merger for Means {
        fn add(&mut self, place: &PatchLocation, values: &[f32]) -> Result<()> {
            assert_eq!(values.len(), place.output.iter().product::<usize>());
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            self.0.push((place.start, mean));
            Ok(())
        }
    }

    #[test]
    fn a_merger_of_ones_own_sees_every_patch() {
        let grid = Geometry::axis_aligned([5, 4, 2], [1.0; 3]).unwrap();
        let image = Volume::from_fn(grid, |[x, ..]| x as f32);
        let patches = Patches {
            patch_size: [2, 4, 2],
            batch_size: 2,
            ..Patches::default()
        };
        // The output is coarser than the patch.
        let network = |patch: Tensor<5>| {
            let [n, c, ..] = patch.dims();
            patch
                .mean_dim(2)
                .mean_dim(3)
                .mean_dim(4)
                .reshape([n, c, 1, 1, 1])
        };
        let mut means = Means::default();
        let device = Device::flex();
        patches
            .merge(&image, &network, &device, &mut means)
            .unwrap();
        let expected = [([0, 0, 0], 0.5), ([2, 0, 0], 2.5), ([4, 0, 0], 2.0)];
        assert_eq!(means.0, expected);
        let refused = patches.run(&image, &network, &device).unwrap_err();
        assert!(refused.to_string().contains("into [1, 1, 1, 1, 1]"));
    }

    #[test]
    fn the_maximum_of_overlapping_patches() {
        let grid = Geometry::axis_aligned([6, 2, 2], [1.0; 3]).unwrap();
        let image = Volume::from_fn(grid, |_| 1.0);
        let patches = Patches {
            patch_size: [4, 2, 2],
            overlap: 0.5,
            merger: PatchMerger::Maximum,
            ..Patches::default()
        };
        // Rises along the patch.
        let network = |patch: Tensor<5>| patch.cumsum(4);
        let output = patches.run(&image, &network, &Device::flex()).unwrap();
        assert_eq!(output.data()[..6], [1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
    }
}
