//! Cropping to the foreground: labels, or voxels above a threshold.

use super::{PadStep, Padding};
use crate::config::{bad, config, require};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_filters::{Bounds, bounding_box_where};
use vesalius_volume::{Geometry, Volume, limits};

/// The widest margin, in voxels and in millimetres.
const WIDEST: usize = 1_000_000_000;
/// The widest margin in voxels once millimetres are voxels; more than memory holds.
const FURTHEST: usize = 1 << 40;

config! {
    /// Crops to the box around the voxels above a threshold in any channel, or around the labels; a
    /// case without any is not cropped. MONAI's `CropForeground`, which by default (`allow_smaller=False`)
    /// pads where a margin reaches past the image, while this ends at its border; and which makes
    /// a case without foreground empty.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![0.0, 0.0, 9.0, 0.0, 0.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- crop_foreground: {above: 5, margin: [1, 0, 0]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [0.0, 9.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    CropForeground, "crop_foreground", {
        /// Voxels above this count.
        above: f32 = 0.0,
        /// Labelled voxels count instead of bright ones.
        labels: bool = false,
        /// Voxels to keep around the box on each side.
        margin: [usize; 3] = [0; 3],
        /// Millimetres to keep around the box on each side, in addition to `margin`: as many voxels as cover them.
        millimetres: [f64; 3] = [0.0; 3],
        /// The margin ends at the image's border; otherwise it is padded beyond.
        allow_smaller: bool = true,
        /// The box grows to multiples of these along `[x, y, z]`, the odd voxel at the end; it may reach past the image, which
        /// is padded then.
        divisible_by: [usize; 3] = [1; 3],
        /// The values of the padding.
        mode: Padding = Padding::Constant,
        /// The channels that are looked at; none means all.
        channels: Vec<usize> = Vec::new(),
    }
}

impl Configured for CropForeground {
    fn check(&self) -> Result<()> {
        require(
            self.above.is_finite(),
            Self::NAME,
            "above",
            self.above,
            "a number",
        )?;
        require(
            self.margin.iter().all(|&margin| margin <= WIDEST),
            Self::NAME,
            "margin",
            self.margin,
            "at most 10^9 voxels",
        )?;
        require(
            self.millimetres
                .iter()
                .all(|mm| (0.0..=WIDEST as f64).contains(mm)),
            Self::NAME,
            "millimetres",
            self.millimetres,
            "lengths from 0 to 10^9 mm",
        )?;
        require(
            self.divisible_by.iter().all(|by| (1..=WIDEST).contains(by)),
            Self::NAME,
            "divisible_by",
            self.divisible_by,
            "positive numbers of at most 10^9",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn reads_values(&self) -> bool {
        true
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let found = match self.labels {
            true => bounding_box_where(case.labels("crop_foreground")?, |l| l != 0),
            false => self.bright(case.image())?,
        };
        let found = found.map(|bounds| self.step(bounds, case.geometry()));
        Ok(found.map(Step::Grid).into_iter().collect())
    }
}

impl CropForeground {
    /// The box around bright voxels of the channels that are looked at.
    fn bright(&self, image: &Volume<f32>) -> Result<Option<Bounds>> {
        if let Some(channel) = self.channels.iter().find(|c| **c >= image.channels()) {
            let found = format!("channel {channel} of an image with {}", image.channels());
            let expected = "channels that the image has, counted from 0";
            return Err(bad(Self::NAME, "channels", found, expected));
        }
        if self.channels.is_empty() {
            return Ok(bounding_box_where(image, |v| v > self.above));
        }
        let channels = self
            .channels
            .iter()
            .flat_map(|&c| image.channel(c).iter().copied());
        let chosen = Volume::new(*image.geometry(), self.channels.len(), channels.collect())?;
        Ok(bounding_box_where(&chosen, |v| v > self.above))
    }

    /// The box with its margin, grown to multiples.
    fn step(&self, bounds: Bounds, grid: &Geometry) -> GridStep {
        let (spacing, whole) = (grid.spacing(), grid.size());
        let margin: [usize; 3] = std::array::from_fn(|axis| {
            limits::voxels_covering(self.millimetres[axis], spacing[axis])
                .saturating_add(self.margin[axis])
                .min(FURTHEST)
        });
        let (first, least): ([i64; 3], [usize; 3]) = match self.allow_smaller {
            true => {
                let bounds = bounds.grown(margin, whole);
                (bounds.start.map(|v| v as i64), bounds.size)
            }
            false => (
                std::array::from_fn(|a| bounds.start[a] as i64 - margin[a] as i64),
                std::array::from_fn(|a| bounds.size[a] + 2 * margin[a]),
            ),
        };
        let size: [usize; 3] =
            std::array::from_fn(|a| least[a].next_multiple_of(self.divisible_by[a]));
        let start = std::array::from_fn(|a| first[a] - ((size[a] - least[a]) / 2) as i64);
        let region = GridStep::Region { start, size };
        match self.mode {
            Padding::Constant => region,
            _ if !region.pads(grid) => region,
            mode => GridStep::Pad(PadStep {
                start,
                size,
                mode,
                value: 0.0,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stream, keyed};
    use vesalius_volume::{LabelMap, Subject};

    /// The region that a chain of one crop takes of a block of labels.
    fn region(text: &str, spacing: [f64; 3], block: [std::ops::Range<usize>; 3]) -> GridStep {
        let grid = Geometry::axis_aligned([19, 17, 15], spacing).unwrap();
        let labels = LabelMap::from_fn(grid, |at| {
            u16::from((0..3).all(|axis| block[axis].contains(&at[axis])))
        });
        let image = Volume::filled(grid, 0.0f32);
        let subject = Subject::new("case".to_owned(), image, Some(labels)).unwrap();
        let crop: CropForeground = serde_saphyr::from_str(text).unwrap();
        crop.check().unwrap();
        let case = Context::new(grid, &subject, 0);
        let steps = crop.sample(&case, &mut keyed(0, 0, Stream::Other(0)));
        let steps = steps.unwrap();
        match steps.into_iter().next() {
            Some(Step::Grid(step)) => step,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn millimetres_take_the_voxels_that_cover_them_and_no_more() {
        // One voxel: 2 · 3 + 1. The spacing is that of an oblique 1 mm grid in single precision, then 0.6 mm.
        for (spacing, size) in [
            ([1.0; 3], [7; 3]),
            ([0.999_999_97, 0.999_999_98, 1.000_000_03], [7; 3]),
            ([f64::from(0.6f32), 1.5, 2.0], [11, 5, 5]),
        ] {
            let found = region(
                "{labels: true, millimetres: [3, 3, 3]}",
                spacing,
                [9..10, 8..9, 7..8],
            );
            let start = std::array::from_fn(|a| [9, 8, 7][a] - (size[a] as i64 - 1) / 2);
            let expected = GridStep::Region { start, size };
            assert_eq!(found, expected, "{spacing:?}");
        }
    }

    #[test]
    fn a_margin_ends_at_the_border_or_is_padded_as_monai_does() {
        let block = [0..4, 8..9, 12..15];
        let clipped = region("{labels: true, margin: [2, 1, 3]}", [1.0; 3], block.clone());
        let expected = GridStep::Region {
            start: [0, 7, 9],
            size: [6, 3, 6],
        };
        assert_eq!(clipped, expected);
        // MONAI 1.6.1 by `tests/parity/limits.py`: CropForeground(margin=[2, 1, 3]) starts at -2, 7, 9.
        let padded = region(
            "{labels: true, margin: [2, 1, 3], allow_smaller: false}",
            [1.0; 3],
            block,
        );
        let expected = GridStep::Region {
            start: [-2, 7, 9],
            size: [8, 3, 9],
        };
        assert_eq!(padded, expected);
    }

    #[test]
    fn a_box_grows_to_multiples_around_its_middle() {
        // MONAI 1.6.1 by `tests/parity/bundle_vocabulary.py`: CropForeground(k_divisible=[4, 3, 5]) starts at 3, 7, 9.
        let block = [4..9, 8..10, 10..13];
        let found = region(
            "{labels: true, divisible_by: [4, 3, 5]}",
            [1.0; 3],
            block.clone(),
        );
        let expected = GridStep::Region {
            start: [3, 8, 9],
            size: [8, 3, 5],
        };
        assert_eq!(found, expected);
        let edge = region(
            "{labels: true, divisible_by: [16, 1, 1], mode: edge}",
            [1.0; 3],
            block,
        );
        let GridStep::Pad(step) = edge else {
            panic!("{edge:?}");
        };
        assert_eq!((step.start, step.size), ([-1, 8, 10], [16, 2, 3]));
        assert_eq!(step.mode, Padding::Edge);
    }
}
