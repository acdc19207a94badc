//! Lesion-wise Dice and HD95 as the BraTS challenges compute them since 2023.

use super::numbered::Numbered;
use super::objects::Objects;
use crate::bitmask::{Bits, Bounds};
use crate::{Error, Hausdorff, Result};
use rayon::prelude::*;
use std::collections::BTreeSet;
use vesalius_filters::Connectivity;
use vesalius_volume::limits;

/// Masks that grow take memory for a margin of that many voxels.
const MOST_DILATION: usize = 64;

/// How lesions are joined and which of them count. (BraTS 2023, `rachitsaluja/BraTS-2023-Metrics`)
///
/// Reference lesions whose dilated masks touch are one lesion. A component of the prediction belongs to each lesion
/// whose dilated mask it touches; one that belongs to none is a false positive. A lesion's Dice and HD95 compare it
/// with all components that belong to it. The scores are means over the lesions that are large enough and the false
/// positives, which count 0 and the worst distance.
///
/// ```
/// use vesalius_metrics::{LesionWise, Objects, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // A lesion of 5 × 5 × 5 voxels that is found, and a false one of the same size.
/// let grid = Geometry::axis_aligned([40, 12, 12], [1.0; 3])?;
/// let cube = |first: usize| move |[x, y, z]: [usize; 3]| {
///     (first..first + 5).contains(&x) && (3..8).contains(&y) && (3..8).contains(&z)
/// };
/// let reference = LabelMap::<u16>::from_fn(grid, |at| u16::from(cube(4)(at)));
/// let prediction = LabelMap::<u16>::from_fn(grid, |at| u16::from(cube(4)(at) || cube(30)(at)));
/// let scores = LesionWise::default().between(&reference, &prediction, &Target::of_value(1), None)?;
/// assert_eq!((scores.lesions.len(), scores.false_positives), (1, 1));
/// assert_eq!(scores.dice(), 0.5);
/// assert_eq!(scores.hausdorff(), (0.0 + 374.0) / 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LesionWise {
    /// How many times a lesion's mask grows by the voxels that share a face or an edge with it: 3 for gliomas
    /// (GLI, SSA, PED), 1 for meningiomas and metastases (MEN, MET).
    pub dilation: usize,
    /// Lesions of this volume in mm³ or less do not count, found or not: 50, for metastases 2.
    pub smallest: f64,
    /// The distance in mm of a missed lesion and of a false positive: 374, as long as the diagonal of BraTS's images
    /// (239 × 239 × 154 mm).
    pub worst: f64,
}

impl Default for LesionWise {
    /// The numbers for gliomas.
    fn default() -> Self {
        Self {
            dilation: 3,
            smallest: 50.0,
            worst: 374.0,
        }
    }
}

/// A lesion of the reference: components whose dilated masks touch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Lesion {
    /// mm³.
    pub volume: f64,
    /// Its components in the reference.
    pub reference: Vec<usize>,
    /// The components of the prediction that belong to it; none for a missed lesion.
    pub prediction: Vec<usize>,
    /// Dice with those components; 0 for a missed lesion.
    pub dice: f64,
    /// HD95 with those components in mm (surface elements, [`Hausdorff::deepmind`]), the worst distance for a missed
    /// lesion; `None` for a lesion that is too small to count.
    pub hausdorff: Option<f64>,
}

/// The lesions of a case.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LesionWiseScores {
    /// All lesions of the reference, also those too small to count.
    pub lesions: Vec<Lesion>,
    /// Components of the prediction that belong to no lesion.
    pub false_positives: usize,
    /// How lesions were joined and counted.
    pub options: LesionWise,
}

impl LesionWise {
    /// Another dilation.
    #[must_use]
    pub fn with_dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// Another smallest volume, in mm³.
    #[must_use]
    pub fn with_smallest(self, smallest: f64) -> Self {
        Self { smallest, ..self }
    }

    /// Another worst distance, in mm.
    #[must_use]
    pub fn with_worst(self, worst: f64) -> Self {
        Self { worst, ..self }
    }

    /// The lesions of a target. Voxels whose reference is `ignore` are background in both.
    ///
    /// # Errors
    /// As [`Objects::of_target`]; [`Error::BadOption`] for a smallest volume or worst distance that is negative or not
    /// finite, or a dilation above 64.
    pub fn between<R: vesalius_volume::Label, P: vesalius_volume::Label>(
        &self,
        reference: &vesalius_volume::LabelMap<R>,
        prediction: &vesalius_volume::LabelMap<P>,
        target: &crate::Target,
        ignore: Option<u32>,
    ) -> Result<LesionWiseScores> {
        let corners = Connectivity::Corners;
        self.of(&Objects::of_target(
            reference, prediction, target, ignore, corners,
        )?)
    }

    /// The lesions of objects; BraTS's are connected at corners.
    ///
    /// # Errors
    /// As [`LesionWise::between`].
    pub fn of(&self, objects: &Objects) -> Result<LesionWiseScores> {
        for (option, found) in [
            ("the smallest lesion", self.smallest),
            ("the worst distance", self.worst),
        ] {
            if !(found.is_finite() && found >= 0.0) {
                return Err(Error::BadOption {
                    option,
                    found: found.to_string(),
                    expected: "a number that is not negative",
                });
            }
        }
        if self.dilation > MOST_DILATION {
            return Err(Error::BadOption {
                option: "how often lesions grow",
                found: self.dilation.to_string(),
                expected: "0 to 64 times",
            });
        }
        let groups = joined(objects, self.dilation)?;
        let lesions: Vec<Lesion> = groups
            .into_par_iter()
            .map(|reference| self.lesion(objects, reference))
            .collect();
        let hit: BTreeSet<usize> = lesions
            .iter()
            .flat_map(|l| l.prediction.iter().copied())
            .collect();
        Ok(LesionWiseScores {
            false_positives: objects.prediction() - hit.len(),
            lesions,
            options: *self,
        })
    }

    fn lesion(&self, objects: &Objects, reference: Vec<usize>) -> Lesion {
        let prediction = touching(objects, &reference, self.dilation);
        let voxels: u64 = reference.iter().map(|&r| objects.reference.voxels[r]).sum();
        let predicted: u64 = prediction
            .iter()
            .map(|&p| objects.prediction.voxels[p])
            .sum();
        let belongs = |pair: &&super::objects::Shared| {
            reference.contains(&pair.reference) && prediction.contains(&pair.prediction)
        };
        let both: u64 = objects
            .shared
            .iter()
            .filter(belongs)
            .map(|pair| pair.voxels)
            .sum();
        let volume = voxels as f64 * objects.voxel_volume;
        let counts = !limits::at_most(volume, self.smallest);
        let distance = || {
            let hausdorff = Hausdorff::deepmind(95.0);
            let masks = objects.masks(&reference, &prediction)?;
            hausdorff.of(&masks.distances(hausdorff.surface)?)
        };
        Lesion {
            volume,
            dice: 2.0 * both as f64 / (voxels + predicted) as f64,
            hausdorff: counts.then(|| distance().unwrap_or(self.worst)),
            reference,
            prediction,
        }
    }

    pub(crate) fn suffix(&self) -> String {
        let default = Self::default();
        let mut suffix = String::new();
        if self.dilation != default.dilation {
            suffix.push_str(&format!("_grown{}", self.dilation));
        }
        if self.smallest != default.smallest {
            suffix.push_str(&format!("_above{}mm3", self.smallest));
        }
        if self.worst != default.worst {
            suffix.push_str(&format!("_worst{}mm", self.worst));
        }
        suffix
    }
}

/// The reference's components in groups whose dilated masks touch.
fn joined(objects: &Objects, dilation: usize) -> Result<Vec<Vec<usize>>> {
    let components = &objects.reference;
    if dilation == 0 || components.count() == 0 {
        return Ok((0..components.count()).map(|object| vec![object]).collect());
    }
    let all = Bits::build(objects.size, Bounds::of(objects.size), |start, row| {
        let at = (start[2] * objects.size[1] + start[1]) * objects.size[0] + start[0];
        let numbers = &components.numbers[at..at + row.len()];
        row.iter_mut()
            .zip(numbers)
            .for_each(|(byte, number)| *byte = u8::from(*number != 0));
    });
    let grown = grown(&all.with_margin(dilation), dilation);
    let dilated = Numbered::components(&grown, Connectivity::Corners)?;
    // From the box of the objects to that of the grown mask: its rim and its margin.
    let shift = objects.size.map(|n| if n == 1 { 0 } else { dilation + 1 });
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); dilated.count()];
    for (object, place) in first_places(components, objects.size)
        .into_iter()
        .enumerate()
    {
        let [x, y, z]: [usize; 3] = std::array::from_fn(|i| place[i] + shift[i]);
        let offset = (z * grown.size[1] + y) * grown.size[0] + x;
        if let Some(group) = dilated.object(offset) {
            groups[group].push(object);
        }
    }
    Ok(groups)
}

fn grown(bits: &Bits, steps: usize) -> Bits {
    (0..steps).fold(bits.clone(), |grown, _| grown.grown_by_edges())
}

/// A voxel of each object.
fn first_places(objects: &Numbered, [nx, ny, _]: [usize; 3]) -> Vec<[usize; 3]> {
    let place = |(object, bounds): (usize, &Bounds)| {
        let [_, y, z] = bounds.first;
        // The first slice of the box has a voxel of the object.
        let rows = (y..=bounds.last[1])
            .flat_map(|y| (bounds.first[0]..=bounds.last[0]).map(move |x| [x, y, z]));
        let mut inside =
            rows.filter(|[x, y, z]| objects.object((z * ny + y) * nx + x) == Some(object));
        inside.next().unwrap_or(bounds.first)
    };
    objects.bounds.iter().enumerate().map(place).collect()
}

/// The prediction's components with a voxel in the dilated mask of some of the reference's.
fn touching(objects: &Objects, references: &[usize], dilation: usize) -> Vec<usize> {
    let boxes = references
        .iter()
        .map(|&object| objects.reference.bounds[object]);
    let Some(bounds) = boxes.reduce(Bounds::join) else {
        return Vec::new();
    };
    let [nx, ny, _] = objects.size;
    let lesion = Bits::build(objects.size, bounds, |start, row| {
        let at = (start[2] * ny + start[1]) * nx + start[0];
        let numbers = &objects.reference.numbers[at..at + row.len()];
        for (byte, &number) in row.iter_mut().zip(numbers) {
            *byte = u8::from(number != 0 && references.contains(&(number as usize - 1)));
        }
    });
    let grown = grown(&lesion.with_margin(dilation), dilation);
    let shift = objects
        .size
        .map(|n| if n == 1 { 0 } else { dilation as i64 + 1 });
    let mut found = BTreeSet::new();
    for z in 0..grown.size[2] {
        for y in 0..grown.size[1] {
            let place = |at: usize, axis: usize| {
                let at = (at + bounds.first[axis]) as i64 - shift[axis];
                usize::try_from(at)
                    .ok()
                    .filter(|&at| at < objects.size[axis])
            };
            let (Some(y_in), Some(z_in)) = (place(y, 1), place(z, 2)) else {
                continue;
            };
            for (i, &word) in grown.row(y, z).iter().enumerate() {
                let mut left = word;
                while left != 0 {
                    let x = i * 64 + left.trailing_zeros() as usize;
                    left &= left - 1;
                    if let Some(x) = place(x, 0) {
                        found.extend(objects.prediction.object((z_in * ny + y_in) * nx + x));
                    }
                }
            }
        }
    }
    found.into_iter().collect()
}

impl LesionWiseScores {
    /// The lesions that are large enough to count.
    pub fn counted(&self) -> impl Iterator<Item = &Lesion> {
        self.lesions
            .iter()
            .filter(|lesion| lesion.hausdorff.is_some())
    }

    /// Counted lesions that a component of the prediction belongs to.
    pub fn true_positives(&self) -> usize {
        self.counted()
            .filter(|lesion| !lesion.prediction.is_empty())
            .count()
    }

    /// Counted lesions that were missed.
    pub fn false_negatives(&self) -> usize {
        self.counted().count() - self.true_positives()
    }

    /// The mean Dice over counted lesions and false positives (0 each); 1 where there is neither.
    pub fn dice(&self) -> f64 {
        let sum: f64 = self.counted().map(|lesion| lesion.dice).sum();
        self.mean(sum).unwrap_or(1.0)
    }

    /// The mean HD95 over counted lesions and false positives (the worst distance each) in mm; 0 where there is
    /// neither.
    pub fn hausdorff(&self) -> f64 {
        let sum: f64 = self
            .lesions
            .iter()
            .filter_map(|lesion| lesion.hausdorff)
            .sum();
        let false_positives = self.false_positives as f64 * self.options.worst;
        self.mean(sum + false_positives).unwrap_or(0.0)
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        let count = self.counted().count() + self.false_positives;
        (count > 0).then(|| sum / count as f64)
    }
}
