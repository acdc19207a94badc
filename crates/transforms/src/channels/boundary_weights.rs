//! A weight for each voxel that is larger near the borders between labels.

use super::{ChannelStep, with_channel};
use crate::config::{check_amount, config, require};
use crate::transform::Configured;
use crate::{Context, Error, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_filters::{Connectivity, label_contour, squared_distance};
use vesalius_volume::{LabelMap, Volume};

config! {
    /// Adds a channel of weights 1 + strength · exp(-d² / 2σ²), d the distance to the nearest border of a
    /// label: the border term of O. Ronneberger et al., "U-Net", 2015. A loss takes it as weights.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, LabelMap, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([12, 1, 1], [1.0; 3])?;
    /// let labels = LabelMap::from_fn(grid, |[x, _, _]| u16::from(x >= 6));
    /// let subject = Subject::new("case_01", Volume::filled(grid, 0.0), Some(labels))?;
    /// let chain: Chain = serde_saphyr::from_str("- boundary_weights: {strength: 10, sigma: 2}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// // Highest at the border between the labels, close to 1 far from it.
    /// let weights = result.image().channel(1);
    /// assert!(weights[6] > 9.0 && weights[11] < 2.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    BoundaryWeights, "boundary_weights", {
        /// The weight on a border, less 1.
        strength: f64 = 10.0,
        /// σ, in millimetres.
        sigma: f64 = 5.0,
    }
}

impl Configured for BoundaryWeights {
    fn check(&self) -> Result<()> {
        check_amount(Self::NAME, "strength", self.strength)?;
        let fine = self.sigma.is_finite() && self.sigma > 0.0;
        require(
            fine,
            Self::NAME,
            "sigma",
            self.sigma,
            "a positive number of millimetres",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Channels(ChannelStep::BoundaryWeights(
            self.clone(),
        ))])
    }
}

impl BoundaryWeights {
    pub(super) fn apply(
        &self,
        case: &str,
        image: Volume<f32>,
        labels: Option<&LabelMap>,
    ) -> Result<Volume<f32>> {
        let labels = labels.ok_or_else(|| Error::NoLabels {
            case: case.to_owned(),
            what: "boundary_weights",
        })?;
        let border = label_contour(labels, Connectivity::Faces)?;
        let grid = labels.geometry();
        let squared: Vec<f32> =
            squared_distance(border.data(), grid.size(), grid.spacing(), |l| l != 0)?;
        let scale = -0.5 / self.sigma.powi(2);
        let weight = |d: &f32| (1.0 + self.strength * (f64::from(*d) * scale).exp()) as f32;
        with_channel(image, squared.iter().map(weight).collect())
    }
}
