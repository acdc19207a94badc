//! Losses on logits: Dice, cross-entropy and their relatives, with the peers' names and defaults.
//!
//! A loss takes [`Logits`](vesalius_tensor::Logits), which have their label scheme, and label values
//! `[N, 1, Z, Y, X]`; it applies softmax or sigmoid itself, once, and skips voxels of the scheme's
//! ignore label. Distances between label maps that need no gradient are in `vesalius-metrics`.

#![forbid(unsafe_code)]

mod boundary;
mod cldice;
mod compound;
mod cross_entropy;
mod deep_supervision;
mod dice;
mod distance_field;
mod error;
mod focal;
mod generalized_dice;
mod hausdorff;
mod loss;
mod overlap;
mod target;
mod tversky;
mod unified_focal;

pub use boundary::Boundary;
pub use cldice::{ClDice, DiceClDice};
pub use compound::{DiceCrossEntropy, DiceFocal};
pub use cross_entropy::CrossEntropy;
pub use deep_supervision::{DeepSupervision, HeadWeights};
pub use dice::Dice;
pub use error::Error;
pub use focal::Focal;
pub use generalized_dice::{ClassWeight, GeneralizedDice};
pub use hausdorff::HausdorffDt;
pub use loss::{Loss, LossConfig, LossTerm, RegisterLoss};
pub use target::LossTarget;
pub use tversky::Tversky;
pub use unified_focal::UnifiedFocal;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
