//! Joining the channels of two tensors.

use super::{CpuOperation, Saved};
use rayon::prelude::*;
use vesalius_kernels as kernels;

/// Operands: first, second.
#[derive(Debug)]
pub(crate) struct ConcatenateOperation {
    pub batch: usize,
    /// Of the first and the second.
    pub channels: [usize; 2],
    /// Sizes, `[z, y, x]`.
    pub size: [usize; 3],
}

impl ConcatenateOperation {
    /// Values of one sample of each operand.
    fn lengths(&self) -> [usize; 2] {
        let voxels: usize = self.size.iter().product();
        self.channels.map(|channels| channels * voxels)
    }
}

/// Values that one task copies.
const PART: usize = 1 << 18;

fn copy(to: &mut [f32], from: &[f32]) {
    to.par_chunks_mut(PART)
        .zip(from.par_chunks(PART))
        .for_each(|(to, from)| to.copy_from_slice(from));
}

impl CpuOperation for ConcatenateOperation {
    fn output_shape(&self) -> Vec<usize> {
        let [z, y, x] = self.size;
        vec![self.batch, self.channels.iter().sum(), z, y, x]
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let [first, second] = self.lengths();
        let mut output = kernels::zeros(self.batch * (first + second));
        for sample in 0..self.batch {
            let to = &mut output[sample * (first + second)..][..first + second];
            let (to_first, to_second) = to.split_at_mut(first);
            copy(to_first, &inputs[0][sample * first..][..first]);
            copy(to_second, &inputs[1][sample * second..][..second]);
        }
        (output, Saved::default())
    }

    fn keeps_inputs(&self) -> bool {
        false
    }

    fn backward(
        &self,
        _: &[&[f32]],
        _: &Saved,
        gradient: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let lengths = self.lengths();
        let whole = lengths[0] + lengths[1];
        let part = |which: usize| {
            let length = lengths[which];
            let mut to = kernels::zeros(self.batch * length);
            for sample in 0..self.batch {
                let from = &gradient[sample * whole + which * lengths[0]..][..length];
                copy(&mut to[sample * length..][..length], from);
            }
            to
        };
        (0..2)
            .map(|which| wanted[which].then(|| part(which)))
            .collect()
    }
}
