//! A label index as bytes, to be stored beside the labels that it was made from.

use super::{LabelIndex, Runs};

impl LabelIndex {
    /// The index as bytes, which [`LabelIndex::from_bytes`] reads: little-endian numbers of 64 bits. First the voxels
    /// of the map and the number of labels; then for ignored voxels (as label 0) and for each label, its value, the
    /// number of its runs, and the first offset and the length of each run.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut numbers = vec![self.voxels, self.classes.len() as u64];
        let classes = self.classes.iter().map(|(label, runs)| (*label, runs));
        for (label, runs) in std::iter::once((0, &self.ignored)).chain(classes) {
            numbers.extend([u64::from(label), runs.iter().count() as u64]);
            numbers.extend(runs.iter().flat_map(|(start, length)| [start, length]));
        }
        numbers.into_iter().flat_map(u64::to_le_bytes).collect()
    }

    /// The index that [`LabelIndex::to_bytes`] wrote; `None` for bytes that are not one.
    ///
    /// ```
    /// use vesalius_transforms::LabelIndex;
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
    /// let labels = LabelMap::new(grid, vec![0, 1, 1, 5, 255, 0])?;
    /// let index = LabelIndex::of(&labels, Some(255));
    /// let bytes = index.to_bytes();
    /// assert_eq!(LabelIndex::from_bytes(&bytes), Some(index));
    /// assert_eq!(LabelIndex::from_bytes(&bytes[8..]), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut numbers = words.iter().map(|word| u64::from_le_bytes(*word));
        let (voxels, count) = (numbers.next()?, numbers.next()?);
        let mut index = Self {
            voxels,
            ..Self::default()
        };
        for place in 0..=count {
            let label = u16::try_from(numbers.next()?).ok()?;
            let runs = Runs::read(&mut numbers, voxels)?;
            let last = index.classes.last().map_or(0, |(label, _)| *label);
            match place {
                0 if label == 0 => index.ignored = runs,
                1.. if label > last && runs.count() > 0 => index.classes.push((label, runs)),
                _ => return None,
            }
        }
        index.classes.shrink_to_fit();
        let classes = index.classes.iter().map(|(_, runs)| runs.count());
        let labelled = classes.chain([index.ignored.count()]);
        let labelled = labelled.fold(0u64, u64::saturating_add);
        (rest.is_empty() && numbers.next().is_none() && labelled <= voxels).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, LabelMap};

    #[test]
    fn bytes_are_read_back_and_others_refused() {
        let g = Geometry::axis_aligned([9, 4, 3], [1.0; 3]).unwrap();
        let stripes = LabelMap::from_fn(g, |[x, y, _]| [0, 1, 2, 300][(x * y) % 4]);
        for index in [
            LabelIndex::default(),
            LabelIndex::of(&LabelMap::from_fn(g, |_| 4), None),
            LabelIndex::of(&LabelMap::from_fn(g, |_| 9), Some(9)),
            LabelIndex::of(&stripes, Some(2)),
            LabelIndex::of(&stripes, None),
        ] {
            let bytes = index.to_bytes();
            let back = LabelIndex::from_bytes(&bytes).unwrap();
            assert_eq!(back, index);
            assert_eq!(back.bytes(), index.bytes());
            for length in 0..bytes.len() {
                assert_eq!(LabelIndex::from_bytes(&bytes[..length]), None);
            }
            assert_eq!(
                LabelIndex::from_bytes(&[&bytes[..], &[0; 8]].concat()),
                None
            );
        }
        let read = |numbers: &[u64]| {
            let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            LabelIndex::from_bytes(&bytes)
        };
        assert!(read(&[9, 1, 0, 0, 5, 2, 0, 2, 4, 5]).is_some());
        for (numbers, why) in [
            (&[9, 1, 0, 0, 5, 2, 0, 2, 4, 6][..], "beyond the last voxel"),
            (&[9, 1, 0, 0, 5, 2, 4, 2, 0, 1], "runs out of order"),
            (&[9, 1, 0, 0, 5, 2, 0, 4, 2, 1], "runs over one another"),
            (&[9, 1, 0, 0, 5, 2, 0, 2, 2, 1], "two runs that are one"),
            (&[9, 1, 0, 0, 5, 1, 0, 0], "a run of nothing"),
            (&[9, 1, 0, 0, 5, 0], "a label without voxels"),
            (&[9, 1, 0, 0, 0, 1, 0, 1], "a label that is the background"),
            (&[9, 1, 0, 0, 1 << 16, 1, 0, 1], "a label of 17 bits"),
            (&[9, 2, 0, 0, 5, 1, 0, 1, 5, 1, 3, 1], "a label twice"),
            (&[9, 1, 7, 0, 5, 1, 0, 1], "ignored voxels with a label"),
            (
                &[9, 1, 0, 1, 0, 9, 5, 1, 0, 1],
                "more voxels than there are",
            ),
            (&[9, 1, 0, 0, 5, 1, u64::MAX, 2], "an end that overflows"),
            (&[9, 1, 0, 0, 5, u64::MAX, 0, 1], "a count beyond the bytes"),
            (&[9, u64::MAX, 0, 0, 5, 1, 0, 1], "labels beyond the bytes"),
        ] {
            assert_eq!(read(numbers), None, "{why}");
        }
    }
}
