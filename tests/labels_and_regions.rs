//! Exclusive labels (softmax) and overlapping regions (sigmoid), each trained on made volumes, each
//! segmenting unseen ones, and an ensemble of two that is not below its worse member.

mod common;

use common::{config, data, spheres};
use vesalius::inferers::ProbabilityMap;
use vesalius::metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius::prelude::*;
use vesalius::training::Duration;

const STEPS: u64 = 250;
const UNSEEN: std::ops::Range<u64> = 50..54;

fn train(labels: &LabelScheme, seed: u64, folder: &std::path::Path) -> Segmenter {
    let config = config(seed);
    let data = data(labels, &config, 10, 0);
    let options = FitOptions {
        output: folder.join(format!("seed_{seed}")),
        duration: Some(Duration::Steps(STEPS)),
        ..FitOptions::default()
    };
    fit(&config, &data, &options, &mut |_| {}).unwrap();
    Segmenter::open_with(
        &options.output,
        &OpenOptions::new().device(options.device.clone()),
    )
    .unwrap()
}

fn dice(labels: &LabelScheme, predict: impl Fn(&Volume<f32>) -> LabelMap) -> f64 {
    let evaluator = Evaluator::new(Targets::of_scheme(labels).unwrap(), vec![Measure::Dice]);
    let scores = UNSEEN
        .map(|number| {
            let subject = spheres().subject(3, number).unwrap();
            evaluator
                .case(
                    subject.name(),
                    subject.labels().unwrap(),
                    &predict(subject.image()),
                )
                .unwrap()
        })
        .collect();
    Evaluation::new(scores).unwrap().mean("dice").unwrap()
}

fn check(labels: &LabelScheme) {
    let folder = tempfile::tempdir().unwrap();
    let models = [
        train(labels, 1, folder.path()),
        train(labels, 2, folder.path()),
    ];
    let each = models.each_ref().map(|model| {
        dice(labels, |image| {
            model.segment(image).unwrap().into_labels().unwrap()
        })
    });
    let ensemble = dice(labels, |image| {
        let parts: Vec<ProbabilityMap> = models
            .iter()
            .map(|model| model.probabilities(image).unwrap())
            .collect();
        ProbabilityMap::mean(&parts).unwrap().labels().unwrap()
    });
    println!(
        "{} channels: Dice {each:.4?}, ensemble {ensemble:.4}",
        labels.channels()
    );
    assert!(each.iter().all(|&dice| dice > 0.8), "{each:?}");
    assert!(ensemble >= each[0].min(each[1]), "{ensemble} from {each:?}");
}

#[test]
fn exclusive_labels_and_their_ensemble() {
    check(&LabelScheme::exclusive(&[("dark", 1), ("bright", 2)]).unwrap());
}

#[test]
fn overlapping_regions_and_their_ensemble() {
    check(&LabelScheme::regions(&[("whole", &[1, 2], 1), ("bright", &[2], 2)]).unwrap());
}
