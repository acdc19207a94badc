//! A run as a callback may look at it when it begins, when it was validated, and when it ends.

use super::Run;
use crate::compute::catch_device_panic;
use crate::machine;
use crate::validate::{segment, within};
use crate::{Callback, Case, Error, FitOptions, Result, RunProgress, TrainingConfig, TrainingData};
use std::path::Path;
use vesalius_control::Control;
use vesalius_inferers::weights_path;
use vesalius_networks::{Network, NetworkConfig, Weights};
use vesalius_tensor::Device;
use vesalius_volume::LabelMap;

/// The state of a run, for the hooks of a [`Callback`]: its folder, checkpoint and model folder are written.
#[derive(Debug)]
pub struct RunState<'a> {
    config: &'a TrainingConfig,
    data: &'a TrainingData,
    options: &'a FitOptions,
    progress: &'a RunProgress,
    network_config: &'a NetworkConfig,
    network: Network,
    member: String,
    control: Control,
}

impl RunState<'_> {
    /// How it trains.
    pub fn config(&self) -> &TrainingConfig {
        self.config
    }

    /// The config as YAML, with what the data and the options decided ([`TrainingConfig::as_run`]).
    ///
    /// # Errors
    /// [`Error::Output`] for a user-defined type whose options cannot be written.
    pub fn config_text(&self) -> Result<String> {
        let used = self.config.as_run(self.data, self.options.duration);
        vesalius_planning::to_yaml(&used).map_err(|reason| Error::Output {
            path: self.folder().join(super::CONFIG_FILE),
            reason,
        })
    }

    /// What it learns from.
    pub fn data(&self) -> &TrainingData {
        self.data
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.options.output
    }

    /// What computes.
    pub fn device(&self) -> &Device {
        &self.options.device
    }

    /// How far it is.
    pub fn progress(&self) -> &RunProgress {
        self.progress
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        !self.progress.goes_on() && !self.progress.validation_due
    }

    /// Trainable numbers of the network.
    pub fn parameters(&self) -> usize {
        self.network.parameter_count()
    }

    /// Bytes of memory that the device holds: the process's own on the CPU. `None` where the system does not report it.
    pub fn memory(&self) -> Option<u64> {
        machine::memory_of(self.device())
    }

    /// The network at this step, or the average of its weights if the config has one: what is validated.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The network with the weights in the model folder: the best so far.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn kept_network(&self) -> Result<Network> {
        let weights = Weights::open(weights_path(self.folder(), &self.member))?;
        Ok(self.network_config.load(&weights, self.device())?)
    }

    /// A held-out case on the network's grid, and a network's prediction for it; `None` for a case that is broken or
    /// unknown, or where the run is cancelled or its minutes end meanwhile.
    ///
    /// # Errors
    /// A network whose output does not fit; a device that fails.
    pub fn held_out(&self, network: &Network, name: &str) -> Result<Option<(Case, LabelMap)>> {
        let cases = &self.data.validation;
        let index = cases.names().iter().position(|other| other == name);
        let Some(Ok(handle)) = index.map(|index| cases.get(index)) else {
            return Ok(None);
        };
        // Image, labels and prediction are all on the network's grid.
        let case = (*handle.whole()?).clone().on_own_grid();
        let (device, labels) = (self.device().clone(), &self.data.labels);
        let prediction = catch_device_panic(&device, || {
            let inferer = self.config.inferer_in_use();
            segment(network, &case, labels, &inferer, &device, &self.control)
        });
        match prediction {
            Err(error) if error.is_cancelled() => Ok(None),
            found => Ok(Some((case, found?))),
        }
    }
}

impl Run<'_> {
    /// Calls a hook of every callback with the run's state.
    ///
    /// # Errors
    /// The first that one gives.
    pub(super) fn hook(
        &mut self,
        hook: fn(&mut dyn Callback, &RunState<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.watch.is_empty() {
            return Ok(());
        }
        let (network, member) = (self.kept_network(), self.member());
        let state = RunState {
            config: self.config,
            data: self.data,
            options: self.options,
            progress: &self.progress,
            network_config: &self.network_config,
            network,
            member,
            control: within(&self.control, self.plan.ends()),
        };
        self.watch.each(|callback| hook(callback, &state))
    }
}
