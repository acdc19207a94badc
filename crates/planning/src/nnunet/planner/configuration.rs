//! One configuration of nnU-Net's plans: the largest patch whose network fits the memory, then the batch
//! that fills it, as nnU-Net 2.8.1 finds them.

use super::memory::{Blocks, Shape};
use super::spacing::numbers;
use super::topology::Topology;
use super::{Budget, PlanChoice, Planner, Reason};
use crate::nnunet::{Architecture, Configuration, Resampling};
use serde_json::{Map, Number, Value, json};

/// What all configurations of a plan share.
pub(super) struct Common<'a> {
    pub planner: Planner,
    pub budget: Budget,
    pub plans_name: &'a str,
    /// How many entries `labels` of dataset.json has.
    pub labels: usize,
    pub normalization_schemes: Vec<String>,
    pub use_mask_for_norm: Vec<bool>,
}

/// What a configuration is made for, along the array's axes; two or three numbers.
pub(super) struct Wanted<'a> {
    pub name: &'a str,
    pub spacing: &'a [f64],
    /// Median size of the cases at this spacing.
    pub median_size: &'a [f64],
    /// Whether that size was rounded: nnU-Net writes it as whole numbers then.
    pub rounded: bool,
    /// Voxels of all cases together, about.
    pub dataset_voxels: f64,
}

/// A configuration and the reasons for its values.
pub(super) struct Made {
    pub configuration: Configuration,
    pub patch: Vec<usize>,
    pub reasons: Vec<Reason>,
}

impl Common<'_> {
    pub fn configuration(&self, wanted: &Wanted) -> Made {
        let initial = initial_patch(wanted.spacing, wanted.median_size);
        let mut topology = Topology::of(wanted.spacing, &initial);
        let first = topology.patch.clone();
        let two_d = wanted.spacing.len() == 2;
        let reference = self.budget.reference(two_d);
        let reference_batch: f64 = if two_d { 12.0 } else { 2.0 };
        let too_large = |estimate: f64| match self.planner.is_residual() {
            true => estimate > reference,
            // The reference of plain networks was measured at another batch size than the smallest, 2.
            false => estimate / reference_batch * 2.0 > reference,
        };
        let mut estimate = self.estimate(&topology);
        let mut smallest = false;
        while too_large(estimate) {
            let patch = shrunk(wanted, &topology);
            if patch == topology.patch {
                smallest = true;
                break;
            }
            let size: Vec<f64> = patch.iter().map(|&n| n as f64).collect();
            let next = Topology::of(wanted.spacing, &size);
            // A network has two stages or more.
            if next.strides.len() < 2 {
                smallest = true;
                break;
            }
            topology = next;
            estimate = self.estimate(&topology);
        }
        let fitting = (reference / estimate * reference_batch).round_ties_even();
        let patch_voxels: f64 = topology.patch.iter().map(|&n| n as f64).product();
        let share = self.planner.largest_share();
        let covering = (wanted.dataset_voxels * share / patch_voxels).round_ties_even();
        let batch = fitting.min(covering).max(2.0) as usize;
        let mut reasons = vec![
            Reason::new(PlanChoice::Patch, why_patch(&topology, &first)),
            Reason::new(
                PlanChoice::BatchSize,
                self.why_batch(batch, fitting, covering),
            ),
        ];
        if smallest {
            let memory = numbers(&[self.budget.gpu_memory_gb]);
            let text = format!("nothing smaller can be made, and this needs more than {memory} GB");
            reasons.push(Reason::new(PlanChoice::Memory, text));
        }
        Made {
            configuration: self.written(wanted, &topology, batch),
            patch: topology.patch,
            reasons,
        }
    }

    fn features(&self, topology: &Topology) -> Vec<usize> {
        let most = if topology.patch.len() == 2 { 512 } else { 320 };
        let stage = |stage: usize| (32usize << stage.min(16)).min(most);
        (0..topology.stages()).map(stage).collect()
    }

    fn estimate(&self, topology: &Topology) -> f64 {
        let stages = topology.stages();
        let shape = Shape {
            blocks: match self.planner.is_residual() {
                true => Blocks::Residual,
                false => Blocks::Plain,
            },
            patch: &topology.patch,
            strides: &topology.strides,
            features: &self.features(topology),
            encoder: &self.planner.encoder_blocks(stages),
            decoder: &self.planner.decoder_blocks(stages),
            classes: self.labels,
            deep_supervision: false,
        };
        shape.values() as f64
    }

    fn why_batch(&self, batch: usize, fitting: f64, covering: f64) -> String {
        let memory = numbers(&[self.budget.gpu_memory_gb]);
        if (batch as f64) < fitting {
            let share = 100.0 * self.planner.largest_share();
            format!(
                "batch size {batch}: {fitting} would fit {memory} GB, but a step may see no more than {share} % of the dataset's voxels"
            )
        } else if batch as f64 > covering.min(fitting) {
            format!("batch size {batch}: the smallest there is")
        } else {
            format!("batch size {batch} fills {memory} GB")
        }
    }

    fn written(&self, wanted: &Wanted, topology: &Topology, batch: usize) -> Configuration {
        let function = || Some("resample_data_or_seg_to_shape".to_owned());
        Configuration {
            data_identifier: Some(self.planner.data_identifier(self.plans_name, wanted.name)),
            preprocessor_name: Some("DefaultPreprocessor".to_owned()),
            batch_size: Some(batch),
            patch_size: Some(topology.patch.clone()),
            median_image_size_in_voxels: Some(sizes(wanted)),
            spacing: Some(wanted.spacing.to_vec()),
            normalization_schemes: Some(self.normalization_schemes.clone()),
            use_mask_for_norm: Some(self.use_mask_for_norm.clone()),
            resampling_fn_data: function(),
            resampling_fn_seg: function(),
            resampling_fn_data_kwargs: Some(Resampling::spline(3)),
            resampling_fn_seg_kwargs: Some(Resampling::spline_of_labels(1)),
            resampling_fn_probabilities: function(),
            resampling_fn_probabilities_kwargs: Some(Resampling::spline(1)),
            architecture: Some(self.architecture(topology)),
            ..Configuration::default()
        }
    }

    fn architecture(&self, topology: &Topology) -> Architecture {
        let stages = topology.stages();
        let dims = topology.patch.len();
        let (class, blocks) = match self.planner.is_residual() {
            true => ("ResidualEncoderUNet", "n_blocks_per_stage"),
            false => ("PlainConvUNet", "n_conv_per_stage"),
        };
        let entries = [
            ("n_stages", json!(stages)),
            ("features_per_stage", json!(self.features(topology))),
            (
                "conv_op",
                json!(format!("torch.nn.modules.conv.Conv{dims}d")),
            ),
            ("kernel_sizes", json!(topology.kernels)),
            ("strides", json!(topology.strides)),
            (blocks, json!(self.planner.encoder_blocks(stages))),
            (
                "n_conv_per_stage_decoder",
                json!(self.planner.decoder_blocks(stages)),
            ),
            ("conv_bias", json!(true)),
            (
                "norm_op",
                json!(format!("torch.nn.modules.instancenorm.InstanceNorm{dims}d")),
            ),
            ("norm_op_kwargs", json!({"eps": 1e-5, "affine": true})),
            ("dropout_op", Value::Null),
            ("dropout_op_kwargs", Value::Null),
            ("nonlin", json!("torch.nn.LeakyReLU")),
            ("nonlin_kwargs", json!({"inplace": true})),
        ];
        let arch_kwargs: Map<String, Value> = entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let imported = ["conv_op", "norm_op", "dropout_op", "nonlin"];
        Architecture {
            network_class_name: format!("dynamic_network_architectures.architectures.unet.{class}"),
            arch_kwargs,
            kw_requires_import: imported.map(str::to_owned).to_vec(),
        }
    }
}

/// A patch in the proportions of the voxels' edges, as large as 256³ or 2048² voxels, within the image.
fn initial_patch(spacing: &[f64], median_size: &[f64]) -> Vec<f64> {
    let inverse: Vec<f64> = spacing.iter().map(|s| 1.0 / s).collect();
    let volume: f64 = inverse.iter().product();
    let scale = match inverse.len() {
        2 => (2048f64.powi(2) / volume).powf(0.5),
        _ => (256f64.powi(3) / volume).powf(1.0 / 3.0),
    };
    let edges = inverse.iter().zip(median_size);
    edges
        .map(|(edge, &size)| (edge * scale).round_ties_even().min(size))
        .collect()
}

/// The patch, smaller by one step along the axis that covers most of the image.
fn shrunk(wanted: &Wanted, topology: &Topology) -> Vec<usize> {
    let covers = |axis: usize| topology.patch[axis] as f64 / wanted.median_size[axis];
    let axes = 0..topology.patch.len();
    // The last of several, as a stable sort has it.
    let axis = axes.fold(0, |most, axis| {
        if covers(axis) >= covers(most) {
            axis
        } else {
            most
        }
    });
    // A step of the smaller patch's own network may be finer, and no valid patch is to be skipped.
    let mut smaller: Vec<f64> = topology.patch.iter().map(|&n| n as f64).collect();
    smaller[axis] -= topology.divisor[axis] as f64;
    let step = Topology::of(wanted.spacing, &smaller).divisor[axis];
    let mut patch = topology.patch.clone();
    patch[axis] = patch[axis].saturating_sub(step).max(1);
    patch
}

/// Medians, as the whole numbers or the floating numbers that nnU-Net writes.
fn sizes(wanted: &Wanted) -> Vec<Number> {
    let number = |&size: &f64| match wanted.rounded {
        true => Some(Number::from(size as u64)),
        false => Number::from_f64(size),
    };
    wanted.median_size.iter().filter_map(number).collect()
}

fn why_patch(topology: &Topology, first: &[usize]) -> String {
    let edges = |patch: &[usize]| {
        let text: Vec<String> = patch.iter().map(usize::to_string).collect();
        text.join(" × ")
    };
    let patch = edges(&topology.patch);
    match topology.patch == first {
        true => format!(
            "patch {patch}: the median image in the voxels' proportions, padded to what the network halves"
        ),
        false => format!(
            "patch {patch}: {} would show the network the median image, but its feature maps do not fit the memory; the axis of largest cover was cut each time",
            edges(first)
        ),
    }
}
