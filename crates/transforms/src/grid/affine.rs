//! Rotation, scale, shear and shift of the anatomy on its grid.

use super::about_centre;
use crate::config::{check_probability, check_range, check_share, config, require};
use crate::map::{ImageSampling, LabelSampling, PaddingMode, Sampling};
use crate::random::between;
use crate::transform::Configured;
use crate::{Axis, Context, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Geometry;

/// What lengths and angles are measured in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AffineSpace {
    /// Millimetres along the grid's axes: a rotation does not shear, for any spacing.
    #[default]
    Millimetres,
    /// Voxels, as MONAI and nnU-Net do: right for patches of even spacing alone.
    Voxels,
}

config! {
    /// Moves the anatomy about the grid's middle (MONAI's `RandAffine`, nnU-Net's `SpatialTransform`).
    ///
    /// As in both tools the numbers describe the map from the result to the source, so that a scale of
    /// 1.4 shows a larger part and the anatomy becomes smaller.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([16, 16, 8], [1.0, 1.0, 2.0])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// // Up to 15 degrees about z either way, 0.9 to 1.1 times as large.
    /// let chain: Chain = serde_saphyr::from_str("- affine: {rotate: [0, 0, 15], scale: [0.9, 1.1]}")?;
    /// let (result, trace) = chain.trace(subject.clone(), 7, 0)?;
    /// // The grid stays; the anatomy on it moves. Rotation and scale are one interpolation.
    /// assert_eq!(result.geometry(), &grid);
    /// assert_eq!(trace.interpolations, 1);
    /// // The same seed and draw give the same result.
    /// assert_eq!(chain.apply(subject, 7, 0)?.0.image(), result.image());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Affine, "affine", {
        /// Largest angle about x, y and z, in degrees, either way.
        rotate: [f64; 3] = [0.0; 3],
        /// How often there is a rotation.
        rotate_probability: f64 = 1.0,
        /// Least and largest scale.
        scale: [f64; 2] = [1.0, 1.0],
        /// How often there is a scale.
        scale_probability: f64 = 1.0,
        /// One scale for all axes instead of one each.
        isotropic: bool = true,
        /// An axis that the scale leaves alone.
        still: Option<Axis> = None,
        /// Largest shear coefficient between any two axes, either way.
        shear: f64 = 0.0,
        /// Largest shift along x, y and z, in millimetres (or voxels), either way.
        shift: [f64; 3] = [0.0; 3],
        /// How often anything is done.
        probability: f64 = 1.0,
        /// What lengths and angles are measured in.
        space: AffineSpace = AffineSpace::Millimetres,
        /// How the image is interpolated.
        interpolation: ImageSampling = ImageSampling::Linear,
        /// How labels are decided.
        labels: LabelSampling = LabelSampling::Nearest,
        /// The values outside of the image.
        outside: PaddingMode = PaddingMode::Zeros,
    }
}

impl Affine {
    fn sampling(&self) -> Sampling {
        Sampling {
            image: self.interpolation,
            labels: self.labels,
            outside: self.outside,
            apart: false,
        }
    }
}

impl Configured for Affine {
    fn check(&self) -> Result<()> {
        let amounts = |v: &[f64]| v.iter().all(|a| a.is_finite() && *a >= 0.0);
        require(
            amounts(&self.rotate),
            Self::NAME,
            "rotate",
            self.rotate,
            "three angles of 0 degrees or more",
        )?;
        check_range(
            Self::NAME,
            "scale",
            self.scale,
            1e-3,
            "two positive numbers in rising order",
        )?;
        let fine = amounts(&[self.shear]) && self.shear < 0.5;
        require(
            fine,
            Self::NAME,
            "shear",
            self.shear,
            "a number from 0 to below 0.5",
        )?;
        require(
            amounts(&self.shift),
            Self::NAME,
            "shift",
            self.shift,
            "three lengths of 0 or more",
        )?;
        check_share(Self::NAME, "rotate_probability", self.rotate_probability)?;
        check_share(Self::NAME, "scale_probability", self.scale_probability)?;
        check_probability(Self::NAME, self.probability)?;
        self.sampling().check(Self::NAME)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let symmetric = |rng: &mut ChaCha8Rng, most: f64| between(rng, [-most, most]);
        let wanted = rng.random_bool(self.probability);
        let turned = rng.random_bool(self.rotate_probability);
        let rotate = self
            .rotate
            .map(|most| if turned { symmetric(rng, most) } else { 0.0 });
        let scaled = rng.random_bool(self.scale_probability);
        let one = between(rng, self.scale);
        let scale = [Axis::X, Axis::Y, Axis::Z].map(|axis| match self.isotropic {
            _ if !scaled || self.still == Some(axis) => 1.0,
            true => one,
            false => between(rng, self.scale),
        });
        let shear = [0; 6].map(|_| symmetric(rng, self.shear));
        let shift = self.shift.map(|most| symmetric(rng, most));
        let numbers = Sampled {
            rotate,
            scale,
            shear,
            shift,
        };
        if !wanted || numbers == Sampled::default() {
            return Ok(Vec::new());
        }
        let matrix = numbers.matrix(case.geometry(), self.space)?;
        Ok(vec![Step::Grid(GridStep::Affine {
            matrix,
            sampling: self.sampling(),
        })])
    }
}

/// The numbers of one affine move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampled {
    /// Degrees about x, y, z.
    pub rotate: [f64; 3],
    pub scale: [f64; 3],
    /// Shears of x by y, x by z, y by x, y by z, z by x, z by y, one after another.
    pub shear: [f64; 6],
    pub shift: [f64; 3],
}

impl Default for Sampled {
    fn default() -> Self {
        Self {
            rotate: [0.0; 3],
            scale: [1.0; 3],
            shear: [0.0; 6],
            shift: [0.0; 3],
        }
    }
}

impl Sampled {
    /// From the result's index to the source's: rotation about x, then y, then z, shear, shift, scale,
    /// multiplied in this order (MONAI's `AffineGrid`).
    pub fn matrix(
        &self,
        geometry: &Geometry,
        space: AffineSpace,
    ) -> Result<vesalius_volume::Affine> {
        let [[sx, cx], [sy, cy], [sz, cz]] = self.rotate.map(|a| {
            let (sin, cos) = a.to_radians().sin_cos();
            [sin, cos]
        });
        let x = [[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]];
        let y = [[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]];
        let z = [[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]];
        // One shear after another, so that together they keep volumes.
        let mut shear = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let pairs = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)];
        for ((i, j), coefficient) in pairs.into_iter().zip(self.shear) {
            let mut one = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
            one[i][j] = coefficient;
            shear = product(&one, &shear);
        }
        let turn = product(&product(&product(&x, &y), &z), &shear);
        let unit = match space {
            AffineSpace::Millimetres => geometry.spacing(),
            AffineSpace::Voxels => [1.0; 3],
        };
        let linear = std::array::from_fn(|i| {
            std::array::from_fn(|j| turn[i][j] * self.scale[j] * unit[j] / unit[i])
        });
        let shift = std::array::from_fn(|i| {
            (0..3).map(|j| turn[i][j] * self.shift[j]).sum::<f64>() / unit[i]
        });
        about_centre(linear, shift, geometry.size())
    }
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_those_of_monai_and_of_nnunet() {
        let data: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/matrices.json")).unwrap();
        let g = Geometry::axis_aligned([7, 6, 5], [1.0; 3]).unwrap();
        for case in data["cases"].as_array().unwrap() {
            fn read<T: serde::de::DeserializeOwned>(case: &serde_json::Value, key: &str) -> T {
                serde_json::from_value(case[key].clone()).unwrap()
            }
            let numbers = Sampled {
                rotate: read(case, "rotate"),
                scale: read(case, "scale"),
                shear: read(case, "shear"),
                shift: read(case, "shift"),
            };
            let found = numbers.matrix(&g, AffineSpace::Voxels).unwrap().rows();
            let expected: [[f64; 4]; 4] = read(case, "matrix");
            // MONAI's grid passes through single precision.
            let enough = if case["name"] == "monai" { 2e-6 } else { 1e-9 };
            for (a, b) in found.iter().flatten().zip(expected.iter().flatten()) {
                assert!(
                    (a - b).abs() < enough,
                    "{}: {found:?} {expected:?}",
                    case["name"]
                );
            }
        }
    }

    #[test]
    fn a_rotation_in_millimetres_keeps_lengths_on_uneven_grids() {
        let g = Geometry::axis_aligned([20, 20, 10], [1.0, 1.0, 3.0]).unwrap();
        let numbers = Sampled {
            rotate: [30.0, -20.0, 10.0],
            ..Sampled::default()
        };
        let matrix = numbers.matrix(&g, AffineSpace::Millimetres).unwrap();
        let (a, b) = ([3.0, 5.0, 2.0], [9.0, 4.0, 7.0]);
        let length = |a: [f64; 3], b: [f64; 3]| {
            let [a, b] = [a, b].map(|p| g.index_to_world(p));
            (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
        };
        assert!((length(a, b) - length(matrix.apply(a), matrix.apply(b))).abs() < 1e-9);
        let centre = [9.5, 9.5, 4.5];
        assert!((0..3).all(|i| (matrix.apply(centre)[i] - centre[i]).abs() < 1e-9));
    }
}
