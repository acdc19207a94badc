//! A volume through a 2-D network in slices across several axes, averaged: three views of every voxel.

use crate::inferer::{Extent, Pass, add_to, mean_of};
use crate::{Blending, Error, PatchNetwork, Result, Slice};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vesalius_transforms::Axis;
use vesalius_volume::Volume;

/// Runs a 2-D network over the slices across each axis and averages its outputs: the mean of MONAI's
/// `SliceInferer` over `spatial_dim`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slices {
    /// The axes across which slices are taken, each once.
    pub axes: Vec<Axis>,
    /// Size of a window along each axis of the volume `[x, y, z]`, as far as it lies in a slice; -1 is
    /// the whole of an axis.
    pub patch_size: [i64; 3],
    /// Share of a window that its neighbour covers too, 0 to below 1.
    pub overlap: f64,
    /// How overlapping windows are blended.
    pub blending: Blending,
    /// How many slices (or windows) go through the network at a time.
    pub batch_size: usize,
}

impl Default for Slices {
    fn default() -> Self {
        let slice = Slice::default();
        Self {
            axes: vec![Axis::X, Axis::Y, Axis::Z],
            patch_size: [-1; 3],
            overlap: slice.overlap,
            blending: slice.blending,
            batch_size: slice.batch_size,
        }
    }
}

impl Slices {
    /// Checks that the values are valid.
    ///
    /// # Errors
    /// [`Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        let twice = (1..self.axes.len()).any(|i| self.axes[..i].contains(&self.axes[i]));
        if self.axes.is_empty() || twice {
            return Err(Error::BadValue {
                key: "slices.axes",
                found: format!("{:?}", self.axes),
                expected: "one, two or three of x, y, z, each once",
            });
        }
        self.across().try_for_each(|slice| slice.check())
    }

    /// The network's mean output on the volume's own grid; see [`Slice::run`].
    ///
    /// # Errors
    /// As [`crate::SlidingWindow::run`].
    pub fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        crate::Inferer::Slices(self.clone()).run(image, network, device)
    }

    /// As [`Slices::run`], for a pass.
    pub(crate) fn pass(&self, image: &Volume<f32>, pass: &Pass) -> Result<Volume<f32>> {
        self.check()?;
        let (size, divisor) = (image.geometry().size(), pass.network.divisor());
        let (mut sum, mut done) = (None, pass.windows.done());
        for slice in self.across() {
            let output = slice.pass(image, pass);
            let output =
                output.map_err(|e| e.of_pass(|| format!("slices across {:?}", slice.axis)))?;
            add_to(&mut sum, output);
            done += slice.extent(size, divisor).windows;
            pass.windows.reach(done);
        }
        mean_of(sum, self.axes.len())
    }

    /// What is known of a run before it starts.
    pub(crate) fn extent(&self, size: [usize; 3], divisor: [usize; 3]) -> Extent {
        let extents = self.across().map(|slice| slice.extent(size, divisor));
        let largest = |a: Extent, b: Extent| {
            let voxels = |extent: &Extent| extent.window.iter().product::<usize>();
            let windows = a.windows + b.windows;
            let larger = if voxels(&a) >= voxels(&b) { a } else { b };
            Extent { windows, ..larger }
        };
        let all = extents.reduce(largest);
        let all = all.unwrap_or_else(|| Slice::default().extent(size, divisor));
        Extent {
            // The sum in addition to what a slice inferer holds.
            outputs: all.outputs + 1,
            ..all
        }
    }

    /// An inferer for each axis.
    fn across(&self) -> impl Iterator<Item = Slice> + '_ {
        self.axes.iter().map(|&axis| {
            let [first, second, _] = axis.last();
            Slice {
                axis,
                patch_size: [self.patch_size[first], self.patch_size[second]],
                overlap: self.overlap,
                blending: self.blending,
                batch_size: self.batch_size,
                ..Slice::default()
            }
        })
    }
}
