//! What is held out, how and how often it is scored, and when a run that gains nothing ends.

use super::bad;
use crate::Result;
use serde::{Deserialize, Serialize};

/// What is held out, and when it is segmented.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// The fold that is not trained on.
    pub fold: usize,
    /// How often the held-out cases are scored over a run, evenly spaced; the last time is its end.
    pub times: u64,
    /// What is scored.
    pub on: ValidationOn,
    /// How much of the last smoothed Dice stays in the next, by which the best weights are chosen:
    /// `null` for 0 (each validation counts by itself) on volumes and nnU-Net's 0.9 on patches,
    /// whose scores are noisy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smoothing: Option<f64>,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self {
            fold: 0,
            times: 8,
            on: ValidationOn::Volumes,
            smoothing: None,
        }
    }
}

/// What a validation scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ValidationOn {
    /// Every held-out case as a whole, by the run's inferer, on its file's grid: the real thing.
    Volumes,
    /// So many patches of the held-out cases, the same every time; overlaps are pooled before they
    /// are divided, as nnU-Net's pseudo-Dice. Cheap, and good enough to watch a long run.
    Patches(u64),
}

/// When a run that gains nothing ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// Validations without a gain after which the run ends.
    pub patience: u64,
    /// What counts as a gain in (smoothed) Dice.
    pub minimum_gain: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            patience: 10,
            minimum_gain: 0.0,
        }
    }
}

impl ValidationConfig {
    /// The smoothing that holds.
    pub fn smoothing(&self) -> f64 {
        self.smoothing.unwrap_or(match self.on {
            ValidationOn::Volumes => 0.0,
            ValidationOn::Patches(_) => 0.9,
        })
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.times == 0 {
            return bad("validation.times", 0, "at least 1");
        }
        if self.on == ValidationOn::Patches(0) {
            return bad("validation.on.patches", 0, "at least 1");
        }
        if !(0.0..1.0).contains(&self.smoothing()) {
            let found = self.smoothing();
            return bad("validation.smoothing", found, "a number from 0 to below 1");
        }
        Ok(())
    }
}

impl EarlyStopping {
    pub(crate) fn check(&self) -> Result<()> {
        if self.patience == 0 {
            return bad("early_stopping.patience", 0, "at least 1");
        }
        if !(0.0..1.0).contains(&self.minimum_gain) {
            let found = self.minimum_gain;
            return bad(
                "early_stopping.minimum_gain",
                found,
                "a Dice from 0 to below 1",
            );
        }
        Ok(())
    }
}
