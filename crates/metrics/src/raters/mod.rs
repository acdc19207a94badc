//! Several raters of one case: their consensus, and how far they disagree.

mod disagreement;
mod energy;
mod patterns;
mod staple;
mod vote;

pub use disagreement::{
    Consensus, RaterAgreement, raters_against_the_rest, raters_against_the_rest_with,
};
pub use energy::{EnergyDistance, energy_distance, energy_distance_with};
pub use staple::{Staple, StapleOptions};
pub use vote::{Undecided, majority, majority_with};

use crate::{Error, Result};
use vesalius_volume::{Label, LabelMap};

/// Raters on one grid.
///
/// # Errors
/// [`Error::Raters`] for fewer than `least` raters, [`Error::Volume`] where their grids differ.
fn check<T: Label>(raters: &[&LabelMap<T>], least: usize) -> Result<()> {
    if raters.len() < least {
        return Err(Error::Raters {
            found: raters.len(),
            expected: least,
        });
    }
    for (place, rater) in raters.iter().enumerate().skip(1) {
        let what = format!("rater 1 and rater {}", place + 1);
        raters[0].geometry().check_same(rater.geometry(), &what)?;
    }
    Ok(())
}
