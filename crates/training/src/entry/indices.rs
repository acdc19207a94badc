//! The indices of labelled voxels that were read last, of all entries of a pool together.
//!
//! The indices of a large dataset have gigabytes. A draw needs that of one case, which takes milliseconds to read,
//! so only the last ones stay in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use vesalius_transforms::LabelIndex;

/// Bytes of the indices that stay in memory.
const MOST: usize = 128 << 20;

/// Indices in memory.
#[derive(Debug)]
pub(crate) struct Indices {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// In the order in which they were read.
    indices: VecDeque<Arc<LabelIndex>>,
    bytes: usize,
}

impl Default for Indices {
    fn default() -> Self {
        Self::up_to(MOST)
    }
}

impl Indices {
    pub(crate) fn up_to(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    /// Keeps an index, and forgets those that were read first where there are too many. The last one stays, whatever
    /// its size.
    pub(crate) fn keep(&self, index: &Arc<LabelIndex>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += index.bytes();
        kept.indices.push_back(index.clone());
        while kept.bytes > self.most && kept.indices.len() > 1 {
            if let Some(first) = kept.indices.pop_front() {
                kept.bytes -= first.bytes();
            }
        }
    }

    /// Bytes that are kept.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, LabelMap};

    #[test]
    fn only_the_last_indices_stay() {
        let grid = Geometry::axis_aligned([64, 4, 4], [1.0; 3]).unwrap();
        let index = || {
            let labels = LabelMap::from_fn(grid, |[x, ..]| (x % 2) as u16);
            Arc::new(LabelIndex::of(&labels, None))
        };
        let each = index().bytes();
        let indices = Indices::up_to(3 * each);
        let made: Vec<_> = (0..5).map(|_| index()).collect();
        made.iter().for_each(|index| indices.keep(index));
        assert_eq!(indices.bytes(), 3 * each);
        let kept: Vec<bool> = made
            .iter()
            .map(|index| Arc::strong_count(index) > 1)
            .collect();
        assert_eq!(kept, [false, false, true, true, true]);
        // One that is too large for all of it is the only one.
        let small = Indices::up_to(1);
        made.iter().for_each(|index| small.keep(index));
        assert_eq!(small.bytes(), each);
    }
}
