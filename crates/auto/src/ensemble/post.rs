//! Whether small pieces are taken away afterwards: as nnU-Net decides, only where the mean gains and no
//! class loses.

use crate::Result;
use vesalius_inferers::PostprocessingStep;
use vesalius_metrics::{Evaluation, Evaluator, Target};
use vesalius_volume::LabelMap;

/// A case with its reference and an ensemble's prediction.
pub(super) struct Judged {
    pub(super) name: String,
    pub(super) reference: LabelMap,
    pub(super) found: LabelMap,
}

/// The steps that help, and the scores with them: first the whole foreground, then each target.
pub(super) fn decide(
    evaluator: &Evaluator,
    mut cases: Vec<Judged>,
) -> Result<(Vec<PostprocessingStep>, Evaluation)> {
    let mut best = evaluate(evaluator, &cases)?;
    let mut steps = Vec::new();
    let targets = evaluator.targets.list();
    let mut tried = vec![PostprocessingStep::KeepLargest { labels: Vec::new() }];
    // With one target, its own step is that of the whole foreground.
    tried.extend(
        targets
            .iter()
            .filter(|_| targets.len() > 1)
            .map(keep_largest),
    );
    for step in tried {
        let changed = cases
            .iter()
            .map(|case| {
                Ok(Judged {
                    name: case.name.clone(),
                    reference: case.reference.clone(),
                    found: step.apply(case.found.clone())?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let scores = evaluate(evaluator, &changed)?;
        if gains(&best, &scores) {
            (cases, best) = (changed, scores);
            steps.push(step);
        }
    }
    Ok((steps, best))
}

fn keep_largest(target: &Target) -> PostprocessingStep {
    let labels = target
        .labels
        .iter()
        .filter_map(|label| u16::try_from(*label).ok());
    PostprocessingStep::KeepLargest {
        labels: labels.collect(),
    }
}

pub(super) fn evaluate(evaluator: &Evaluator, cases: &[Judged]) -> Result<Evaluation> {
    let scores = cases
        .iter()
        .map(|case| Ok(evaluator.case(&case.name, &case.reference, &case.found)?))
        .collect::<Result<Vec<_>>>()?;
    Ok(Evaluation::new(scores)?)
}

/// The mean rises and no target falls.
fn gains(before: &Evaluation, after: &Evaluation) -> bool {
    let Some(targets) = before.targets() else {
        return false;
    };
    let of = |evaluation: &Evaluation, key: &str| {
        evaluation
            .summary(key, "dice")
            .and_then(|summary| summary.mean)
    };
    let falls = |key: &str| of(after, key) < of(before, key);
    after.mean("dice") > before.mean("dice")
        && !targets.list().iter().any(|target| falls(&target.key))
}
