//! An engine for tests and for trying the page: it calls bright voxels a label. It knows no network.

use std::time::Duration;
use vesalius_io::{FourthAxis, ReadOptions};
use vesalius_server::{
    Engine, EngineError, LABELS_FILE, LabelInfo, ModelInfo, PROBABILITIES_FILE, Task,
};
use vesalius_volume::{LabelMap, Volume};

/// Thresholds at two heights between the darkest and the brightest voxel.
#[derive(Debug, Clone, Default)]
pub struct Toy {
    /// The pause at each of ten windows.
    pub pause: Duration,
}

impl Engine for Toy {
    fn models(&self) -> Vec<ModelInfo> {
        let model = |name: &str, description: &str| ModelInfo {
            name: name.to_owned(),
            description: description.to_owned(),
            version: "1".to_owned(),
            channels: vec!["image".to_owned()],
            labels: vec![LabelInfo::new(1, "bright"), LabelInfo::new(2, "brightest")],
        };
        vec![
            model(
                "threshold",
                "Voxels above a third and two thirds of the range",
            ),
            model(
                "high-threshold",
                "Voxels above a half and three quarters of the range",
            ),
        ]
    }

    fn run(&self, task: &Task) -> Result<(), EngineError> {
        let mut options = ReadOptions::new();
        options.series = task.series.map(str::to_owned);
        options.fourth_axis = FourthAxis::Channels;
        let image = vesalius_io::read_with(task.input, &options)?;
        let windows = task.control.stage("windows", 10);
        for _ in 0..10 {
            task.control.check()?;
            std::thread::sleep(self.pause);
            windows.advance(1);
        }
        let (low, high) = image
            .data()
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| {
                (low.min(value), high.max(value))
            });
        let shares = match task.model {
            "threshold" => [1.0 / 3.0, 2.0 / 3.0],
            _ => [0.5, 0.75],
        };
        let [first, second] = shares.map(|share| low + (high - low) * share);
        let labels = LabelMap::<u16>::from_fn(*image.geometry(), |index| {
            let value = image.get(0, index);
            u16::from(value > first) + u16::from(value > second)
        });
        // Each run has another number, by which a test sees whether a job was run to two results.
        let run = format!("{:?} {}", std::time::SystemTime::now(), std::process::id());
        std::fs::write(task.output.join("run.txt"), run)?;
        if task.probabilities {
            let share = |index| (image.get(0, index) - low) / (high - low).max(1e-6);
            let probabilities = Volume::from_fn(*image.geometry(), share);
            vesalius_io::write(task.output.join(PROBABILITIES_FILE), &probabilities)?;
        }
        vesalius_io::write_labels(task.output.join(LABELS_FILE), &labels)?;
        Ok(())
    }
}
