//! What a run was made from: its plan, its data and the program's version. A failed run is tried again once one of
//! them has changed; a finished run that no longer follows from them gives a warning.

use crate::{Plan, WorkFolder};
use serde::{Deserialize, Serialize};

/// Plan, data and program of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Basis {
    /// A hash of the plan's `training`.
    pub plan: String,
    /// A hash of names, sizes and times of all files of the dataset.
    pub data: String,
    /// The version of the program.
    pub version: String,
}

impl Basis {
    /// What a run of this plan would be made from now.
    pub(crate) fn of(work: &WorkFolder, plan: &Plan) -> Self {
        Self {
            plan: plan.hash(),
            data: work.contents().hash(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Which parts differ, by name.
    pub fn changes(&self, now: &Self) -> Vec<&'static str> {
        let parts = [
            ("plan", self.plan != now.plan),
            ("data", self.data != now.data),
            ("version", self.version != now.version),
        ];
        parts
            .into_iter()
            .filter_map(|(name, changed)| changed.then_some(name))
            .collect()
    }
}
