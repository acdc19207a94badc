//! DICOM segmentations: which segments there are, and the one grid that all their frames lie on. Frames without a voxel
//! are usually left out of such a file, so that the distance between slices is not that between frames.

use super::file::DicomFile;
use super::frame::Frame;
use super::gaps::{check_lean, single};
use super::stack::{dot, grid, normal, placed};
use super::{DicomOptions, SliceProblem, Tilt, tags};
use crate::{Error, LabelName, Result, VoxelType};
use vesalius_volume::{Geometry, Warning, label_colour};

/// Frames whose heights differ by less lie in one slice, mm.
const SAME_HEIGHT: f64 = 1e-4;
/// How far from a slice a frame may lie, in slices.
const OFF_SLICE: f64 = 0.02;

/// What the voxels of a segmentation say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// A frame shows one segment: 1 within it.
    Binary,
    /// A frame shows one segment: its share of this number.
    Fractional { maximum: f64 },
    /// A frame shows all segments by their numbers.
    LabelMap,
}

/// The segments of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segmentation {
    pub kind: Kind,
    pub segments: Vec<LabelName>,
}

/// The grid of a segmentation, and on which slice each frame lies.
#[derive(Debug, Clone)]
pub(super) struct SegmentGrid {
    pub kind: Kind,
    pub geometry: Geometry,
    pub slices: Vec<usize>,
}

/// The segments of a file; `None` for one that has none.
///
/// # Errors
/// A type of segmentation that is not known, a maximum that is no positive number.
pub(super) fn read(file: &DicomFile) -> Result<Option<Segmentation>> {
    let items = file.set.items(tags::SEGMENTS);
    if items.is_empty() {
        return Ok(None);
    }
    let stated = file
        .text(&file.set, tags::SEGMENTATION_TYPE)
        .unwrap_or_default();
    let kind = match stated.as_str() {
        "BINARY" => Kind::Binary,
        "LABELMAP" => Kind::LabelMap,
        "FRACTIONAL" => match file.u16(&file.set, tags::MAXIMUM_FRACTION) {
            None | Some(0) => {
                let expected = "1 to 255, which fractions are divided by";
                let name = "MaximumFractionalValue";
                return Err(Error::header(&file.path, name, "0 or missing", expected));
            }
            Some(maximum) => Kind::Fractional {
                maximum: maximum.into(),
            },
        },
        other => {
            let expected = "BINARY, FRACTIONAL or LABELMAP";
            let found = other.to_owned();
            return Err(Error::header(
                &file.path,
                "SegmentationType",
                found,
                expected,
            ));
        }
    };
    let segments = items.iter().filter_map(|item| {
        let value = u32::from(file.u16(item, tags::SEGMENT_NUMBER)?);
        let lab = item.bytes(file.raw(), tags::SEGMENT_COLOUR);
        let lab = lab.map(|bytes| file.words(bytes).collect::<Vec<u16>>());
        let color = lab.and_then(|lab| Some(rgb(lab.try_into().ok()?)));
        Some(LabelName {
            value,
            name: file.text(item, tags::SEGMENT_LABEL).unwrap_or_default(),
            color: color.unwrap_or_else(|| label_colour(value)),
            layer: 0,
        })
    });
    Ok(Some(Segmentation {
        kind,
        segments: segments.collect(),
    }))
}

/// DICOM's scaled CIELab values (PS3.3 C.10.7.1.1, white point D65 as dcmqi and highdicom write it) as sRGB.
fn rgb([l, a, b]: [u16; 3]) -> [u8; 3] {
    let scaled = |value: u16, range: f64| f64::from(value) * range / 65535.0;
    let (l, a, b) = (
        scaled(l, 100.0),
        scaled(a, 255.0) - 128.0,
        scaled(b, 255.0) - 128.0,
    );
    let y = (l + 16.0) / 116.0;
    let expand = |t: f64| match t > 6.0 / 29.0 {
        true => t.powi(3),
        false => 3.0 * (6.0f64 / 29.0).powi(2) * (t - 4.0 / 29.0),
    };
    let [x, y, z] = [
        0.950_47 * expand(y + a / 500.0),
        expand(y),
        1.088_83 * expand(y - b / 200.0),
    ];
    let linear = [
        3.240_454_2 * x - 1.537_138_5 * y - 0.498_531_4 * z,
        -0.969_266 * x + 1.876_010_8 * y + 0.041_556 * z,
        0.055_643_4 * x - 0.204_025_9 * y + 1.057_225_2 * z,
    ];
    linear.map(|v| {
        let v = match v > 0.003_130_8 {
            true => 1.055 * v.powf(1.0 / 2.4) - 0.055,
            false => 12.92 * v,
        };
        (v.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

impl Segmentation {
    /// The smallest type that holds its values.
    pub fn voxel_type(&self, bits_allocated: u16) -> VoxelType {
        let highest = self.segments.iter().map(|s| s.value).max().unwrap_or(0);
        match self.kind {
            Kind::Fractional { .. } => VoxelType::F32,
            Kind::Binary if highest > u8::MAX.into() => VoxelType::U16,
            Kind::LabelMap if bits_allocated > 8 => VoxelType::U16,
            Kind::Binary | Kind::LabelMap => VoxelType::U8,
        }
    }

    /// The number of the segment that a frame shows.
    pub fn shown(frame: &Frame) -> Option<u32> {
        frame.segment
    }

    /// Refuses frames that show no segment, or one that the file does not list.
    ///
    /// # Errors
    /// The first such frame.
    pub fn check(&self, file: &DicomFile, frames: &[Frame]) -> Result<()> {
        if self.kind == Kind::LabelMap {
            return Ok(());
        }
        let listed = |number: u32| self.segments.iter().any(|s| s.value == number);
        let wrong = frames.iter().find(|f| !Self::shown(f).is_some_and(listed));
        let Some(frame) = wrong else { return Ok(()) };
        let numbers: Vec<String> = self.segments.iter().map(|s| s.value.to_string()).collect();
        Err(Error::header(
            &file.path,
            format!("ReferencedSegmentNumber of frame {}", frame.index + 1),
            Self::shown(frame).map_or("missing".to_owned(), |number| number.to_string()),
            format!("a segment of SegmentSequence ({})", numbers.join(", ")),
        ))
    }
}

/// The grid that all frames lie on, from the lowest to the highest. Its step is SpacingBetweenSlices where the frames lie
/// on multiples of it, else the smallest distance between two of them.
pub(super) fn on_one_grid(
    frames: &[Frame],
    plane: [usize; 2],
    kind: Kind,
    options: DicomOptions,
) -> std::result::Result<(SegmentGrid, Vec<Warning>), SliceProblem> {
    let parts = frames.iter().map(placed);
    let parts: Vec<_> = parts.collect::<std::result::Result<_, _>>()?;
    let (_, orientation, spacing) = parts[0];
    let up = normal(&orientation);
    let heights: Vec<f64> = parts.iter().map(|part| dot(part.0, up)).collect();
    let mut order: Vec<usize> = (0..frames.len()).collect();
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
    let [first, last] = [order[0], order[order.len() - 1]].map(|i| parts[i].0);
    let lowest = heights[order[0]];
    let above = |i: usize| heights[i] - lowest;
    let gaps = order
        .windows(2)
        .map(|pair| heights[pair[1]] - heights[pair[0]])
        .filter(|gap| *gap > SAME_HEIGHT);
    let (smallest, largest) = gaps.fold((f64::INFINITY, 0f64), |(low, high), gap| {
        (low.min(gap), high.max(gap))
    });
    let mut warnings = Vec::new();
    let step = if largest == 0.0 {
        let (thickness, told) = single(&frames[0], None)?;
        warnings.extend(told);
        thickness
    } else {
        let declared = frames[0].spacing_between.filter(|step| *step > SAME_HEIGHT);
        let whole = |step: f64| {
            (0..frames.len())
                .all(|i| (above(i) / step - (above(i) / step).round()).abs() < OFF_SLICE)
        };
        // Labels are not to be mixed, so that a segmentation's slices cannot be moved within their planes.
        let options = match options.tilt {
            Tilt::Untilt => DicomOptions::default(),
            _ => options,
        };
        warnings.extend(check_lean(first, last, up, &spacing, options)?);
        let steps = [declared, Some(smallest)].into_iter().flatten();
        let step = steps.into_iter().find(|&step| whole(step));
        step.ok_or(SliceProblem::VariableGap { smallest, largest })?
    };
    let slices: Vec<usize> = (0..frames.len())
        .map(|i| (above(i) / step).round() as usize)
        .collect();
    let depth = slices.iter().max().map_or(1, |last| last + 1);
    check_copies(frames, &slices)?;
    let along = match depth {
        1 => up.map(|v| v * step),
        _ => std::array::from_fn(|i| (last[i] - first[i]) / (depth - 1) as f64),
    };
    let size = [plane[0], plane[1], depth];
    let grid = SegmentGrid {
        kind,
        geometry: grid(size, &orientation, spacing, along, first)?,
        slices,
    };
    Ok((grid, warnings))
}

/// Refuses two frames of one segment at one place.
fn check_copies(frames: &[Frame], slices: &[usize]) -> std::result::Result<(), SliceProblem> {
    let mut places: Vec<(Option<u32>, usize)> = frames
        .iter()
        .map(Segmentation::shown)
        .zip(slices.iter().copied())
        .collect();
    places.sort_unstable();
    match places.windows(2).filter(|pair| pair[0] == pair[1]).count() {
        0 => Ok(()),
        count => Err(SliceProblem::Duplicates { count }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_that_were_written() {
        // dcmqi and highdicom write this for 168, 97, 76.
        assert_eq!(rgb([31952, 39734, 39158]), [168, 97, 76]);
        assert_eq!(rgb([0, 32896, 32896]), [0, 0, 0]);
        assert_eq!(rgb([65535, 32896, 32896]), [255, 255, 255]);
    }
}
