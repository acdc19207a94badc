//! Where in a case a training patch lies: at random, or around voxels of the classes that a label scheme names.

use super::patch::start_along;
use super::{
    Axis, ClassRatios, CustomSampler, LabelIndex, PatchConfig, PatchPlace, PatchSampling,
    SampledCase,
};
use crate::{Error, GridStep, Result};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use vesalius_volume::{LabelMap, LabelScheme};

/// Draws the places of patches, with the classes of a label scheme.
///
/// ```
/// use vesalius_transforms::{LabelIndex, PatchConfig, PatchPlacer, SampledCase, Stream, keyed};
/// use vesalius_volume::{Geometry, LabelMap, LabelScheme};
///
/// let patch: PatchConfig = serde_saphyr::from_str("size: [4, 4, 4]\nsampling: {classes: [0, 0, 1]}")?;
/// let scheme = LabelScheme::exclusive(&[("liver", 100), ("tumour", 201)])?;
/// let placer = PatchPlacer::new(&patch, &scheme)?;
///
/// let grid = Geometry::axis_aligned([20, 20, 20], [1.0; 3])?;
/// let labels = LabelMap::from_fn(grid, |at| if at == [10, 10, 10] { 201 } else { 100 });
/// let index = LabelIndex::of(&labels, scheme.ignore());
/// let case = SampledCase::new("a", &grid, &index);
/// let placed = placer.sample(&case, &mut keyed(0, 0, Stream::Patch))?;
/// assert!(placed.absent.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPlacer {
    patch: PatchConfig,
    /// Of [`PatchSampling::Classes`]: the class of each weight, those of weight 0 left out.
    classes: Vec<WeightedClass>,
}

/// A class or region and its weight as the centre of patches.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WeightedClass {
    /// Its name.
    pub name: String,
    /// The label values that belong to it; 0 is the background.
    pub values: Vec<u16>,
    /// Its weight, above 0.
    pub weight: f64,
}

/// The place of a patch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Placed {
    /// The steps that cut the patch: a region, and for slices a reordering of axes.
    pub steps: Vec<GridStep>,
    /// The preferred classes that the case does not have, so that another place was taken.
    pub absent: Vec<String>,
}

/// What a case without labelled voxels lacks, in [`Placed::absent`].
const LABELLED: &str = "labelled voxels";
/// What a case without background lacks, in [`Placed::absent`].
const BACKGROUND: &str = "background";

impl PatchPlacer {
    /// A placer by this scheme.
    ///
    /// # Errors
    /// As [`PatchConfig::check`]; [`Error::ClassWeights`] for another number of weights than the scheme has
    /// classes or regions.
    pub fn new(patch: &PatchConfig, scheme: &LabelScheme) -> Result<Self> {
        patch.check()?;
        let mut placer = Self::anywhere(patch);
        if let PatchSampling::Classes(ratios) = &patch.sampling {
            placer.classes = weighted(ratios, scheme)?;
        }
        Ok(placer)
    }

    /// A placer for labels whose scheme is not known: weights go by label value, 0, 1, 2 and so on.
    pub(super) fn without_scheme(patch: &PatchConfig, labels: &LabelMap) -> Result<Self> {
        let mut placer = Self::anywhere(patch);
        if let PatchSampling::Classes(ClassRatios { classes }) = &patch.sampling {
            let highest = labels.data().iter().copied().max().unwrap_or(0);
            if usize::from(highest) >= classes.len() {
                return Err(Error::ClassWeights {
                    found: classes.len(),
                    expected: usize::from(highest) + 1,
                    classes: format!(
                        "label values from 0 to {highest}, as nothing names the classes here"
                    ),
                });
            }
            let values = (0..=u16::MAX).zip(classes);
            placer.classes = values
                .filter(|&(_, &weight)| weight > 0.0)
                .map(|(value, &weight)| WeightedClass {
                    name: format!("label {value}"),
                    values: vec![value],
                    weight,
                })
                .collect();
        }
        Ok(placer)
    }

    /// A placer without labels.
    pub(super) fn anywhere(patch: &PatchConfig) -> Self {
        Self {
            patch: patch.clone(),
            classes: Vec::new(),
        }
    }

    /// The same for patches of another size.
    ///
    /// # Errors
    /// As [`PatchConfig::check`].
    pub fn with_size(mut self, size: [i64; 3]) -> Result<Self> {
        self.patch.size = size;
        self.patch.check()?;
        Ok(self)
    }

    /// The user-defined sampler that draws the places, where there is one.
    pub fn custom(&self) -> Option<&Arc<dyn CustomSampler>> {
        match &self.patch.sampling {
            PatchSampling::Custom(custom) => custom.get().ok(),
            _ => None,
        }
    }

    /// Whether places depend on the labels of a case, whose index is else not read.
    pub fn reads_labels(&self) -> bool {
        self.patch.sampling.reads_labels()
    }

    /// The classes or regions of positive weight, where patches are drawn by class.
    pub fn classes(&self) -> &[WeightedClass] {
        &self.classes
    }

    /// Draws the place of a patch.
    ///
    /// # Errors
    /// The error of a user-defined sampler; the built-in ones have none.
    pub fn sample(&self, case: &SampledCase<'_>, rng: &mut ChaCha8Rng) -> Result<Placed> {
        let size = self.patch.size_in(case.geometry);
        let PatchPlace { start, absent } = match self.custom() {
            Some(sampler) => sampler.place(case, size, rng)?,
            None => self.place(case, size, rng),
        };
        let mut steps = vec![GridStep::Region { start, size }];
        if let Some(axis) = self.patch.slice_axis.filter(|axis| *axis != Axis::Z) {
            steps.push(GridStep::Permute { order: axis.last() });
        }
        Ok(Placed { steps, absent })
    }

    /// The place that a built-in way of drawing gives.
    fn place(&self, case: &SampledCase<'_>, size: [usize; 3], rng: &mut ChaCha8Rng) -> PatchPlace {
        let whole = case.geometry.size();
        let mut absent = Vec::new();
        let centre = self.centre(case.index, &mut absent, rng);
        let start = match centre.map(|offset| case.geometry.index(offset)) {
            Some(centre) => std::array::from_fn(|i| {
                start_along(whole[i], size[i], centre[i] as i64 - size[i] as i64 / 2)
            }),
            None => std::array::from_fn(|i| {
                let free = whole[i].saturating_sub(size[i]);
                start_along(whole[i], size[i], rng.random_range(0..=free) as i64)
            }),
        };
        PatchPlace { start, absent }
    }

    /// The voxel for the middle of the patch; `None` for anywhere.
    fn centre(
        &self,
        index: &LabelIndex,
        absent: &mut Vec<String>,
        rng: &mut ChaCha8Rng,
    ) -> Option<usize> {
        let mut lacks = |what: &str| absent.push(what.to_owned());
        match &self.patch.sampling {
            PatchSampling::Random | PatchSampling::Custom(_) => None,
            PatchSampling::PositiveNegative(weights) => {
                let share = weights.positive / (weights.positive + weights.negative);
                let wants_foreground = rng.random_bool(share);
                // As in MONAI, of the two the other is taken where a case has only one.
                match (
                    wants_foreground,
                    index.foreground_count(),
                    index.background_count(),
                ) {
                    (true, 0, _) => lacks(LABELLED),
                    (false, _, 0) => lacks(BACKGROUND),
                    (true, ..) => return index.random_foreground(rng),
                    (false, ..) => return index.random_background(rng),
                }
                index
                    .random_foreground(rng)
                    .or_else(|| index.random_background(rng))
            }
            PatchSampling::Classes(_) => self.of_class(index, absent, rng),
            PatchSampling::Foreground(forced) => {
                if !rng.random_bool(forced.foreground) {
                    return None;
                }
                let voxel = index.random_of_any(rng);
                if voxel.is_none() {
                    lacks(LABELLED);
                }
                voxel
            }
        }
    }

    /// A voxel of a class drawn by weight among those that occur.
    fn of_class(
        &self,
        index: &LabelIndex,
        absent: &mut Vec<String>,
        rng: &mut ChaCha8Rng,
    ) -> Option<usize> {
        let weights: Vec<f64> = self
            .classes
            .iter()
            .map(|class| match index.has(&class.values) {
                true => class.weight,
                false => {
                    absent.push(class.name.clone());
                    0.0
                }
            })
            .collect();
        let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Rounding may leave a remainder behind the last.
        let drawn = drawn.or_else(|| weights.iter().rposition(|&weight| weight > 0.0));
        index.random_of(&self.classes[drawn?].values, rng)
    }
}

/// The class of each weight, those of weight 0 left out.
fn weighted(ratios: &ClassRatios, scheme: &LabelScheme) -> Result<Vec<WeightedClass>> {
    let mut classes: Vec<(String, Vec<u16>)> = match scheme {
        LabelScheme::Exclusive { classes, .. } => classes
            .iter()
            .map(|class| (class.name.clone(), vec![class.value]))
            .collect(),
        LabelScheme::Regions { regions, .. } => regions
            .iter()
            .map(|region| (region.name.clone(), region.labels.clone()))
            .collect(),
    };
    let has_regions = matches!(scheme, LabelScheme::Regions { .. });
    if has_regions && ratios.classes.len() == classes.len() + 1 {
        classes.insert(0, (BACKGROUND.to_owned(), vec![0]));
    }
    if ratios.classes.len() != classes.len() {
        let named = classes.iter().map(|(name, values)| {
            let values: Vec<String> = values.iter().map(u16::to_string).collect();
            format!("{name} ({})", values.join(", "))
        });
        let kind = if has_regions { "regions" } else { "classes" };
        return Err(Error::ClassWeights {
            found: ratios.classes.len(),
            expected: classes.len(),
            classes: format!("the {kind} {}", named.collect::<Vec<_>>().join(", ")),
        });
    }
    Ok(classes
        .into_iter()
        .zip(&ratios.classes)
        .filter(|&(_, &weight)| weight > 0.0)
        .map(|((name, values), &weight)| WeightedClass {
            name,
            values,
            weight,
        })
        .collect())
}

#[cfg(test)]
#[path = "placer_tests.rs"]
mod tests;
