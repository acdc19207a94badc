//! A config as a run used it, to be written with the run.

use super::{Duration, TrainingConfig};
use crate::TrainingData;

impl TrainingConfig {
    /// The same config with what a run takes from elsewhere written out: the network's numbers of channels and the labels
    /// from the data, `duration` where it was given separately, and the inferer of whole volumes. A run from it on the
    /// same data is the same run.
    #[must_use]
    pub fn as_run(&self, data: &TrainingData, duration: Option<Duration>) -> Self {
        let network = self.network.clone();
        Self {
            network: network.with_channels(data.channels.len(), data.labels.channels()),
            labels: Some(data.labels.clone()),
            duration: duration.or(self.duration),
            inferer: Some(self.inferer_in_use()),
            ..self.clone()
        }
    }
}
