//! Every stage is cancelled by its control, keeps what is done, and ends when it is called again.

use super::{PlanOptions, made, plan};
use crate::{
    BrokenCases, ChooseOptions, Error, ExportedRuns, History, HoldOutOptions, JobState, Plan,
    Result, TrainEvent, TrainOptions, TuneEvent, TuneOptions, WorkFolder, analyze, choose,
    export_with, hold_out, import_with, train, tune, write_model_with, write_report_with,
};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};
use vesalius_control::Control;
use vesalius_networks::{NetworkConfig, UNetConfig};
use vesalius_training::{CONFIG_FILE, Duration, Event, TrainingConfig, ValidationConfig};
use vesalius_volume::{ErrorKind, Geometry, LabelMap, Volume};

pub(super) fn begun(folder: &Path) -> (WorkFolder, crate::Analyzed) {
    let grid = Geometry::axis_aligned([12, 11, 10], [1.0; 3]).unwrap();
    let cases: Vec<_> = (0..3)
        .map(|number| {
            let labels = LabelMap::from_fn(grid, |[x, ..]| u16::from(x > 4 + number));
            let image = Volume::from_fn(grid, |[x, y, z]| ((x * 5 + y + z + number) % 9) as f32);
            (image, labels)
        })
        .collect();
    let list = json!({"name": "made", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "organ"}});
    made::work(folder, "MRI", &cases, list).unwrap()
}

/// A plan of a small network and few steps.
pub(super) fn small(work: &WorkFolder) -> Plan {
    let network = NetworkConfig::UNet(UNetConfig {
        channels: vec![2, 4],
        strides: vec![2.into()],
        ..UNetConfig::default()
    });
    let plan = Plan {
        reasons: Vec::new(),
        training: TrainingConfig::new(network)
            .name("small")
            .patch([8; 3])
            .steps(3)
            .validation(ValidationConfig {
                times: 1,
                ..ValidationConfig::default()
            }),
    };
    crate::work::create(&work.plans_folder()).unwrap();
    plan.write(work.plans_folder()).unwrap();
    plan
}

fn cancelled() -> Control {
    let control = Control::new();
    control.cancel();
    control
}

fn is_cancelled<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Cancelled(_)), "{error}");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn analysis_and_planning_are_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let (mut work, analyzed) = begun(folder.path());
    let options = PlanOptions {
        control: cancelled(),
        ..PlanOptions::default()
    };
    is_cancelled(plan(&work, &analyzed, &options));
    std::fs::remove_dir_all(crate::Analyzed::folder(&work)).unwrap();
    is_cancelled(analyze(&mut work, BrokenCases::Refuse, &cancelled()));
    analyze(&mut work, BrokenCases::Refuse, &Control::new()).unwrap();
}

#[test]
fn trial_runs_of_planning_write_into_the_work_folder_and_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (work, analyzed) = begun(folder.path());
    let trials = work.folder().join("trials");
    let (control, seen) = (Control::new(), Arc::new(Mutex::new(false)));
    control.on_progress({
        let (control, seen, trials) = (control.clone(), seen.clone(), trials.clone());
        move |_| {
            if trials.exists() {
                *seen.lock().unwrap() = true;
                control.cancel();
            }
        }
    });
    let options = PlanOptions {
        control,
        ..PlanOptions::default()
    };
    is_cancelled(plan(&work, &analyzed, &options));
    assert!(*seen.lock().unwrap());
    assert!(std::fs::read_dir(&trials).unwrap().next().is_none());
    // As a process that was killed in a trial leaves it.
    std::fs::create_dir(trials.join("killed")).unwrap();
    let at = work.folder().to_owned();
    drop(work);
    WorkFolder::reopen(&at).unwrap();
    assert!(!trials.exists());
}

#[test]
fn runs_held_out_cases_and_the_choice_are_cancelled_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (work, _) = begun(folder.path());
    let plans = [small(&work)];
    let options = |control: Control| TrainOptions {
        control,
        at_once: 2,
        collapsed_below: -1.0,
        ..TrainOptions::default()
    };
    let control = Control::new();
    let stages: Arc<Mutex<Vec<String>>> = Arc::default();
    control.on_progress({
        let stages = stages.clone();
        move |progress| stages.lock().unwrap().push(progress.to_string())
    });
    let first = train(&work, &plans, &options(control.clone()), &mut |event| {
        if matches!(event, TrainEvent::Run(Event::Step { step: 2, .. })) {
            control.cancel();
        }
    });
    is_cancelled(first);
    let stages = stages.lock().unwrap();
    assert!(
        stages.contains(&"runs: cases 3 of 3".to_owned()),
        "{stages:?}"
    );
    assert!(
        stages.contains(&"runs: steps 2 of 3".to_owned()),
        "{stages:?}"
    );
    let begun = History::read(work.folder()).unwrap();
    assert!(begun.jobs.iter().all(|job| job.state == JobState::Planned));

    let history = train(&work, &plans, &options(Control::new()), &mut |_| ()).unwrap();
    assert_eq!(history.trained().count(), 2);
    for job in &history.jobs {
        // Of the half of the memory that two runs at one time may take together.
        let made = work.folder().join(&job.folder).join(CONFIG_FILE);
        let share = TrainingConfig::read(&made).unwrap().cache.memory.unwrap();
        let all = vesalius_training::total_memory().unwrap_or(u64::MAX) as f64;
        assert!(
            share > 0.0 && share * f64::from(1 << 30) <= all / 4.0,
            "{share}"
        );
    }
    let job = &history.jobs[0];
    let options = HoldOutOptions {
        control: cancelled(),
        ..HoldOutOptions::default()
    };
    is_cancelled(hold_out(&work, job, &options));
    let choose = |control| {
        choose(
            &work,
            &history,
            &ChooseOptions::default(),
            &control,
            &mut |_| (),
        )
    };
    is_cancelled(choose(cancelled()));
    let choice = choose(Control::new()).unwrap();

    // What copies files and draws, and what is there after it was cancelled.
    let (target, stop) = (folder.path().join("export"), cancelled());
    is_cancelled(write_model_with(&work, &history, &choice, &stop));
    assert!(!work.folder().join("model").exists());
    is_cancelled(write_report_with(&work, &plans, &stop));
    assert!(!work.folder().join("report.html").exists());
    is_cancelled(export_with(&work, &target, ExportedRuns::All, &stop));
    assert!(!target.join("history.json").exists());
    let other = folder.path().join("other");
    export_with(&work, &other, ExportedRuns::All, &Control::new()).unwrap();
    is_cancelled(import_with(&work, &other, &stop));
    assert_eq!(History::read(work.folder()).unwrap().jobs, history.jobs);
    write_model_with(&work, &history, &choice, &Control::new()).unwrap();
    write_report_with(&work, &plans, &Control::new()).unwrap();
}

#[test]
fn a_search_is_cancelled_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (work, _) = begun(folder.path());
    let plan = small(&work);
    let options = |control: Control| TuneOptions {
        control,
        trials: 2,
        duration: Duration::Steps(3),
        reports: 1,
        ..TuneOptions::default()
    };
    let control = Control::new();
    is_cancelled(tune(
        &work,
        &plan,
        &options(control.clone()),
        &mut |event| {
            if matches!(event, TuneEvent::Run(Event::Step { step: 2, .. })) {
                control.cancel();
            }
        },
    ));
    let tuned = tune(&work, &plan, &options(Control::new()), &mut |_| ());
    assert_eq!(tuned.unwrap().unwrap().name(), "small_tuned");
}
