//! nnU-Net's arrays are `[z, y, x]`, transposed so that the thickest axis comes first; ours are `[x, y, z]`.

use crate::Result;
use serde_json::{Value, json};
use vesalius_planning::Error;
use vesalius_transforms::Axis;

/// Which axis `[x, y, z]` each axis of nnU-Net's transposed arrays is.
pub(super) struct Axes(Vec<usize>);

impl Axes {
    /// `count` is 2 for slices, which leave out the first axis.
    pub fn of(forward: &[usize], count: usize) -> Result<Self> {
        let mut sorted = forward.to_vec();
        sorted.sort_unstable();
        if sorted != [0, 1, 2] || !matches!(count, 2 | 3) {
            return Err(Error::Plan(format!(
                "nnU-Net's plan has the axes {forward:?} and {count} spacings, expected three axes and 2 or 3 spacings"
            ))
            .into());
        }
        // Array axis 0 is z.
        let axes: Vec<usize> = forward.iter().map(|axis| 2 - axis).collect();
        Ok(Self(axes[3 - count..].to_vec()))
    }

    /// Numbers along the array's axes as `[x, y, z]`; `missing` along the one that slices lack.
    pub fn turned<T: Copy>(&self, numbers: &[T], missing: T) -> [T; 3] {
        let mut turned = [missing; 3];
        for (axis, number) in self.0.iter().zip(numbers) {
            turned[*axis] = *number;
        }
        turned
    }

    /// The axis across slices; nothing in 3-D.
    pub fn across(&self) -> Option<Axis> {
        let all = [Axis::X, Axis::Y, Axis::Z];
        let free = (0..3).find(|axis| !self.0.contains(axis))?;
        Some(all[free])
    }
}

/// Kernels and strides along `[z, y, x]` (or `[y, x]` of slices as the network has them), which is how
/// nnU-Net's arrays would have them untransposed.
pub(super) fn turn_stages(stored: &mut Value, axes: &Axes) {
    let order: Vec<usize> = match axes.across() {
        Some(axis) => axis.last()[..2].iter().rev().copied().collect(),
        None => vec![2, 1, 0],
    };
    for key in ["kernel_sizes", "strides"] {
        let stages = &mut stored["architecture"]["arch_kwargs"][key];
        let Some(stages) = stages.as_array_mut() else {
            continue;
        };
        for stage in stages {
            let Some(numbers) = stage.as_array().filter(|n| n.len() == axes.0.len()) else {
                continue;
            };
            let along = |axis: &usize| {
                let at = axes.0.iter().position(|a| a == axis);
                at.map_or(json!(1), |at| numbers[at].clone())
            };
            *stage = order.iter().map(along).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(forward: &[usize], strides: Value) -> (Axes, Value) {
        let count = strides[0].as_array().map_or(0, Vec::len);
        let axes = Axes::of(forward, count).unwrap();
        let mut stored =
            json!({"architecture": {"arch_kwargs": {"strides": strides, "kernel_sizes": 3}}});
        turn_stages(&mut stored, &axes);
        let turned = stored["architecture"]["arch_kwargs"]["strides"].clone();
        (axes, turned)
    }

    #[test]
    fn arrays_as_they_are_run_along_z_y_x() {
        let (axes, strides) = stages(&[0, 1, 2], json!([[1, 2, 4]]));
        assert_eq!(axes.turned(&[5.0, 2.0, 1.0], 0.0), [1.0, 2.0, 5.0]);
        assert_eq!((axes.across(), strides), (None, json!([[1, 2, 4]])));
    }

    #[test]
    fn transposed_arrays_are_turned_back() {
        // The thickest axis, x, comes first: array axes are x, z, y.
        let (axes, strides) = stages(&[2, 0, 1], json!([[1, 2, 4]]));
        assert_eq!(axes.turned(&[5.0, 2.0, 1.0], 0.0), [5.0, 1.0, 2.0]);
        // x has stride 1, z 2, y 4; the network's file order is z, y, x.
        assert_eq!(strides, json!([[2, 4, 1]]));
    }

    #[test]
    fn slices_lie_across_the_first_axis() {
        let (axes, strides) = stages(&[1, 0, 2], json!([[2, 4]]));
        // Array axes are y, z, x: slices across y, rows along z and x; the network has x before z.
        assert_eq!(axes.across(), Some(Axis::Y));
        assert_eq!(axes.turned(&[7, 9], 1), [9, 1, 7]);
        assert_eq!(strides, json!([[2, 4]]));
        assert!(Axes::of(&[0, 0, 1], 3).is_err());
    }
}
