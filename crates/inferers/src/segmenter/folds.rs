//! nnU-Net's mean over folds: the windows of each fold are blended by themselves, and their logits are added and
//! divided as 16-bit floats. The mean of the networks' outputs, blended once, differs from it by a rounding
//! wherever two classes are nearly equal.

use crate::Result;
use crate::stitch::{OutputSlice, to_half};
use burn::tensor::f16;

/// The sum of the folds so far, over all slices of a stripe.
pub(super) struct FoldSum {
    folds: usize,
    done: usize,
    /// `[slice][channel][y][x]`; empty while there is one fold alone.
    sums: Vec<f16>,
}

impl FoldSum {
    /// Of so many folds over so many slices.
    pub fn new(folds: usize) -> Self {
        Self {
            folds,
            done: 0,
            sums: Vec::new(),
        }
    }

    /// Adds a slice of the current fold, of `slices`; in the last fold the slice becomes the mean and is passed on.
    pub fn take(
        &mut self,
        slice: OutputSlice,
        slices: usize,
        consume: &mut dyn FnMut(OutputSlice) -> Result<()>,
    ) -> Result<()> {
        if self.folds == 1 {
            return consume(slice);
        }
        let each = slice.values.len();
        if self.sums.is_empty() {
            self.sums = vec![f16::ZERO; each * slices];
        }
        let sums = &mut self.sums[slice.z * each..][..each];
        let last = self.done + 1 == self.folds;
        for (sum, value) in sums.iter_mut().zip(slice.values.iter_mut()) {
            let added = match self.done {
                0 => *value,
                _ => to_half(sum.to_f32() + *value),
            };
            match last {
                true => *value = to_half(added / self.folds as f32),
                false => *sum = f16::from_f32(added),
            }
        }
        match last {
            true => consume(slice),
            false => Ok(()),
        }
    }

    /// The current fold is done.
    pub fn next(&mut self) {
        self.done += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PyTorch 2.15 printed.
    const EXPECTED: [f32; 3] = [1.166_992_2, 333.75, -1.497_070_3];

    /// `torch.half` tensors added and divided in place, as nnU-Net does.
    #[test]
    fn sums_are_those_of_halves() {
        let folds = [
            [1.0f32, 0.333_251_95, -7.5],
            [2.0, 1000.0, 0.007_812_5],
            [0.5, 0.25, 3.0],
        ];
        let mut sum = FoldSum::new(3);
        let mut found = Vec::new();
        for values in folds {
            let mut values = values;
            let slice = OutputSlice {
                z: 0,
                rows: 0..1,
                values: &mut values,
            };
            sum.take(slice, 1, &mut |slice| {
                found.extend_from_slice(slice.values);
                Ok(())
            })
            .unwrap();
            sum.next();
        }
        assert_eq!(found, EXPECTED);
    }
}
