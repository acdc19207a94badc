//! The rules from facts to measures.

use super::facts::TargetFacts;

/// How much the exact course of outlines matters to those who use the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BoundaryImportance {
    /// Little: counts, presence, volumes.
    Low,
    /// As much as the interior.
    #[default]
    Usual,
    /// Most: surgery and radiation are planned by them.
    High,
}

/// What is known beside the data.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct AdviceOptions {
    /// How much outlines matter.
    pub boundaries: BoundaryImportance,
    /// The difference between two experts' outlines in mm, if it is known.
    pub tolerance: Option<f64>,
}

impl AdviceOptions {
    /// How much outlines matter.
    #[must_use]
    pub fn with_boundaries(self, boundaries: BoundaryImportance) -> Self {
        Self { boundaries, ..self }
    }

    /// The difference between two experts' outlines in mm.
    #[must_use]
    pub fn with_tolerance(self, millimetres: f64) -> Self {
        Self {
            tolerance: Some(millimetres),
            ..self
        }
    }
}

/// What to do with a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Verdict {
    /// Report it.
    Report,
    /// Report it together with others, not alone.
    NotAlone,
    /// It misleads here.
    Misleads,
}

impl Verdict {
    /// `report`, `not alone` or `misleads`: the word in tables and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::NotAlone => "not alone",
            Self::Misleads => "misleads",
        }
    }
}

/// Advice about one measure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// The key of the label or region; `None` for all of them.
    pub target: Option<String>,
    /// The measure's name ([`crate::Measure::named`]), or what is summarised.
    pub measure: String,
    /// What to do with it.
    pub verdict: Verdict,
    /// Why, in a sentence that names the fact.
    pub reason: String,
}

/// Below this many cases an interval is wide whatever the model.
const FEW_CASES: usize = 20;
/// One voxel of the outline decides over so much of the structure that its Dice says little about the interior.
const MOSTLY_EDGE: f64 = 0.5;
/// A component that holds so much of the structure decides its Dice.
const DOMINANT: f64 = 0.8;
/// Length over radius from which a structure is a tube.
const TUBE: f64 = 10.0;
/// Structures of less than this share of the image are rare against the background.
const RARE: f64 = 0.01;
/// Spacings that differ by this ratio make slices thick.
const THICK: f64 = 2.0;
/// Structures whose volumes differ by this ratio do not belong into one number.
const IMBALANCE: f64 = 10.0;

/// Which measures to report and which mislead, label by label, then for all of them; labels that no case has are left out.
///
/// ```
/// use vesalius_metrics::{AdviceOptions, Target, TargetFacts, Verdict, advise};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // A large lesion and two small ones.
/// let grid = Geometry::axis_aligned([40, 24, 24], [1.0; 3])?;
/// let reference = LabelMap::<u16>::from_fn(grid, |[x, y, z]| {
///     let large = (2..20).contains(&x) && (2..20).contains(&y) && (2..20).contains(&z);
///     u16::from(large || [x, y, z] == [30, 10, 10] || [x, y, z] == [35, 10, 10])
/// });
/// let mut facts = TargetFacts::new(&Target::of_value(1));
/// facts.add(&reference)?;
/// let advice = advise(&[facts], &AdviceOptions::default());
/// let of = |measure: &str| advice.iter().find(|a| a.measure == measure).unwrap();
/// assert_eq!(of("lesion_f1").verdict, Verdict::Report);
/// assert_eq!(of("dice").verdict, Verdict::NotAlone);
/// assert!(of("component_dice").reason.contains("largest"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn advise(facts: &[TargetFacts], options: &AdviceOptions) -> Vec<Advice> {
    let mut list = Vec::new();
    let present: Vec<&TargetFacts> = facts.iter().filter(|facts| facts.present() > 0).collect();
    for facts in &present {
        let mut of_target = OfTarget {
            list: &mut list,
            target: &facts.target.key,
        };
        of_target.overlap(facts);
        of_target.lesions(facts);
        of_target.absence(facts);
        of_target.outlines(facts, options);
        of_target.shape(facts);
        of_target.rarity(facts);
        of_target.volume(facts);
    }
    together(&present, &mut list);
    list
}

struct OfTarget<'a> {
    list: &'a mut Vec<Advice>,
    target: &'a str,
}

impl OfTarget<'_> {
    fn say(&mut self, measure: &str, verdict: Verdict, reason: String) {
        self.list.push(Advice {
            target: Some(self.target.to_owned()),
            measure: measure.to_owned(),
            verdict,
            reason,
        });
    }

    fn overlap(&mut self, facts: &TargetFacts) {
        let edge = middle(&facts.edge_share);
        let several = has_several(facts);
        if edge >= MOSTLY_EDGE {
            self.say("dice", Verdict::NotAlone, format!(
                "{:.0} % of the structure's voxels touch the background, so an outline that is off by one voxel, which experts do not agree on either, costs much of Dice and IoU",
                100.0 * edge
            ));
            self.say("nsd", Verdict::Report, format!(
                "a structure that is {:.0} % outline is judged by whether its outline is within a tolerance",
                100.0 * edge
            ));
        } else if several {
            self.say(
                "dice",
                Verdict::NotAlone,
                "Dice of all voxels does not say how many of the separate components were found"
                    .into(),
            );
        } else {
            self.say("dice", Verdict::Report, format!(
                "one component of which {:.0} % of the voxels are inside of the outline: overlap measures the interior",
                100.0 * (1.0 - edge)
            ));
        }
    }

    fn lesions(&mut self, facts: &TargetFacts) {
        if !has_several(facts) {
            return;
        }
        let many = facts
            .component_counts
            .iter()
            .filter(|count| **count > 1)
            .count();
        self.say("lesion_f1", Verdict::Report, format!(
            "{many} of {} cases have several components: report how many were found and how many are false (lesion_sensitivity, lesion_ppv, false_lesions)",
            facts.present()
        ));
        let largest = middle(&facts.largest_share);
        if largest >= DOMINANT {
            self.say("component_dice", Verdict::Report, format!(
                "the largest component holds {:.0} % of the structure, so missing all others hardly changes Dice; in regions each component counts the same",
                100.0 * largest
            ));
        }
        let sizes = facts.component_voxels.iter();
        let (least, most) = sizes.fold((u64::MAX, 0), |(a, b), &n| (a.min(n), b.max(n)));
        if most as f64 >= IMBALANCE * least as f64 {
            self.say("lesion_dice", Verdict::NotAlone, format!(
                "components have {least} to {most} voxels: state below which volume lesions do not count, and that the default is BraTS's for gliomas"
            ));
        }
    }

    fn absence(&mut self, facts: &TargetFacts) {
        let without = facts.cases - facts.present();
        if without > 0 {
            self.say("false_lesions", Verdict::Report, format!(
                "{without} of {} cases do not have the structure: Dice has no value there, and only false findings show what the model does with healthy cases",
                facts.cases
            ));
        }
    }

    fn outlines(&mut self, facts: &TargetFacts, options: &AdviceOptions) {
        let [spacing, ratio] = facts.spacing;
        match options.boundaries {
            BoundaryImportance::Low => {}
            BoundaryImportance::Usual => {
                self.say("hd95", Verdict::Report,
                    "overlap does not see a thin piece that is far off; the 95th percentile of the distances does".into());
            }
            BoundaryImportance::High => {
                self.say("nsd", Verdict::Report,
                    "outlines matter most: the share of them that is within the difference between two experts says what has to be corrected".into());
                self.say("hd95", Verdict::Report,
                    "outlines matter most: the distance that the worst twentieth of them exceeds bounds the error".into());
                self.say(
                    "boundary_iou",
                    Verdict::Report,
                    "outlines matter most, and a large interior makes Dice insensitive to them"
                        .into(),
                );
            }
        }
        if options.boundaries != BoundaryImportance::Low {
            self.say(
                "hd",
                Verdict::Misleads,
                "a single wrong voxel decides the largest distance".into(),
            );
        }
        if let Some(tolerance) = options.tolerance.filter(|tolerance| *tolerance < spacing) {
            self.say("nsd", Verdict::NotAlone, format!(
                "the tolerance of {tolerance} mm is below the largest spacing of {spacing:.2} mm, so an outline that is off by one slice is wrong everywhere there"
            ));
        }
        if ratio >= THICK {
            self.say("nsd_deepmind", Verdict::Report, format!(
                "spacings differ by a factor of {ratio:.1}: voxels of the outline do not stand for equal areas, which this convention weighs"
            ));
        }
    }

    fn shape(&mut self, facts: &TargetFacts) {
        let elongation = middle(&facts.elongation);
        if elongation >= TUBE {
            self.say("cldice", Verdict::Report, format!(
                "the structure is a tube or net (its centre line is {elongation:.0} times as long as its radius): what counts is whether branches are found, not their thickness"
            ));
            self.say(
                "betti0_error",
                Verdict::Report,
                "an interrupted tube hardly changes overlap; the number of pieces shows it".into(),
            );
        }
        if 2 * facts.with_holes > facts.present() {
            self.say(
                "betti_error",
                Verdict::Report,
                format!(
                    "{} of {} cases have tunnels or cavities, which no overlap or distance counts",
                    facts.with_holes,
                    facts.present()
                ),
            );
        }
    }

    fn rarity(&mut self, facts: &TargetFacts) {
        if facts.foreground_share < RARE {
            self.say("specificity", Verdict::Misleads, format!(
                "{:.2} % of the voxels belong to the structure, so specificity and accuracy are near 1 whatever the model finds",
                100.0 * facts.foreground_share
            ));
        }
    }

    fn volume(&mut self, facts: &TargetFacts) {
        let (least, most) = extremes(&facts.millilitres);
        if most >= IMBALANCE * least {
            self.say("relative_volume_difference", Verdict::NotAlone, format!(
                "volumes reach from {least:.2} to {most:.2} ml: relative errors are those of the small ones, absolute ones those of the large ones; show both, as a Bland-Altman plot"
            ));
        }
    }
}

fn together(present: &[&TargetFacts], list: &mut Vec<Advice>) {
    let mut say = |measure: &str, verdict, reason: String| {
        list.push(Advice {
            target: None,
            measure: measure.to_owned(),
            verdict,
            reason,
        });
    };
    let volumes: Vec<f64> = present
        .iter()
        .map(|facts| middle(&facts.millilitres))
        .collect();
    let (least, most) = extremes(&volumes);
    if present.len() > 1 && most >= IMBALANCE * least {
        say(
            "the mean over labels",
            Verdict::NotAlone,
            format!(
                "median volumes of the labels reach from {least:.2} to {most:.2} ml: report each label, and none of the numbers that pool their voxels"
            ),
        );
    }
    let cases = present
        .iter()
        .map(|facts| facts.present())
        .min()
        .unwrap_or(FEW_CASES);
    if cases < FEW_CASES {
        say(
            "means",
            Verdict::NotAlone,
            format!(
                "a label has {cases} cases: give confidence intervals, and no ranking of models without its stability"
            ),
        );
    }
}

/// Whether a fifth of the cases have several components.
fn has_several(facts: &TargetFacts) -> bool {
    let several = facts
        .component_counts
        .iter()
        .filter(|count| **count > 1)
        .count();
    5 * several >= facts.present() && several > 0
}

/// The median; 0 without values.
fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let lower = sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(0.0);
    (lower + upper) / 2.0
}

fn extremes(values: &[f64]) -> (f64, f64) {
    let values = values.iter();
    values.fold((f64::INFINITY, 0.0), |(a, b), &value| {
        (a.min(value), b.max(value))
    })
}
