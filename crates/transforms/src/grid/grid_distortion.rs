//! Stretching and squeezing the cells of a regular grid.

use crate::config::{check_probability, config, require};
use crate::map::{
    ControlInterpolation, Displacement, ImageSampling, LabelSampling, PaddingMode, Sampling,
};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Changes the width of each cell along each axis by a random share; what is in a cell is stretched
    /// evenly (MONAI's `RandGridDistortion`, with cells that stay adjacent).
    GridDistortion, "grid_distortion", {
        /// Cells along each axis.
        cells: usize = 5,
        /// Largest change of a cell's width, as a share of it, either way.
        limit: f64 = 0.03,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
        /// How the image is interpolated.
        interpolation: ImageSampling = ImageSampling::Linear,
        /// How labels are decided.
        labels: LabelSampling = LabelSampling::Nearest,
        /// The values outside of the image.
        outside: PaddingMode = PaddingMode::Edge,
    }
}

impl GridDistortion {
    fn sampling(&self) -> Sampling {
        Sampling {
            image: self.interpolation,
            labels: self.labels,
            outside: self.outside,
            apart: false,
        }
    }
}

impl Configured for GridDistortion {
    fn check(&self) -> Result<()> {
        require(
            (1..=64).contains(&self.cells),
            Self::NAME,
            "cells",
            self.cells,
            "1 to 64",
        )?;
        let fine = (0.0..0.5).contains(&self.limit);
        require(
            fine,
            Self::NAME,
            "limit",
            self.limit,
            "a share from 0 to below 0.5",
        )?;
        check_probability(Self::NAME, self.probability)?;
        self.sampling().check(Self::NAME)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let size = case.geometry().size();
        let nodes = [self.cells + 1; 3];
        let step: [f64; 3] =
            std::array::from_fn(|a| ((size[a].max(2) - 1) as f64 / self.cells as f64).max(1e-3));
        // How far each node along an axis is from where it was; the sum stays about the middle.
        let moved: [Vec<f64>; 3] = std::array::from_fn(|a| {
            let mut at = vec![0.0];
            for cell in 0..self.cells {
                let change = step[a] * between(rng, [-self.limit, self.limit]);
                at.push(at[cell] + change);
            }
            let half = at[self.cells] / 2.0;
            at.iter().map(|v| v - half).collect()
        });
        if !rng.random_bool(self.probability) {
            return Ok(Vec::new());
        }
        let count = nodes.iter().product::<usize>();
        let values = (0..3 * count)
            .map(|i| {
                let (axis, node) = (i / count, i % count);
                let index = [
                    node % nodes[0],
                    node / nodes[0] % nodes[1],
                    node / (nodes[0] * nodes[1]),
                ];
                moved[axis][index[axis]] as f32
            })
            .collect();
        let field = Displacement {
            lattice: ControlInterpolation::Linear,
            size: nodes,
            first: [0.0; 3],
            step,
            values,
        };
        Ok(vec![Step::Grid(GridStep::Displace {
            field,
            sampling: self.sampling(),
        })])
    }
}
