//! How a network is run over a volume, as written in a model folder.

use crate::custom::{CustomInferer, run_custom};
use crate::progress::WindowCount;
use crate::{
    MultiScale, PatchNetwork, Patches, Result, Simple, Slice, Slices, SlidingWindow, TestTime,
};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vesalius_control::Control;
use vesalius_registry::{Custom, Registry};
use vesalius_transforms::Axis;
use vesalius_volume::Volume;

/// How a volume goes through a network, in YAML one name with its keys.
///
/// ```
/// use vesalius_inferers::Inferer;
/// use vesalius_tensor::{Device, Tensor};
/// use vesalius_volume::{Geometry, Volume};
///
/// let inferer: Inferer = serde_saphyr::from_str("sliding_window: {patch_size: [8, 8, -1], overlap: 0.25}")?;
/// inferer.check()?;
/// let grid = Geometry::axis_aligned([20, 12, 5], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, y, z]| (x + y + z) as f32);
/// // Windows of a network that doubles its input, blended.
/// let double = |patch: Tensor<5>| patch.mul_scalar(2.0);
/// let output = inferer.run(&image, &double, &Device::flex())?;
/// assert_eq!(output.geometry(), &grid);
/// assert!((output.data()[19] - 38.0).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Inferer {
    /// The whole volume at once.
    Simple(Simple),
    /// Overlapping windows, blended.
    SlidingWindow(SlidingWindow),
    /// One slice after another through a 2-D network.
    Slice(Slice),
    /// Slices across several axes, averaged.
    Slices(Slices),
    /// Patches of a grid, merged.
    Patches(Patches),
    /// At several zooms, averaged.
    MultiScale(MultiScale),
    /// Under several transforms, undone and averaged.
    TestTime(TestTime),
    /// A user-defined inferer: in YAML `custom: my_inferer` or `custom: {name: my_inferer, …}`, for which
    /// [`Inferer::resolve`] is called after reading.
    Custom(Custom<dyn CustomInferer>),
}

impl Default for Inferer {
    fn default() -> Self {
        Self::SlidingWindow(SlidingWindow::default())
    }
}

/// What a run of any inferer needs.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub network: &'a dyn PatchNetwork,
    pub device: &'a Device,
    pub windows: &'a WindowCount<'a>,
    /// Whether an output that is not finite is traced to its layer.
    pub check_layers: bool,
}

impl Inferer {
    /// Checks that the values are valid.
    ///
    /// # Errors
    /// [`crate::Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Simple(_) => Ok(()),
            Self::SlidingWindow(inferer) => inferer.check(),
            Self::Slice(inferer) => inferer.check(),
            Self::Slices(inferer) => inferer.check(),
            Self::Patches(inferer) => inferer.check(),
            Self::MultiScale(inferer) => inferer.check(),
            Self::TestTime(inferer) => inferer.check(),
            Self::Custom(custom) => custom.get()?.check(),
        }
    }

    /// The network's output over the whole volume, on the volume's own grid.
    ///
    /// # Errors
    /// A configuration that makes no sense, or a network whose output has another size than its input.
    pub fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        self.run_controlled(image, network, device, &Control::new())
    }

    /// As [`Inferer::run`], with a stage `windows`; cancelled between two batches.
    ///
    /// # Errors
    /// As [`Inferer::run`]; [`crate::Error::Cancelled`].
    pub fn run_controlled(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
        control: &Control,
    ) -> Result<Volume<f32>> {
        self.check()?;
        let extent = self.extent(image.geometry().size(), network.divisor());
        let pass = Pass {
            network,
            device,
            windows: &WindowCount::new(control, extent.windows),
            check_layers: false,
        };
        self.pass(image, &pass)
    }

    /// Makes the user-defined inferers, mergers and transforms that a file named.
    ///
    /// # Errors
    /// [`crate::Error::Registry`] for a name that is not in the registry, or options that a type does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match self {
            Self::Custom(custom) => Ok(custom.resolve(registry)?),
            Self::Patches(inferer) => inferer.merger.resolve(registry),
            Self::MultiScale(inferer) => inferer.inferer.resolve(registry),
            Self::TestTime(inferer) => {
                for chain in &mut inferer.views {
                    chain.resolve(registry)?;
                }
                inferer.inferer.resolve(registry)
            }
            Self::Simple(_) | Self::SlidingWindow(_) | Self::Slice(_) | Self::Slices(_) => Ok(()),
        }
    }

    /// As [`Inferer::run_controlled`].
    pub(crate) fn pass(&self, image: &Volume<f32>, pass: &Pass) -> Result<Volume<f32>> {
        match self {
            Self::Simple(inferer) => inferer.windows().pass(image, pass),
            Self::SlidingWindow(inferer) => inferer.pass(image, pass),
            Self::Slice(inferer) => inferer.pass(image, pass),
            Self::Slices(inferer) => inferer.pass(image, pass),
            Self::Patches(inferer) => inferer.pass(image, pass),
            Self::MultiScale(inferer) => inferer.pass(image, pass),
            Self::TestTime(inferer) => inferer.pass(image, pass),
            Self::Custom(custom) => run_custom(&**custom.get()?, image, pass),
        }
    }

    /// The windows of a run whose output is made slice by slice along z.
    pub(crate) fn windows(&self) -> Option<SlidingWindow> {
        match self {
            Self::Simple(inferer) => Some(inferer.windows()),
            Self::SlidingWindow(inferer) => Some(inferer.clone()),
            Self::Slice(inferer) if inferer.axis == Axis::Z => Some(inferer.windows()),
            _ => None,
        }
    }

    /// Removes test-time augmentation at any depth.
    pub(crate) fn without_test_time(&mut self) {
        if let Self::TestTime(inferer) = self {
            let within = std::mem::take(&mut *inferer.inferer);
            *self = within;
            self.without_test_time();
        } else if let Self::MultiScale(inferer) = self {
            inferer.inferer.without_test_time();
        }
    }

    /// The sliding windows within, to change their step or number; none where there are none.
    pub(crate) fn windows_mut(&mut self) -> Option<&mut SlidingWindow> {
        match self {
            Self::SlidingWindow(inferer) => Some(inferer),
            Self::MultiScale(inferer) => inferer.inferer.windows_mut(),
            Self::TestTime(inferer) => inferer.inferer.windows_mut(),
            _ => None,
        }
    }
}

/// What is known of a run before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Windows that go through the network.
    pub windows: usize,
    /// Size of the largest of them, as the volume's axes run.
    pub window: [usize; 3],
    /// How many go through at a time.
    pub batch: usize,
    /// Volumes of the output's channels, and of the image's, that are in memory at a time.
    pub outputs: usize,
    pub images: usize,
}

impl Inferer {
    /// Of a run over a volume of a size.
    pub(crate) fn extent(&self, size: [usize; 3], divisor: [usize; 3]) -> Extent {
        match self {
            Self::Simple(inferer) => inferer.windows().extent(size, divisor),
            Self::SlidingWindow(inferer) => inferer.extent(size, divisor),
            Self::Slice(inferer) => inferer.extent(size, divisor),
            Self::Slices(inferer) => inferer.extent(size, divisor),
            Self::Patches(inferer) => inferer.extent(size, divisor),
            Self::MultiScale(inferer) => inferer.extent(size, divisor),
            Self::TestTime(inferer) => inferer.extent(size, divisor),
            // The memory of a user-defined inferer is unknown: at least the volume and its output.
            Self::Custom(_) => Extent {
                windows: 1,
                window: size,
                batch: 1,
                outputs: 2,
                images: 1,
            },
        }
    }
}

/// Adds a volume's values to those of another; the first one stays as it is.
pub(crate) fn add_to(sum: &mut Option<Volume<f32>>, output: Volume<f32>) {
    match sum {
        None => *sum = Some(output),
        Some(sum) => {
            let pairs = sum.data_mut().iter_mut().zip(output.data());
            pairs.for_each(|(sum, value)| *sum += value);
        }
    }
}

/// The sum of so many volumes as their mean.
pub(crate) fn mean_of(sum: Option<Volume<f32>>, count: usize) -> Result<Volume<f32>> {
    let mut sum = sum.ok_or(crate::Error::BadValue {
        key: "inferer",
        found: "nothing to average".to_owned(),
        expected: "at least one axis, scale or view",
    })?;
    let share = 1.0 / count as f32;
    sum.data_mut().iter_mut().for_each(|value| *value *= share);
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_and_read() {
        for text in [
            "simple: {}",
            "sliding_window: {patch_size: [8, 8, 8]}",
            "slice: {axis: x}",
            "slices: {axes: [x, z], patch_size: [-1, 16, -1]}",
            "patches: {patch_size: [8, 8, 8], overlap: 0.5, merger: maximum}",
            "multi_scale: {scales: [0.5, 1], inferer: {sliding_window: {}}}",
            "test_time: {views: [[flip: {axes: [x], probability: 1}]], inferer: {simple: {}}}",
        ] {
            let inferer: Inferer = serde_saphyr::from_str(text).unwrap();
            inferer.check().unwrap();
            let again = serde_saphyr::to_string(&inferer).unwrap();
            assert_eq!(serde_saphyr::from_str::<Inferer>(&again).unwrap(), inferer);
        }
        for (text, key) in [
            ("slices: {axes: []}", "slices.axes"),
            ("slices: {axes: [x, x]}", "slices.axes"),
            ("patches: {patch_size: [8, 0, 8]}", "patches.patch_size"),
            ("patches: {overlap: 1}", "patches.overlap"),
            ("multi_scale: {scales: []}", "multi_scale.scales"),
            ("multi_scale: {scales: [0]}", "multi_scale.scales"),
            (
                "multi_scale: {inferer: {slice: {batch_size: 0}}}",
                "batch_size",
            ),
            ("test_time: {views: []}", "test_time.views"),
            ("test_time: {draws: 0, views: [[blur]]}", "test_time.draws"),
            ("test_time: {views: [[remap]]}", "remap"),
        ] {
            // Patches and windows are checked while they are read, the others by `check`.
            let message = match serde_saphyr::from_str::<Inferer>(text) {
                Ok(inferer) => inferer.check().unwrap_err().to_string(),
                Err(error) => error.to_string(),
            };
            assert!(message.contains(key), "{text}: {message}");
        }
    }
}
