//! One case as in MONAI's `SegSummarizer`: oriented to RAS, one entry per channel and label.

use super::Intensity;
use crate::{LoadedCase, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vesalius_filters::{ComponentOptions, Connectivity, component_statistics, orient};
use vesalius_volume::{AxisCode, LabelMap, Orientation, Volume};

/// The orientation that MONAI brings every case to.
const RAS: Orientation = Orientation([axis(0), axis(1), axis(2)]);

const fn axis(world_axis: usize) -> AxisCode {
    AxisCode {
        world_axis,
        positive: true,
    }
}

/// What `datastats_by_case.yaml` has under `stats_by_cases`. Vectors are `[x, y, z]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CaseStatistics {
    /// The first image file.
    pub image_filepath: String,
    /// The label file.
    pub label_filepath: String,
    /// The grid and all intensities.
    pub image_stats: ImageStatistics,
    /// Intensities under any label.
    pub image_foreground_stats: ForegroundStatistics,
    /// Each label.
    pub label_stats: LabelStatistics,
}

/// The grid and the intensities of each channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImageStatistics {
    /// Size of each channel.
    pub shape: Vec<[i64; 3]>,
    /// Number of channels.
    pub channels: i64,
    /// Size of each channel without its empty margins; MONAI 1.6.1 leaves those along x.
    pub cropped_shape: Vec<[i64; 3]>,
    /// Spacing in mm.
    pub spacing: [f64; 3],
    /// Extent in mm.
    pub sizemm: [f64; 3],
    /// Intensities of each channel within that crop.
    pub intensity: Vec<Intensity>,
}

/// Intensities of each channel under any label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct ForegroundStatistics {
    pub intensity: Vec<Intensity>,
}

/// Every label value of a case, the background too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LabelStatistics {
    /// The values, rising.
    pub labels: Vec<u16>,
    /// Intensities of each channel under any label but 0.
    pub image_intensity: Vec<Intensity>,
    /// One entry per value.
    pub label: Vec<LabelEntry>,
}

/// One label value of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LabelEntry {
    /// Intensities of each channel under it.
    pub image_intensity: Vec<Intensity>,
    /// Size of the box around each connected component (26 neighbours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<[i64; 3]>>,
    /// Number of components.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ncomponents: Option<i64>,
    /// Its share of the voxels, from 0 to 1.
    pub foreground_percentage: f64,
}

/// Whether connected components are counted (MONAI's `do_ccp`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Components {
    /// They are.
    #[default]
    Counted,
    /// They are not, which takes less time.
    NotCounted,
}

impl CaseStatistics {
    /// Computes the statistics of a case.
    ///
    /// # Errors
    /// [`crate::Error::Filter`], which no readable case gives.
    pub fn of(case: &LoadedCase, files: [String; 2], components: Components) -> Result<Self> {
        let grid = case.image.geometry();
        if grid.orientation() == RAS {
            return Self::of_oriented(&case.image, &case.labels, case.spacing, files, components);
        }
        let (order, _) = grid.orientation().steps_to(&RAS);
        let (image, labels) = (orient(&case.image, RAS)?, orient(&case.labels, RAS)?);
        let spacing = order.map(|axis| case.spacing[axis]);
        Self::of_oriented(&image, &labels, spacing, files, components)
    }

    fn of_oriented(
        image: &Volume<f32>,
        labels: &LabelMap,
        spacing: [f64; 3],
        [image_filepath, label_filepath]: [String; 2],
        components: Components,
    ) -> Result<Self> {
        let size = image.geometry().size();
        let whole = |size: [usize; 3]| size.map(|n| n as i64);
        let channels = image.channels();
        let mut cropped_shape = vec![];
        let mut intensity = vec![];
        for channel in 0..channels {
            let (size, statistics) = cropped(image.channel(channel), size);
            cropped_shape.push(whole(size));
            intensity.push(statistics);
        }
        let values = by_label(image, labels);
        let foreground = (0..channels).map(|channel| {
            let labels = values.iter().filter(|(label, _)| **label > 0);
            let all: Vec<f32> = labels
                .flat_map(|(_, v)| v[channel].iter().copied())
                .collect();
            Intensity::of(&all)
        });
        let foreground: Vec<Intensity> = foreground.collect();
        Ok(Self {
            image_filepath,
            label_filepath,
            image_stats: ImageStatistics {
                shape: vec![whole(size); channels],
                channels: channels as i64,
                cropped_shape,
                spacing,
                sizemm: std::array::from_fn(|axis| size[axis] as f64 * spacing[axis]),
                intensity,
            },
            image_foreground_stats: ForegroundStatistics {
                intensity: foreground.clone(),
            },
            label_stats: LabelStatistics {
                labels: values.keys().copied().collect(),
                image_intensity: foreground,
                label: entries(labels, &values, components)?,
            },
        })
    }
}

/// The values of each channel under each label.
fn by_label(image: &Volume<f32>, labels: &LabelMap) -> BTreeMap<u16, Vec<Vec<f32>>> {
    let mut values: BTreeMap<u16, Vec<Vec<f32>>> = BTreeMap::new();
    for channel in 0..image.channels() {
        let voxels = image.channel(channel);
        let mut offset = 0;
        for run in labels.data().chunk_by(|a, b| a == b) {
            let of_label = values
                .entry(run[0])
                .or_insert_with(|| vec![vec![]; image.channels()]);
            of_label[channel].extend_from_slice(&voxels[offset..offset + run.len()]);
            offset += run.len();
        }
    }
    values
}

fn entries(
    labels: &LabelMap,
    values: &BTreeMap<u16, Vec<Vec<f32>>>,
    components: Components,
) -> Result<Vec<LabelEntry>> {
    let mut shapes: BTreeMap<u32, Vec<[i64; 3]>> = BTreeMap::new();
    if components == Components::Counted {
        let options = ComponentOptions {
            connectivity: Connectivity::Corners,
            by_label: true,
        };
        // The background has components too.
        let shifted = labels.map(|label| u32::from(label) + 1);
        for component in component_statistics(&shifted, &options)? {
            let size = component.bounds.size.map(|n| n as i64);
            shapes.entry(component.label - 1).or_default().push(size);
        }
    }
    let total = labels.data().len() as f32;
    let entries = values.iter().map(|(&label, channels)| {
        let shape = shapes.remove(&u32::from(label));
        let voxels = channels.first().map_or(0, Vec::len);
        LabelEntry {
            image_intensity: channels
                .iter()
                .map(|values| Intensity::of(values))
                .collect(),
            ncomponents: shape.as_ref().map(|shape| shape.len() as i64),
            shape,
            foreground_percentage: f64::from(voxels as f32 / total),
        }
    });
    Ok(entries.collect())
}

/// The size of a channel without the margins in y and z where nothing is positive, and its statistics.
/// MONAI's crop takes the first axis of a channel for channels, so x keeps its margins.
fn cropped(values: &[f32], [nx, ny, nz]: [usize; 3]) -> ([usize; 3], Intensity) {
    let (mut low, mut high) = ([usize::MAX; 2], [0; 2]);
    for (line, row) in values.chunks_exact(nx).enumerate() {
        if row.iter().any(|&v| v > 0.0) {
            for (axis, at) in [line % ny, line / ny].into_iter().enumerate() {
                low[axis] = low[axis].min(at);
                high[axis] = high[axis].max(at + 1);
            }
        }
    }
    if low[0] >= high[0] || (low, high) == ([0; 2], [ny, nz]) {
        return ([nx, ny, nz], Intensity::of(values));
    }
    let lines = (low[1]..high[1]).flat_map(|z| (low[0]..high[0]).map(move |y| z * ny + y));
    let inside: Vec<f32> = lines
        .flat_map(|line| values[line * nx..(line + 1) * nx].iter().copied())
        .collect();
    (
        [nx, high[0] - low[0], high[1] - low[1]],
        Intensity::of(&inside),
    )
}
