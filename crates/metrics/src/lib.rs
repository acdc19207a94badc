//! How well two label maps agree: overlap, surfaces, volumes, objects; per case and over cases.
//!
//! An [`Evaluator`] scores whole cases; its parts can be called separately. Distances are millimetres. A
//! measure without a value is an [`Outcome`] that gives the reason, never a NaN. Files are read by other crates.
//!
//! ```
//! use vesalius_metrics::{Bootstrap, Evaluation, Evaluator, Measure, Targets};
//! use vesalius_volume::{Geometry, LabelMap, LabelScheme};
//!
//! // A reference and a segmentation that is shifted by one voxel of 2 mm.
//! let grid = Geometry::axis_aligned([16, 16, 16], [2.0; 3])?;
//! let cube = |first: usize| LabelMap::<u16>::from_fn(grid, |[x, y, z]| {
//!     let inside = (first..first + 8).contains(&x) && (4..12).contains(&y) && (4..12).contains(&z);
//!     u16::from(inside)
//! });
//!
//! let targets = Targets::of_scheme(&LabelScheme::exclusive(&[("lesion", 1)])?)?;
//! let evaluator = Evaluator::new(targets, vec![Measure::Dice, Measure::named("hd95", 1.0)?]);
//! let evaluation = Evaluation::new(vec![
//!     evaluator.case("case_01", &cube(4), &cube(4))?,
//!     evaluator.case("case_02", &cube(4), &cube(5))?,
//! ])?;
//! assert_eq!(evaluation.cases()[1].get("1", "dice").unwrap().counted, Some(7.0 / 8.0));
//! assert_eq!(evaluation.cases()[1].get("1", "hd95").unwrap().counted, Some(2.0));
//! assert_eq!(evaluation.mean("dice"), Some(15.0 / 16.0));
//! let table = evaluation.label_table(&Bootstrap::default());
//! assert!(table.csv().contains("lesion"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | evaluating cases | [`Evaluator`], [`Targets`], [`Target`], [`Measure`], [`Better`] |
//! | results | [`Evaluation`], [`CaseScores`], [`Summary`], [`Score`], [`Outcome`] |
//! | tables and JSON | [`Table`], [`Report`], [`Evaluation::label_table`], [`Evaluation::case_table`], [`Evaluation::csv`] |
//! | confidence intervals | [`Bootstrap`], [`Interval`] |
//! | overlap and volume | [`ConfusionMatrix`], [`ConfusionEntry`], [`Overlap`], [`generalised_dice`], [`LabelWeight`] |
//! | surface distances | [`SurfaceDistances`], [`Directed`], [`Surface`], [`Hausdorff`], [`AverageSurfaceDistance`], [`SurfaceDice`], [`Directions`] |
//! | boundaries and tubes | [`BoundaryIou`], [`centre_line`], [`Measure::CentreLineDice`] |
//! | topology | [`BettiNumbers`], [`BettiError`] |
//! | objects | [`Objects`], [`ObjectMatching`], [`Detection`], [`InstanceMatching`], [`InstanceScores`], [`Matcher`], [`MatchScore`] |
//! | lesions | [`HitRule`], [`Hit`], [`LesionHits`], [`LesionWise`] (BraTS), [`ComponentDice`] (CC-metrics) |
//! | detection | [`Candidates`], [`CandidateOptions`], [`HitCriterion`], [`JudgedCase`], [`DetectionCurves`] (FROC, AP, AUROC), [`area_under_roc`] |
//! | calibration | [`reliability`], [`ReliabilityDiagram`] (ECE, ACE, MCE), [`probability_errors`] (Brier, NLL), [`RiskCoverage`] |
//! | raters | [`Staple`], [`majority`], [`energy_distance`], [`raters_against_the_rest`] |
//! | comparing models | [`Comparison`], [`PairedBootstrap`], [`Wilcoxon`], [`holm`], [`EffectSize`], [`Ranking`] |
//! | agreement of volumes and uptake | [`BlandAltman`], [`Mass`] |
//! | which measures | [`advise`], [`TargetFacts`], [`Advice`] |
//! | user-defined measures | [`CustomMeasure`], [`RegisterMeasure`], [`Measure::custom`] |

#![forbid(unsafe_code)]

mod advice;
mod bitmask;
mod boundary;
mod boundary_iou;
mod bounding_boxes;
mod calibration;
mod candidates;
mod case_context;
mod centre_line;
mod compare;
mod confidence;
mod confusion;
mod custom;
mod error;
mod evaluation;
mod evaluator;
mod generalised;
mod growth;
mod label_pairs;
mod lesions;
mod mass;
mod measure;
mod measure_names;
mod nearest_distance;
mod objects;
mod outcome;
mod overlap;
mod raters;
mod report;
mod rows;
mod surface;
mod surface_elements;
mod table;
mod target;
mod thinning;
mod topology;

pub use advice::{Advice, AdviceOptions, BoundaryImportance, TargetFacts, Verdict, advise};
pub use boundary::{AverageSurfaceDistance, Directions, Hausdorff, SurfaceDice};
pub use boundary_iou::BoundaryIou;
pub use calibration::{
    BinEdges, CoveragePoint, ProbabilityErrors, ProbabilityKind, ReliabilityBin,
    ReliabilityDiagram, ReliabilityOptions, RiskCoverage, probability_errors,
    probability_errors_with, reliability, reliability_with,
};
pub use candidates::{
    CandidateOptions, CandidateThreshold, Candidates, DetectionCurves, FrocPoint, HitCriterion,
    JudgedCase, JudgedLesion, LesionTruth, OtherCandidates, area_under_roc,
};
pub use compare::{
    BlandAltman, Comparison, EffectSize, PairComparison, PairedBootstrap, RankRule, Ranking,
    Wilcoxon, holm,
};
pub use confidence::{Bootstrap, Interval};
pub use confusion::{ConfusionEntry, ConfusionMatrix};
pub use custom::{CustomMeasure, RegisterMeasure};
pub use error::Error;
pub use evaluation::{CaseScores, Evaluation, Summary};
pub use evaluator::Evaluator;
pub use generalised::{LabelWeight, generalised_dice};
pub use lesions::{
    ComponentDice, Hit, HitRule, InstanceMatching, InstanceScores, Lesion, LesionHits, LesionWise,
    LesionWiseScores, MatchScore, MatchedObject, Matcher, Objects, RegionDistance,
};
pub use mass::Mass;
pub use measure::{Better, Measure};
pub use objects::{Detection, ObjectMatching};
pub use outcome::{Outcome, Score};
pub use overlap::Overlap;
pub use raters::{
    Consensus, EnergyDistance, RaterAgreement, Staple, StapleOptions, Undecided, energy_distance,
    energy_distance_with, majority, majority_with, raters_against_the_rest,
    raters_against_the_rest_with,
};
pub use report::Report;
pub use surface::{Directed, Surface, SurfaceDistances};
pub use table::Table;
pub use target::{Target, Targets};
pub use thinning::centre_line;
pub use topology::{BettiError, BettiNumbers};
pub use vesalius_filters::Connectivity;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
