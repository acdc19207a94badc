//! Scores by lesion instead of by voxel: which were found, how well, and what each convention makes of it.

mod assignment;
mod brats;
mod component_dice;
mod hits;
mod instances;
mod nearest_object;
mod numbered;
mod objects;

pub(crate) use assignment::assignment;
pub use brats::{Lesion, LesionWise, LesionWiseScores};
pub use component_dice::{ComponentDice, RegionDistance};
pub use hits::{Hit, HitRule, LesionHits};
pub use instances::{InstanceMatching, InstanceScores, MatchScore, MatchedObject, Matcher};
pub(crate) use numbered::Numbered;
pub use objects::Objects;
pub(crate) use objects::Shared;

use vesalius_filters::Connectivity;

/// What a measure's key says about a connectivity that is not the default.
pub(crate) fn neighbours(connectivity: Connectivity) -> &'static str {
    match connectivity {
        Connectivity::Faces => "_6",
        Connectivity::Edges => "_18",
        Connectivity::Corners => "",
    }
}
