//! User-defined planners: an algorithm's name in the input's `algos` or in [`PlanOptions::algorithms`] that a
//! program's type plans.

use super::PlanOptions;
use super::task::Task;
use crate::{Analyzed, Modality, Plan, Result, WorkFolder};
use serde_json::Map;
use vesalius_registry::Registry;
use vesalius_volume::LabelScheme;

/// The input of a planner.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PlanRequest<'a> {
    /// The algorithm's name.
    pub name: &'a str,
    /// The work folder: the cases and their folds.
    pub work: &'a WorkFolder,
    /// What the dataset is.
    pub analyzed: &'a Analyzed,
    /// What labels mean.
    pub labels: &'a LabelScheme,
    /// How each image channel was made.
    pub modalities: &'a [Modality],
    /// Minutes of training for one run, where there is a limit.
    pub minutes: Option<f64>,
    /// The planning options: the memory, the device, a control to check in long work.
    pub options: &'a PlanOptions,
}

/// A user-defined planner: from what is known of a dataset to a plan that can be trained.
pub trait CustomPlanner: Send + Sync {
    /// A training config, and a sentence for every choice. Its `name` becomes the algorithm's; the numbers of channels
    /// of its network follow from the dataset when it is trained.
    ///
    /// # Errors
    /// A dataset that the algorithm has no use for; [`crate::Error::custom`] makes an error of a text or of another
    /// error.
    fn plan(&self, request: &PlanRequest<'_>) -> Result<Plan>;
}

vesalius_registry::registered! {
    /// Adds user-defined planners to a [`Registry`].
    pub trait RegisterPlanner {
        /// Makes this algorithm's name mean this type, whose options are all at their defaults (serde's).
        fn planner => CustomPlanner, "planner";
    }
}

/// Whether a registered planner has this name.
pub(super) fn is_one(registry: &Registry, name: &str) -> bool {
    registry.names::<dyn CustomPlanner>().contains(&name)
}

/// The plan of a registered planner, checked.
pub(super) fn plan(task: &Task, name: &str) -> Result<Plan> {
    let planner = task
        .work
        .registry()
        .make::<dyn CustomPlanner>(name, &Map::new())?;
    let mut plan = planner.plan(&PlanRequest {
        name,
        work: task.work,
        analyzed: task.analyzed,
        labels: &task.scheme,
        modalities: &task.modalities,
        minutes: task.minutes_a_run(),
        options: task.options,
    })?;
    plan.training.name = name.to_owned();
    plan.training.check()?;
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planners::{made, plan};
    use crate::{Error, Plan, Result};
    use serde_json::json;
    use vesalius_networks::{NetworkConfig, UNetConfig};
    use vesalius_training::{Duration, TrainingConfig};
    use vesalius_volume::{Geometry, LabelMap, Volume};

    /// Patches as wide as the median case, in multiples of two.
    #[derive(serde::Deserialize)]
    #[serde(default)]
    struct Toy {
        steps: u64,
    }

    impl Default for Toy {
        fn default() -> Self {
            Self { steps: 2 }
        }
    }

    impl CustomPlanner for Toy {
        fn plan(&self, request: &PlanRequest<'_>) -> Result<Plan> {
            if request.labels.channels() > 3 {
                return Err(Error::custom("the toy knows two classes"));
            }
            let size = request
                .analyzed
                .statistics
                .stats_summary
                .image_stats
                .shape
                .median;
            let size = size.map(|n| (n as i64 / 2).max(1) * 2);
            let network = NetworkConfig::UNet(UNetConfig {
                channels: vec![2, 4],
                strides: vec![2.into()],
                ..UNetConfig::default()
            });
            let training = TrainingConfig::new(network)
                .patch(size)
                .duration(Duration::Steps(self.steps));
            let reasons = vec![format!("{} modalities", request.modalities.len())];
            Ok(Plan { reasons, training })
        }
    }

    fn cases() -> Vec<(Volume<f32>, LabelMap)> {
        let grid = Geometry::axis_aligned([10, 8, 8], [1.0; 3]).unwrap();
        let case = |shift: usize| {
            let labels = LabelMap::from_fn(grid, |[x, ..]| u16::from(x > 3 + shift));
            let image = Volume::from_fn(grid, |[x, y, z]| ((x * 5 + y + z + shift) % 11) as f32);
            (image, labels)
        };
        (0..3).map(case).collect()
    }

    #[test]
    fn a_toy_planner_makes_a_plan_that_trains_two_steps() {
        let folder = tempfile::tempdir().unwrap();
        let list = json!({"name": "toy", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "organ"}});
        let (work, analyzed) = made::work(folder.path(), "MRI", &cases(), list).unwrap();
        let mut registry = Registry::default();
        registry.planner::<Toy>("toy");
        let work = work.with_registry(registry);
        let options = |name: &str| PlanOptions {
            algorithms: vec![name.to_owned()],
            ..PlanOptions::default()
        };
        let refused = plan(&work, &analyzed, &options("tay"))
            .unwrap_err()
            .to_string();
        assert!(refused.contains("did you mean `toy`"), "{refused}");
        let plans = plan(&work, &analyzed, &options("toy")).unwrap();
        assert_eq!(plans.len(), 1);
        assert_eq!(
            (plans[0].name(), &*plans[0].reasons),
            ("toy", &["1 modalities".to_owned()][..])
        );
        assert_eq!(plans[0].training.patch.size, [10, 8, 8]);
        let history = made::train_small(&work, &["toy".to_owned()], |_| ());
        assert_eq!(history.jobs[0].steps, 2);
    }
}
