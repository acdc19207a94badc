//! Searches from start to end: better than chance, shared, killed and taken up again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use vesalius_auto::search::*;

const SPACE: &str = "
rate: {float: {low: 0.00001, high: 1.0, log: true}}
depth: {int: {low: 1, high: 6}}
kind: {categorical: {choices: [poor, fair, good]}}
";

/// Greatest, 0, at rate 0.01, depth 4, kind good.
fn score(settings: &Settings) -> f64 {
    let number = |key: &str| settings[key].as_f64().unwrap();
    let kind = match &settings["kind"] {
        Setting::Text(word) if word == "good" => 0.0,
        Setting::Text(word) if word == "fair" => 0.5,
        _ => 1.0,
    };
    -((number("rate").log10() + 2.0).abs() + (number("depth") - 4.0).abs() / 2.0 + kind)
}

fn config(sampler: Sampler, trials: u64, seed: u64) -> StudyConfig {
    StudyConfig {
        sampler,
        seed,
        pruner: Pruner::None,
        ..StudyConfig::new(SearchSpace::parse(SPACE).unwrap(), trials)
    }
}

/// Works until no trial is left.
fn work(folder: &Path, config: StudyConfig) -> Trial {
    let study = Study::open(folder, config).unwrap();
    while let Some(ask) = study.ask().unwrap() {
        let value = score(&ask.trial.settings);
        study.end(ask, TrialState::Complete(value)).unwrap();
    }
    study.best().unwrap().unwrap()
}

fn value(trial: &Trial) -> f64 {
    trial.lesson().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_trials_and_a_broken_search_goes_on() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let best = work(whole.path(), config(Sampler::default(), 20, 3));
    let study = Study::open(broken.path(), config(Sampler::default(), 20, 3)).unwrap();
    for _ in 0..12 {
        let ask = study.ask().unwrap().unwrap();
        let value = score(&ask.trial.settings);
        study.end(ask, TrialState::Complete(value)).unwrap();
    }
    // One more is started and reported on when its process dies in the middle of a line.
    let ask = study.ask().unwrap().unwrap();
    study.report(&ask, 5, -1.0).unwrap();
    drop((ask, study));
    let events = broken.path().join("trials.jsonl");
    let text = std::fs::read_to_string(&events).unwrap();
    std::fs::write(&events, format!("{text}{{\"ended\": {{\"num")).unwrap();
    let study = Study::open(broken.path(), config(Sampler::default(), 20, 3)).unwrap();
    let ask = study.ask().unwrap().unwrap();
    assert!(ask.resumed && ask.trial.number == 12 && ask.trial.reports.len() == 1);
    drop(ask);
    assert_eq!(work(broken.path(), config(Sampler::default(), 20, 3)), best);
    // More trials may be requested later.
    assert!(value(&work(broken.path(), config(Sampler::default(), 26, 3))) >= value(&best));
}

#[test]
fn workers_side_by_side_never_share_a_trial() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let study = Study::open(folder.path(), config(Sampler::Random, 16, 1)).unwrap();
                while let Some(ask) = study.ask().unwrap() {
                    assert!(!ask.resumed);
                    seen.lock().unwrap().push(ask.trial.number);
                    let value = score(&ask.trial.settings);
                    study.end(ask, TrialState::Complete(value)).unwrap();
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 16);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 16);
}

#[test]
fn bad_trials_are_stopped_and_failures_do_not_teach() {
    let folder = tempfile::tempdir().unwrap();
    let config = StudyConfig {
        pruner: Pruner::default(),
        ..config(Sampler::default(), 12, 2)
    };
    let study = Study::open(folder.path(), config).unwrap();
    for number in 0..6 {
        let ask = study.ask().unwrap().unwrap();
        assert_eq!(
            study.report(&ask, 1, number as f64).unwrap(),
            Decision::Continue
        );
        study.end(ask, TrialState::Complete(number as f64)).unwrap();
    }
    let ask = study.ask().unwrap().unwrap();
    assert_eq!(study.report(&ask, 1, 0.5).unwrap(), Decision::Stop);
    study.end(ask, TrialState::Pruned).unwrap();
    let ask = study.ask().unwrap().unwrap();
    assert_eq!(study.report(&ask, 1, f64::NAN).unwrap(), Decision::Stop);
    study.end(ask, TrialState::Complete(f64::NAN)).unwrap();
    let trials = study.trials().unwrap();
    assert_eq!(trials[6].lesson(), Some(0.5));
    assert!(matches!(&trials[7].state, TrialState::Failed(reason) if reason.contains("NaN")));
    assert_eq!(study.best().unwrap().unwrap().number, 5);
}

#[test]
fn another_search_or_another_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    work(folder.path(), config(Sampler::Random, 2, 1));
    let error = Study::open(folder.path(), config(Sampler::Random, 2, 9)).unwrap_err();
    assert!(error.to_string().contains("another search"), "{error}");
    std::fs::write(folder.path().join("trials.jsonl"), "not an event\n").unwrap();
    let error = Study::open(folder.path(), config(Sampler::Random, 2, 1)).unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
    assert!(SearchSpace::parse("{}").is_err());
    let error = SearchSpace::parse("rate: {float: {low: 2, high: 1}}").unwrap_err();
    assert!(error.to_string().contains("rate"), "{error}");
}

#[test]
fn a_record_that_was_emptied_is_refused_and_one_that_was_cut_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let best = work(folder, config(Sampler::Random, 4, 1));
    let record = folder.join("trials.jsonl");
    let text = std::fs::read_to_string(&record).unwrap();
    let last = text.find("{\"started\":{\"number\":3").unwrap();
    std::fs::write(&record, &text[..last]).unwrap();
    let study = Study::open(folder, config(Sampler::Random, 4, 1)).unwrap();
    let told = format!("{:?}", study.warnings());
    assert!(
        told.contains("TrialsLost") && told.contains("lost: 1"),
        "{told}"
    );
    assert_eq!(work(folder, config(Sampler::Random, 4, 1)), best);
    assert!(
        Study::open(folder, config(Sampler::Random, 4, 1))
            .unwrap()
            .warnings()
            .is_empty()
    );

    std::fs::write(&record, "").unwrap();
    let error = Study::open(folder, config(Sampler::Random, 4, 1)).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("none of the 4 trials") && error.contains("search again"),
        "{error}"
    );
}

#[test]
fn trials_of_another_length_are_not_ranked_together() {
    let folder = tempfile::tempdir().unwrap();
    let of_length = |length: &str| StudyConfig {
        conditions: [("the length of a trial".to_owned(), length.to_owned())].into(),
        ..config(Sampler::Random, 2, 1)
    };
    work(folder.path(), of_length("60 steps"));
    let error = Study::open(folder.path(), of_length("5 steps")).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("the length of a trial was 60 steps and is 5 steps"),
        "{error}"
    );
    work(folder.path(), of_length("60 steps"));
}
