//! Why an evaluation fails: files, pairs and grids.

use std::path::PathBuf;
use vesalius_control::Cancelled;
use vesalius_volume::{ErrorKind, Warning};

/// Why two label maps or folders cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The work was cancelled.
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
    /// A path that holds nothing to compare.
    #[error("{}: {reason}", path.display())]
    Path {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// References and predictions that have no counterpart.
    #[error("{} beside {}: {lone}", prediction.display(), reference.display())]
    Lone {
        /// The folder of predictions.
        prediction: PathBuf,
        /// The folder of references.
        reference: PathBuf,
        /// What has no counterpart.
        lone: Lone,
        /// How many references there are.
        references: usize,
    },
    /// Predictions that do not lie on their reference's grid.
    #[error("{}", told(.0))]
    Grids(Vec<GridMismatch>),
    /// A pair that cannot be scored.
    #[error("case {case}: {source}")]
    Case {
        /// The case.
        case: String,
        /// Why not.
        source: vesalius_metrics::Error,
    },
    /// A prediction that cannot be brought to its reference's grid.
    #[error("case {case}: {source}")]
    Resample {
        /// The case.
        case: String,
        /// Why not.
        source: vesalius_filters::Error,
    },
    /// A level of confidence that no interval has.
    #[error("`level` of the bootstrap is {0}, expected 0 to less than 1")]
    Confidence(f64),
    /// Models that cannot be compared.
    #[error("{0}")]
    Models(String),
    /// A table of groups that does not fit.
    #[error("{}: {problem}", path.display())]
    Groups {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// A file that cannot be read.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// Labels or scores that contradict each other.
    #[error("{0}")]
    Metric(#[from] vesalius_metrics::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Path { .. }
            | Self::Lone { .. }
            | Self::Grids(_)
            | Self::Models(_)
            | Self::Groups { .. }
            | Self::Confidence(_) => ErrorKind::BadInput,
            Self::Case { source, .. } | Self::Metric(source) => source.kind(),
            Self::Resample { source, .. } => source.kind(),
            Self::Io(error) => error.kind(),
        }
    }
}

/// References and predictions without a counterpart, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lone {
    /// References without a prediction.
    pub references: Vec<String>,
    /// Predictions without a reference.
    pub predictions: Vec<String>,
}

impl Lone {
    /// Whether all have their counterpart.
    pub fn is_empty(&self) -> bool {
        self.references.is_empty() && self.predictions.is_empty()
    }

    /// Names that differ in case alone, which are probably one.
    fn alike(&self) -> impl Iterator<Item = (&String, &String)> {
        self.references.iter().filter_map(|reference| {
            let same = |other: &&String| other.to_lowercase() == reference.to_lowercase();
            Some((reference, self.predictions.iter().find(same)?))
        })
    }

    pub(super) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let missed = self.references.iter().cloned();
        let missed = missed.map(|case| Warning::ReferenceWithoutPrediction { case });
        let surplus = self.predictions.iter().cloned();
        missed.chain(surplus.map(|case| Warning::PredictionWithoutReference { case }))
    }
}

impl std::fmt::Display for Lone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        for (names, has, other) in [
            (&self.references, "reference", "prediction"),
            (&self.predictions, "prediction", "reference"),
        ] {
            if !names.is_empty() {
                let (count, list) = (names.len(), names.join(", "));
                let s = if count == 1 { "" } else { "s" };
                parts.push(format!("{count} {has}{s} without a {other} ({list})"));
            }
        }
        parts.extend(
            self.alike()
                .map(|(a, b)| format!("{a} and {b} differ only in upper and lower case")),
        );
        f.write_str(&parts.join("; "))
    }
}

/// A prediction on another grid than its reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridMismatch {
    /// The case.
    pub case: String,
    /// The file of the prediction.
    pub prediction: PathBuf,
    /// The file of the reference.
    pub reference: PathBuf,
    /// How the grids differ.
    pub difference: String,
}

fn told(mismatches: &[GridMismatch]) -> String {
    let Some(first) = mismatches.first() else {
        return "all grids agree".to_owned();
    };
    let mut text = format!(
        "case {}: {} and {} do not share a grid: {}",
        first.case,
        first.prediction.display(),
        first.reference.display(),
        first.difference
    );
    if mismatches.len() > 1 {
        let others: Vec<&str> = mismatches[1..].iter().map(|m| m.case.as_str()).collect();
        text.push_str(&format!("; nor do those of {}", others.join(", ")));
    }
    text
}
