//! Overlapping windows through a network, blended into one output, as MONAI's `SlidingWindowInferer`.

use crate::{Blending, Error, PatchNetwork, Result, window_starts, window_weights};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use vesalius_filters::{PadMode, crop_or_pad};
use vesalius_tensor::values_of;
use vesalius_volume::Volume;

/// Runs a network window by window; peak memory is the stitched output and one batch of windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlidingWindow {
    /// Size of a window `[x, y, z]` in voxels; -1 is the whole of an axis.
    pub patch_size: [i64; 3],
    /// Share of a window that its neighbour covers too, 0 to below 1.
    pub overlap: f64,
    /// How overlapping windows are blended.
    pub blending: Blending,
    /// How many windows go through the network at a time.
    pub batch_size: usize,
}

impl Default for SlidingWindow {
    fn default() -> Self {
        Self {
            patch_size: [96; 3],
            overlap: 0.5,
            blending: Blending::Gaussian,
            batch_size: 1,
        }
    }
}

impl SlidingWindow {
    /// Nothing when the values make sense.
    ///
    /// # Errors
    /// [`Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        let bad = |key, found: String, expected| {
            Err(Error::BadValue {
                key,
                found,
                expected,
            })
        };
        if self.patch_size.iter().any(|&n| n == 0 || n < -1) {
            let found = format!("{:?}", self.patch_size);
            return bad(
                "patch_size",
                found,
                "positive numbers of voxels, or -1 for the whole axis",
            );
        }
        if !(0.0..1.0).contains(&self.overlap) {
            return bad(
                "overlap",
                self.overlap.to_string(),
                "a number from 0 to below 1",
            );
        }
        if self.batch_size == 0 {
            return bad("batch_size", "0".to_owned(), "at least 1");
        }
        Ok(())
    }

    /// The network's output over the whole volume, on the volume's own grid. A volume smaller than a
    /// window is padded with zeros on both sides and the output cropped.
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
        self.check()?;
        let size = image.geometry().size();
        if image.geometry().voxel_count() == 0 {
            return Err(Error::EmptyVolume { size });
        }
        let window = self.window_for(size, network.divisor());
        let padded_size: [usize; 3] = std::array::from_fn(|i| size[i].max(window[i]));
        let low: [i64; 3] = std::array::from_fn(|i| ((padded_size[i] - size[i]) / 2) as i64);
        let padded;
        let source = if padded_size == size {
            image
        } else {
            padded = crop_or_pad(image, low.map(|v| -v), padded_size, PadMode::Constant(0.0))?;
            &padded
        };
        let stitched = self.stitch(source, window, network, device)?;
        if padded_size == size {
            return Ok(stitched);
        }
        let cropped = crop_or_pad(&stitched, low, size, PadMode::Constant(0.0))?;
        Ok(cropped.with_geometry(*image.geometry())?)
    }

    /// The window for a volume of this size, a multiple of what the network can halve.
    fn window_for(&self, size: [usize; 3], divisor: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|i| {
            let wanted = usize::try_from(self.patch_size[i]).unwrap_or(size[i]);
            wanted.next_multiple_of(divisor[i].max(1))
        })
    }

    fn stitch(
        &self,
        image: &Volume<f32>,
        window: [usize; 3],
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        let size = image.geometry().size();
        let starts: [Vec<usize>; 3] =
            std::array::from_fn(|i| window_starts(size[i], window[i], self.overlap));
        let mut windows = Vec::new();
        for &z in &starts[2] {
            for &y in &starts[1] {
                windows.extend(starts[0].iter().map(|&x| [x, y, z]));
            }
        }
        let weights = window_weights(window, self.blending);
        let mut total = vec![0.0f32; image.geometry().voxel_count()];
        windows
            .iter()
            .for_each(|&start| add_rows(&mut total, size, start, window, |row| &weights[row]));

        let mut output: Option<Volume<f32>> = None;
        for batch in windows.chunks(self.batch_size) {
            let result = run_batch(image, batch, window, network, device)?;
            let [_, channels, ..] = result.shape;
            let output = match &mut output {
                Some(output) => output,
                None => {
                    let zeros = vec![0.0; channels * total.len()];
                    output.insert(Volume::new(*image.geometry(), channels, zeros)?)
                }
            };
            result.blend_into(output, batch, window, &weights);
        }
        // A grid has at least one voxel here, so it has at least one window.
        let mut output = output.ok_or(Error::EmptyVolume { size })?;
        for channel in 0..output.channels() {
            output
                .channel_mut(channel)
                .iter_mut()
                .zip(&total)
                .for_each(|(v, w)| *v /= w);
        }
        Ok(output)
    }
}

/// The values of one batch of windows, `[N, K, Z, Y, X]`.
struct BatchResult {
    shape: [usize; 5],
    values: Vec<f32>,
}

fn run_batch(
    image: &Volume<f32>,
    batch: &[[usize; 3]],
    window: [usize; 3],
    network: &dyn PatchNetwork,
    device: &Device,
) -> Result<BatchResult> {
    let [x, y, z] = window;
    let shape = [batch.len(), image.channels(), z, y, x];
    let mut values = Vec::with_capacity(shape.iter().product());
    for &start in batch {
        (0..image.channels()).for_each(|c| {
            for_rows(image.geometry().size(), start, window, |row| {
                values.extend_from_slice(&image.channel(c)[row])
            });
        });
    }
    let output = network.forward(Tensor::from_data(TensorData::new(values, shape), device));
    let found = output.dims();
    if found[0] != shape[0] || found[2..] != shape[2..] {
        return Err(Error::OutputSize {
            input: shape,
            output: found,
        });
    }
    let values = values_of(output)?;
    Ok(BatchResult {
        shape: found,
        values,
    })
}

impl BatchResult {
    fn blend_into(
        &self,
        output: &mut Volume<f32>,
        batch: &[[usize; 3]],
        window: [usize; 3],
        weights: &[f32],
    ) {
        let size = output.geometry().size();
        let [_, channels, ..] = self.shape;
        let mut patches = self.values.chunks_exact(weights.len());
        for &start in batch {
            for channel in 0..channels {
                let Some(patch) = patches.next() else { return };
                let target = output.channel_mut(channel);
                let mut at = 0;
                for_rows(size, start, window, |row| {
                    let next = at + row.len();
                    let weighted = patch[at..next]
                        .iter()
                        .zip(&weights[at..next])
                        .map(|(v, w)| v * w);
                    target[row]
                        .iter_mut()
                        .zip(weighted)
                        .for_each(|(sum, v)| *sum += v);
                    at = next;
                });
            }
        }
    }
}

fn add_rows<'a>(
    total: &mut [f32],
    size: [usize; 3],
    start: [usize; 3],
    window: [usize; 3],
    values: impl Fn(std::ops::Range<usize>) -> &'a [f32],
) {
    let mut at = 0;
    for_rows(size, start, window, |row| {
        let next = at + row.len();
        total[row]
            .iter_mut()
            .zip(values(at..next))
            .for_each(|(sum, v)| *sum += v);
        at = next;
    });
}

/// Calls `visit` with the offsets of each row (along x) of a window, in the window's memory order.
fn for_rows(
    size: [usize; 3],
    start: [usize; 3],
    window: [usize; 3],
    mut visit: impl FnMut(std::ops::Range<usize>),
) {
    for z in start[2]..start[2] + window[2] {
        for y in start[1]..start[1] + window[1] {
            let first = (z * size[1] + y) * size[0] + start[0];
            visit(first..first + window[0]);
        }
    }
}
