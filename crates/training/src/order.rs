//! Which case each draw takes: every case once an epoch, in an order that follows from the seed.

use rand::RngExt;
use vesalius_transforms::{Stream, keyed};

/// The order of cases over draws, for one seed.
#[derive(Debug, Clone)]
pub struct CaseOrder {
    seed: u64,
    cases: usize,
    epoch: u64,
    order: Vec<usize>,
}

impl CaseOrder {
    /// An order over `cases` cases, at least one.
    pub fn new(seed: u64, cases: usize) -> Self {
        let mut order = Self {
            seed,
            cases: cases.max(1),
            epoch: 0,
            order: Vec::new(),
        };
        order.shuffle(0);
        order
    }

    /// The case of draw `draw` (a sample's running number over the whole run).
    pub fn case(&mut self, draw: u64) -> usize {
        let (epoch, position) = (draw / self.cases as u64, draw % self.cases as u64);
        if epoch != self.epoch {
            self.shuffle(epoch);
        }
        self.order[position as usize]
    }

    fn shuffle(&mut self, epoch: u64) {
        let mut rng = keyed(self.seed, epoch, Stream::Case);
        self.epoch = epoch;
        self.order = (0..self.cases).collect();
        for last in (1..self.cases).rev() {
            self.order.swap(last, rng.random_range(0..=last));
        }
    }
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
}
