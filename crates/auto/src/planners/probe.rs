//! What a config costs on this machine: a few steps of the real fit loop on two of the dataset's cases.

use crate::{Error, Result};
use std::time::Instant;
use vesalius_control::Control;
use vesalius_planning::CaseFiles;
use vesalius_tensor::Device;
use vesalius_training::{
    Case, Duration, Event, FitOptions, MemoryCases, TrainingConfig, TrainingData, ValidationOn,
    fit, read_case,
};
use vesalius_transforms::Chain;
use vesalius_volume::LabelScheme;

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
pub(super) struct Trial(TrainingData);

impl Trial {
    /// What is trained on and what is held out; the two may be the same.
    ///
    /// # Errors
    /// A case that cannot be read or preprocessed.
    pub fn read(
        cases: [&CaseFiles; 2],
        channels: &[String],
        labels: &LabelScheme,
        preprocessing: &Chain,
    ) -> Result<Self> {
        let read = |files: &CaseFiles| {
            let (subject, _) = read_case(files, channels.len())?;
            let case = Case::new(subject, labels, preprocessing)?;
            Ok::<_, Error>(MemoryCases::shared([case]))
        };
        Ok(Self(TrainingData {
            dataset: "trial".to_owned(),
            channels: channels.to_vec(),
            labels: labels.clone(),
            training: read(cases[0])?,
            validation: read(cases[1])?,
            warnings: Vec::new(),
        }))
    }

    /// Trains a few steps, segments the held-out case, and forgets both.
    ///
    /// # Errors
    /// A config that cannot be trained; a full temporary folder; [`Error::Cancelled`].
    pub fn cost(
        &self,
        config: &TrainingConfig,
        device: &Device,
        control: &Control,
    ) -> Result<StepCost> {
        let folder = tempfile::tempdir().map_err(|e| Error::WorkFolder {
            path: std::env::temp_dir(),
            reason: format!("cannot hold a trial run ({e}); point TMPDIR to a folder with room"),
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
        fit(&config, &self.0, &options, &mut |event| {
            let since = last.elapsed().as_secs_f64();
            match event {
                Event::Step { .. } => steps.push(since),
                Event::ValidatedCase { .. } => case_seconds = since,
                _ => {}
            }
            last = Instant::now();
        })?;
        control.check()?;
        let mut timed = steps.split_off(1.min(steps.len()));
        timed.sort_by(f64::total_cmp);
        Ok(StepCost {
            step_seconds: timed.get(timed.len() / 2).copied().unwrap_or(f64::INFINITY),
            case_seconds,
        })
    }
}
