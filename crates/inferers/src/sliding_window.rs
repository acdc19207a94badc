//! Overlapping windows through a network, blended into one output, as MONAI's `SlidingWindowInferer` or nnU-Net's
//! predictor; slice by slice, so that the whole output need not be in memory.

use crate::batch::Batches;
use crate::checked::checked_serde;
use crate::inferer::{Extent, Pass};
use crate::rows::ImageRows;
use crate::stitch::{OutputSlice, Stitcher};
use crate::window::SIGMA_SHARE;
use crate::windows::{Start, WindowGrid, check_batch};
use crate::{Blending, Error, Inferer, PatchNetwork, Result, WindowOutside, WindowRule};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use vesalius_tensor::zeros;
use vesalius_volume::Volume;

/// Runs a network window by window; peak memory is the stitched output and one batch of windows. One that
/// [`SlidingWindow::check`] refuses is not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct SlidingWindow {
    /// Size of a window `[x, y, z]` in voxels; -1 is the whole of an axis.
    pub patch_size: [i64; 3],
    /// Share of a window that its neighbour covers too, 0 to below 1.
    pub overlap: f64,
    /// How overlapping windows are blended.
    pub blending: Blending,
    /// How many windows go through the network at a time.
    pub batch_size: usize,
    /// The rule by which windows are placed and weighed.
    #[serde(skip_serializing_if = "is_default")]
    pub rule: WindowRule,
    /// Windows that are skipped; they become background.
    #[serde(skip_serializing_if = "is_default")]
    pub skip: Option<SkipWindows>,
    /// The overlap along each axis `[x, y, z]`, in place of `overlap`.
    #[serde(skip_serializing_if = "is_default")]
    pub axis_overlap: Option<[f64; 3]>,
    /// σ of [`Blending::Gaussian`] as a share of the window along `[x, y, z]`; none means an eighth. nnU-Net's rule has its own.
    #[serde(skip_serializing_if = "is_default")]
    pub sigma: Option<[f64; 3]>,
    /// What a window sees beyond an image that is smaller than it.
    #[serde(skip_serializing_if = "is_default")]
    pub outside: WindowOutside,
    /// Whether windows grow to sizes that the network can divide; otherwise they are as given, as MONAI's, and the network
    /// refuses those that it cannot take.
    #[serde(skip_serializing_if = "is_true")]
    pub grow: bool,
}

fn is_true(value: &bool) -> bool {
    *value
}

/// Windows that hold nothing: no voxel of a channel, after preprocessing, above a value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkipWindows {
    /// The channel looked at.
    #[serde(default)]
    pub channel: usize,
    /// Windows without a value above this are skipped.
    pub at_most: f32,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

checked_serde!(SlidingWindow, check);

impl Default for SlidingWindow {
    fn default() -> Self {
        Self {
            patch_size: [96; 3],
            overlap: 0.5,
            blending: Blending::Gaussian,
            batch_size: 1,
            rule: WindowRule::Monai,
            skip: None,
            axis_overlap: None,
            sigma: None,
            outside: WindowOutside::default(),
            grow: true,
        }
    }
}

/// A run over some rows of an image.
pub(crate) struct WindowRun<'a> {
    pub image: &'a dyn ImageRows,
    pub pass: &'a Pass<'a>,
    /// The rows (along y) whose output is wanted.
    pub rows: Range<usize>,
    /// The output of a skipped window, one value a channel; `None` when none may be skipped.
    pub background: Option<Vec<f32>>,
}

impl SlidingWindow {
    /// Checks that the values are valid.
    ///
    /// # Errors
    /// [`Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        let bad = |key, found, expected| Err(Error::bad_value(key, found, expected));
        if self.patch_size.iter().any(|&n| n == 0 || n < -1) {
            let found = format!("{:?}", self.patch_size);
            return bad(
                "patch_size",
                found,
                "positive numbers of voxels, or -1 for the whole axis",
            );
        }
        let shares = self.axis_overlap.unwrap_or([self.overlap; 3]);
        let is_share = |share: &f64| (0.0..1.0).contains(share);
        if let Some(share) = shares.iter().chain([&self.overlap]).find(|s| !is_share(s)) {
            return bad("overlap", share.to_string(), "a number from 0 to below 1");
        }
        let is_width = |sigma: &f64| sigma.is_finite() && *sigma > 0.0;
        if let Some(sigma) = self.sigma.iter().flatten().find(|s| !is_width(s)) {
            return bad("sigma", sigma.to_string(), "shares of the window above 0");
        }
        if let WindowOutside::Value(value) = self.outside
            && !value.is_finite()
        {
            return bad("outside.value", value.to_string(), "a number");
        }
        if self.batch_size == 0 {
            return bad("batch_size", "0".to_owned(), "at least 1");
        }
        if self.skip.is_some_and(|skip| skip.at_most.is_nan()) {
            return bad("skip.at_most", "NaN".to_owned(), "a number");
        }
        Ok(())
    }

    /// The network's output over the whole volume, on the volume's own grid. A volume smaller than a
    /// window is padded on both sides, by `outside`, and the output cropped; the output of windows that
    /// are skipped is zero.
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
        Inferer::SlidingWindow(self.clone()).run(image, network, device)
    }

    /// As [`SlidingWindow::run`], for a pass.
    pub(crate) fn pass(&self, image: &Volume<f32>, pass: &Pass) -> Result<Volume<f32>> {
        let [x, y, z] = image.geometry().size();
        let plane = x * y;
        let run = WindowRun {
            image,
            pass,
            rows: 0..y,
            background: None,
        };
        let (mut output, mut channels) = (Vec::new(), 0);
        self.run_slices(&run, &mut |slice| {
            if output.is_empty() {
                channels = slice.values.len() / plane;
                output = zeros(channels * z * plane);
            }
            for (channel, values) in slice.values.chunks_exact(plane).enumerate() {
                let at = (channel * z + slice.z) * plane;
                output[at..at + plane].copy_from_slice(values);
            }
            Ok(())
        })?;
        Ok(Volume::new(*image.geometry(), channels, output)?)
    }

    /// Whether sums over windows are kept as 16-bit floats, as nnU-Net keeps them.
    pub(crate) fn keeps_halves(&self) -> bool {
        self.rule == WindowRule::Nnunet && self.blending == Blending::Gaussian
    }

    /// What is known of a run before it starts.
    pub(crate) fn extent(&self, size: [usize; 3], divisor: [usize; 3]) -> Extent {
        let grid = self.grid(size, divisor);
        Extent {
            windows: grid.count(),
            window: grid.window,
            batch: self.batch_size,
            // The output, and at most as much again of sums over windows.
            outputs: 2,
            images: 1,
        }
    }

    /// The windows over an image of a size.
    pub(crate) fn grid(&self, size: [usize; 3], divisor: [usize; 3]) -> WindowGrid {
        WindowGrid::new(self, size, divisor)
    }

    /// Slices that are in memory at a time.
    pub(crate) fn slots(&self, grid: &WindowGrid, rows: &Range<usize>) -> usize {
        self.slots_for(grid, &grid.list(rows))
    }

    fn slots_for(&self, grid: &WindowGrid, windows: &[Start]) -> usize {
        let span = |batch: &[Start]| match batch {
            [first, .., last] => (last[2] - first[2]) as usize,
            _ => 0,
        };
        let spans = windows.chunks(self.batch_size).map(span);
        (grid.window[2] + spans.max().unwrap_or(0)).min(grid.size[2])
    }

    /// Hands over the output slice by slice, in rising order, as soon as its windows are done.
    ///
    /// # Errors
    /// As [`SlidingWindow::run`]; what `consume` gives; [`Error::Cancelled`].
    pub(crate) fn run_slices(
        &self,
        run: &WindowRun,
        consume: &mut dyn FnMut(OutputSlice) -> Result<()>,
    ) -> Result<()> {
        self.check()?;
        let size = run.image.size();
        if size.contains(&0) {
            return Err(Error::EmptyVolume { size });
        }
        let pass = run.pass;
        let grid = self.grid(size, pass.network.divisor());
        let channels = run.image.channels();
        check_batch(&grid, channels, self.batch_size)?;
        pass.network.check_input(channels, grid.window)?;
        grid.check_outside()?;
        let sigma = self.sigma.unwrap_or([SIGMA_SHARE; 3]);
        let weights = self.rule.weights_of(grid.window, self.blending, sigma)?;
        let windows = self.worthwhile(&grid, run)?;
        // Those that are skipped are done.
        let skipped = grid.count_touching(&run.rows).saturating_sub(windows.len());
        pass.windows.advance(skipped);
        let slots = self.slots_for(&grid, &windows);
        let stitcher = |background: Vec<f32>| {
            let half = self.keeps_halves();
            Stitcher::new(&grid, &weights, run.rows.clone(), background, slots, half)
        };
        let mut stitched = run.background.clone().map(stitcher);
        let (mut done, mut spare) = (0, Vec::new());
        for batch in windows.chunks(self.batch_size) {
            pass.windows.between()?;
            let (channels, values) = forward(run, &grid, batch, std::mem::take(&mut spare))?;
            if let Some(background) = run.background.as_ref().filter(|b| b.len() != channels) {
                return Err(Error::OutputChannels {
                    found: channels,
                    expected: background.len(),
                });
            }
            let stitched = stitched.get_or_insert_with(|| stitcher(vec![0.0; channels]));
            stitched.add(batch, &values);
            spare = values;
            done += batch.len();
            pass.windows.advance(batch.len());
            let until = match windows.get(done) {
                Some(next) => next[2].max(0) as usize,
                None => size[2],
            };
            stitched.finish(until, &mut *consume)?;
        }
        pass.windows.tell();
        match stitched {
            // Where every window was skipped all is background.
            Some(mut stitched) => stitched.finish(size[2], consume),
            None => Err(Error::EmptyVolume { size }),
        }
    }

    /// The windows that go through the network.
    fn worthwhile(&self, grid: &WindowGrid, run: &WindowRun) -> Result<Vec<Start>> {
        let mut windows = grid.list(&run.rows);
        let Some(rule) = self.skip else {
            return Ok(windows);
        };
        if rule.channel >= run.image.channels() {
            return Err(Error::BadValue {
                key: "skip.channel",
                found: rule.channel.to_string(),
                expected: "the number of one of the image's channels, from 0",
            });
        }
        let first = windows.first().copied();
        let mut kept = Vec::with_capacity(windows.len());
        for start in windows {
            if grid.largest(run.image, rule.channel, start)? > rule.at_most {
                kept.push(start);
            }
        }
        windows = kept;
        if windows.is_empty() && run.background.is_none() {
            // The first window gives the number of channels.
            windows.extend(first);
        }
        Ok(windows)
    }
}

/// One batch through the network: its channels and its values, `[N, K, Z, Y, X]`. `spare` is the last one's.
fn forward(
    run: &WindowRun,
    grid: &WindowGrid,
    batch: &[Start],
    spare: Vec<f32>,
) -> Result<(usize, Vec<f32>)> {
    let batches = Batches {
        image: run.image,
        grid,
        pass: run.pass,
    };
    let input = batches.input_shape(batch.len());
    let fits = |output: [usize; 5]| match output[0] == input[0] && output[2..] == input[2..] {
        true => Ok(()),
        false => Err(Error::OutputSize { input, output }),
    };
    let output = batches.run(batch, spare, fits)?;
    Ok((output.shape[1], output.values))
}
