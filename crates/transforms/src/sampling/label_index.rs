//! Where the labels of a case are.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use vesalius_volume::LabelMap;

/// The labelled voxels of a case, found once so that drawing one is immediate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelIndex {
    foreground: Vec<u32>,
    classes: Vec<(u16, Vec<u32>)>,
}

impl LabelIndex {
    /// Offsets of every voxel that is neither background nor `ignore`, in rising order.
    pub fn of(labels: &LabelMap, ignore: Option<u16>) -> Self {
        let foreground = labels
            .data()
            .iter()
            .enumerate()
            .filter(|&(_, &label)| label != 0 && Some(label) != ignore)
            .map(|(offset, _)| offset as u32)
            .collect();
        let mut classes: Vec<(u16, Vec<u32>)> = Vec::new();
        for &offset in &foreground {
            let label = labels.data()[offset as usize];
            match classes.binary_search_by_key(&label, |c| c.0) {
                Ok(place) => classes[place].1.push(offset),
                Err(place) => classes.insert(place, (label, vec![offset])),
            }
        }
        Self {
            foreground,
            classes,
        }
    }

    /// The labels that occur, background left out, in rising order.
    pub fn labels(&self) -> impl Iterator<Item = u16> + '_ {
        self.classes.iter().map(|c| c.0)
    }

    /// A labelled voxel, each as likely; `None` without any.
    pub(super) fn random_foreground(&self, rng: &mut ChaCha8Rng) -> Option<usize> {
        let count = self.foreground.len();
        (count > 0).then(|| self.foreground[rng.random_range(0..count)] as usize)
    }

    /// A voxel of a label, each as likely; `None` where it does not occur.
    pub(super) fn random_of(&self, label: u16, rng: &mut ChaCha8Rng) -> Option<usize> {
        let place = self.classes.binary_search_by_key(&label, |c| c.0).ok()?;
        let voxels = &self.classes[place].1;
        Some(voxels[rng.random_range(0..voxels.len())] as usize)
    }

    /// A voxel of a label that occurs, each label as likely: nnU-Net's forced foreground.
    pub(super) fn random_of_any(&self, rng: &mut ChaCha8Rng) -> Option<usize> {
        let count = self.classes.len();
        let label = (count > 0).then(|| self.classes[rng.random_range(0..count)].0)?;
        self.random_of(label, rng)
    }

    /// Number of labelled voxels.
    pub fn foreground_count(&self) -> usize {
        self.foreground.len()
    }

    /// A voxel that is not labelled, each as likely; `None` when every voxel is.
    pub(super) fn random_background(&self, voxels: usize, rng: &mut ChaCha8Rng) -> Option<usize> {
        let free = voxels - self.foreground.len();
        if free == 0 {
            return None;
        }
        // The n-th background voxel lies after as many labelled ones as have a rank not above it:
        // foreground[k] - k background voxels come before the k-th labelled voxel.
        let nth = rng.random_range(0..free);
        let (mut low, mut high) = (0, self.foreground.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.foreground[middle] as usize - middle <= nth {
                low = middle + 1
            } else {
                high = middle
            }
        }
        Some(nth + low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stream, keyed};
    use vesalius_volume::Geometry;

    fn case() -> LabelMap {
        let g = Geometry::axis_aligned([12, 9, 7], [1.0; 3]).unwrap();
        LabelMap::from_fn(g, |[x, y, z]| u16::from(x > 8 && y < 3 && z > 4))
    }

    #[test]
    fn every_background_voxel_can_be_drawn_and_no_other() {
        let labels = case();
        let index = LabelIndex::of(&labels, None);
        let mut seen = vec![false; labels.data().len()];
        let mut rng = keyed(0, 0, Stream::Patch);
        for _ in 0..20_000 {
            let drawn = index
                .random_background(labels.data().len(), &mut rng)
                .unwrap();
            seen[drawn] = true;
        }
        for (offset, &label) in labels.data().iter().enumerate() {
            assert_eq!(seen[offset], label == 0, "voxel {offset}");
        }
    }
}
