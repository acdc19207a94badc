//! Runs of some minutes, which hold everything that the run does.

use super::{config, data, options};
use crate::{Duration, Event, FitOptions, FitReport, TrainingConfig, ValidationConfig, fit};
use std::path::Path;
use std::time::{Duration as Time, Instant};
use vesalius_control::Control;
use vesalius_inferers::{CustomInferer, Inferer, PatchNetwork, Result};
use vesalius_tensor::Device;
use vesalius_volume::{Volume, Warning};

/// Takes its time before it does what the default does.
struct Slow(Time);

impl CustomInferer for Slow {
    fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
        control: &Control,
    ) -> Result<Volume<f32>> {
        let ends = Instant::now() + self.0;
        while Instant::now() < ends {
            control.check()?;
            std::thread::sleep(Time::from_millis(5));
        }
        Inferer::default().run(image, network, device)
    }
}

/// Reports that it was reached, and waits until it is cancelled.
struct Waiting(std::sync::mpsc::Sender<()>);

impl CustomInferer for Waiting {
    fn run(
        &self,
        _: &Volume<f32>,
        _: &dyn PatchNetwork,
        _: &Device,
        control: &Control,
    ) -> Result<Volume<f32>> {
        // Reached a second time, there is no receiver any more.
        let _ = self.0.send(());
        loop {
            control.check()?;
            std::thread::sleep(Time::from_millis(5));
        }
    }
}

fn slow(seconds: f64) -> TrainingConfig {
    let mut config = config("").validation(ValidationConfig {
        times: 8,
        ..ValidationConfig::default()
    });
    config.inferer = Some(Inferer::custom("slow", Slow(Time::from_secs_f64(seconds))));
    config
}

/// The report, and how many cases each validation scored.
fn run(config: &TrainingConfig, folder: &Path, seconds: f64) -> (FitReport, Vec<usize>) {
    let options = FitOptions {
        ends: Some(Instant::now() + Time::from_secs_f64(seconds)),
        ..options(folder)
    };
    let mut validated = Vec::new();
    let report = fit(config, &data(), &options, &mut |event| {
        if let Event::Validated { cases, .. } = event {
            validated.push(cases.len());
        }
    });
    (report.unwrap(), validated)
}

#[test]
fn a_validation_that_the_minutes_have_no_room_for_is_cut_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (report, validated) = run(&slow(0.15), folder.path(), 1.5);
    assert!(report.finished && report.progress.step >= 1);
    let cut = report.warnings.iter().find_map(|warning| match warning {
        Warning::ValidationsCut {
            times, units, of, ..
        } => Some((*times, *units, *of)),
        _ => None,
    });
    let (times, units, of) = cut.expect("it is told");
    assert!(times <= 1 && units <= 1 && of == 2, "{:?}", report.warnings);
    assert!(validated.len() <= 1 && validated.iter().all(|cases| *cases == 1));
    assert!(report.seconds_per_case.unwrap() > 0.15);
    assert!(report.progress.elapsed > report.progress.seconds);
    assert!(folder.path().join("model/model.yaml").exists());
}

#[test]
fn validations_without_any_room_are_left_out_and_a_run_whose_time_is_over_makes_a_step() {
    for seconds in [0.0, 0.4] {
        let folder = tempfile::tempdir().unwrap();
        let (report, validated) = run(&slow(30.0), folder.path(), seconds);
        assert!(report.finished && report.progress.step >= 1);
        assert!(report.progress.best.is_none() && validated.is_empty());
        let told = report.warnings.iter().map(ToString::to_string);
        let told: Vec<String> = told.collect();
        assert!(
            told.iter().any(|t| t.contains("no score is known")),
            "{told:?}"
        );
        assert!(folder.path().join("model/model.yaml").exists());
    }
}

#[test]
fn a_run_that_is_cancelled_while_a_case_is_timed_is_saved_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (waits, waiting) = std::sync::mpsc::channel();
    let mut config = slow(0.0);
    config.inferer = Some(Inferer::custom("slow", Waiting(waits)));
    let options = |seconds: u64| FitOptions {
        ends: Some(Instant::now() + Time::from_secs(seconds)),
        ..options(folder.path())
    };
    let first = options(30);
    let control = first.control.clone();
    let canceller = std::thread::spawn(move || {
        waiting.recv().unwrap();
        control.cancel();
    });
    let error = fit(&config, &data(), &first, &mut |_| ()).unwrap_err();
    canceller.join().unwrap();
    let crate::Error::Cancelled(Some(report)) = error else {
        panic!("{error}");
    };
    assert!(report.progress.step >= 12 && report.progress.best.is_none());
    let second = fit(&slow(0.0), &data(), &options(0), &mut |_| ()).unwrap();
    assert!(second.finished && second.progress.step > report.progress.step);
}

#[test]
fn the_minutes_of_a_run_are_those_of_all_its_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let minutes = |minutes: f64| FitOptions {
        duration: Some(Duration::Minutes(minutes)),
        // Long before the run.
        began: Instant::now().checked_sub(Time::from_secs(30)),
        ..options(folder.path())
    };
    let first = fit(&config(""), &data(), &minutes(0.1), &mut |_| ()).unwrap();
    assert!(first.finished && first.progress.step == 1);
    assert!(first.progress.elapsed > 30.0);
    // A minute, of which half is used and half passed before this part.
    let second = fit(&config(""), &data(), &minutes(1.0), &mut |_| ()).unwrap();
    assert!(second.finished && second.progress.elapsed > 60.0);
    assert!(second.progress.step <= 2, "{}", second.progress.step);
}

#[test]
fn without_minutes_nothing_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut scored = Vec::new();
    let report = fit(
        &slow(0.01),
        &data(),
        &options(folder.path()),
        &mut |event| {
            if let Event::Validated { cases, .. } = event {
                scored.push(cases.len());
            }
        },
    );
    let report = report.unwrap();
    assert!(report.warnings.is_empty() && report.seconds_per_case.is_none());
    assert_eq!(scored, [2; 4]);
}
