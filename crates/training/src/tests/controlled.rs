//! Runs and datasets that a control cancels, and the progress that they report through it.

use super::{config, data, options, run, subject};
use crate::{
    Callbacks, Error, Event, FitOptions, ValidationConfig, ValidationOn, fit, load_dataset_cached,
};
use std::path::Path;
use std::sync::{Arc, Mutex};
use vesalius_control::{Control, Progress};
use vesalius_volume::ErrorKind;

/// The progress of a control, as text.
fn told(control: &Control) -> Arc<Mutex<Vec<String>>> {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = told.clone();
    control.on_progress(move |progress: &Progress| list.lock().unwrap().push(progress.to_string()));
    told
}

#[test]
fn a_cancelled_run_is_an_error_with_its_report_and_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let control = options.control.clone();
    let result = fit(&config(""), &data(), &options, &mut |event| {
        if matches!(event, Event::Step { step: 2, .. }) {
            control.cancel();
        }
    });
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let Error::Cancelled(Some(report)) = &error else {
        panic!("{error}");
    };
    assert!(report.losses.len() == 2 && !report.finished);
    assert!(error.to_string().contains("step 2"), "{error}");
    assert!(folder.path().join("model/model.yaml").exists());
    // A control that is cancelled before anything is done leaves everything as it is.
    let again = run(&config(""), &options).0.unwrap_err();
    assert!(matches!(again, Error::Cancelled(None)), "{again}");
    let (resumed, rates) = run(&config(""), &super::options(folder.path()));
    assert!(resumed.unwrap().finished && rates.len() == 2);
}

#[test]
fn a_validation_is_cancelled_between_and_within_its_cases_and_done_when_the_run_goes_on() {
    for (on, parts) in [
        (ValidationOn::Volumes, 2),
        (ValidationOn::Patches(400), 200),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = config("").validation(ValidationConfig {
            times: 1,
            on,
            ..ValidationConfig::default()
        });
        let options = options(folder.path());
        let (control, told) = (options.control.clone(), told(&options.control));
        options.control.on_progress(move |progress| {
            if &*progress.stage == "validation" && progress.done == 1 {
                control.cancel();
            }
        });
        let result = run(&config, &options).0;
        let Err(Error::Cancelled(Some(report))) = result else {
            panic!("{result:?}");
        };
        assert!(report.progress.validation_due && report.progress.best.is_none());
        let told = told.lock().unwrap();
        assert!(told.contains(&"steps 4 of 4".to_owned()), "{told:?}");
        let last = format!("steps: validation 1 of {parts}");
        assert_eq!(told.iter().rfind(|t| t.contains("validation")), Some(&last));
        let (resumed, rates) = run(&config, &super::options(folder.path()));
        assert!(resumed.unwrap().progress.best.is_some() && rates.is_empty());
    }
}

/// A dataset of three cases, of which one is held out.
fn files(folder: &Path) {
    let mut table = "image,label,fold\n".to_owned();
    for number in 0..3 {
        let case = subject("case", number);
        let (image, labels) = (format!("c{number}.nii"), format!("s{number}.nii"));
        vesalius_io::write(folder.join(&image), case.image()).unwrap();
        vesalius_io::write_labels(folder.join(&labels), case.labels().unwrap()).unwrap();
        table += &format!("{image},{labels},{number}\n");
    }
    std::fs::write(folder.join("cases.csv"), table).unwrap();
}

#[test]
fn reading_a_dataset_counts_its_cases_and_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let scheme = vesalius_volume::LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    // A case that is not read because the work was cancelled is not a bad one.
    let config = config("bad_case: skip\n").labels(scheme);
    let load = |control: &Control| {
        let (list, cache) = (folder.path().join("cases.csv"), folder.path().join("cache"));
        load_dataset_cached(&config, &list, &cache, control)
    };
    let control = Control::new();
    let all = told(&control);
    load(&control).unwrap();
    assert_eq!(all.lock().unwrap().last().unwrap(), "cases 3 of 3");
    let canceller = control.clone();
    control.on_progress(move |_| canceller.cancel());
    let error = load(&control).unwrap_err();
    assert!(matches!(error, Error::Cancelled(None)), "{error}");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn a_callback_that_stops_a_run_does_not_cancel_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = FitOptions {
        callbacks: Callbacks::of(|_: &Event, control: &mut crate::TrainingControl| {
            control.stop();
            Ok(())
        }),
        ..options(folder.path())
    };
    let report = run(&config(""), &options).0.unwrap();
    assert!(!report.finished && report.losses.is_empty() && !options.control.is_cancelled());
}
