//! What a run writes down: its checkpoint and its model folder.

use super::Run;
use crate::{Checkpoint, Error, FitOptions, Result, TrainingData, average::WeightAverage};
use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use std::path::PathBuf;
use std::time::Instant;
use vesalius_inferers::{ModelDescription, Provenance};
use vesalius_networks::Network;
use vesalius_volume::Warning;

/// The checkpoint's file name in the output folder.
pub const CHECKPOINT_FILE: &str = "checkpoint.bin";
/// The file name of the state with the best Dice, where it is kept.
pub const BEST_CHECKPOINT_FILE: &str = "checkpoint_best.bin";
/// The config's file name in the output folder.
pub const CONFIG_FILE: &str = "training.yaml";

impl Run<'_> {
    /// Takes over network, optimiser and progress of a checkpoint.
    pub(super) fn restore(&mut self, checkpoint: Checkpoint) -> Result<()> {
        let path = self.checkpoint_path();
        let broken = |e: &dyn std::fmt::Display| Error::Checkpoint {
            path: path.clone(),
            reason: e.to_string(),
        };
        checkpoint.check_same_run(&path, self.config, self.data)?;
        self.warnings.extend(changed_cases(&checkpoint, self.data));
        let load = |network: Network, bytes: Vec<u8>| {
            let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes));
            let record = record.map_err(|e| broken(&e))?;
            network.try_load_record(record).map_err(|e| broken(&e))
        };
        self.network = load(self.network.clone(), checkpoint.network)?;
        self.average = match (self.average.take(), checkpoint.average) {
            (Some(average), Some(bytes)) => {
                let network = load(average.network().clone(), bytes)?;
                Some(average.with_network(network))
            }
            (Some(_), None) => return Err(broken(&"holds no average of weights")),
            (None, _) => None,
        };
        let optimizer = Bytes::from_bytes_vec(checkpoint.optimizer);
        let restored = self.config.optimizer.init()?.from_bytes(optimizer);
        self.optimizer = restored.map_err(|e| broken(&e))?;
        self.progress = checkpoint.progress;
        Ok(())
    }

    /// Makes the output folder, and writes config and state at once.
    pub(super) fn prepare_folder(&mut self) -> Result<()> {
        let folder = &self.options.output;
        std::fs::create_dir_all(folder).map_err(|source| Error::System {
            path: folder.clone(),
            what: "made",
            source,
            remedy: "choose an output folder that can be written",
        })?;
        let used = self.config.as_run(self.data, self.options.duration);
        let path = folder.join(CONFIG_FILE);
        let text = vesalius_planning::to_yaml(&used).map_err(|reason| Error::Output {
            path: path.clone(),
            reason,
        })?;
        vesalius_io::write_bytes_atomically(path, text.as_bytes())?;
        self.log = crate::log::Log::open(folder, self.progress.step)?;
        self.save()
    }

    pub(super) fn checkpoint_is_due(&self) -> bool {
        let checkpoints = &self.config.checkpoints;
        let step = self.progress.step;
        let due = |every: Option<u64>| every.is_some_and(|every| step.is_multiple_of(every));
        due(checkpoints.every_steps)
            || due(checkpoints.keep_every_steps)
            || self.last_checkpoint.elapsed().as_secs_f64() > checkpoints.every_minutes * 60.0
    }

    /// Writes the checkpoint: everything that the run needs to go on.
    pub(super) fn save(&mut self) -> Result<()> {
        let began = Instant::now();
        self.progress.elapsed = self.plan.elapsed();
        let path = self.checkpoint_path();
        let broken = |e: &dyn std::fmt::Display| Error::Checkpoint {
            path: path.clone(),
            reason: e.to_string(),
        };
        let bytes = |network: &Network| -> Result<Vec<u8>> {
            let record = network.clone().into_record().into_bytes();
            Ok(record.map_err(|e| broken(&e))?.to_vec())
        };
        let average = self.average.as_ref().map(WeightAverage::network);
        let checkpoint = Checkpoint {
            config: self.config.clone(),
            cases: self.data.training.names().to_vec(),
            identities: self.data.training.identities(),
            progress: self.progress.clone(),
            network: bytes(&self.network)?,
            average: average.map(bytes).transpose()?,
            optimizer: self
                .optimizer
                .into_bytes()
                .map_err(|e| broken(&e))?
                .to_vec(),
        };
        // Asked last, as making the bytes takes time.
        if let Some(fence) = &self.options.fence {
            fence.check()?;
        }
        checkpoint.write(&path)?;
        self.last_checkpoint = Instant::now();
        self.plan.save_seconds = began.elapsed().as_secs_f64();
        let step = self.progress.step;
        let keep = self.config.checkpoints.keep_every_steps;
        if step > 0 && keep.is_some_and(|every| step.is_multiple_of(every)) {
            self.copy_checkpoint(&format!("checkpoint_{step:06}.bin"))?;
        }
        Ok(())
    }

    /// Keeps a copy of the state that was just saved as the best one, if the config has it enabled.
    pub(super) fn keep_best_checkpoint(&self) -> Result<()> {
        if self.config.checkpoints.keep_best {
            self.copy_checkpoint(BEST_CHECKPOINT_FILE)?;
        }
        Ok(())
    }

    fn copy_checkpoint(&self, name: &str) -> Result<()> {
        let from = self.checkpoint_path();
        let bytes = std::fs::read(&from).map_err(|source| Error::System {
            path: from,
            what: "read back",
            source,
            remedy: "resume the run, which writes it again",
        })?;
        Ok(vesalius_io::write_bytes_atomically(
            self.options.output.join(name),
            &bytes,
        )?)
    }

    /// Writes the model folder with the weights that are kept.
    pub(super) fn write_model(&self, dice: Option<f64>) -> Result<()> {
        let fold = self.fold();
        let member = self.member();
        let weights = self.kept_network().weights().to_safetensors()?;
        let labels = self.data.labels.clone();
        let mut model = ModelDescription::builder(labels, self.network_config.clone())
            .channels(self.data.channels.clone())
            .preprocessing(self.config.preprocessing.clone())
            .inferer(self.config.inferer_in_use())
            .mirror_axes(self.config.mirror_axes.clone())
            .members([member.clone()])
            .provenance(Provenance {
                made_by: concat!("vesalius ", env!("CARGO_PKG_VERSION")).to_owned(),
                name: self.config.name.clone(),
                dataset: self.data.dataset.clone(),
                steps: self.progress.step,
                validation_dice: dice,
                validation_fold: fold,
            })
            .build()?;
        Ok(model.write_with_weights(&self.options.output, &member, &weights)?)
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.options.output.join(CHECKPOINT_FILE)
    }

    fn fold(&self) -> Option<usize> {
        let held_out = !self.data.validation.names().is_empty();
        held_out.then_some(self.config.validation.fold)
    }

    pub(super) fn member(&self) -> String {
        self.fold()
            .map_or("all".to_owned(), |fold| format!("fold_{fold}"))
    }
}

/// The cases that are not what they were when the checkpoint was written, where that is known.
fn changed_cases(checkpoint: &Checkpoint, data: &TrainingData) -> Option<Warning> {
    let (then, now) = (&checkpoint.identities, data.training.identities());
    let each = data.training.names().iter().zip(then.iter().zip(&now));
    // A case that could not be used has no identity.
    let changed = each.filter(|(_, (then, now))| then != now && !then.is_empty());
    let cases: Vec<String> = changed.map(|(name, _)| name.clone()).collect();
    (!cases.is_empty()).then_some(Warning::TrainingCasesChanged { cases })
}

/// Refuses to write a new run over an old one.
pub(super) fn check_folder(options: &FitOptions) -> Result<()> {
    let folder = &options.output;
    if !options.resume && folder.join(CHECKPOINT_FILE).exists() {
        return Err(Error::Output {
            path: folder.clone(),
            reason:
                "already holds a run; continue it by `FitOptions::resume`, or choose another `FitOptions::output`"
                    .to_owned(),
        });
    }
    Ok(())
}

/// The checkpoint to go on from; `None` for a new run, and for one that was killed before it wrote
/// its first.
pub(super) fn checkpoint_to_resume(options: &FitOptions) -> Result<Option<Checkpoint>> {
    let path = options.output.join(CHECKPOINT_FILE);
    let killed_at_once = !path.exists() && options.output.join(CONFIG_FILE).is_file();
    if !options.resume || killed_at_once {
        return Ok(None);
    }
    Checkpoint::read(&path).map(Some)
}
