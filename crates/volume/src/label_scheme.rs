//! What the channels of a network's output mean: exclusive labels, or overlapping regions.

use crate::{CheckedList, Error, LabelMap, Result};
use serde::{Deserialize, Serialize};

/// One exclusive label: a name and the value it has in label maps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name, such as `anterior hippocampus`.
    pub name: String,
    /// Its value in label maps.
    pub value: u16,
}

/// One region: a union of label values, which may overlap with other regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its name, such as `whole tumour`.
    pub name: String,
    /// The label values that belong to it.
    pub labels: Vec<u16>,
    /// The value painted where this region is predicted; later regions paint over earlier ones.
    pub paint: u16,
}

/// A value of label maps with its name and the colour that it is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedLabel<'a> {
    /// The value in label maps.
    pub value: u16,
    /// Its name.
    pub name: &'a str,
    /// Red, green and blue: [`crate::label_colour`] of the value; black for the background.
    pub colour: [u8; 3],
}

/// The meaning of each output channel, in order.
///
/// This decides which activation probabilities come from (softmax or sigmoid) and how they become labels. A scheme is
/// made by [`LabelScheme::exclusive`], [`LabelScheme::of_classes`], [`LabelScheme::regions`],
/// [`LabelScheme::of_regions`] or read by serde, all of which check it; it cannot be changed afterwards, so that every
/// scheme is valid.
///
/// ```
/// use vesalius_volume::LabelScheme;
///
/// // Softmax over three channels; the background is added.
/// let organs = LabelScheme::exclusive(&[("liver", 1), ("tumour", 2)])?;
/// assert_eq!(organs.channel_names(), ["background", "liver", "tumour"]);
///
/// // Sigmoid over two channels: the core lies within the whole tumour and is painted over it.
/// let tumour = LabelScheme::regions(&[("whole tumour", &[1, 2], 1), ("core", &[2], 2)])?;
/// assert_eq!(tumour.channels(), 2);
/// assert!(tumour.contains(0, 2) && !tumour.contains(1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "Unchecked")]
pub enum LabelScheme {
    /// Each voxel has exactly one class; the first is the background.
    #[non_exhaustive]
    Exclusive {
        /// One class per channel, background first; at least two.
        classes: CheckedList<Class>,
        /// A label value that marks unlabelled voxels; losses and metrics skip them.
        #[serde(skip_serializing_if = "Option::is_none")]
        ignore: Option<u16>,
    },
    /// Each voxel may be in several regions, or none.
    #[non_exhaustive]
    Regions {
        /// One region per channel, in painting order; at least one.
        regions: CheckedList<Region>,
        /// A label value that marks unlabelled voxels; losses and metrics skip them.
        #[serde(skip_serializing_if = "Option::is_none")]
        ignore: Option<u16>,
    },
}

/// A scheme as a file holds it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Unchecked {
    Exclusive {
        classes: Vec<Class>,
        #[serde(default)]
        ignore: Option<u16>,
    },
    Regions {
        regions: Vec<Region>,
        #[serde(default)]
        ignore: Option<u16>,
    },
}

impl TryFrom<Unchecked> for LabelScheme {
    type Error = Error;

    fn try_from(scheme: Unchecked) -> Result<Self> {
        match scheme {
            Unchecked::Exclusive { classes, ignore } => Self::of_classes(classes, ignore),
            Unchecked::Regions { regions, ignore } => Self::of_regions(regions, ignore),
        }
    }
}

impl LabelScheme {
    /// Exclusive labels `(name, value)`; a background of value 0 is put first when none is given.
    ///
    /// # Errors
    /// As [`LabelScheme::of_classes`].
    ///
    /// ```
    /// use vesalius_volume::{Error, LabelScheme};
    ///
    /// let scheme = LabelScheme::exclusive(&[("left", 1), ("right", 2)])?;
    /// assert_eq!(scheme.label_values(), [0, 1, 2]);
    ///
    /// let twice = LabelScheme::exclusive(&[("left", 1), ("right", 1)]);
    /// assert!(matches!(twice, Err(Error::BadScheme(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exclusive(classes: &[(&str, u16)]) -> Result<Self> {
        let mut classes: Vec<Class> = classes
            .iter()
            .map(|&(name, value)| Class {
                name: name.to_owned(),
                value,
            })
            .collect();
        if !classes.iter().any(|class| class.value == 0) {
            classes.insert(
                0,
                Class {
                    name: "background".to_owned(),
                    value: 0,
                },
            );
        }
        classes.sort_by_key(|class| class.value != 0);
        Self::of_classes(classes, None)
    }

    /// Regions `(name, label values, painted value)` in painting order.
    ///
    /// # Errors
    /// As [`LabelScheme::of_regions`].
    pub fn regions(regions: &[(&str, &[u16], u16)]) -> Result<Self> {
        let regions = regions
            .iter()
            .map(|&(name, labels, paint)| Region {
                name: name.to_owned(),
                labels: labels.to_vec(),
                paint,
            })
            .collect();
        Self::of_regions(regions, None)
    }

    /// Exclusive labels, one per channel, background first, and the value of voxels without a label.
    ///
    /// # Errors
    /// [`Error::BadScheme`]: fewer than two classes, a name or value used twice, a first class that is not 0, an
    /// ignore value that is also a label.
    pub fn of_classes(classes: Vec<Class>, ignore: Option<u16>) -> Result<Self> {
        let classes = CheckedList::new(classes);
        Self::Exclusive { classes, ignore }.checked()
    }

    /// Regions, one per channel in painting order, and the value of voxels without a label.
    ///
    /// # Errors
    /// [`Error::BadScheme`]: no region, a name used twice, an empty region, a region that contains the background, a
    /// painted value that is not in its region, an ignore value that is also a label.
    pub fn of_regions(regions: Vec<Region>, ignore: Option<u16>) -> Result<Self> {
        let regions = CheckedList::new(regions);
        Self::Regions { regions, ignore }.checked()
    }

    /// The same scheme with another value, or none, for voxels without a label.
    ///
    /// # Errors
    /// [`Error::BadScheme`] for a value that is also a label.
    ///
    /// ```
    /// use vesalius_volume::LabelScheme;
    ///
    /// let scheme = LabelScheme::exclusive(&[("vessel", 1)])?.with_ignore(Some(255))?;
    /// assert_eq!(scheme.ignore(), Some(255));
    /// assert_eq!(scheme.channels(), 2, "voxels to ignore have no channel");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_ignore(self, ignore: Option<u16>) -> Result<Self> {
        match self {
            Self::Exclusive { classes, .. } => Self::Exclusive { classes, ignore },
            Self::Regions { regions, .. } => Self::Regions { regions, ignore },
        }
        .checked()
    }

    fn checked(self) -> Result<Self> {
        let bad = |message: String| Err(Error::BadScheme(message));
        let mut names: Vec<&str> = self.channel_names();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return bad(format!("the name `{}` is used twice", pair[0]));
        }
        match &self {
            Self::Exclusive { classes, .. } => {
                if classes.len() < 2 {
                    return bad("needs the background and at least one other label".to_owned());
                }
                if classes[0].value != 0 {
                    return bad(format!(
                        "the first label must be the background, 0, not {}",
                        classes[0].value
                    ));
                }
                let mut values: Vec<u16> = classes.iter().map(|class| class.value).collect();
                values.sort_unstable();
                if let Some(pair) = values.windows(2).find(|pair| pair[0] == pair[1]) {
                    return bad(format!("the value {} is used twice", pair[0]));
                }
            }
            Self::Regions { regions, .. } => {
                if regions.is_empty() {
                    return bad("needs at least one region".to_owned());
                }
                for region in regions {
                    if region.labels.is_empty() || region.labels.contains(&0) {
                        return bad(format!(
                            "region `{}` must name one or more labels other than 0",
                            region.name
                        ));
                    }
                    if !region.labels.contains(&region.paint) {
                        return bad(format!(
                            "region `{}` paints {}, which is not one of its labels {:?}",
                            region.name, region.paint, region.labels
                        ));
                    }
                }
            }
        }
        if let Some(ignore) = self.ignore()
            && self.label_values().contains(&ignore)
        {
            return bad(format!("the ignore value {ignore} is also a label"));
        }
        Ok(self)
    }

    /// Number of output channels that a network needs.
    pub fn channels(&self) -> usize {
        match self {
            Self::Exclusive { classes, .. } => classes.len(),
            Self::Regions { regions, .. } => regions.len(),
        }
    }

    /// The name of each output channel.
    pub fn channel_names(&self) -> Vec<&str> {
        match self {
            Self::Exclusive { classes, .. } => {
                classes.iter().map(|class| class.name.as_str()).collect()
            }
            Self::Regions { regions, .. } => {
                regions.iter().map(|region| region.name.as_str()).collect()
            }
        }
    }

    /// The values that a segmentation holds, with names and colours, one per channel; a region has the value
    /// that it paints. Where classes are exclusive, the background is first.
    pub fn labels(&self) -> Vec<NamedLabel<'_>> {
        let values: Vec<u16> = match self {
            Self::Exclusive { classes, .. } => classes.iter().map(|class| class.value).collect(),
            Self::Regions { regions, .. } => regions.iter().map(|region| region.paint).collect(),
        };
        let named = values.into_iter().zip(self.channel_names());
        named
            .map(|(value, name)| NamedLabel {
                value,
                name,
                colour: match value {
                    0 => [0; 3],
                    _ => crate::label_colour(value.into()),
                },
            })
            .collect()
    }

    /// The label value that marks unlabelled voxels, if any.
    pub fn ignore(&self) -> Option<u16> {
        match self {
            Self::Exclusive { ignore, .. } | Self::Regions { ignore, .. } => *ignore,
        }
    }

    /// Every label value that may occur in a label map, background first, ignore left out.
    pub fn label_values(&self) -> Vec<u16> {
        let mut values: Vec<u16> = match self {
            Self::Exclusive { classes, .. } => classes.iter().map(|class| class.value).collect(),
            Self::Regions { regions, .. } => std::iter::once(0)
                .chain(
                    regions
                        .iter()
                        .flat_map(|region| region.labels.iter().copied()),
                )
                .collect(),
        };
        values.sort_unstable();
        values.dedup();
        values
    }

    /// Whether a voxel with label `value` belongs to output channel `channel`.
    pub fn contains(&self, channel: usize, value: u16) -> bool {
        match self {
            Self::Exclusive { classes, .. } => classes
                .get(channel)
                .is_some_and(|class| class.value == value),
            Self::Regions { regions, .. } => regions
                .get(channel)
                .is_some_and(|region| region.labels.contains(&value)),
        }
    }

    /// What is scored: name and label values of each foreground class or region.
    ///
    /// ```
    /// use vesalius_volume::LabelScheme;
    ///
    /// let scheme = LabelScheme::regions(&[("whole tumour", &[1, 2], 1), ("core", &[2], 2)])?;
    /// assert_eq!(scheme.foreground(), [("whole tumour", vec![1, 2]), ("core", vec![2])]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn foreground(&self) -> Vec<(&str, Vec<u16>)> {
        match self {
            Self::Exclusive { classes, .. } => classes
                .iter()
                .skip(1)
                .map(|class| (class.name.as_str(), vec![class.value]))
                .collect(),
            Self::Regions { regions, .. } => regions
                .iter()
                .map(|region| (region.name.as_str(), region.labels.clone()))
                .collect(),
        }
    }

    /// Checks that every label of `labels` is in the scheme.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`] with the value, how often it occurs and where first.
    ///
    /// ```
    /// use vesalius_volume::{Error, Geometry, LabelMap, LabelScheme};
    ///
    /// let scheme = LabelScheme::exclusive(&[("liver", 1)])?;
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let labels = LabelMap::new(grid, vec![0, 1, 9])?;
    /// let error = scheme.check_labels(&labels).unwrap_err();
    /// assert!(matches!(error, Error::UnknownLabel { value: 9, count: 1, index: [2, 0, 0], .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_labels(&self, labels: &LabelMap) -> Result<()> {
        let mut known = self.label_values();
        known.extend(self.ignore());
        for (value, count) in labels.counts() {
            if known.iter().any(|&k| u32::from(k) == value) {
                continue;
            }
            let first = labels
                .data()
                .iter()
                .position(|&l| u32::from(l) == value)
                .unwrap_or(0);
            return Err(Error::UnknownLabel {
                value,
                count,
                index: labels.geometry().index(first),
                known,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Geometry;

    #[test]
    fn background_comes_first_whether_named_or_not() {
        let scheme = LabelScheme::exclusive(&[("organ", 1), ("tumour", 4)]).unwrap();
        assert_eq!(scheme.channel_names(), ["background", "organ", "tumour"]);
        assert_eq!(scheme.label_values(), [0, 1, 4]);
        assert!(scheme.contains(2, 4) && !scheme.contains(2, 2));
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(LabelScheme::exclusive(&[]).is_err());
        assert!(LabelScheme::exclusive(&[("a", 1), ("a", 2)]).is_err());
        assert!(LabelScheme::exclusive(&[("a", 1), ("b", 1)]).is_err());
        assert!(LabelScheme::regions(&[("whole", &[1, 2], 3)]).is_err());
        assert!(LabelScheme::regions(&[("whole", &[0, 2], 2)]).is_err());
        assert!(LabelScheme::regions(&[("whole", &[1, 2], 1), ("core", &[2], 2)]).is_ok());
    }

    #[test]
    fn what_a_file_says_is_checked_when_it_is_read() {
        let read =
            |text: &str| serde_json::from_str::<LabelScheme>(text).map_err(|e| e.to_string());
        let regions = LabelScheme::regions(&[("whole", &[1, 2], 1), ("core", &[2], 2)]).unwrap();
        let regions = regions.with_ignore(Some(9)).unwrap();
        let exclusive = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        for scheme in [regions.clone(), exclusive] {
            let text = serde_json::to_string(&scheme).unwrap();
            assert_eq!(read(&text).unwrap(), scheme, "{text}");
        }
        assert!(regions.with_ignore(Some(2)).is_err());
        for (text, word) in [
            (r#"{"regions": {"regions": []}}"#, "region"),
            (r#"{"exclusive": {"classes": []}}"#, "background"),
            (
                r#"{"exclusive": {"classes": [{"name": "a", "value": 1}, {"name": "b", "value": 0}]}}"#,
                "first label",
            ),
            (r#"{"regions": {"regions": [], "ignor": 1}}"#, "ignor"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn a_stray_value_is_named_with_its_place() {
        let g = Geometry::axis_aligned([2, 2, 2], [1.0; 3]).unwrap();
        let labels = LabelMap::new(g, vec![0, 1, 0, 0, 0, 9, 9, 0]).unwrap();
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let message = scheme.check_labels(&labels).unwrap_err().to_string();
        assert!(
            message.contains("value 9 (2 voxels") && message.contains("[1, 0, 1]"),
            "{message}"
        );
    }

    #[test]
    fn every_label_has_its_name_and_colour() {
        let scheme = LabelScheme::exclusive(&[("liver", 1), ("tumour", 4)]).unwrap();
        let labels = scheme.labels();
        let found: Vec<(u16, &str)> = labels.iter().map(|l| (l.value, l.name)).collect();
        assert_eq!(found, [(0, "background"), (1, "liver"), (4, "tumour")]);
        assert_eq!(labels[0].colour, [0; 3]);
        assert_eq!(labels[2].colour, crate::label_colour(4));
        let regions: [(&str, &[u16], u16); 2] = [("whole", &[1, 2], 1), ("core", &[2], 2)];
        let scheme = LabelScheme::regions(&regions).unwrap();
        let found: Vec<u16> = scheme.labels().iter().map(|label| label.value).collect();
        assert_eq!(found, [1, 2]);
    }
}
