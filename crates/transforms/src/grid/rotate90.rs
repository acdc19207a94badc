//! Quarter turns, without interpolation.

use crate::config::{check_probability, config, require};
use crate::transform::Configured;
use crate::{Axis, Context, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Rotates by 90, 180 or 270 degrees with equal chances in a plane (MONAI's `RandRotate90`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 2, 1], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- rotate90: {plane: [x, y], most: 1, probability: 1}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.geometry().size(), [2, 4, 1]);
    /// assert_eq!(result.image().data(), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Rotate90, "rotate90", {
        /// The plane: from its first axis towards its second, as numpy's `rot90` turns.
        plane: [Axis; 2] = [Axis::X, Axis::Y],
        /// Largest number of quarter turns.
        most: u8 = 3,
        /// How often it is turned, 0 to 1.
        probability: f64 = 0.5,
    }
}

impl Configured for Rotate90 {
    fn check(&self) -> Result<()> {
        require(
            self.plane[0] != self.plane[1],
            Self::NAME,
            "plane",
            self.plane,
            "two different axes",
        )?;
        require(
            (1..=3).contains(&self.most),
            Self::NAME,
            "most",
            self.most,
            "1, 2 or 3",
        )?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let turns = rng.random_range(1..=self.most);
        Ok(match rng.random_bool(self.probability) {
            true => quarter_turns(self.plane.map(Axis::index), turns),
            false => Vec::new(),
        })
    }
}

/// The steps of `turns` quarter turns from axis `a` towards axis `b`: numpy's `rot90(m, turns, (a, b))`.
fn quarter_turns([a, b]: [usize; 2], turns: u8) -> Vec<Step> {
    let mirror = |axes: &[usize]| {
        let mut flips = [false; 3];
        axes.iter().for_each(|axis| flips[*axis] = true);
        Step::Grid(GridStep::Flip { axes: flips })
    };
    let mut order = [0, 1, 2];
    order.swap(a, b);
    let swap = Step::Grid(GridStep::Permute { order });
    match turns % 4 {
        1 => vec![mirror(&[b]), swap],
        2 => vec![mirror(&[a, b])],
        3 => vec![swap, mirror(&[b])],
        _ => Vec::new(),
    }
}
