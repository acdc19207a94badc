//! A volume through a network under several transforms, each undone on the output, and averaged: test-time
//! augmentation beyond flips.

use crate::inferer::{Extent, Pass};
use crate::{Error, Inferer, PatchNetwork, Result};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vesalius_transforms::{Chain, Trace};
use vesalius_volume::{Subject, Volume};

/// Runs another inferer over views of the volume, brings each output back to the volume's grid by the inverse of its
/// view, and averages: the mean of MONAI's `TestTimeAugmentation`.
///
/// A view is a chain of transforms. Moves of voxels are undone on the output, in one interpolation;
/// changes of intensity need no undoing. Where a view does not show a part of the volume (a turned corner,
/// a crop), it does not count there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TestTime {
    /// The chains, each a view.
    pub views: Vec<Chain>,
    /// How often a random chain is drawn.
    pub draws: u64,
    /// Whether the unchanged volume is a view too.
    pub original: bool,
    /// The seed of random chains.
    pub seed: u64,
    /// The inferer of each view.
    pub inferer: Box<Inferer>,
}

impl Default for TestTime {
    fn default() -> Self {
        Self {
            views: Vec::new(),
            draws: 1,
            original: true,
            seed: 0,
            inferer: Box::default(),
        }
    }
}

/// Transforms that change which channels there are, need labels, or cut patches of a size of their own.
const UNFIT: [&str; 9] = [
    "remap",
    "merge_regions",
    "drop_small",
    "boundary_weights",
    "select_channels",
    "channel_arithmetic",
    "patch",
    "grid_patch",
    "weighted_patch",
];

/// More draws of a view than this are a mistake.
const MOST_DRAWS: u64 = 10_000;

/// A voxel of which less than this was seen, all views together, was not seen.
const UNSEEN: f32 = 1e-3;

impl TestTime {
    /// Checks that the values are valid.
    ///
    /// # Errors
    /// [`Error::BadValue`], which names the key; a transform's.
    pub fn check(&self) -> Result<()> {
        let bad = |key, found, expected| Err(Error::bad_value(key, found, expected));
        if self.views.is_empty() {
            let expected =
                "at least one chain of transforms, such as `- [flip: {axes: [x], probability: 1}]`";
            return bad("test_time.views", "empty".to_owned(), expected);
        }
        if !(1..=MOST_DRAWS).contains(&self.draws) {
            return bad("test_time.draws", self.draws.to_string(), "from 1 to 10000");
        }
        for chain in &self.views {
            chain.check()?;
            if let Some(unfit) = chain.0.iter().find(|t| UNFIT.contains(&t.name())) {
                let expected = "transforms that move voxels or change intensities";
                return bad("test_time.views", format!("`{}`", unfit.name()), expected);
            }
        }
        self.inferer.check()
    }

    /// The network's mean output on the volume's own grid.
    ///
    /// # Errors
    /// What the inferer within or a transform gives.
    pub fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        Inferer::TestTime(self.clone()).run(image, network, device)
    }

    /// As [`TestTime::run`], for a pass.
    pub(crate) fn pass(&self, image: &Volume<f32>, pass: &Pass) -> Result<Volume<f32>> {
        self.check()?;
        let (size, divisor) = (image.geometry().size(), pass.network.divisor());
        let each = self.inferer.extent(size, divisor).windows;
        let mut views = Views::default();
        let mut done = pass.windows.done();
        if self.original {
            views.add(self.inferer.pass(image, pass)?, None)?;
            done += each;
            pass.windows.reach(done);
        }
        for (number, chain) in self.views.iter().enumerate() {
            for draw in 0..self.draws_of(chain) {
                let subject = Subject::new("view", image.clone(), None)?;
                let (subject, trace) = chain.trace(subject, self.seed, draw)?;
                let (_, view, _) = subject.into_parts();
                if view.channels() != image.channels() {
                    return Err(Error::BadValue {
                        key: "test_time.views",
                        found: format!(
                            "a chain that makes {}",
                            vesalius_volume::counted(view.channels(), "channel")
                        ),
                        expected: "chains that keep the image's channels",
                    });
                }
                let output = self.inferer.pass(&view, pass);
                let name = || format!("view {} of `test_time`, draw {draw}", number + 1);
                let output = output.map_err(|e| e.of_pass(name))?;
                views.add(output, Some(&trace))?;
                done += each;
                pass.windows.reach(done);
            }
        }
        views.mean()
    }

    /// What is known of a run before it starts; windows as if every view had the volume's size.
    pub(crate) fn extent(&self, size: [usize; 3], divisor: [usize; 3]) -> Extent {
        let each = self.inferer.extent(size, divisor);
        Extent {
            windows: each.windows.saturating_mul(self.count()),
            // The sum, and an output while it is inverted.
            outputs: each.outputs + 2,
            // The view, and how often each voxel was seen.
            images: each.images + 3,
            ..each
        }
    }

    fn draws_of(&self, chain: &Chain) -> u64 {
        if chain.is_random() { self.draws } else { 1 }
    }

    fn count(&self) -> usize {
        let drawn: u64 = self.views.iter().map(|chain| self.draws_of(chain)).sum();
        drawn as usize + usize::from(self.original)
    }
}

/// Outputs of views, added where the view covers the volume.
#[derive(Default)]
struct Views {
    sum: Option<Volume<f32>>,
    /// How much of each voxel was seen, all views together.
    seen: Vec<f32>,
}

impl Views {
    /// Adds an output of a view that a chain made, or of the volume itself.
    fn add(&mut self, output: Volume<f32>, trace: Option<&Trace>) -> Result<()> {
        let (output, seen) = match trace {
            None => (output, None),
            Some(trace) => {
                let all = vec![1.0; trace.to.voxel_count()];
                let all = Volume::new(trace.to, 1, all)?;
                let seen = trace.invert_image(&all)?.into_data();
                (trace.invert_image(&output)?, Some(seen))
            }
        };
        self.seen.resize(output.geometry().voxel_count(), 0.0);
        match seen {
            None => self.seen.iter_mut().for_each(|sum| *sum += 1.0),
            Some(seen) => {
                let pairs = self.seen.iter_mut().zip(seen);
                pairs.for_each(|(sum, seen)| *sum += seen);
            }
        }
        crate::inferer::add_to(&mut self.sum, output);
        Ok(())
    }

    fn mean(self) -> Result<Volume<f32>> {
        let mut mean = crate::inferer::mean_of(self.sum, 1)?;
        let voxels = self.seen.len().max(1);
        for channel in mean.data_mut().chunks_exact_mut(voxels) {
            for (value, &seen) in channel.iter_mut().zip(&self.seen) {
                *value = if seen > UNSEEN { *value / seen } else { 0.0 };
            }
        }
        Ok(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tensor;
    use vesalius_volume::Geometry;

    fn inferer(views: &str) -> TestTime {
        serde_saphyr::from_str(&format!("{{views: {views}, inferer: {{simple: {{}}}}}}")).unwrap()
    }

    /// A network that does not depend on directions gives the same under every view.
    #[test]
    fn views_are_undone_where_they_saw_something() {
        let grid = Geometry::axis_aligned([14, 12, 10], [1.0, 1.5, 2.0]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| (x * 3 + y * 5 + z * 7) as f32);
        let network = |patch: Tensor<5>| patch * 2.0 + 1.0;
        let device = Device::flex();
        let expected: Vec<f32> = image.data().iter().map(|v| v * 2.0 + 1.0).collect();
        let exact =
            inferer("[[flip: {axes: [x, z], probability: 1}], [crop_centre: {size: [6, 6, 6]}]]");
        let output = exact.run(&image, &network, &device).unwrap();
        assert_eq!(output.geometry(), &grid);
        let pairs = output.data().iter().zip(&expected);
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3));
        // What a view did not see does not count, so that nothing fades towards the corners.
        let turned = inferer(
            "[[affine: {rotate: [0, 0, 30], probability: 1}], [crop_centre: {size: [5, 5, 5]}]]",
        );
        let constant = |patch: Tensor<5>| patch * 0.0 + 7.0;
        let output = turned.run(&image, &constant, &device).unwrap();
        assert!(output.data().iter().all(|v| (v - 7.0).abs() < 1e-4));
    }

    #[test]
    fn draws_differ_and_come_again() {
        let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| (x * 3 + y * 5 + z * 7) as f32);
        let network = |patch: Tensor<5>| patch;
        let run = |seed: u64, draws: u64| {
            let inferer = TestTime {
                seed,
                draws,
                original: false,
                ..inferer("[[gaussian_noise: {deviation: 1, probability: 1}]]")
            };
            inferer.run(&image, &network, &Device::flex()).unwrap()
        };
        assert_eq!(run(1, 2), run(1, 2));
        assert_ne!(run(1, 2), run(2, 2));
        assert_ne!(run(1, 1), run(1, 2));
    }
}
