//! Names and numbers of labels, as our label schemes have them.

use super::Refused;
use std::collections::HashSet;
use vesalius_volume::{Class, LabelScheme, Region};

/// A label's number, as label maps hold it.
pub(super) fn value(id: &str, label: i64) -> Result<u16, Refused> {
    u16::try_from(label).map_err(|_| format!("`{id}`: label {label} is not one from 0 to 65535"))
}

/// Labels' numbers; none of a list that is not given.
pub(super) fn values(id: &str, labels: Option<&[i64]>) -> Result<Vec<u16>, Refused> {
    let labels = labels.unwrap_or_default().iter();
    labels.map(|&label| value(id, label)).collect()
}

/// A class for each of the network's channels, by their number.
pub(super) fn exclusive(names: &[String], channels: usize) -> Result<LabelScheme, Refused> {
    if channels > usize::from(u16::MAX) {
        return Err(format!("{channels} classes are more than label maps hold"));
    }
    let names = unique(names, channels);
    let classes = (0u16..)
        .zip(names)
        .map(|(value, name)| Class { name, value });
    let scheme = LabelScheme::of_classes(classes.collect(), None);
    scheme.map_err(|error| error.to_string())
}

/// Regions in the order in which they paint.
pub(super) fn regions(painted: Vec<(String, u16)>) -> Result<LabelScheme, Refused> {
    let names: Vec<String> = painted.iter().map(|(name, _)| name.clone()).collect();
    let names = unique(&names, painted.len());
    let regions = names
        .into_iter()
        .zip(painted)
        .map(|(name, (_, paint))| Region {
            name,
            labels: vec![paint],
            paint,
        });
    LabelScheme::of_regions(regions.collect(), None).map_err(|error| error.to_string())
}

/// As many names, each once.
fn unique(names: &[String], count: usize) -> Vec<String> {
    let mut found = HashSet::with_capacity(count);
    let mut name = |number: usize| {
        let name = names.get(number).cloned();
        let name = name.unwrap_or_else(|| format!("channel {number}"));
        match found.insert(name.clone()) {
            true => name,
            false => format!("{name} ({number})"),
        }
    };
    (0..count).map(&mut name).collect()
}
