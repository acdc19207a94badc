//! How one axis of an image or of a network's output is resized, with scipy's or PyTorch's arithmetic.

use super::half_pixel;
use crate::resample::axis::Axis;
use crate::resample::kernel::{Kernel, Linear};

/// How the voxels along one axis are mixed; all count half-pixel centres over the same extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AxisRule {
    /// Linear, scipy's order 1.
    Linear,
    /// The nearest voxel, halves go up: scipy's order 0.
    Nearest,
    /// Linear, `torch.nn.functional.interpolate(mode="linear")`: places in 32-bit floats.
    TorchLinear,
    /// The nearest voxel, `mode="nearest-exact"`.
    TorchNearestExact,
    /// The voxel at or before, `mode="nearest"`, which does not count half-pixel centres.
    TorchNearest,
}

impl AxisRule {
    /// The rules of nnU-Net's default function, linear but for the axis of thick slices.
    pub fn linear_but(separate: Option<usize>) -> [Self; 3] {
        std::array::from_fn(|axis| match separate == Some(axis) {
            true => Self::Nearest,
            false => Self::Linear,
        })
    }

    /// The table of an axis.
    pub(crate) fn table(self, from: usize, to: usize) -> Axis<f32, 2> {
        let last = (from - 1) as f64;
        let place = |i: usize| match self {
            Self::Linear | Self::Nearest => half_pixel(i, from, to).clamp(0.0, last),
            Self::TorchLinear => {
                let scale = from as f32 / to as f32;
                let at = scale * (i as f32 + 0.5) - 0.5;
                f64::from(at).clamp(0.0, last)
            }
            Self::TorchNearestExact => {
                let scale = from as f32 / to as f32;
                f64::from(((i as f32 + 0.5) * scale).floor()).min(last)
            }
            Self::TorchNearest => {
                let scale = from as f32 / to as f32;
                f64::from((i as f32 * scale).floor()).min(last)
            }
        };
        let places: Vec<f64> = (0..to).map(place).collect();
        let positions: Vec<Option<f64>> = places.iter().copied().map(Some).collect();
        let mut table = Axis::at::<Linear>(&positions, from);
        if self == Self::Nearest {
            let nearest: Vec<usize> = places
                .iter()
                .map(|at| (at + 0.5).floor() as usize)
                .collect();
            table.copy(&nearest, Linear::MARGIN);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixes(rule: AxisRule, from: usize, to: usize) -> Vec<Vec<(usize, f32)>> {
        let table = rule.table(from, to);
        (0..to).map(|i| table.mix(i).collect()).collect()
    }

    /// What PyTorch 2.15 and scipy return for a ramp of voxels.
    #[test]
    fn each_rule_takes_its_peers_voxels() {
        let taken = |rule, from, to| -> Vec<usize> {
            mixes(rule, from, to).iter().map(|mix| mix[0].0).collect()
        };
        assert_eq!(taken(AxisRule::TorchNearest, 5, 3), [0, 1, 3]);
        assert_eq!(taken(AxisRule::TorchNearestExact, 5, 3), [0, 2, 4]);
        assert_eq!(taken(AxisRule::Nearest, 4, 2), [1, 3]);
        assert_eq!(taken(AxisRule::TorchNearestExact, 4, 2), [1, 3]);
        assert_eq!(taken(AxisRule::TorchNearest, 4, 2), [0, 2]);
        let half = vec![(0, 0.5), (1, 0.5)];
        assert_eq!(mixes(AxisRule::TorchLinear, 4, 2)[0], half);
        assert_eq!(mixes(AxisRule::Linear, 4, 2)[0], half);
        for rule in [
            AxisRule::Linear,
            AxisRule::TorchLinear,
            AxisRule::TorchNearest,
        ] {
            let same: Vec<_> = (0..3).map(|i| vec![(i, 1.0)]).collect();
            assert_eq!(mixes(rule, 3, 3), same, "{rule:?}");
        }
    }
}
