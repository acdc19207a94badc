//! What a network's output means: its labels, what of it is resampled, and from when a region is present.

use crate::{Carried, ModelDescription, Result};
use std::borrow::Cow;
use vesalius_tensor::{LogitsSlab, Presence};
use vesalius_volume::LabelScheme;

/// The meaning of slices of logits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meaning<'a> {
    pub scheme: &'a LabelScheme,
    /// Whether probabilities are resampled, and not logits.
    pub carries_probabilities: bool,
    pub presence: Presence,
}

impl<'a> Meaning<'a> {
    /// A model's. Labels that are taken back as such are decided on the network's grid, where nothing is resampled.
    pub fn of(model: &'a ModelDescription) -> Self {
        Self {
            scheme: &model.labels,
            carries_probabilities: model.inverse.of == Carried::Probabilities,
            presence: model.inverse.presence(),
        }
    }

    /// Logits of a scheme, resampled as such.
    pub fn of_logits(scheme: &'a LabelScheme) -> Self {
        Self {
            scheme,
            carries_probabilities: false,
            presence: Presence::default(),
        }
    }

    /// What is resampled of some logits, channel by channel.
    ///
    /// # Errors
    /// Logits that are not finite.
    pub fn carried<'v>(&self, logits: &'v [f32]) -> Result<Cow<'v, [f32]>> {
        Ok(match self.carries_probabilities {
            false => Cow::Borrowed(logits),
            true => {
                let slab = LogitsSlab::new(self.scheme, logits.to_vec())?;
                Cow::Owned(slab.into_probabilities().into_data())
            }
        })
    }
}
