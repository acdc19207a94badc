//! Which axes a U-Net halves at each stage, from spacing and patch, as nnU-Net 2.8.1 decides it.
//!
//! Vectors run along the array's axes and have two or three numbers.

use vesalius_volume::limits;

/// Smallest edge of a feature map.
const SMALLEST_EDGE: f64 = 4.0;

/// What a patch and its spacing make of a network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Topology {
    /// Strides of each stage; the first are 1.
    pub strides: Vec<Vec<usize>>,
    /// Kernels of each stage.
    pub kernels: Vec<Vec<usize>>,
    /// The patch, padded so that every halving is exact.
    pub patch: Vec<usize>,
    /// What each edge of the patch must be a multiple of.
    pub divisor: Vec<usize>,
}

impl Topology {
    /// An axis is halved while its edge has 8 voxels or more and its spacing is below twice the smallest
    /// among such axes; a single such axis needs 12. A kernel is 1 along an axis until its spacing is
    /// below twice the smallest, then 3 in all further stages.
    pub fn of(spacing: &[f64], patch: &[f64]) -> Self {
        let axes = spacing.len();
        let (mut spacing, mut size) = (spacing.to_vec(), patch.to_vec());
        let mut strides = vec![vec![1; axes]];
        let mut kernels = vec![];
        let mut kernel = vec![1; axes];
        let mut halvings = vec![0u32; axes];
        loop {
            let large: Vec<usize> = (0..axes)
                .filter(|&a| size[a] >= 2.0 * SMALLEST_EDGE)
                .collect();
            let finest = large
                .iter()
                .map(|&a| spacing[a])
                .fold(f64::INFINITY, f64::min);
            let halved: Vec<usize> = large
                .into_iter()
                .filter(|&a| limits::below(spacing[a] / finest, 2.0))
                .collect();
            match halved[..] {
                [] => break,
                [axis] if size[axis] < 3.0 * SMALLEST_EDGE => break,
                _ => {}
            }
            let finest = spacing.iter().copied().fold(f64::INFINITY, f64::min);
            for axis in 0..axes {
                if limits::below(spacing[axis] / finest, 2.0) {
                    kernel[axis] = 3;
                }
            }
            let mut stride = vec![1; axes];
            for axis in halved {
                stride[axis] = 2;
                halvings[axis] += 1;
                spacing[axis] *= 2.0;
                size[axis] = (size[axis] / 2.0).ceil();
            }
            strides.push(stride);
            kernels.push(kernel.clone());
        }
        kernels.push(vec![3; axes]);
        let divisor: Vec<usize> = halvings.iter().map(|&n| 1 << n).collect();
        let patch = patch
            .iter()
            .zip(&divisor)
            .map(|(&size, &d)| padded(size, d))
            .collect();
        Self {
            strides,
            kernels,
            patch,
            divisor,
        }
    }

    /// How many stages the network has.
    pub fn stages(&self) -> usize {
        self.strides.len()
    }
}

/// The next multiple of `divisor`; an edge between two whole numbers (a median) is cut off at the end.
fn padded(size: f64, divisor: usize) -> usize {
    let divisor = divisor as f64;
    match size % divisor {
        0.0 => size as usize,
        rest => (size + divisor - rest) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thick_slices_are_not_halved_until_the_plane_is_as_coarse() {
        let topology = Topology::of(&[5.0, 1.0, 1.0], &[20.0, 250.0, 219.5]);
        assert_eq!(topology.strides[1], [1, 2, 2]);
        assert_eq!(topology.kernels[0], [1, 3, 3]);
        assert_eq!(topology.strides[3], [2, 2, 2]);
        assert_eq!(topology.kernels.last().unwrap(), &[3, 3, 3]);
        assert_eq!(topology.patch, [20, 256, 224]);
    }

    #[test]
    fn a_single_axis_needs_twelve_voxels() {
        assert_eq!(Topology::of(&[1.0, 1.0], &[7.0, 11.0]).stages(), 1);
        assert_eq!(Topology::of(&[1.0, 1.0], &[7.0, 12.0]).strides[1], [1, 2]);
    }
}
