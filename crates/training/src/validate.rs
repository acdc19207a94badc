//! Held-out cases segmented whole and scored on their files' own grids.

use crate::{Case, Event, Result};
use burn::tensor::Device;
use vesalius_inferers::{AxisOrder, Inferer, TurnedNetwork, back_to_grid, labels_of};
use vesalius_metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius_networks::Network;
use vesalius_volume::LabelScheme;

/// Scores a network on cases with labels.
///
/// # Errors
/// A network whose output does not fit, or a case that cannot be scored.
pub fn validate(
    network: &Network,
    cases: &[Case],
    scheme: &LabelScheme,
    inferer: &Inferer,
    device: &Device,
    observer: &mut dyn FnMut(&Event),
) -> Result<Evaluation> {
    let evaluator = Evaluator::new(Targets::of_scheme(scheme)?, vec![Measure::Dice]);
    let network = TurnedNetwork {
        network,
        order: AxisOrder::Zyx,
    };
    let mut scores = Vec::with_capacity(cases.len());
    for (done, case) in (1..).zip(cases) {
        let Some(reference) = case.reference() else {
            continue;
        };
        let logits = inferer.run(case.subject.image(), &network, device)?;
        let prediction = labels_of(back_to_grid(logits, reference.geometry())?, scheme)?;
        scores.push(evaluator.case(case.subject.name(), reference, &prediction)?);
        observer(&Event::ValidatedCase {
            done,
            cases: cases.len(),
        });
    }
    Ok(Evaluation::new(scores)?)
}
