//! What a config costs on this machine: a few steps of the real fit loop on two of the dataset's cases.

use super::task::Task;
use crate::work::create;
use crate::{Error, Result};
use std::path::PathBuf;
use std::time::Instant;
use vesalius_control::Control;
use vesalius_planning::CaseFiles;
use vesalius_tensor::Device;
use vesalius_training::{
    Case, Duration, Event, FitOptions, MemoryCases, TrainingConfig, TrainingData, ValidationOn,
    fit, read_case_with,
};
use vesalius_transforms::Chain;

/// Steps that are timed after the first, which allocates memory and is slower.
const STEPS: u64 = 4;

/// What a run costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StepCost {
    /// Seconds of a training step, augmentation and optimiser included: the median of a few.
    pub step_seconds: f64,
    /// Seconds to segment and score a held-out case, without mirrors.
    pub case_seconds: f64,
}

/// Two cases, read and preprocessed once for all that is tried on them.
pub(super) struct Trial {
    data: TrainingData,
    /// Where a run writes while it is tried.
    scratch: PathBuf,
}

impl Trial {
    /// What is trained on and what is held out; the two may be the same.
    ///
    /// # Errors
    /// A case that cannot be read or preprocessed; [`Error::Cancelled`].
    pub fn read(task: &Task, cases: [&CaseFiles; 2], preprocessing: &Chain) -> Result<Self> {
        let (channels, labels) = (&task.work.list().channels, &task.scheme);
        let control = task.options.control.silent();
        let read = |files: &CaseFiles| {
            let (subject, _) = read_case_with(files, channels.len(), &control)?;
            let case = Case::new_with(subject, labels, preprocessing, &control)?;
            Ok::<_, Error>(MemoryCases::shared([case]))
        };
        Ok(Self {
            data: TrainingData {
                dataset: "trial".to_owned(),
                channels: channels.clone(),
                labels: labels.clone(),
                training: read(cases[0])?,
                validation: read(cases[1])?,
                warnings: Vec::new(),
            },
            scratch: task.work.trials_folder(),
        })
    }

    /// Trains a few steps, segments the held-out case, and forgets both.
    ///
    /// # Errors
    /// A config that cannot be trained; a work folder without room; [`Error::Cancelled`].
    pub fn cost(
        &self,
        config: &TrainingConfig,
        device: &Device,
        control: &Control,
    ) -> Result<StepCost> {
        create(&self.scratch)?;
        let folder = tempfile::tempdir_in(&self.scratch).map_err(|source| Error::System {
            path: self.scratch.clone(),
            what: "given a folder for a trial run",
            source,
        })?;
        let mut config = config.clone();
        config.validation.times = 1;
        config.validation.on = ValidationOn::Volumes;
        let options = FitOptions {
            output: folder.path().join("trial"),
            device: device.clone(),
            duration: Some(Duration::Steps(STEPS + 1)),
            control: control.clone(),
            ..FitOptions::default()
        };
        let (mut steps, mut last, mut case_seconds) = (Vec::new(), Instant::now(), 0.0);
        fit(&config, &self.data, &options, &mut |event| {
            let since = last.elapsed().as_secs_f64();
            match event {
                Event::Step { .. } => steps.push(since),
                Event::ValidatedCase { .. } => case_seconds = since,
                _ => {}
            }
            last = Instant::now();
        })?;
        drop(folder);
        // Where no other trial is under way it is empty.
        let _ = std::fs::remove_dir(&self.scratch);
        control.check()?;
        let mut timed = steps.split_off(1.min(steps.len()));
        timed.sort_by(f64::total_cmp);
        Ok(StepCost {
            step_seconds: timed.get(timed.len() / 2).copied().unwrap_or(f64::INFINITY),
            case_seconds,
        })
    }
}
