//! The networks of a model, and what all of them make together with flips and turns.

use super::TurnedNetwork;
use super::turned::Turned;
use crate::{Averaged, Mirrored, ModelDescription, PatchNetwork, Result};
use vesalius_networks::Network;

/// A member of a model: a network of ours, or one of the user's.
pub(super) enum Member {
    Ours(Box<Network>),
    Own(Box<dyn PatchNetwork + Send + Sync>),
}

impl Member {
    /// Numbers of one of ours; those of others are not known.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Ours(network) => network.parameter_count(),
            Self::Own(_) => 0,
        }
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ours(network) => f.debug_tuple("Ours").field(network).finish(),
            Self::Own(_) => f.debug_tuple("Own").finish_non_exhaustive(),
        }
    }
}

/// Runs a closure with the network that all members, flips and turns make together.
///
/// # Errors
/// A model without a member; what the closure gives.
pub(super) fn with_network<T>(
    members: &[Member],
    model: &ModelDescription,
    run: impl FnOnce(&dyn PatchNetwork) -> Result<T>,
) -> Result<T> {
    let order = model.axis_order;
    let turned: Vec<Box<dyn PatchNetwork + '_>> = members
        .iter()
        .map(|member| -> Box<dyn PatchNetwork + '_> {
            match member {
                Member::Ours(network) => Box::new(TurnedNetwork { network, order }),
                Member::Own(network) => Box::new(Turned {
                    network: &**network,
                    order,
                }),
            }
        })
        .collect();
    let name = |index: usize| match model.members.get(index) {
        Some(name) => format!("member {name}"),
        None => format!("network {}", index + 1),
    };
    let named = turned.iter().enumerate();
    let named = named.map(|(index, network)| (name(index), &**network));
    let members = Averaged::new(named.collect())?;
    let mut axes = [false; 3];
    for axis in &model.mirror_axes {
        axes[axis.index()] = true;
    }
    run(&Mirrored {
        network: &members,
        axes,
    })
}
