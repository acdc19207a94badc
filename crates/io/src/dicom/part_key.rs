//! The attributes by which a part of a series differs from its other parts.

use super::frame::Frame;
use super::key::Key;
use super::parts::value_of;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// An attribute of a part of a series that other parts have with another value.
///
/// ```no_run
/// use vesalius_io::list_series;
///
/// for part in list_series("study/diffusion")?.series {
///     let value = |keyword: &str| part.keys.iter().find(|key| key.keyword == keyword);
///     let b_value = value("DiffusionBValue").and_then(|key| key.numbers()?.first().copied());
///     let direction = value("DiffusionGradientOrientation").and_then(|key| key.numbers());
///     println!("{:?}: b {b_value:?} s/mm², {direction:?}", part.part);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartKey {
    /// The standard's keyword, such as `EchoTime` or `DiffusionBValue`.
    pub keyword: String,
    /// The value as text, several with `\\` between them. Of a time that differs from slice to slice, the earliest.
    pub value: String,
}

impl PartKey {
    /// The numbers of the value, `None` where it has none.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        let parts = self.value.split('\\');
        parts.map(|part| part.trim().parse().ok()).collect()
    }

    /// Whether `name` is keyword and value: `EchoTime 5.2`.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let (keyword, value) = name.split_once(' ').unwrap_or((name, ""));
        let same = keyword.eq_ignore_ascii_case(&self.keyword)
            // Its name in versions before parts had short names.
            || keyword == "TemporalPosition" && self.keyword == Key::TemporalPosition.keyword();
        same && value == self.value
    }
}

const ALL: [Key; 23] = [
    Key::BValue,
    Key::Direction,
    Key::ImageType,
    Key::Component,
    Key::EchoTime,
    Key::EchoNumber,
    Key::Kernel,
    Key::InversionTime,
    Key::FlipAngle,
    Key::Kvp,
    Key::SequenceName,
    Key::StackId,
    Key::CardiacPhase,
    Key::EnergyWindow,
    Key::RrInterval,
    Key::TimeSlot,
    Key::TemporalPosition,
    Key::TriggerTime,
    Key::AcquisitionNumber,
    Key::ReferenceTime,
    Key::AcquisitionTime,
    Key::ContentTime,
    Key::InstanceNumber,
];

/// The keys of each part: what all its frames share and other parts have with another value, and the earliest of what
/// differs from slice to slice.
pub(super) fn part_keys(parts: &[&[Frame]]) -> Vec<Vec<PartKey>> {
    let mut keys: Vec<Vec<PartKey>> = vec![Vec::new(); parts.len()];
    for key in ALL {
        let values: Vec<Option<String>> = parts.iter().map(|frames| of_part(frames, key)).collect();
        let distinct: BTreeSet<&Option<String>> = values.iter().collect();
        if distinct.len() < 2 || key == Key::InstanceNumber {
            continue;
        }
        for (keys, value) in keys.iter_mut().zip(values) {
            keys.extend(value.map(|value| PartKey {
                keyword: key.keyword().to_owned(),
                value,
            }));
        }
    }
    keys
}

/// The value that all frames share; of what differs from slice to slice, the earliest.
fn of_part(frames: &[Frame], key: Key) -> Option<String> {
    let mut values: BTreeMap<Option<String>, f64> = BTreeMap::new();
    for frame in frames {
        let number = frame.number(key);
        values.insert(value_of(frame, key), number.unwrap_or(f64::INFINITY));
    }
    match values.len() {
        1 => values.into_keys().next()?,
        _ if !key.is_of_slices() => None,
        _ => {
            let mut values: Vec<_> = values.into_iter().collect();
            values.sort_by(|a, b| a.1.total_cmp(&b.1));
            values.into_iter().next()?.0
        }
    }
}
