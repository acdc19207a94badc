//! Losses on logits: Dice, cross-entropy and their relatives, with MONAI's names and defaults.
//!
//! A loss takes [`Logits`](vesalius_tensor::Logits), which have a label scheme, and label values `[N, 1, Z, Y, X]`. It
//! applies softmax or sigmoid itself, once, and skips voxels of the scheme's ignore label. Distances between label maps
//! that need no gradient are in `vesalius-metrics`.
//!
//! ```
//! use vesalius_losses::{DiceCrossEntropy, Loss, LossConfig};
//! use vesalius_tensor::{Device, Int, Logits, Tensor};
//! use vesalius_volume::LabelScheme;
//!
//! // Two voxels of background and organ, and logits that are right about both.
//! let device = Device::flex();
//! let scheme = LabelScheme::exclusive(&[("organ", 1)])?;
//! let labels = Tensor::<5, Int>::from_data([[[[[0, 1]]]]], &device);
//! let output = Tensor::<5>::from_data([[[[[4.0, -4.0]]], [[[-4.0, 4.0]]]]], &device);
//! let logits = Logits::new(output, &scheme)?;
//!
//! let loss = LossConfig::DiceCrossEntropy(DiceCrossEntropy::nnunet());
//! loss.check()?;
//! let value: f32 = loss.forward(&logits, &labels)?.into_scalar();
//! assert!(value > 0.0 && value < 0.01);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | a loss by name | [`LossConfig`], [`LossTerm`], [`Loss`] |
//! | overlap | [`Dice`], [`GeneralizedDice`], [`Tversky`] |
//! | distribution | [`CrossEntropy`], [`Focal`] |
//! | sums of both | [`DiceCrossEntropy`], [`DiceFocal`], [`UnifiedFocal`] |
//! | distance and topology | [`HausdorffDt`], [`Boundary`], [`ClDice`], [`DiceClDice`] |
//! | several heads | [`DeepSupervision`], [`HeadWeights`] |
//! | user-defined | [`Loss`], [`RegisterLoss`], [`LossTarget`] |

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
