//! What is scored and how strict the pairing is.

use vesalius_control::Control;
use vesalius_io::ReadOptions;
use vesalius_metrics::{Bootstrap, Measure, Targets};

/// What is scored and how strict the pairing is.
#[derive(Debug, Clone)]
pub struct EvaluateOptions {
    /// Labels or regions to score; by default every label but 0 that occurs in a reference or prediction.
    pub targets: Option<Targets>,
    /// Where no targets are given: voxels whose reference has this label are not counted.
    pub ignore: Option<u32>,
    /// The measures.
    pub measures: Vec<Measure>,
    /// How confidence intervals of the means are estimated.
    pub bootstrap: Bootstrap,
    /// A reference without a prediction scores as missed, and a prediction without a reference is not
    /// scored, with a warning each, instead of being an error.
    pub allow_missing: bool,
    /// What happens to a prediction on another grid than its reference.
    pub grids: Grids,
    /// How label maps are read.
    pub reading: ReadOptions,
    /// Cancels the evaluation between two files and within a case, and follows it in the stage `cases`, with
    /// `measures` within.
    pub control: Control,
}

/// What happens to a prediction on another grid than its reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Grids {
    /// It is an error.
    #[default]
    MustAgree,
    /// The label of the nearest voxel is taken, with a warning.
    Nearest,
}

impl Default for EvaluateOptions {
    fn default() -> Self {
        Self {
            targets: None,
            ignore: None,
            measures: vec![Measure::Dice],
            bootstrap: Bootstrap::default(),
            allow_missing: false,
            grids: Grids::default(),
            reading: ReadOptions::default(),
            control: Control::new(),
        }
    }
}
