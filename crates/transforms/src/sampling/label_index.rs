//! The positions of the labels of a case.

mod bytes;

use super::runs::Runs;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use vesalius_volume::LabelMap;

/// The labelled voxels of a case, found once so that drawing one is immediate.
///
/// ```
/// use vesalius_transforms::LabelIndex;
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::new(grid, vec![0, 1, 1, 5, 255, 0])?;
/// let index = LabelIndex::of(&labels, Some(255));
/// assert_eq!(index.labels().collect::<Vec<_>>(), [1, 5]);
/// assert_eq!((index.foreground_count(), index.background_count()), (3, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelIndex {
    voxels: u64,
    /// The voxels of each label that occurs, background left out, by rising label.
    classes: Vec<(u16, Runs)>,
    /// Unlabelled voxels: they are not background either.
    ignored: Runs,
}

impl LabelIndex {
    /// Indexes a label map; `ignore` is neither a label nor background.
    pub fn of(labels: &LabelMap, ignore: Option<u16>) -> Self {
        let mut index = Self {
            voxels: labels.data().len() as u64,
            ..Self::default()
        };
        for (offset, &label) in labels.data().iter().enumerate() {
            let offset = offset as u64;
            if Some(label) == ignore {
                index.ignored.push(offset);
            } else if label != 0 {
                match index.classes.binary_search_by_key(&label, |c| c.0) {
                    Ok(place) => index.classes[place].1.push(offset),
                    Err(place) => {
                        let mut runs = Runs::default();
                        runs.push(offset);
                        index.classes.insert(place, (label, runs));
                    }
                }
            }
        }
        index.classes.shrink_to_fit();
        index.classes.iter_mut().for_each(|(_, runs)| runs.shrink());
        index.ignored.shrink();
        index
    }

    /// The labels that occur, background left out, in rising order.
    pub fn labels(&self) -> impl Iterator<Item = u16> + '_ {
        self.classes.iter().map(|c| c.0)
    }

    /// Number of voxels that are neither background nor ignored.
    pub fn foreground_count(&self) -> usize {
        self.classes
            .iter()
            .map(|(_, runs)| runs.count())
            .sum::<u64>() as usize
    }

    /// Number of background voxels.
    pub fn background_count(&self) -> usize {
        (self.voxels - self.ignored.count()) as usize - self.foreground_count()
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        let classes = self.classes.iter().map(|(_, runs)| runs.bytes());
        let list = self.classes.capacity() * size_of::<(u16, Runs)>();
        list + classes.sum::<usize>() + self.ignored.bytes()
    }

    /// Number of voxels of the label map, whatever they are labelled.
    pub fn voxel_count(&self) -> u64 {
        self.voxels
    }

    /// A labelled voxel, with equal chances; `None` without any.
    pub(super) fn random_foreground(&self, rng: &mut ChaCha8Rng) -> Option<usize> {
        let all: Vec<&Runs> = self.classes.iter().map(|(_, runs)| runs).collect();
        self.random_among(&all, rng)
    }

    /// A voxel of any of these labels, with equal chances; `None` where none of them occurs. Label 0 is
    /// the background.
    pub(super) fn random_of(&self, labels: &[u16], rng: &mut ChaCha8Rng) -> Option<usize> {
        if labels.contains(&0) {
            return self.random_background(rng);
        }
        let chosen = self
            .classes
            .iter()
            .filter(|(label, _)| labels.contains(label));
        let chosen: Vec<&Runs> = chosen.map(|(_, runs)| runs).collect();
        self.random_among(&chosen, rng)
    }

    /// Whether any of these labels occurs; label 0 is the background.
    pub(super) fn has(&self, labels: &[u16]) -> bool {
        labels.contains(&0) && self.background_count() > 0
            || self.labels().any(|label| labels.contains(&label))
    }

    /// A voxel of a label that occurs, with equal chances of labels: nnU-Net's forced foreground.
    pub(super) fn random_of_any(&self, rng: &mut ChaCha8Rng) -> Option<usize> {
        let count = self.classes.len();
        let runs = (count > 0).then(|| &self.classes[rng.random_range(0..count)].1)?;
        self.random_among(&[runs], rng)
    }

    /// A voxel that is background, with equal chances; `None` without any.
    pub(super) fn random_background(&self, rng: &mut ChaCha8Rng) -> Option<usize> {
        let count = self.background_count();
        if count == 0 {
            return None;
        }
        let rank = rng.random_range(0..count) as u64;
        Some(self.first(|offset| {
            let others = self.classes.iter().map(|(_, runs)| runs.before(offset));
            let labelled = others.sum::<u64>() + self.ignored.before(offset);
            // Less than nothing is left only where runs of a damaged file overlap.
            offset.saturating_sub(labelled) > rank
        }))
    }

    fn random_among(&self, runs: &[&Runs], rng: &mut ChaCha8Rng) -> Option<usize> {
        let count: u64 = runs.iter().map(|runs| runs.count()).sum();
        if count == 0 {
            return None;
        }
        let rank = rng.random_range(0..count as usize) as u64;
        Some(match runs {
            [runs] => runs.nth(rank) as usize,
            // By rising offset over all of them, so that the order of labels does not matter.
            _ => self.first(|offset| runs.iter().map(|r| r.before(offset)).sum::<u64>() > rank),
        })
    }

    /// The first voxel with which `enough` holds for what lies before an offset; for all voxels it must
    /// hold, of none it must not.
    fn first(&self, enough: impl Fn(u64) -> bool) -> usize {
        let (mut low, mut high) = (0, self.voxels);
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        low as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stream, keyed};
    use vesalius_volume::Geometry;

    const IGNORE: u16 = 255;

    /// Labels 1, 100 and 255, of which the last is ignored.
    fn case() -> LabelMap {
        let g = Geometry::axis_aligned([12, 9, 7], [1.0; 3]).unwrap();
        LabelMap::from_fn(g, |[x, y, z]| match [x, y, z] {
            [x, y, z] if x > 8 && y < 3 && z > 4 => 1 + 99 * u16::from(x == 10),
            [0, 0, 0] | [11, 8, 6] | [3..5, 3, _] => IGNORE,
            _ => 0,
        })
    }

    /// Which voxels 20,000 draws hit.
    fn hit(draw: impl Fn(&LabelIndex, &mut ChaCha8Rng) -> Option<usize>) -> Vec<bool> {
        let labels = case();
        let index = LabelIndex::of(&labels, Some(IGNORE));
        let mut seen = vec![false; labels.data().len()];
        let mut rng = keyed(0, 0, Stream::Patch);
        for _ in 0..20_000 {
            seen[draw(&index, &mut rng).unwrap()] = true;
        }
        seen
    }

    fn is(wanted: impl Fn(u16) -> bool) -> Vec<bool> {
        case().data().iter().map(|&label| wanted(label)).collect()
    }

    #[test]
    fn every_voxel_of_what_is_wanted_can_be_drawn_and_no_other() {
        assert_eq!(hit(|i, rng| i.random_background(rng)), is(|l| l == 0));
        let foreground = |l: u16| l == 1 || l == 100;
        assert_eq!(hit(|i, rng| i.random_foreground(rng)), is(foreground));
        assert_eq!(hit(|i, rng| i.random_of_any(rng)), is(foreground));
        assert_eq!(hit(|i, rng| i.random_of(&[100], rng)), is(|l| l == 100));
        assert_eq!(hit(|i, rng| i.random_of(&[100, 1, 7], rng)), is(foreground));
        assert_eq!(hit(|i, rng| i.random_of(&[0], rng)), is(|l| l == 0));
    }

    #[test]
    fn what_does_not_occur_is_not_drawn() {
        let g = Geometry::axis_aligned([3, 3, 3], [1.0; 3]).unwrap();
        let mut rng = keyed(0, 0, Stream::Patch);
        let full = LabelIndex::of(&LabelMap::from_fn(g, |_| 4), Some(9));
        assert!(full.random_background(&mut rng).is_none() && !full.has(&[0]));
        assert!(full.random_of(&[5], &mut rng).is_none() && full.has(&[5, 4]));
        let empty = LabelIndex::of(&LabelMap::from_fn(g, |_| 9), Some(9));
        assert_eq!([empty.foreground_count(), empty.background_count()], [0, 0]);
        assert!(empty.random_of_any(&mut rng).is_none());
        assert!(empty.random_foreground(&mut rng).is_none());
    }

    #[test]
    fn memory_is_counted_and_less_than_a_list_of_voxels_takes() {
        let g = Geometry::axis_aligned([64, 64, 64], [1.0; 3]).unwrap();
        let inside = |at: [usize; 3]| at.iter().all(|&i| (8..56).contains(&i));
        let labels = LabelMap::from_fn(g, |at| u16::from(inside(at)) * (1 + u16::from(at[0] > 30)));
        let index = LabelIndex::of(&labels, None);
        let voxels = 48 * 48 * 48;
        assert_eq!(index.foreground_count(), voxels);
        // Two runs per row, 16 bytes each.
        let stretches = 2 * 48 * 48;
        assert!(index.bytes() >= 16 * stretches && index.bytes() < 17 * stretches);
        assert!(index.bytes() < voxels);
    }
}
