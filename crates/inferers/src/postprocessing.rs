//! What is done to labels after the network: steps with their settings, as a model folder lists them.

use crate::custom::CustomPostprocessing;
use crate::pieces::{self, Counted, Neighbours};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vesalius_control::Control;
use vesalius_filters::{
    ComponentOptions, HoleOptions, connected_components_with, fill_holes_with,
    keep_larger_than_with, keep_largest_and_equals_with, keep_largest_with,
};
use vesalius_registry::{Custom, Registry};
use vesalius_volume::LabelMap;

/// One step, in YAML one name with its keys.
///
/// ```
/// use vesalius_inferers::{PostprocessingStep, postprocess};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let steps: Vec<PostprocessingStep> = serde_saphyr::from_str("- keep_largest_of_each: {labels: [1]}")?;
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::new(grid, vec![1, 0, 1, 1, 0, 2])?;
/// let kept = postprocess(labels, &steps)?;
/// assert_eq!(kept.data(), [0, 0, 1, 1, 0, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum PostprocessingStep {
    /// Of each label's components only the largest stays.
    KeepLargestOfEach {
        /// The labels; none means all but the background.
        #[serde(default)]
        labels: Vec<u16>,
    },
    /// The labels are taken together, and only their largest component stays, or all that are as large:
    /// nnU-Net's `remove_all_but_largest_component_from_segmentation`.
    KeepLargest {
        /// The labels; none means all but the background.
        #[serde(default)]
        labels: Vec<u16>,
    },
    /// Components smaller than a volume become background, each label's by itself.
    RemoveSmall {
        /// The labels; none means all but the background.
        #[serde(default)]
        labels: Vec<u16>,
        /// Components smaller than this are removed, in mm³.
        cubic_millimetres: f64,
    },
    /// Holes within a label get that label; a voxel that has another label keeps it.
    FillHoles {
        /// The labels; none means all but the background.
        #[serde(default)]
        labels: Vec<u16>,
    },
    /// Only the largest pieces stay, counted in voxels: MONAI's `KeepLargestConnectedComponent`.
    KeepPieces {
        /// The labels; none means all but the background.
        #[serde(default)]
        labels: Vec<u16>,
        /// The labels are taken together as one mask.
        #[serde(default)]
        union: bool,
        /// Which voxels touch.
        #[serde(default)]
        neighbours: Neighbours,
        /// How many stay.
        #[serde(default = "one")]
        count: usize,
    },
    /// What has fewer voxels becomes background: MONAI's `RemoveSmallObjects`.
    RemovePieces {
        /// The labels; none means all but the background.
        #[serde(default)]
        labels: Vec<u16>,
        /// What is counted.
        #[serde(default)]
        counted: Counted,
        /// Which voxels touch.
        #[serde(default = "faces")]
        neighbours: Neighbours,
        /// The fewest voxels that stay.
        #[serde(default)]
        voxels: usize,
        /// In place of `voxels` the smallest volume that stays, in mm³, rounded up to voxels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cubic_millimetres: Option<f64>,
    },
    /// What a label encloses becomes that label, other labels too, one label after another from the smallest number on:
    /// MONAI's `FillHoles`.
    FillEnclosed {
        /// The labels; none means all but the background.
        #[serde(default)]
        labels: Vec<u16>,
        /// Which voxels outside of the label touch.
        #[serde(default)]
        neighbours: Neighbours,
    },
    /// Labels that are not named become background: MONAI's `LabelFilter`.
    KeepLabels {
        /// The labels that stay.
        labels: Vec<u16>,
    },
    /// Labels get other numbers, all at once: MONAI's `MapLabelValue`.
    Renumber {
        /// Old and new numbers; a label that is not among the old ones stays.
        pairs: Vec<[u16; 2]>,
    },
    /// A label that may only be where another's neighbourhood is: components of `labels` that touch
    /// no voxel of `inside` become background.
    KeepInside {
        /// The labels that must be inside.
        labels: Vec<u16>,
        /// The labels that hold them.
        inside: Vec<u16>,
    },
    /// A user-defined step: in YAML `custom: my_step` or `custom: {name: my_step, …}`, for which
    /// [`PostprocessingStep::resolve`] is called after reading.
    Custom(Custom<dyn CustomPostprocessing>),
}

impl std::fmt::Display for PostprocessingStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::KeepLargestOfEach { labels } => {
                write!(f, "the largest piece of each of {}", named(labels))
            }
            Self::KeepLargest { labels } => {
                write!(f, "the largest piece of {} together", named(labels))
            }
            Self::RemoveSmall {
                labels,
                cubic_millimetres,
            } => write!(
                f,
                "pieces of {} from {cubic_millimetres} mm³ on",
                named(labels)
            ),
            Self::FillHoles { labels } => write!(f, "{} with holes filled", named(labels)),
            Self::KeepInside { labels, inside } => write!(
                f,
                "pieces of {} that touch {}",
                named(labels),
                named(inside)
            ),
            Self::KeepPieces {
                labels,
                union,
                count,
                ..
            } => write!(
                f,
                "the largest {} of {}{}",
                vesalius_volume::counted(*count, "piece"),
                named(labels),
                if *union {
                    " together"
                } else {
                    ", each by itself"
                }
            ),
            Self::RemovePieces {
                labels,
                voxels,
                cubic_millimetres,
                ..
            } => match cubic_millimetres {
                Some(volume) => write!(f, "pieces of {} from {volume} mm³ on", named(labels)),
                None => write!(f, "pieces of {} from {voxels} voxels on", named(labels)),
            },
            Self::FillEnclosed { labels, .. } => {
                write!(f, "{} with all that they enclose", named(labels))
            }
            Self::KeepLabels { labels } => write!(f, "{} alone", named(labels)),
            Self::Renumber { pairs } => {
                let pairs = pairs.iter().map(|[from, to]| format!("{from} to {to}"));
                let pairs: Vec<String> = pairs.collect();
                write!(f, "labels with other numbers: {}", pairs.join(", "))
            }
            Self::Custom(custom) => write!(f, "what `{}` makes of the labels", custom.name()),
        }
    }
}

fn one() -> usize {
    1
}

fn faces() -> Neighbours {
    Neighbours::Faces
}

fn named(labels: &[u16]) -> String {
    match labels {
        [] => "all labels".to_owned(),
        some => {
            let numbers: Vec<String> = some.iter().map(u16::to_string).collect();
            format!("label {}", numbers.join(", "))
        }
    }
}

impl PostprocessingStep {
    /// Checks that the step is valid.
    ///
    /// # Errors
    /// [`Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        let bad = |key, found, expected| Err(Error::bad_value(key, found, expected));
        match self {
            Self::RemoveSmall {
                cubic_millimetres, ..
            } if !(cubic_millimetres.is_finite() && *cubic_millimetres >= 0.0) => bad(
                "postprocessing.remove_small.cubic_millimetres",
                cubic_millimetres.to_string(),
                "a volume in mm³, not negative",
            ),
            Self::KeepInside { labels, inside } if labels.is_empty() || inside.is_empty() => bad(
                "postprocessing.keep_inside",
                "an empty list".to_owned(),
                "at least one label in `labels` and in `inside`",
            ),
            Self::KeepPieces { count: 0, .. } => bad(
                "postprocessing.keep_pieces.count",
                "0".to_owned(),
                "at least 1",
            ),
            Self::RemovePieces {
                cubic_millimetres: Some(volume),
                ..
            } if !(volume.is_finite() && *volume >= 0.0) => bad(
                "postprocessing.remove_pieces.cubic_millimetres",
                volume.to_string(),
                "a volume in mm³, not negative",
            ),
            Self::Custom(custom) => custom.get()?.check(),
            _ => Ok(()),
        }
    }

    /// Makes the user-defined step that a file named.
    ///
    /// # Errors
    /// [`Error::Registry`] for a name that is not in the registry, or options that the step does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match self {
            Self::Custom(custom) => Ok(custom.resolve(registry)?),
            _ => Ok(()),
        }
    }

    /// The labels after this step.
    ///
    /// # Errors
    /// As [`PostprocessingStep::check`]; a filter's.
    pub fn apply(&self, map: LabelMap) -> Result<LabelMap> {
        self.apply_controlled(map, &Control::new())
    }

    /// As [`PostprocessingStep::apply`], cancelled within; a custom step only before it.
    fn apply_controlled(&self, mut map: LabelMap, control: &Control) -> Result<LabelMap> {
        self.check()?;
        control.check()?;
        let options = ComponentOptions::default();
        match self {
            Self::KeepLargest { labels } => {
                let mask = only(&map, &chosen(labels, &map));
                let kept = keep_largest_and_equals_with(&mask, &options, control)?;
                drop_lost(&mut map, &mask, &kept);
            }
            Self::KeepLargestOfEach { labels } => {
                let mask = only(&map, &chosen(labels, &map));
                let kept = keep_largest_with(&mask, &options, control)?;
                drop_lost(&mut map, &mask, &kept);
            }
            Self::RemoveSmall {
                labels,
                cubic_millimetres,
            } => {
                let mask = only(&map, &chosen(labels, &map));
                let volume = *cubic_millimetres;
                let kept = keep_larger_than_with(&mask, volume, &options, control)?;
                drop_lost(&mut map, &mask, &kept);
            }
            Self::FillHoles { labels } => {
                let mask = only(&map, &chosen(labels, &map));
                let filled = fill_holes_with(&mask, &HoleOptions::default(), control)?;
                let voxels = map.data_mut().iter_mut().zip(filled.data());
                voxels
                    .filter(|(voxel, _)| **voxel == 0)
                    .for_each(|(voxel, filled)| *voxel = *filled);
            }
            Self::KeepPieces {
                labels,
                union,
                neighbours,
                count,
            } => {
                let labels = chosen(labels, &map);
                pieces::keep(&mut map, &labels, (*union, *neighbours, *count), control)?;
            }
            Self::RemovePieces {
                labels,
                counted,
                neighbours,
                voxels,
                cubic_millimetres,
            } => {
                let voxels = match cubic_millimetres {
                    Some(volume) => pieces::voxels_of(*volume, map.geometry().voxel_volume())?,
                    None => *voxels,
                };
                let labels = chosen(labels, &map);
                pieces::remove(&mut map, &labels, (*counted, *neighbours, voxels), control)?;
            }
            Self::FillEnclosed { labels, neighbours } => {
                let labels = chosen(labels, &map);
                pieces::fill(&mut map, &labels, *neighbours, control)?;
            }
            Self::KeepLabels { labels } => {
                let others = map
                    .data_mut()
                    .iter_mut()
                    .filter(|label| !labels.contains(label));
                others.for_each(|label| *label = 0);
            }
            Self::Renumber { pairs } => {
                for label in map.data_mut() {
                    if let Some([_, to]) = pairs.iter().find(|[from, _]| from == label) {
                        *label = *to;
                    }
                }
            }
            Self::KeepInside { labels, inside } => keep_inside(&mut map, labels, inside, control)?,
            Self::Custom(custom) => {
                let grid = *map.geometry();
                map = custom.get()?.apply(map)?;
                grid.check_same(map.geometry(), "what a postprocessing step made")?;
            }
        }
        Ok(map)
    }
}

/// The labels after all steps.
///
/// # Errors
/// As [`PostprocessingStep::apply`].
pub fn postprocess(map: LabelMap, steps: &[PostprocessingStep]) -> Result<LabelMap> {
    postprocess_controlled(map, steps, &Control::new())
}

/// As [`postprocess`], with a stage `postprocess` that counts steps and has those of the filters within; cancelled at any
/// time.
///
/// # Errors
/// As [`PostprocessingStep::apply`]; [`Error::Cancelled`].
pub fn postprocess_controlled(
    map: LabelMap,
    steps: &[PostprocessingStep],
    control: &Control,
) -> Result<LabelMap> {
    let stage = control.stage("postprocess", steps.len() as u64);
    steps.iter().try_fold(map, |map, step| {
        stage.control().check()?;
        let map = step.apply_controlled(map, stage.control())?;
        stage.advance(1);
        Ok(map)
    })
}

/// The labels that a step names, or all that occur.
fn chosen(labels: &[u16], map: &LabelMap) -> Vec<u16> {
    if !labels.is_empty() {
        return labels.to_vec();
    }
    let values = map.counts().into_keys();
    values
        .filter_map(|value| u16::try_from(value).ok())
        .filter(|&value| value != 0)
        .collect()
}

/// The map with all other labels taken out.
fn only(map: &LabelMap, labels: &[u16]) -> LabelMap {
    map.map(|label| if labels.contains(&label) { label } else { 0 })
}

/// Background where `kept` lost what `mask` had.
fn drop_lost(map: &mut LabelMap, mask: &LabelMap, kept: &LabelMap) {
    let before = mask.data().iter().zip(kept.data());
    for (voxel, (had, has)) in map.data_mut().iter_mut().zip(before) {
        if *had != 0 && *has == 0 {
            *voxel = 0;
        }
    }
}

/// Components of `labels` that touch none of `inside` become background.
fn keep_inside(
    map: &mut LabelMap,
    labels: &[u16],
    inside: &[u16],
    control: &Control,
) -> Result<()> {
    let mask = only(map, labels);
    let together = ComponentOptions {
        by_label: false,
        ..ComponentOptions::default()
    };
    let components = connected_components_with(&mask, &together, control)?;
    let mut touches = vec![false; components.count + 1];
    let size = map.geometry().size();
    let holds = |index: [usize; 3]| inside.contains(&map.get(index));
    for (offset, &component) in components.labels.data().iter().enumerate() {
        if component == 0 || touches[component as usize] {
            continue;
        }
        let at = map.geometry().index(offset);
        touches[component as usize] = (0..3).any(|axis| {
            let moved = |to: Option<usize>| {
                to.filter(|&to| to < size[axis]).is_some_and(|to| {
                    let mut index = at;
                    index[axis] = to;
                    holds(index)
                })
            };
            moved(at[axis].checked_sub(1)) || moved(at[axis].checked_add(1))
        });
    }
    let found = components.labels.data().iter();
    for (voxel, &component) in map.data_mut().iter_mut().zip(found) {
        if component != 0 && !touches[component as usize] {
            *voxel = 0;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    /// A row: label 1 three long, a hole, label 1 again, label 2 next to it and far away.
    fn row(values: &[u16]) -> LabelMap {
        let grid = Geometry::axis_aligned([values.len(), 1, 1], [1.0, 1.0, 2.0]).unwrap();
        LabelMap::new(grid, values.to_vec()).unwrap()
    }

    fn after(step: PostprocessingStep, values: &[u16]) -> Vec<u16> {
        step.apply(row(values)).unwrap().into_data()
    }

    #[test]
    fn the_largest_stays_over_all_or_of_each() {
        let values = [1, 1, 2, 0, 2, 2, 2, 2, 0, 1];
        let all = PostprocessingStep::KeepLargest { labels: vec![] };
        assert_eq!(after(all.clone(), &values), [0, 0, 0, 0, 2, 2, 2, 2, 0, 0]);
        // nnU-Net keeps all of the largest size.
        assert_eq!(after(all, &[1, 1, 0, 2, 0, 1, 2]), [1, 1, 0, 0, 0, 1, 2]);
        let one = PostprocessingStep::KeepLargest { labels: vec![1] };
        assert_eq!(after(one, &values), [1, 1, 2, 0, 2, 2, 2, 2, 0, 0]);
        let each = PostprocessingStep::KeepLargestOfEach { labels: vec![] };
        assert_eq!(after(each, &values), [1, 1, 0, 0, 2, 2, 2, 2, 0, 0]);
    }

    #[test]
    fn small_ones_go_by_volume() {
        let step = PostprocessingStep::RemoveSmall {
            labels: vec![],
            cubic_millimetres: 4.0,
        };
        assert_eq!(
            after(step, &[1, 0, 1, 1, 2, 0, 2, 2]),
            [0, 0, 1, 1, 0, 0, 2, 2]
        );
        let bad = PostprocessingStep::RemoveSmall {
            labels: vec![],
            cubic_millimetres: -1.0,
        };
        assert!(bad.check().is_err());
    }

    #[test]
    fn a_label_within_another_stays_when_holes_are_filled() {
        let grid = Geometry::axis_aligned([7, 7, 7], [1.0; 3]).unwrap();
        let nested = LabelMap::from_fn(grid, |at| {
            let far = at.iter().map(|&v| v.abs_diff(3)).max().unwrap_or(0);
            match far {
                _ if at == [2, 3, 3] => 0u16,
                0 | 1 => 4,
                2 => 2,
                _ => 0,
            }
        });
        let filled = |labels| PostprocessingStep::FillHoles { labels }.apply(nested.clone());
        // The hole touches 4, whose it is not: 2 alone encloses it.
        let all = filled(vec![]).unwrap();
        assert_eq!(all.counts(), [(0, 218), (2, 99), (4, 26)].into());
        assert_eq!(filled(vec![2]).unwrap(), all);
        assert_eq!(filled(vec![4]).unwrap(), nested);
    }

    #[test]
    fn a_component_of_exactly_the_volume_stays_on_a_grid_from_a_file() {
        let spacing = [1.000_000_03, 0.999_999_96, f64::from(0.6f32)];
        let grid = Geometry::axis_aligned([6, 1, 1], spacing).unwrap();
        let map = LabelMap::new(grid, vec![1u16, 1, 0, 1, 0, 0]).unwrap();
        let step = PostprocessingStep::RemoveSmall {
            labels: vec![],
            cubic_millimetres: 1.2,
        };
        assert_eq!(step.apply(map).unwrap().into_data(), [1, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn holes_are_filled_and_strays_outside_go() {
        let grid = Geometry::axis_aligned([5, 5, 5], [1.0; 3]).unwrap();
        let shell = LabelMap::from_fn(grid, |i| {
            let inner = i.iter().all(|&v| (1..4).contains(&v));
            u16::from(inner && i != [2, 2, 2]) * 3
        });
        let filled = PostprocessingStep::FillHoles { labels: vec![3] };
        assert_eq!(filled.apply(shell).unwrap().counts()[&3], 27);
        let step = PostprocessingStep::KeepInside {
            labels: vec![2],
            inside: vec![1],
        };
        assert_eq!(after(step, &[1, 2, 2, 0, 2, 0, 1]), [1, 2, 2, 0, 0, 0, 1]);
        // The named labels hang together: 3 touches 1 through 2.
        let step = PostprocessingStep::KeepInside {
            labels: vec![2, 3],
            inside: vec![1],
        };
        assert_eq!(after(step, &[1, 2, 3, 0, 3, 0, 1]), [1, 2, 3, 0, 0, 0, 1]);
    }
}
