//! The networks of a model, and what all of them make together with flips and turns.

use super::AxisOrderAdapter;
use super::axis_order::Turned;
use crate::memory::activations;
use crate::{Averaged, Mirrored, ModelDescription, PatchNetwork, Result, SelectedChannels};
use vesalius_networks::Network;

/// A member of a model: a network of ours, or one of the user's.
pub(super) enum Member {
    Ours(Box<Network>),
    Own(Box<dyn PatchNetwork + Send + Sync>),
}

/// More bytes than any machine has: what a runtime answers is added up and multiplied.
const MOST: u64 = 1 << 44;

impl Member {
    /// Bytes of its weights; 0 for a runtime that does not tell.
    pub fn weights(&self) -> u64 {
        match self {
            Self::Ours(network) => 4 * network.parameter_count() as u64,
            Self::Own(network) => {
                let numbers = network.parameters().unwrap_or(0);
                numbers.saturating_mul(4).min(MOST)
            }
        }
    }

    /// Bytes that one window `[x, y, z]` of a volume takes in it; for a runtime that does not tell, what it takes in the
    /// described network.
    pub fn activations(&self, model: &ModelDescription, window: [usize; 3]) -> u64 {
        let told = match self {
            Self::Ours(_) => None,
            Self::Own(network) => {
                let (network, order) = (&**network, model.axis_order);
                let channels = model.network.architecture().in_channels();
                Turned { network, order }.memory(1, channels, window)
            }
        };
        told.map_or_else(|| activations(model, window), |bytes| bytes.min(MOST))
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
    let turned = turned(members, model);
    let named = turned.iter().enumerate();
    let named = named.map(|(index, network)| (name(model, index), &**network));
    let members = Averaged::new(named.collect())?;
    let mirrored = Mirrored::new(&members, mirrored(model));
    run(&SelectedChannels {
        network: &mirrored,
        channels: &model.inverse.channels,
    })
}

/// Runs a closure with each member's network by itself, its flips and turns included.
///
/// # Errors
/// What the closure gives.
pub(super) fn with_networks<T>(
    members: &[Member],
    model: &ModelDescription,
    run: impl FnOnce(&[&dyn PatchNetwork]) -> Result<T>,
) -> Result<T> {
    let turned = turned(members, model);
    let axes = mirrored(model);
    // Each is an average of one, so that its errors name the member.
    let named = turned.iter().enumerate();
    let named = named.map(|(index, network)| Averaged::new(vec![(name(model, index), &**network)]));
    let named = named.collect::<Result<Vec<_>>>()?;
    let mirrored: Vec<Mirrored> = named
        .iter()
        .map(|network| Mirrored::new(network, axes))
        .collect();
    let channels = &model.inverse.channels;
    let selected: Vec<SelectedChannels> = mirrored
        .iter()
        .map(|network| SelectedChannels { network, channels })
        .collect();
    let networks: Vec<&dyn PatchNetwork> =
        selected.iter().map(|s| s as &dyn PatchNetwork).collect();
    run(&networks)
}

fn name(model: &ModelDescription, index: usize) -> String {
    match model.members.get(index) {
        Some(name) => format!("member {name}"),
        None => format!("network {}", index + 1),
    }
}

fn turned<'a>(members: &'a [Member], model: &ModelDescription) -> Vec<Box<dyn PatchNetwork + 'a>> {
    let order = model.axis_order;
    members
        .iter()
        .map(|member| -> Box<dyn PatchNetwork + 'a> {
            match member {
                Member::Ours(network) => Box::new(AxisOrderAdapter { network, order }),
                Member::Own(network) => Box::new(Turned {
                    network: &**network,
                    order,
                }),
            }
        })
        .collect()
}

fn mirrored(model: &ModelDescription) -> [bool; 3] {
    let mut axes = [false; 3];
    for axis in &model.mirror_axes {
        axes[axis.index()] = true;
    }
    axes
}
