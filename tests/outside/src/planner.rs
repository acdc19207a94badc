//! A planner: the same small network for every dataset, on patches of the median size.

use serde::Deserialize;
use vesalius::auto::{CustomPlanner, Plan, PlanRequest, Result};
use vesalius::networks::NetworkConfig;
use vesalius::prelude::*;

/// The planner, which has no options.
#[derive(Deserialize, Default)]
pub struct SmallPlanner {}

impl CustomPlanner for SmallPlanner {
    fn plan(&self, request: &PlanRequest<'_>) -> Result<Plan> {
        let statistics = &request.analyzed.statistics.stats_summary;
        let median = statistics.image_stats.shape.median;
        let network = vesalius::training::parse_yaml("unet: {channels: [2, 4], strides: [2]}")?;
        let network: NetworkConfig = network;
        Ok(Plan {
            training: TrainingConfig::new(network)
                .patch(median.map(|voxels| (voxels as i64 / 2).max(1) * 2))
                .steps(2),
            reasons: vec!["the same network for every dataset".to_owned()],
        })
    }
}
