//! The events of a run, for a progress bar, a log, or a user's own program.

use serde::{Serialize, Serializer};
use vesalius_volume::Warning;

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
#[non_exhaustive]
pub enum Event {
    /// Training begins, or is resumed.
    Started {
        /// Steps already done.
        step: u64,
        /// Cases to train on.
        training_cases: usize,
        /// Cases held out.
        validation_cases: usize,
        /// Trainable numbers.
        parameters: usize,
    },
    /// Something that was decided, or that is not wrong but should be known. Written with the warning's `kind`,
    /// its facts, and the same as a sentence, `text`.
    Warning {
        /// What.
        #[serde(flatten, serialize_with = "with_text")]
        warning: Warning,
    },
    /// A case was left out because it cannot be used.
    CaseSkipped {
        /// The case.
        case: String,
        /// Why.
        reason: String,
    },
    /// The number of steps that the minutes allow was computed, or changed.
    Planned {
        /// Steps in all.
        steps: u64,
        /// Seconds a step took lately.
        seconds_per_step: f64,
    },
    /// A step was done.
    Step {
        /// Its number, from 1.
        step: u64,
        /// Steps in all, once known.
        steps: Option<u64>,
        /// The loss before the step.
        loss: f32,
        /// The learning rate of the step.
        learning_rate: f64,
        /// The global norm of its gradients, before clipping.
        gradient_norm: f64,
        /// Patches that were trained on.
        patches: u64,
        /// Seconds of training so far.
        seconds: f64,
        /// Seconds of these in which the step waited for batches.
        waited: f64,
        /// Bytes of memory that the device holds: the process's own on the CPU.
        #[serde(skip_serializing_if = "Option::is_none")]
        memory: Option<u64>,
    },
    /// A held-out case was segmented.
    ValidatedCase {
        /// How many are done.
        done: usize,
        /// Of how many.
        cases: usize,
    },
    /// The held-out cases were segmented and scored.
    Validated {
        /// After this many steps.
        step: u64,
        /// Mean Dice over foreground labels.
        dice: f64,
        /// The same smoothed over validations, by which the best is chosen.
        smoothed: f64,
        /// Dice of each foreground label or region.
        labels: Vec<(String, f64)>,
        /// Dice of each case, where whole cases were scored; the worst first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        cases: Vec<(String, f64)>,
        /// Whether it is the best so far, whose weights are kept.
        best: bool,
        /// Seconds of training so far.
        seconds: f64,
    },
    /// The run ends before its time because validation gains nothing.
    StoppedEarly {
        /// Steps done.
        step: u64,
        /// Validations without a gain.
        validations: u64,
    },
    /// The run was stopped on request and is saved.
    Stopped {
        /// Steps done.
        step: u64,
    },
}

fn with_text<S: Serializer>(warning: &Warning, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(flatten)]
        facts: &'a Warning,
        text: String,
    }
    Told {
        facts: warning,
        text: warning.to_string(),
    }
    .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_written_with_its_facts_and_as_a_sentence() {
        let event = Event::Warning {
            warning: Warning::LabelInNoCase {
                name: "tumour".to_owned(),
                values: vec![100, 201],
            },
        };
        let written = serde_json::to_value(event).unwrap();
        assert_eq!(written["event"], "warning");
        assert_eq!(written["kind"], "label_in_no_case");
        assert_eq!(written["values"], serde_json::json!([100, 201]));
        let text = written["text"].as_str().unwrap();
        assert!(text.contains("`tumour` (label 100, 201)"), "{text}");
    }
}
