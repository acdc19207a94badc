//! Smooth random deformation on a lattice of control points.

use crate::config::{check_probability, config, require};
use crate::map::{
    ControlInterpolation, Displacement, ImageSampling, LabelSampling, PaddingMode, Sampling,
};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, Error, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A cubic B-spline deformation of three dimensions cannot fold while no control point moves further
/// than this share of their distance: Y. Choi and S. Lee, "Injectivity conditions of 2D and 3D uniform
/// cubic B-spline functions", 2000.
const WITHOUT_FOLDS: f64 = 1.0 / 2.48;

config! {
    /// Moves the points of a coarse lattice at random, and everything between them smoothly, by cubic
    /// B-splines, as TorchIO's `RandomElasticDeformation`.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([16, 16, 16], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// // Control points move by up to 1 mm along each axis.
    /// let chain: Chain = serde_saphyr::from_str("- elastic: {displacement: [1, 1, 1], probability: 1}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.geometry(), &grid);
    /// assert_ne!(result.image().get(0, [8, 8, 8]), 8.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Elastic, "elastic", {
        /// Control points along `[x, y, z]`, at least 4; 1 leaves an axis still.
        control_points: [usize; 3] = [7; 3],
        /// Largest displacement of a control point along `[x, y, z]`, in millimetres.
        displacement: [f64; 3] = [5.0; 3],
        /// Probability that a sample is deformed, 0 to 1.
        probability: f64 = 0.5,
        /// How the image is interpolated.
        interpolation: ImageSampling = ImageSampling::Linear,
        /// How labels are interpolated.
        labels: LabelSampling = LabelSampling::Nearest,
        /// The values outside of the image.
        outside: PaddingMode = PaddingMode::Zeros,
    }
}

impl Elastic {
    fn sampling(&self) -> Sampling {
        Sampling {
            image: self.interpolation,
            labels: self.labels,
            outside: self.outside,
            apart: false,
        }
    }
}

impl Configured for Elastic {
    fn check(&self) -> Result<()> {
        let fine = self
            .control_points
            .iter()
            .all(|&n| n == 1 || (4..=256).contains(&n));
        require(
            fine,
            Self::NAME,
            "control_points",
            self.control_points,
            "4 to 256 along an axis, or 1 to leave it still",
        )?;
        let fine = self.displacement.iter().all(|d| d.is_finite() && *d >= 0.0);
        require(
            fine,
            Self::NAME,
            "displacement",
            self.displacement,
            "three lengths of 0 mm or more",
        )?;
        check_probability(Self::NAME, self.probability)?;
        self.sampling().check(Self::NAME)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let (size, spacing) = (case.geometry().size(), case.geometry().spacing());
        let points = self.control_points;
        // The outermost points lie one step beyond the image, where cubic splines need them.
        let step: [f64; 3] = std::array::from_fn(|a| match points[a] {
            1 => 1.0,
            n => (size[a].max(2) - 1) as f64 / (n - 3) as f64,
        });
        let first = std::array::from_fn(|a| if points[a] == 1 { 0.0 } else { -step[a] });
        let still = |a: usize| points[a] == 1;
        let most: [f64; 3] = std::array::from_fn(|a| {
            if still(a) {
                0.0
            } else {
                self.displacement[a] / spacing[a]
            }
        });
        if let Some(a) = (0..3).find(|&a| !still(a) && most[a] > WITHOUT_FOLDS * step[a]) {
            return Err(Error::BadValue {
                transform: Self::NAME,
                key: "displacement",
                found: format!(
                    "{} mm between control points {:.1} mm apart along axis {a} of this case",
                    self.displacement[a],
                    step[a] * spacing[a]
                ),
                expected: "at most 0.4 of their distance, or tissue folds; lower it or take fewer points",
            });
        }
        let wanted = rng.random_bool(self.probability);
        let count = points.iter().product::<usize>();
        let values = (0..3 * count)
            .map(|i| between(rng, [-most[i / count], most[i / count]]) as f32)
            .collect();
        if !wanted {
            return Ok(Vec::new());
        }
        let field = Displacement {
            lattice: ControlInterpolation::Cubic,
            size: points,
            first,
            step,
            values,
        };
        Ok(vec![Step::Grid(GridStep::Displace {
            field,
            sampling: self.sampling(),
        })])
    }
}
