//! Rows in another order, and the last two axes exchanged.

use super::{CpuOperation, Saved, expect_fit};
use crate::ops::RowOrder;
use vesalius_kernels as kernels;

/// Operand: `[samples, rows, length]`.
#[derive(Debug)]
pub(crate) struct RowsOperation {
    pub samples: usize,
    pub length: usize,
    pub order: RowOrder,
}

impl RowsOperation {
    fn run(&self, take: &[u32], rows: usize, input: &[f32]) -> Vec<f32> {
        let mut output = kernels::zeros(self.samples * take.len() * self.length);
        expect_fit(kernels::take_rows(
            self.samples,
            rows,
            self.length,
            take,
            input,
            &mut output,
        ));
        output
    }
}

impl CpuOperation for RowsOperation {
    fn output_shape(&self) -> Vec<usize> {
        vec![self.samples, self.order.take().len(), self.length]
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let output = self.run(self.order.take(), self.order.put().len(), inputs[0]);
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
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let to = self.run(self.order.put(), self.order.take().len(), gradient);
        vec![Some(to)]
    }
}

/// Operand: `[samples, rows, columns]`; the output is `[samples, columns, rows]`.
#[derive(Debug)]
pub(crate) struct TransposeOperation {
    pub samples: usize,
    pub rows: usize,
    pub columns: usize,
}

impl TransposeOperation {
    fn run(&self, rows: usize, columns: usize, input: &[f32]) -> Vec<f32> {
        let mut output = kernels::zeros(input.len());
        expect_fit(kernels::transpose(
            self.samples,
            rows,
            columns,
            input,
            &mut output,
        ));
        output
    }
}

impl CpuOperation for TransposeOperation {
    fn output_shape(&self) -> Vec<usize> {
        vec![self.samples, self.columns, self.rows]
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let output = self.run(self.rows, self.columns, inputs[0]);
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
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        vec![Some(self.run(self.columns, self.rows, gradient))]
    }
}
