//! Every algorithm on datasets like those whose plans nnU-Net itself made (sizes, spacings, channels, classes of
//! its fingerprints, voxels fewer): each plan makes ten training steps, a validation and its held-out
//! segmentation. The plans of the full sizes are checked as far as a run checks them before its first step.

use super::nnunet::{self, CONFIGURATIONS};
use super::task::Task;
use super::{PlanOptions, algorithms, made, plan};
use crate::{Analyzed, WorkFolder};
use serde_json::json;
use std::path::Path;
use vesalius_planning::nnunet::Planner;
use vesalius_training::Duration;
use vesalius_volume::{Geometry, LabelMap, Volume};

/// Steps of each run.
const STEPS: u64 = 10;
/// Cases of each dataset: two folds.
const CASES: usize = 3;
/// GPU memory in GB, falling until nnU-Net's patch covers less than a quarter of a small case, so that it plans a low
/// resolution too.
const LITTLE_MEMORY: [Option<f64>; 4] = [Some(0.03), Some(0.01), Some(0.003), Some(0.001)];

/// The properties of a dataset; vectors are `[x, y, z]`.
struct Facts {
    modality: &'static str,
    channels: &'static [&'static str],
    /// Foreground classes.
    classes: u16,
    spacing: [f64; 3],
    /// Median size of the real cases.
    size: [usize; 3],
    /// Size of the cases that are made.
    small: [usize; 3],
    /// Whether nnU-Net plans a low resolution of the real cases.
    low: bool,
}

const ABDOMEN_CT: Facts = Facts {
    modality: "CT",
    channels: &["CT"],
    classes: 13,
    spacing: [0.7984585, 0.7734045, 2.946024],
    size: [492, 504, 143],
    small: [40, 40, 12],
    low: true,
};
const BRAIN_4_CHANNELS: Facts = Facts {
    modality: "MRI",
    channels: &["T1", "T1ce", "T2", "FLAIR"],
    classes: 3,
    spacing: [1.0; 3],
    size: [238, 241, 157],
    small: [28, 30, 20],
    low: false,
};
const CARDIAC_MR: Facts = Facts {
    modality: "MRI",
    channels: &["MRI"],
    classes: 3,
    spacing: [1.5026865, 1.531189, 9.8921745],
    size: [216, 250, 10],
    small: [36, 42, 10],
    low: false,
};
const HIPPOCAMPUS_208: Facts = Facts {
    modality: "MRI",
    channels: &["MRI"],
    classes: 2,
    spacing: [1.0; 3],
    size: [35, 50, 36],
    small: [19, 27, 20],
    low: false,
};
const HIPPOCAMPUS_LIKE: Facts = Facts {
    size: [35, 51, 36],
    small: [23, 34, 24],
    ..HIPPOCAMPUS_208
};
const LIVER_CT_BIG: Facts = Facts {
    modality: "CT",
    channels: &["CT"],
    classes: 2,
    spacing: [0.768949, 0.764246, 1.0],
    size: [511, 516, 437],
    small: [33, 33, 28],
    low: true,
};
const MICROSCOPY_ISO: Facts = Facts {
    modality: "MRI",
    channels: &["noNorm"],
    classes: 1,
    spacing: [0.010162, 0.010468, 0.009489],
    size: [614, 584, 550],
    small: [32, 30, 29],
    low: true,
};
const PROSTATE_2_CHANNELS: Facts = Facts {
    modality: "MRI",
    channels: &["T2", "ADC"],
    classes: 2,
    spacing: [0.5993245, 0.5895985, 3.6403835],
    size: [322, 320, 20],
    small: [36, 36, 10],
    low: false,
};
const RGB_2D: Facts = Facts {
    modality: "MRI",
    channels: &["rgb_to_0_1", "rgb_to_0_1", "rgb_to_0_1"],
    classes: 1,
    spacing: [1.0, 1.0, 999.0],
    size: [1023, 1028, 1],
    small: [40, 42, 1],
    low: false,
};

impl Facts {
    /// A work folder on made cases, analysed.
    fn work(&self, folder: &Path) -> (WorkFolder, Analyzed) {
        let cases: Vec<_> = (0..CASES).map(|number| self.case(number)).collect();
        let names = |(at, name): (usize, &&str)| (at.to_string(), json!(name));
        let channels: serde_json::Map<_, _> = self.channels.iter().enumerate().map(names).collect();
        let class = |class: u16| (class.to_string(), json!(format!("c{class}")));
        let labels: serde_json::Map<_, _> = (0..=self.classes).map(class).collect();
        let list = json!({"name": "made", "modality": channels, "labels": labels});
        made::work(folder, self.modality, &cases, list).unwrap()
    }

    /// A box of foreground in a border of air, its classes side by side; sizes and spacings vary as those of
    /// patients do.
    fn case(&self, number: usize) -> (Volume<f32>, LabelMap) {
        let vary = |n: usize| if n > 12 { n + 2 * number - 2 } else { n };
        let size = self.small.map(vary);
        let scale = 1.0 + 0.02 * (number as f64 - 1.0);
        let spacing = self.spacing.map(|s| s * scale);
        let geometry = Geometry::axis_aligned(size, spacing).unwrap();
        let inside = |at: [usize; 3], margin: usize| {
            (0..3).all(|a| size[a] < 8 || (margin..size[a] - margin).contains(&at[a]))
        };
        let labels = LabelMap::from_fn(geometry, |at| match inside(at, 3) {
            true => 1 + ((at[0] - 3) * usize::from(self.classes) / (size[0] - 6)) as u16,
            false => 0,
        });
        let mut state = number as u32 + 1;
        let mut values = Vec::new();
        for channel in 0..self.channels.len() {
            for (offset, label) in labels.data().iter().enumerate() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 24) as f32 / 8.0;
                let tissue = 40.0 + f32::from(*label) * 8.0 + channel as f32 + noise;
                let seen = inside(geometry.index(offset), 1);
                values.push(if seen { tissue.round() } else { 0.0 });
            }
        }
        let image = Volume::new(geometry, self.channels.len(), values).unwrap();
        (image, labels)
    }

    /// Plans every algorithm, makes its network small, and trains it.
    fn check(&self) {
        let temporary = tempfile::tempdir().unwrap();
        let (work, analyzed) = self.work(temporary.path());
        let planned: Vec<String> = algorithms()
            .into_iter()
            .filter(|name| self.is_planned(&work, &analyzed, name))
            .collect();
        let history = made::train_small(&work, &planned, |training| {
            training.batch_size = training.batch_size.min(2);
            training.duration = Some(Duration::Steps(STEPS));
            training.mirror_axes.truncate(1);
        });
        for job in &history.jobs {
            assert!(job.dice.is_some_and(f64::is_finite), "{}", job.algorithm);
            let log = work
                .folder()
                .join(&job.folder)
                .join(vesalius_training::LOG_FILE);
            let log = std::fs::read_to_string(log).unwrap();
            assert!(log.contains("\"validated\""), "{}: {log}", job.algorithm);
        }
        self.check_full_size(&work, analyzed);
    }

    /// Plans an algorithm; whether there is a plan, which must be as expected.
    fn is_planned(&self, work: &WorkFolder, analyzed: &Analyzed, name: &str) -> bool {
        let expected = expected_of(self, name);
        let memory: &[Option<f64>] = match (name.ends_with("lowres"), expected) {
            (false, _) => &[None],
            (true, true) => &LITTLE_MEMORY,
            (true, false) => &LITTLE_MEMORY[..1],
        };
        let mut refusal = String::new();
        let is_planned = memory.iter().any(|memory_gb| {
            let options = PlanOptions {
                algorithms: vec![name.to_owned()],
                minutes: Some(0.01),
                memory_gb: *memory_gb,
                ..PlanOptions::default()
            };
            let planned = plan(work, analyzed, &options);
            planned.map_err(|error| refusal = error.to_string()).is_ok()
        });
        assert!(is_planned || !expected, "{name}: {refusal}");
        assert!(
            is_planned || refusal.contains("nnU-Net makes no"),
            "{name}: {refusal}"
        );
        is_planned
    }

    /// nnU-Net's plans of cases of the real size: the network is accepted, with the augmented patches that it gets.
    fn check_full_size(&self, work: &WorkFolder, mut analyzed: Analyzed) {
        let [x, y, z] = self.size;
        let cases = analyzed.fingerprint.shapes_after_crop.len();
        analyzed.fingerprint.shapes_after_crop = vec![[z, y, x]; cases];
        let [x, y, z] = self.spacing;
        analyzed.fingerprint.spacings = vec![[z, y, x]; cases];
        let options = PlanOptions::default();
        let task = Task::of(work, &analyzed, &options, 1).unwrap();
        for (prefix, planner) in Planner::ALL {
            for configuration in CONFIGURATIONS {
                let name = format!("{prefix}_{configuration}");
                // The larger the memory that a planner plans for, the fewer datasets get a low resolution.
                let expected =
                    expected_of(self, &name) && (prefix == "nnunet" || !name.ends_with("lowres"));
                let plan = match nnunet::plan(&task, &name, planner, configuration) {
                    Ok(plan) => plan,
                    Err(error) => {
                        assert!(!expected, "{name}: {error}");
                        continue;
                    }
                };
                plan.training.check().unwrap();
                let size = plan.training.network_patch().unwrap();
                let network = task.with_channels(plan.training.network.clone());
                network.check_input(self.channels.len(), size).unwrap();
            }
        }
    }
}

/// Whether a dataset has a plan of this name.
fn expected_of(facts: &Facts, name: &str) -> bool {
    match name.rsplit_once("3d_") {
        Some((_, "lowres")) => facts.low,
        Some(_) => facts.small[2] > 1,
        None => true,
    }
}

macro_rules! datasets {
    ($($name:ident = $facts:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $facts.check();
            }
        )*
    };
}

datasets! {
    every_algorithm_trains_on_abdomen_ct = ABDOMEN_CT,
    every_algorithm_trains_on_brain_4_channels = BRAIN_4_CHANNELS,
    every_algorithm_trains_on_cardiac_mr = CARDIAC_MR,
    every_algorithm_trains_on_hippocampus_208 = HIPPOCAMPUS_208,
    every_algorithm_trains_on_hippocampus_like = HIPPOCAMPUS_LIKE,
    every_algorithm_trains_on_liver_ct_big = LIVER_CT_BIG,
    every_algorithm_trains_on_microscopy_iso = MICROSCOPY_ISO,
    every_algorithm_trains_on_prostate_2_channels = PROSTATE_2_CHANNELS,
    every_algorithm_trains_on_rgb_2d = RGB_2D,
}
