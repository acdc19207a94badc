//! The smooth shading of magnetic resonance coils.

use super::IntensityStep;
use crate::config::{check_probability, check_range, config, require};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Multiplies by the exponential of a sum of Legendre polynomials (MONAI's `RandBiasField`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |_| 100.0);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- bias_field: {degree: 1, coefficient: [0.1, 0.3], probability: 1}",
    /// )?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// let (low, high) = (result.image().get(0, [0, 0, 0]), result.image().get(0, [7, 7, 7]));
    /// assert!(high > low && low > 0.0, "brighter towards one corner");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    BiasField, "bias_field", {
        /// Largest sum of the polynomials' degrees.
        degree: usize = 3,
        /// Least and largest coefficient.
        coefficient: [f64; 2] = [0.0, 0.1],
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

/// The degrees along x, y, z of each coefficient, in MONAI's order: x slowest.
fn degrees(degree: usize) -> Vec<[usize; 3]> {
    let mut all = Vec::new();
    for i in 0..=degree {
        for j in 0..=degree - i {
            all.extend((0..=degree - i - j).map(|k| [i, j, k]));
        }
    }
    all
}

impl Configured for BiasField {
    fn check(&self) -> Result<()> {
        require(
            (1..=8).contains(&self.degree),
            Self::NAME,
            "degree",
            self.degree,
            "1 to 8",
        )?;
        check_range(
            Self::NAME,
            "coefficient",
            self.coefficient,
            f64::NEG_INFINITY,
            "two numbers in rising order",
        )?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let coefficients = degrees(self.degree)
            .iter()
            .map(|_| between(rng, self.coefficient))
            .collect();
        let step = BiasFieldStep {
            degree: self.degree,
            coefficients,
        };
        let step = Step::Intensity(IntensityStep::BiasField(step));
        Ok(rng
            .random_bool(self.probability)
            .then_some(step)
            .into_iter()
            .collect())
    }
}

/// One shading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BiasFieldStep {
    /// Largest sum of the polynomials' degrees.
    pub degree: usize,
    /// Coefficients of the products of polynomials along x, y, z; z's degree runs fastest.
    pub coefficients: Vec<f64>,
}

impl BiasFieldStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let size = image.geometry().size();
        if image.geometry().voxel_count() == 0 {
            return Ok(());
        }
        // Polynomials at each index of each axis, from -1 to 1.
        let tables: [Vec<Vec<f64>>; 3] = std::array::from_fn(|axis| {
            let last = size[axis].saturating_sub(1).max(1) as f64;
            (0..size[axis])
                .map(|i| legendre(2.0 * i as f64 / last - 1.0, self.degree))
                .collect()
        });
        let terms: Vec<([usize; 3], f64)> = degrees(self.degree)
            .into_iter()
            .zip(self.coefficients.iter().copied())
            .collect();
        let ([nx, ny, nz], count) = (size, self.degree + 1);
        image
            .data_mut()
            .par_chunks_mut(nx)
            .enumerate()
            .for_each_init(
                || vec![0.0; count],
                |along_x, (row, values)| {
                    let (y, z) = (row % ny, row / ny % nz);
                    along_x.fill(0.0);
                    for (degree, coefficient) in &terms {
                        along_x[degree[0]] +=
                            coefficient * tables[1][y][degree[1]] * tables[2][z][degree[2]];
                    }
                    for (value, table) in values.iter_mut().zip(&tables[0]) {
                        let field: f64 = along_x.iter().zip(table).map(|(c, p)| c * p).sum();
                        *value = (f64::from(*value) * field.exp()) as f32;
                    }
                },
            );
        Ok(())
    }
}

/// The Legendre polynomials of degree 0 to `degree`, by Bonnet's recursion.
fn legendre(x: f64, degree: usize) -> Vec<f64> {
    let mut values = vec![1.0, x];
    for n in 1..degree {
        let n_f = n as f64;
        values.push(((2.0 * n_f + 1.0) * x * values[n] - n_f * values[n - 1]) / (n_f + 1.0));
    }
    values.truncate(degree + 1);
    values
}
