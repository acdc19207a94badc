//! Rows of a matrix in another order, and transposed matrices: how voxels become tokens of windows and
//! voxels again.

use crate::cpu::{self, RowsOperation, TransposeOperation};
use crate::{Int, Tensor};
use burn::tensor::TensorData;
use std::sync::Arc;
use vesalius_kernels::NO_ROW;

/// An order of rows in which no row occurs twice, and its inverse. Clones share it.
#[derive(Debug, Clone)]
pub struct RowOrder {
    take: Arc<Vec<u32>>,
    put: Arc<Vec<u32>>,
}

impl RowOrder {
    /// Of `rows` rows, those that `take` names, in its order; `None` gives a row of zeros.
    ///
    /// # Panics
    /// When a row is not there or is taken twice.
    pub fn new(rows: usize, take: impl IntoIterator<Item = Option<usize>>) -> Self {
        let mut put = vec![NO_ROW; rows];
        let place = |(to, from): (usize, Option<usize>)| match from {
            Some(row) => {
                assert!(put[row] == NO_ROW, "row {row} is taken twice");
                put[row] = to as u32;
                row as u32
            }
            None => NO_ROW,
        };
        let take = take.into_iter().enumerate().map(place).collect();
        Self {
            take: Arc::new(take),
            put: Arc::new(put),
        }
    }

    /// The order that puts every row back where it was; a row that was not taken becomes zeros.
    pub fn back(&self) -> Self {
        Self {
            take: Arc::clone(&self.put),
            put: Arc::clone(&self.take),
        }
    }

    pub(crate) fn take(&self) -> &[u32] {
        &self.take
    }

    pub(crate) fn put(&self) -> &[u32] {
        &self.put
    }
}

/// The rows of every sample in another order.
///
/// ```
/// use vesalius_tensor::{Device, RowOrder, Tensor, reorder_rows};
///
/// // One sample of three rows of one value.
/// let rows = Tensor::<3>::from_data([[[1.0], [2.0], [3.0]]], &Device::flex());
/// let order = RowOrder::new(3, [Some(2), None, Some(0)]);
/// let taken = reorder_rows(rows, &order);
/// assert_eq!(taken.clone().into_data().to_vec::<f32>()?, [3.0, 0.0, 1.0]);
/// let back = reorder_rows(taken, &order.back());
/// assert_eq!(back.into_data().to_vec::<f32>()?, [1.0, 0.0, 3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Shapes
/// `[N, rows, length]` to `[N, rows that are taken, length]`.
///
/// # Panics
/// When the order is one of another number of rows.
pub fn reorder_rows(input: Tensor<3>, order: &RowOrder) -> Tensor<3> {
    let [samples, rows, length] = input.dims();
    assert_eq!(rows, order.put.len(), "an order of other rows");
    if !cpu::fits(&input) {
        return reorder_fallback(input, order);
    }
    let operation = RowsOperation {
        samples,
        length,
        order: order.clone(),
    };
    cpu::run(input, [], operation)
}

pub(super) fn reorder_fallback(input: Tensor<3>, order: &RowOrder) -> Tensor<3> {
    let ([n, rows, length], device) = (input.dims(), input.device());
    let padded = order.take.contains(&NO_ROW);
    let input = match padded {
        true => Tensor::cat(vec![input, Tensor::zeros([n, 1, length], &device)], 1),
        false => input,
    };
    let indices: Vec<i32> = order
        .take
        .iter()
        .map(|&r| r.min(rows as u32) as i32)
        .collect();
    let data = TensorData::new(indices, [order.take.len()]);
    input.select(1, Tensor::<1, Int>::from_data(data, &device))
}

/// The last two axes exchanged, in memory too: `[N, A, B]` to `[N, B, A]`.
pub fn transpose_rows(input: Tensor<3>) -> Tensor<3> {
    if !cpu::fits(&input) {
        return input.swap_dims(1, 2);
    }
    let [samples, rows, columns] = input.dims();
    let operation = TransposeOperation {
        samples,
        rows,
        columns,
    };
    cpu::run(input, [], operation)
}
