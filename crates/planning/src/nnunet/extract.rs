//! The fingerprint of a dataset, equal to nnU-Net 2.8.1's: its crop, its draws, its arithmetic.

use super::{Fingerprint, IntensityProperties, Ordered};
use crate::numpy::{RandomState, Summand, mean, median, percentiles, standard_deviation};
use crate::{Datalist, Error, LoadedCase, Result};
use rayon::prelude::*;
use vesalius_filters::bounding_box;

/// Voxels that are drawn from all cases together.
const DRAWN: usize = 100_000_000;
/// nnU-Net's seed for each case.
const SEED: u32 = 1234;

/// What a fingerprint takes from one case.
pub(crate) struct CaseFingerprint {
    size: [usize; 3],
    spacing: [f64; 3],
    relative_size: f64,
    /// How many voxels are drawn of each channel; the same for all cases of a dataset.
    drawn: usize,
    /// Foreground intensities of each channel: all of them, or drawn where they are more than are drawn.
    foreground: Vec<Vec<f32>>,
    /// The generator whose next draws are the first channel's, unless they are done.
    random: Option<RandomState>,
}

impl CaseFingerprint {
    /// The fingerprint of one of `cases` cases.
    ///
    /// # Errors
    /// [`Error::Case`] when a voxel is NaN, as nnU-Net refuses it.
    pub fn of(name: &str, case: &LoadedCase, cases: usize) -> Result<Self> {
        let image = &case.image;
        if image.data().iter().any(|v| v.is_nan()) {
            return Err(Error::Case {
                case: name.to_owned(),
                reason: "a voxel of the image is NaN; repair the image".to_owned(),
            });
        }
        let whole = image.geometry().size();
        let bounds = bounding_box(image);
        let size = bounds.map_or(whole, |bounds| bounds.size);
        let voxels = |size: [usize; 3]| size.iter().product::<usize>() as f64;
        // Every labelled voxel counts that lies within the crop.
        let inside = |offset: usize| {
            bounds.is_none_or(|b| {
                let at = image.geometry().index(offset);
                (0..3).all(|axis| (b.start[axis]..b.end()[axis]).contains(&at[axis]))
            })
        };
        let labels = case.labels.data().iter().enumerate();
        let places: Vec<usize> = labels
            .filter(|&(offset, &label)| label > 0 && inside(offset))
            .map(|(offset, _)| offset)
            .collect();
        let mut foreground: Vec<Vec<f32>> = (0..image.channels())
            .map(|channel| {
                let values = image.channel(channel);
                places.iter().map(|&offset| values[offset]).collect()
            })
            .collect();
        let drawn = DRAWN / cases;
        let mut random = RandomState::new(SEED);
        let many = places.len() > drawn;
        if many {
            for values in &mut foreground {
                let mut chosen = vec![0.0; drawn];
                random.choose_into(values, &mut chosen);
                *values = chosen;
            }
        }
        Ok(Self {
            size: reversed(size),
            spacing: reversed(case.spacing),
            relative_size: voxels(size) / voxels(whole),
            drawn,
            foreground,
            random: (!many).then_some(random),
        })
    }
}

/// From `[x, y, z]` to the order of an array.
fn reversed<T: Copy>([x, y, z]: [T; 3]) -> [T; 3] {
    [z, y, x]
}

impl Fingerprint {
    /// Reads every case of a list, one per thread. Memory: one case per thread, then at most 400 MB per
    /// channel for the drawn intensities and 400 MB for the current channel.
    ///
    /// # Errors
    /// The first case, in the list's order, that cannot be used; [`Error::Plan`] when no case has a
    /// labelled voxel.
    pub fn extract(list: &Datalist) -> Result<Self> {
        let cases = list.cases.len();
        let looked: Vec<Result<CaseFingerprint>> = list
            .cases
            .par_iter()
            .map(|files| {
                let case = LoadedCase::read(files, list.channels.len())?;
                CaseFingerprint::of(&files.name, &case, cases)
            })
            .collect();
        Self::of(looked.into_iter().collect::<Result<_>>()?)
    }

    /// Combines the fingerprints of cases, in the list's order.
    ///
    /// # Errors
    /// [`Error::Plan`] when there is no case, or none has a labelled voxel.
    pub(crate) fn of(mut cases: Vec<CaseFingerprint>) -> Result<Self> {
        let channels = cases.first().map_or(0, |case| case.foreground.len());
        let empty = |case: &CaseFingerprint| case.foreground[0].is_empty();
        if channels == 0 || cases.iter().all(empty) {
            return Err(Error::Plan(
                "no case has a labelled voxel, so there is nothing to learn".to_owned(),
            ));
        }
        // NumPy joins an empty list as double precision, and then computes in it.
        let double = cases.iter().any(empty);
        let drawn = cases[0].drawn;
        let filled = cases.iter().filter(|case| !empty(case)).count();
        let mut pool = vec![0.0; drawn * filled];
        let properties = (0..channels).map(|channel| {
            pool.par_chunks_mut(drawn)
                .zip(
                    cases
                        .par_iter_mut()
                        .filter(|case| !case.foreground[channel].is_empty())
                        .collect::<Vec<_>>(),
                )
                .for_each(|(out, case)| {
                    let values = std::mem::take(&mut case.foreground[channel]);
                    match &mut case.random {
                        Some(random) => random.choose_into(&values, out),
                        None => out.copy_from_slice(&values),
                    }
                });
            let properties = match double {
                true => statistics::<f64>(&pool),
                false => statistics::<f32>(&pool),
            };
            (channel.to_string(), properties)
        });
        let foreground_intensity_properties_per_channel: Ordered<_> = properties.collect();
        let relative: Vec<f64> = cases.iter().map(|case| case.relative_size).collect();
        Ok(Self {
            foreground_intensity_properties_per_channel,
            median_relative_size_after_cropping: median(&relative),
            shapes_after_crop: cases.iter().map(|case| case.size).collect(),
            spacings: cases.iter().map(|case| case.spacing).collect(),
        })
    }
}

fn statistics<T: Summand>(values: &[f32]) -> IntensityProperties {
    let average: T = mean(values);
    let ([low, middle, high], min, max) = percentiles::<T, 3>(values, [0.5, 50.0, 99.5]);
    IntensityProperties {
        max: f64::from(max),
        mean: average.double(),
        median: middle,
        min: f64::from(min),
        percentile_00_5: low,
        percentile_99_5: high,
        std: standard_deviation(values, average).double(),
    }
}
