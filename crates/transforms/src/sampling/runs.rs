//! Voxels of one label as runs of neighbours in memory: a few bytes for each run, where a list would
//! take as many for each voxel.

/// Rising voxel offsets, as runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// The first offset of each run.
    starts: Vec<u64>,
    /// Voxels before each run, and last the number of all.
    before: Vec<u64>,
}

impl Runs {
    /// Adds a voxel that lies after all others.
    pub fn push(&mut self, offset: u64) {
        if self.before.is_empty() {
            self.before.push(0);
        }
        let count = self.count();
        let end = |start: u64, before: u64| start + (count - before);
        let last = self.starts.len().checked_sub(1);
        let follows = last.is_some_and(|i| end(self.starts[i], self.before[i]) == offset);
        if follows {
            // `before` holds one number more than there are runs.
            *self.before.last_mut().expect("never empty here") += 1;
        } else {
            self.starts.push(offset);
            self.before.push(count + 1);
        }
    }

    /// The first voxel and the length of each run, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let lengths = self.before.windows(2).map(|pair| pair[1] - pair[0]);
        self.starts.iter().copied().zip(lengths)
    }

    /// Reads the number of runs, then the first voxel and the length of each, as [`Runs::iter`] gives them; `None` where
    /// they are not rising, separate runs of voxels below `voxels`.
    pub fn read(numbers: &mut impl Iterator<Item = u64>, voxels: u64) -> Option<Self> {
        let mut runs = Self::default();
        // The end of the run before, which the next one may not touch.
        let mut end = None;
        for _ in 0..numbers.next()? {
            let (start, length) = (numbers.next()?, numbers.next()?);
            if length == 0 || end.is_some_and(|end| start <= end) {
                return None;
            }
            let beyond = start.checked_add(length)?;
            if beyond > voxels {
                return None;
            }
            if runs.before.is_empty() {
                runs.before.push(0);
            }
            let count = runs.count();
            runs.starts.push(start);
            runs.before.push(count + length);
            end = Some(beyond);
        }
        runs.shrink();
        Some(runs)
    }

    /// Frees memory that was reserved in advance.
    pub fn shrink(&mut self) {
        self.starts.shrink_to_fit();
        self.before.shrink_to_fit();
    }

    /// Number of voxels.
    pub fn count(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// The voxel that `rank` others precede; `rank` must be below [`Runs::count`].
    pub fn nth(&self, rank: u64) -> u64 {
        debug_assert!(rank < self.count());
        let run = self.before.partition_point(|&before| before <= rank) - 1;
        self.starts[run] + (rank - self.before[run])
    }

    /// How many of the voxels lie before `offset`.
    pub fn before(&self, offset: u64) -> u64 {
        let run = self.starts.partition_point(|&start| start < offset);
        match run.checked_sub(1) {
            None => 0,
            Some(run) => (self.before[run] + (offset - self.starts[run])).min(self.before[run + 1]),
        }
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        (self.starts.capacity() + self.before.capacity()) * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_voxel_is_found_by_its_rank_and_every_rank_by_its_voxel() {
        for offsets in [
            vec![],
            vec![0],
            vec![7, 8, 9],
            vec![0, 1, 5, 6, 7, 20, 22, 23, (1 << 40), (1 << 40) + 1],
        ] {
            let mut runs = Runs::default();
            offsets.iter().for_each(|&offset| runs.push(offset));
            assert_eq!(runs.count(), offsets.len() as u64);
            for (rank, &offset) in offsets.iter().enumerate() {
                assert_eq!(runs.nth(rank as u64), offset);
            }
            for offset in (0..40).chain((1 << 40) - 2..(1 << 40) + 4) {
                let before = offsets.iter().filter(|&&other| other < offset).count();
                assert_eq!(
                    runs.before(offset),
                    before as u64,
                    "{offset} in {offsets:?}"
                );
            }
        }
    }
}
