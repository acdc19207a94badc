//! Which case each draw takes: every case once an epoch, in an order that follows from the seed; or
//! several patches of a case near each other, mixed with those of some other cases.

use rand::{Rng, RngExt};
use vesalius_transforms::{Stream, keyed};

/// The stream that mixes patches within a buffer.
const BUFFER: Stream = Stream::Other(1);

/// The order of cases over draws, for one seed, with access to any draw in any order.
///
/// ```
/// use vesalius_training::CaseOrder;
///
/// let mut order = CaseOrder::new(7, 3);
/// let mut epoch: Vec<usize> = (0..3).map(|draw| order.case(draw)).collect();
/// assert_eq!(order.case(1), epoch[1]);
/// epoch.sort();
/// assert_eq!(epoch, [0, 1, 2]);
/// ```
#[derive(Debug, Clone)]
pub struct CaseOrder {
    seed: u64,
    cases: usize,
    patches_per_case: usize,
    buffer: usize,
    epoch: Option<u64>,
    order: Vec<usize>,
    block: Option<u64>,
    mixed: Vec<usize>,
}

impl CaseOrder {
    /// An order over `cases` cases, at least one, each once an epoch.
    pub fn new(seed: u64, cases: usize) -> Self {
        Self::buffered(seed, cases, 1, 1)
    }

    /// An order in which `patches_per_case` draws of a case come close together, mixed with those of
    /// the other cases of a buffer of `buffer` cases: no more than these are open at a time.
    pub fn buffered(seed: u64, cases: usize, patches_per_case: usize, buffer: usize) -> Self {
        Self {
            seed,
            cases: cases.max(1),
            patches_per_case: patches_per_case.max(1),
            buffer: buffer.max(1),
            epoch: None,
            order: Vec::new(),
            block: None,
            mixed: Vec::new(),
        }
    }

    /// The case of draw `draw` (a patch's running number over the whole run).
    pub fn case(&mut self, draw: u64) -> usize {
        let each = self.patches_per_case as u64;
        if each == 1 {
            return self.visit(draw);
        }
        let length = self.buffer as u64 * each;
        let (block, place) = (draw / length, draw % length);
        if self.block != Some(block) {
            let mut rng = keyed(self.seed, block, BUFFER);
            self.mixed = shuffled(length as usize, &mut rng);
            self.block = Some(block);
        }
        let slot = self.mixed[place as usize] as u64 / each;
        self.visit(block * self.buffer as u64 + slot)
    }

    /// The case of visit `visit`, each case being visited once an epoch.
    fn visit(&mut self, visit: u64) -> usize {
        let (epoch, position) = (visit / self.cases as u64, visit % self.cases as u64);
        if self.epoch != Some(epoch) {
            let mut rng = keyed(self.seed, epoch, Stream::Case);
            self.order = shuffled(self.cases, &mut rng);
            self.epoch = Some(epoch);
        }
        self.order[position as usize]
    }
}

/// The numbers below `count` in a random order (Fisher and Yates).
fn shuffled(count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_comes_once_an_epoch_in_an_order_that_can_be_entered_anywhere() {
        let mut order = CaseOrder::new(5, 7);
        let all: Vec<usize> = (0..21).map(|draw| order.case(draw)).collect();
        for epoch in all.chunks(7) {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert_ne!(all[..7], all[7..14]);
        assert_eq!(CaseOrder::new(5, 7).case(17), all[17]);
    }

    #[test]
    fn a_buffer_mixes_the_patches_of_few_cases() {
        let mut order = CaseOrder::buffered(5, 10, 4, 5);
        let all: Vec<usize> = (0..40).map(|draw| order.case(draw)).collect();
        for block in all.chunks(20) {
            let mut cases = block.to_vec();
            cases.sort_unstable();
            assert!(
                cases
                    .chunks(4)
                    .all(|four| four.iter().all(|c| *c == four[0]))
            );
            cases.dedup();
            assert_eq!(cases.len(), 5);
            assert!(block.windows(2).any(|pair| pair[0] != pair[1]));
        }
        let mut seen = all.clone();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 10, "two buffers are an epoch");
        assert_eq!(CaseOrder::buffered(5, 10, 4, 5).case(33), all[33]);
    }
}
