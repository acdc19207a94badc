//! A run that was stopped and resumed does what an unbroken one does, step for step; files that change while it
//! trains change nothing, or end it with the case's name.

mod common;

use common::{config, data, spheres};
use std::path::{Path, PathBuf};
use vesalius::control::Control;
use vesalius::prelude::*;
use vesalius::training::{
    CacheConfig, Duration, Error, Event, FitReport, LOG_FILE, Result, load_dataset_cached,
};
use vesalius::volume::Warning;

const STEPS: u64 = 12;

fn labels() -> LabelScheme {
    LabelScheme::exclusive(&[("dark", 1), ("bright", 2)]).unwrap()
}

fn options(folder: &std::path::Path, resume: bool, control: Control) -> FitOptions {
    FitOptions {
        output: folder.to_path_buf(),
        duration: Some(Duration::Steps(STEPS)),
        resume,
        control,
        ..FitOptions::default()
    }
}

/// Trains until `stop_after` steps are done, or to the end.
fn train(folder: &std::path::Path, resume: bool, stop_after: Option<u64>) -> FitReport {
    let config = config(11);
    let data = data(&labels(), &config, 4, 2);
    let control = Control::new();
    let options = options(folder, resume, control.clone());
    let result = fit(&config, &data, &options, &mut |event| {
        if matches!(event, Event::Step { step, .. } if Some(*step) == stop_after) {
            control.cancel();
        }
    });
    ended(result).unwrap()
}

/// The report of a run, cancelled or not.
fn ended(result: Result<FitReport>) -> Result<FitReport> {
    match result {
        Err(Error::Cancelled(Some(report))) => Ok(*report),
        other => other,
    }
}

fn steps_in_log(folder: &std::path::Path) -> Vec<(u64, f64, f64)> {
    let text = std::fs::read_to_string(folder.join(LOG_FILE)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["event"] == "step")
        .map(|e| {
            (
                e["step"].as_u64().unwrap(),
                e["loss"].as_f64().unwrap(),
                e["learning_rate"].as_f64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_broken_run_goes_on_with_the_same_batches_and_losses() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let unbroken = train(whole.path(), false, None);
    assert!(unbroken.finished && unbroken.losses.len() == STEPS as usize);

    let first = train(broken.path(), false, Some(5));
    assert!(!first.finished && first.losses.len() == 5);
    let second = train(broken.path(), true, Some(8));
    let third = train(broken.path(), true, None);
    assert!(third.finished);
    let losses: Vec<f32> = [first.losses, second.losses, third.losses].concat();
    assert_eq!(losses, unbroken.losses);
    assert_eq!(steps_in_log(whole.path()), steps_in_log(broken.path()));
    assert_eq!(third.progress.best, unbroken.progress.best);

    let weights = |folder: &std::path::Path| {
        std::fs::read(folder.join("members/fold_0/weights.safetensors")).unwrap()
    };
    assert_eq!(weights(whole.path()), weights(broken.path()));
}

#[test]
fn a_folder_with_a_run_is_not_overwritten_and_a_foreign_checkpoint_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), false, Some(2));
    let (labels, other) = (labels(), config(12));
    let fit_other = |resume| {
        let data = data(&labels, &other, 4, 2);
        fit(
            &other,
            &data,
            &options(folder.path(), resume, Control::new()),
            &mut |_| {},
        )
        .unwrap_err()
        .to_string()
    };
    assert!(fit_other(false).contains("`FitOptions::resume`"));
    assert!(fit_other(true).contains("seed"));

    let checkpoint = folder.path().join("checkpoint.bin");
    let mut bytes = std::fs::read(&checkpoint).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&checkpoint, bytes).unwrap();
    assert!(fit_other(true).contains("damaged"));
}

/// Writes cases as files, four to learn from and one held out; the folder holds `dataset.json`.
fn files(folder: &Path) {
    let cases: Vec<serde_json::Value> = (0..5)
        .map(|number| {
            let subject = spheres().subject(3, number).unwrap();
            let (image, label) = (
                format!("image_{number}.nii.gz"),
                format!("label_{number}.nii.gz"),
            );
            vesalius::io::write(folder.join(&image), subject.image()).unwrap();
            vesalius::io::write_labels(folder.join(&label), subject.labels().unwrap()).unwrap();
            let fold = usize::from(number < 4);
            serde_json::json!({"image": image, "label": label, "fold": fold})
        })
        .collect();
    let list = serde_json::json!({
        "name": "spheres",
        "modality": {"0": "made"},
        "labels": {"0": "background", "1": "dark", "2": "bright"},
        "training": cases,
    });
    std::fs::write(folder.join("dataset.json"), list.to_string()).unwrap();
}

/// A dataset in files, cached in memory or on disk.
struct Filed {
    folder: tempfile::TempDir,
    config: TrainingConfig,
}

impl Filed {
    fn new(cache: CacheConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        files(folder.path());
        let config = config(11).cache(cache);
        Self { folder, config }
    }

    fn in_memory() -> Self {
        Self::new(CacheConfig::default())
    }

    fn on_disk() -> Self {
        Self::new(CacheConfig {
            memory: Some(0.0),
            batches_ahead: 1,
            ..CacheConfig::default()
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The entry of one of the training cases.
    fn entry(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.path("cache")).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let of_training = |path: &PathBuf| {
            // Notes on the files that entries were made from are next to them.
            if path.extension().is_some_and(|ending| ending == "seen") {
                return false;
            }
            let bytes = std::fs::read(path).unwrap();
            let text = String::from_utf8_lossy(&bytes[..400]).into_owned();
            !text.contains("image_4")
        };
        paths.into_iter().find(of_training).unwrap()
    }

    /// Trains in this output folder; something happens after the second step.
    fn train(&self, output: &str, meanwhile: &dyn Fn(&Control)) -> Result<(FitReport, Vec<Event>)> {
        let data = load_dataset_cached(
            &self.config,
            self.path("dataset.json"),
            self.path("cache"),
            &Control::new(),
        )?;
        let output = self.path(output);
        let resume = output.join("checkpoint.bin").exists();
        let control = Control::new();
        let options = options(&output, resume, control.clone());
        let mut events = Vec::new();
        let result = fit(&self.config, &data, &options, &mut |event| {
            if matches!(event, Event::Step { step: 2, .. }) {
                meanwhile(&control);
            }
            events.push(event.clone());
        });
        Ok((ended(result)?, events))
    }

    fn losses(&self, output: &str) -> Vec<f64> {
        let steps = steps_in_log(&self.path(output));
        steps.into_iter().map(|step| step.1).collect()
    }
}

fn remove(path: PathBuf) {
    std::fs::remove_file(path).unwrap();
}

#[test]
fn files_that_change_while_a_run_trains_do_not_change_what_it_learns() {
    for filed in [Filed::in_memory(), Filed::on_disk()] {
        filed.train("whole", &|_| ()).unwrap();
        let whole = filed.losses("whole");
        let changed = |_: &Control| {
            remove(filed.path("image_0.nii.gz"));
            let half = std::fs::read(filed.path("image_1.nii.gz")).unwrap();
            std::fs::write(filed.path("image_1.nii.gz"), &half[..half.len() / 2]).unwrap();
            std::fs::copy(filed.path("label_3.nii.gz"), filed.path("label_2.nii.gz")).unwrap();
        };
        let (report, _) = filed.train("changed", &changed).unwrap();
        assert!(report.finished && report.warnings.is_empty());
        assert_eq!(filed.losses("changed"), whole);
        // The next run reads them again, and names what it cannot read.
        let text = filed.train("next", &|_| ()).unwrap_err().to_string();
        assert!(text.contains("image_0.nii.gz"), "{text}");
    }
}

#[test]
fn an_entry_of_the_cache_that_goes_or_is_replaced_is_still_read_and_one_that_is_cut_ends_the_run() {
    let filed = Filed::on_disk();
    filed.train("whole", &|_| ()).unwrap();
    let whole = filed.losses("whole");
    filed.train("gone", &|_| remove(filed.entry())).unwrap();
    assert_eq!(filed.losses("gone"), whole);
    let replace =
        |_: &Control| vesalius::io::write_bytes_atomically(filed.entry(), b"other").unwrap();
    filed.train("replaced", &replace).unwrap();
    assert_eq!(filed.losses("replaced"), whole);

    // A run that finds a bad entry makes it again and gives a warning.
    let cut = |_: &Control| {
        let file = std::fs::File::options().write(true).open(filed.entry());
        file.unwrap().set_len(1000).unwrap();
    };
    let error = filed.train("cut", &cut).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, vesalius::training::Error::CacheEntry { .. }),
        "{text}"
    );
    assert!(
        text.contains("case image_") && text.contains("resume"),
        "{text}"
    );
    let done = filed.losses("cut").len();
    assert!((2..STEPS as usize).contains(&done), "{done} steps done");
    let (report, _) = filed.train("cut", &|_| ()).unwrap();
    assert_eq!(filed.losses("cut"), whole);
    let remade = |warning: &Warning| matches!(warning, Warning::CacheEntryRemade { .. });
    assert_eq!(report.warnings.iter().filter(|w| remade(w)).count(), 1);
    let log = std::fs::read_to_string(filed.path("cut").join(LOG_FILE)).unwrap();
    assert!(log.contains(r#""kind":"cache_entry_remade""#));
}

#[test]
fn a_run_that_goes_on_with_changed_files_says_so() {
    let filed = Filed::in_memory();
    assert!(!filed.train("model", &Control::cancel).unwrap().0.finished);
    let image = spheres().subject(8, 0).unwrap();
    vesalius::io::write(filed.path("image_2.nii.gz"), image.image()).unwrap();
    vesalius::io::write_labels(filed.path("label_2.nii.gz"), image.labels().unwrap()).unwrap();
    let (report, _) = filed.train("model", &|_| ()).unwrap();
    let expected = Warning::TrainingCasesChanged {
        cases: vec!["image_2".to_owned()],
    };
    assert_eq!(report.warnings, [expected]);
}

#[test]
fn a_folder_that_another_run_trains_in_is_refused_whether_it_is_resumed_or_not() {
    let filed = Filed::in_memory();
    let refused = |_: &Control| {
        let text = filed.train("model", &|_| ()).unwrap_err().to_string();
        assert!(text.contains("is being written by process"), "{text}");
        assert!(text.contains(&std::process::id().to_string()), "{text}");
    };
    filed.train("model", &refused).unwrap();
    assert_eq!(filed.losses("model").len(), STEPS as usize);
}

#[test]
fn a_stop_in_the_middle_of_a_validation_is_heeded_and_the_validation_done_when_the_run_goes_on() {
    let filed = Filed::in_memory();
    let mut config = filed.config.clone();
    config.validation.times = 1;
    let (list, cache) = (filed.path("dataset.json"), filed.path("cache"));
    let data = load_dataset_cached(&config, &list, &cache, &Control::new()).unwrap();
    let run = |folder: &str, resume: bool, stops: bool| {
        let control = Control::new();
        let options = options(&filed.path(folder), resume, control.clone());
        let result = fit(&config, &data, &options, &mut |event| {
            // After the last step there is nothing left but the validation.
            if stops && matches!(event, Event::Step { step: STEPS, .. }) {
                control.cancel();
            }
        });
        ended(result).unwrap()
    };
    let whole = run("whole", false, false);
    let stopped = run("stopped", false, true);
    assert!(!stopped.finished && stopped.progress.best.is_none());
    let resumed = run("stopped", true, false);
    assert!(resumed.finished && resumed.losses.is_empty());
    assert_eq!(resumed.progress.best, whole.progress.best);
}
