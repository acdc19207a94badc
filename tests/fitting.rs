//! The fit loop's settings, each by what it does to a small run.

mod common;

use common::{config, data, small_dataset, spheres};
use std::path::Path;
use std::sync::Arc;
use vesalius::prelude::*;
use vesalius::training::{
    BadCase, Case, CaseHandle, CaseSource, Duration, EarlyStopping, Event, FitReport, MemoryCases,
    OneCycle, OptimizerConfig, Plateau, Schedule, StochasticGradientDescent, ValidationOn, WarmUp,
    WeightAverageConfig,
};

fn labels() -> LabelScheme {
    LabelScheme::exclusive(&[("dark", 1), ("bright", 2)]).unwrap()
}

/// Trains for `steps` in a folder of its own; returns the report and the events.
fn train_in(
    folder: &Path,
    config: &TrainingConfig,
    data: &TrainingData,
    duration: Duration,
) -> (FitReport, Vec<Event>) {
    let options = FitOptions {
        output: folder.join("model"),
        duration: Some(duration),
        ..FitOptions::default()
    };
    let mut events = Vec::new();
    let report = fit(config, data, &options, &mut |event| {
        events.push(event.clone())
    });
    (report.unwrap(), events)
}

fn train(change: impl FnOnce(&mut TrainingConfig), steps: u64) -> (FitReport, Vec<Event>) {
    let mut config = config(11);
    change(&mut config);
    config.check().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = data(&labels(), &config, 4, 2);
    train_in(folder.path(), &config, &data, Duration::Steps(steps))
}

fn rates(events: &[Event]) -> Vec<f64> {
    let rate = |event: &Event| match event {
        Event::Step { learning_rate, .. } => Some(*learning_rate),
        _ => None,
    };
    events.iter().filter_map(rate).collect()
}

fn mean(losses: &[f32]) -> f32 {
    losses.iter().sum::<f32>() / losses.len() as f32
}

#[test]
fn every_optimiser_learns() {
    let sgd = OptimizerConfig::Sgd(StochasticGradientDescent {
        learning_rate: 0.05,
        momentum: 0.9,
        ..StochasticGradientDescent::default()
    });
    for optimizer in [
        OptimizerConfig::default(),
        OptimizerConfig::Adam(Default::default()),
        sgd,
    ] {
        let (report, _) = train(|config| config.optimizer = optimizer.clone(), 30);
        let (first, last) = (mean(&report.losses[..6]), mean(&report.losses[24..]));
        assert!(last < first, "{optimizer:?}: {first} to {last}");
    }
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    // Dice is a mean over samples here, so the mean over two batches is that over one of both.
    let (large, _) = train(
        |config| {
            config.batch_size = 4;
            config.optimizer = OptimizerConfig::Sgd(Default::default());
        },
        6,
    );
    let (accumulated, _) = train(
        |config| {
            config.gradient_accumulation = 2;
            config.optimizer = OptimizerConfig::Sgd(Default::default());
        },
        6,
    );
    for (a, b) in large.losses.iter().zip(&accumulated.losses) {
        assert!((a - b).abs() < 1e-4 * a.abs(), "{a} is not {b}");
    }
}

#[test]
fn devices_that_share_a_step_change_nothing() {
    let mut config = config(3);
    config.gradient_accumulation = 2;
    let data = data(&labels(), &config, 4, 0);
    let losses = |more_devices: Vec<Device>| {
        let folder = tempfile::tempdir().unwrap();
        let options = FitOptions {
            output: folder.path().join("model"),
            more_devices,
            duration: Some(Duration::Steps(5)),
            ..FitOptions::default()
        };
        fit(&config, &data, &options, &mut |_| {}).map(|report| report.losses)
    };
    let alone = losses(Vec::new()).unwrap();
    assert_eq!(losses(vec![Device::flex()]).unwrap(), alone);
    let three = losses(vec![Device::flex(), Device::flex()]);
    let message = three.unwrap_err().to_string();
    assert!(message.contains("gradient_accumulation"), "{message}");
}

#[test]
fn epochs_become_steps() {
    let config = config(1);
    let folder = tempfile::tempdir().unwrap();
    let data = data(&labels(), &config, 5, 0);
    // Five cases, two patches a step.
    let (report, _) = train_in(folder.path(), &config, &data, Duration::Epochs(2.0));
    assert_eq!(report.progress.step, 5);
}

#[test]
fn rates_follow_the_schedule_and_the_warm_up() {
    let (_, events) = train(
        |config| {
            config.schedule = Schedule::Constant;
            config.warm_up = WarmUp {
                steps: 4,
                start: 0.0,
            };
        },
        6,
    );
    let expected = [0.002, 0.004, 0.006, 0.008, 0.01, 0.01];
    for (rate, expected) in rates(&events).iter().zip(expected) {
        assert!((rate - expected).abs() < 1e-12);
    }
    let cycle = Schedule::OneCycle(OneCycle::default());
    let (_, events) = train(|config| config.schedule = cycle, 10);
    let rates = rates(&events);
    assert!((rates[2] - 0.01).abs() < 1e-12 && rates[0] < 0.001 && rates[9] < 1e-6);
}

#[test]
fn a_run_that_gains_nothing_lowers_its_rate_and_ends_early() {
    let (report, events) = train(
        |config| {
            config.validation.times = 100;
            config.validation.on = ValidationOn::Patches(4);
            // Weights that never move never gain.
            config.optimizer = OptimizerConfig::Sgd(StochasticGradientDescent {
                learning_rate: 1e-30,
                ..StochasticGradientDescent::default()
            });
            config.schedule = Schedule::Plateau(Plateau {
                factor: 0.1,
                patience: 1,
            });
            config.early_stopping = Some(EarlyStopping {
                patience: 5,
                minimum_gain: 0.0,
            });
        },
        100,
    );
    assert!(report.finished && report.progress.step == 6 && report.progress.stopped_early);
    let rates = rates(&events);
    assert!(rates[5] < rates[0] * 0.05, "{rates:?}");
    assert!(matches!(
        events
            .iter()
            .rev()
            .find(|e| matches!(e, Event::StoppedEarly { .. })),
        Some(Event::StoppedEarly { validations: 5, .. })
    ));
}

#[test]
fn averaged_weights_are_what_is_kept() {
    let weights = |average: Option<WeightAverageConfig>| {
        let mut config = config(11);
        config.weight_average = average;
        let folder = tempfile::tempdir().unwrap();
        let data = data(&labels(), &config, 4, 2);
        let (report, _) = train_in(folder.path(), &config, &data, Duration::Steps(8));
        let file = folder
            .path()
            .join("model/members/fold_0/weights.safetensors");
        (report.losses, std::fs::read(file).unwrap())
    };
    let (losses, plain) = weights(None);
    let (same_losses, averaged) = weights(Some(WeightAverageConfig { decay: 0.9 }));
    assert_eq!(
        losses, same_losses,
        "the average follows and changes nothing"
    );
    assert!(plain != averaged);
}

#[test]
fn clipping_tames_large_gradients_and_divergence_is_told() {
    let wild = OptimizerConfig::Sgd(StochasticGradientDescent {
        learning_rate: 1e12,
        momentum: 0.0,
        nesterov: false,
        weight_decay: 0.0,
    });
    let mut config = config(5);
    config.optimizer = wild;
    config.clip_norm = None;
    config.schedule = Schedule::Constant;
    let data = data(&labels(), &config, 4, 0);
    let folder = tempfile::tempdir().unwrap();
    let options = FitOptions {
        output: folder.path().join("model"),
        duration: Some(Duration::Steps(60)),
        ..FitOptions::default()
    };
    let error = fit(&config, &data, &options, &mut |_| {})
        .unwrap_err()
        .to_string();
    for word in ["step", "learning_rate", "spheres_0", "clip_norm"] {
        assert!(error.contains(word), "{error}");
    }
}

/// Cases of which one cannot be read, as if its file was removed in the middle of an epoch.
#[derive(Debug)]
struct OneGone(MemoryCases);

impl CaseSource for OneGone {
    fn names(&self) -> &[String] {
        self.0.names()
    }

    fn get(&self, index: usize) -> vesalius::training::Result<CaseHandle> {
        if index == 2 {
            return Err(vesalius::training::Error::Case {
                case: self.names()[2].clone(),
                reason: "the disk gave it up".to_owned(),
            });
        }
        self.0.get(index)
    }
}

#[test]
fn a_case_that_breaks_in_the_middle_of_an_epoch_stops_or_is_left_out() {
    let mut config = config(7);
    let case = |number| {
        Case::new(
            spheres().subject(3, number).unwrap(),
            &labels(),
            &config.preprocessing,
        )
        .unwrap()
    };
    let mut data = data(&labels(), &config, 4, 0);
    data.training = Arc::new(OneGone(MemoryCases::new((0..4).map(case))));
    let folder = tempfile::tempdir().unwrap();
    let run = |config: &TrainingConfig, folder: &Path| {
        let options = FitOptions {
            output: folder.to_owned(),
            duration: Some(Duration::Steps(8)),
            callbacks: vesalius::reports::all(),
            ..FitOptions::default()
        };
        fit(config, &data, &options, &mut |_| {})
    };
    let error = run(&config, &folder.path().join("a"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("spheres_002") && error.contains("gave it up"),
        "{error}"
    );
    config.bad_case = BadCase::Skip;
    let report = run(&config, &folder.path().join("b")).unwrap();
    assert_eq!(report.skipped.len(), 1);
    assert_eq!(report.skipped[0].case, "spheres_002");
    let losses = |workers| {
        let mut config = config.clone();
        config.cache.workers = Some(workers);
        run(&config, &folder.path().join(format!("{workers} workers")))
            .unwrap()
            .losses
    };
    assert_eq!(losses(1), report.losses);
    assert_eq!(losses(3), report.losses);
    let page = std::fs::read_to_string(folder.path().join("b/report.html")).unwrap();
    assert!(page.contains("spheres_002") && page.contains("gave it up"));
}

#[test]
fn halves_are_refused_where_the_device_has_none() {
    let mut config = config(1);
    config.precision = vesalius::training::Precision::Bf16;
    let data = data(&labels(), &config, 2, 0);
    let folder = tempfile::tempdir().unwrap();
    let options = FitOptions {
        output: folder.path().join("model"),
        duration: Some(Duration::Steps(1)),
        ..FitOptions::default()
    };
    let error = fit(&config, &data, &options, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("precision") && error.contains("bf16"),
        "{error}"
    );
    assert!(!options.output.exists());
}

/// Cases that do not fit in memory are in a folder of their own, which others cannot read and which is removed with them.
#[test]
fn cases_without_room_are_private_and_removed() {
    let place = tempfile::tempdir().unwrap();
    small_dataset(place.path());
    let network =
        vesalius::training::parse_yaml("unet: {channels: [8, 16], strides: [2]}").unwrap();
    let mut config = TrainingConfig::new(network).patch([16, 16, 16]);
    config.cache.memory = Some(0.0);
    let folders = || {
        let entries = std::fs::read_dir(std::env::temp_dir()).unwrap();
        let names = entries.map(|entry| entry.unwrap().path());
        let name =
            |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        names
            .filter(|path| name(path).starts_with("vesalius-cache"))
            .collect::<std::collections::BTreeSet<_>>()
    };
    let before = folders();
    let data = load_dataset(&config, place.path()).unwrap();
    let made: Vec<_> = folders().difference(&before).cloned().collect();
    let with_cases = |path: &std::path::PathBuf| std::fs::read_dir(path).unwrap().count() > 1;
    let ours = made
        .iter()
        .find(|path| with_cases(path))
        .expect("stored cases");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(ours).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
    drop(data);
    assert!(!ours.exists());
}
