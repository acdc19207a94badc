//! The extension of Burn's CPU backend, and its nodes in the autodiff graph.

use super::operation::{CpuOperation, Saved, dense, tensor, values};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};
use burn_flex::FlexTensor;
use std::sync::Arc;

/// Runs operations of ours on a backend; Burn's generated dispatch takes each tensor as an argument.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait CpuOperations: Backend {
    /// The output of an operation on one tensor.
    fn cpu_operation_on_one(
        first: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self>;
    /// The output of an operation on two tensors.
    fn cpu_operation_on_two(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self>;
    /// The output of an operation on three tensors.
    fn cpu_operation_on_three(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self>;
    /// The output of an operation on four tensors.
    fn cpu_operation_on_four(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        fourth: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self>;
}

impl CpuOperations for Flex {
    fn cpu_operation_on_one(
        first: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self> {
        forward(vec![first], &*operation, false).0
    }

    fn cpu_operation_on_two(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self> {
        forward(vec![first, second], &*operation, false).0
    }

    fn cpu_operation_on_three(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self> {
        forward(vec![first, second, third], &*operation, false).0
    }

    fn cpu_operation_on_four(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        fourth: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self> {
        forward(vec![first, second, third, fourth], &*operation, false).0
    }
}

impl<C: CheckpointStrategy> CpuOperations for Autodiff<Flex, C> {
    fn cpu_operation_on_one(
        first: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self> {
        record::<C, 1>([first], operation)
    }

    fn cpu_operation_on_two(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self> {
        record::<C, 2>([first, second], operation)
    }

    fn cpu_operation_on_three(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self> {
        record::<C, 3>([first, second, third], operation)
    }

    fn cpu_operation_on_four(
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        fourth: FloatTensor<Self>,
        operation: Arc<dyn CpuOperation>,
    ) -> FloatTensor<Self> {
        record::<C, 4>([first, second, third, fourth], operation)
    }
}

fn forward(
    inputs: Vec<FlexTensor>,
    operation: &dyn CpuOperation,
    keep: bool,
) -> (FlexTensor, Saved, Vec<FlexTensor>) {
    let inputs: Vec<FlexTensor> = inputs.into_iter().map(dense).collect();
    let slices: Vec<&[f32]> = inputs.iter().map(values).collect();
    let (output, saved) = operation.forward(&slices, keep);
    (tensor(output, operation.output_shape()), saved, inputs)
}

/// What a node keeps until its backward pass.
#[derive(Debug, Clone)]
struct State {
    operation: Arc<dyn CpuOperation>,
    /// None when the operation does not keep them.
    inputs: Vec<FlexTensor>,
    shapes: Vec<Vec<usize>>,
    saved: Arc<Saved>,
}

#[derive(Debug)]
struct Node;

impl<const N: usize> Backward<Flex, N> for Node {
    type State = State;

    fn backward(self, ops: Ops<State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let State {
            operation,
            inputs,
            shapes,
            saved,
        } = ops.state;
        let gradient = dense(grads.consume::<Flex>(&ops.node));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let slices: Vec<&[f32]> = inputs.iter().map(values).collect();
        let found = operation.backward(&slices, &saved, values(&gradient), &wanted);
        drop(gradient);
        for ((parent, shape), found) in ops.parents.into_iter().zip(shapes).zip(found) {
            if let (Some(parent), Some(found)) = (parent, found) {
                grads.register::<Flex>(parent.id, tensor(found, shape));
            }
        }
    }
}

fn record<C: CheckpointStrategy, const N: usize>(
    inputs: [FloatTensor<Autodiff<Flex, C>>; N],
    operation: Arc<dyn CpuOperation>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let guards = inputs.each_ref().map(|input| input.node());
    let primitives = inputs.map(|input| input.into_primitive()).to_vec();
    let kind = Backward::<Flex, N>::prepare::<C>(Node, guards)
        .compute_bound()
        .stateful();
    match kind {
        OpsKind::Tracked(preparation) => {
            let (output, saved, mut inputs) = forward(primitives, &*operation, true);
            let shapes = inputs.iter().map(|input| input.shape().to_vec()).collect();
            if !operation.keeps_inputs() {
                inputs.clear();
            }
            let state = State {
                operation,
                inputs,
                shapes,
                saved: Arc::new(saved),
            };
            preparation.finish(state, output)
        }
        OpsKind::UnTracked(preparation) => {
            preparation.finish(forward(primitives, &*operation, false).0)
        }
    }
}
