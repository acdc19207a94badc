//! A model folder in a few lines: labels, the models that it is made of, what is done to an image first, and what a
//! segmentation of a named size takes.

use super::{Result, wrong};
use serde::Serialize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use vesalius_control::Control;
use vesalius_inferers::{
    Estimate, MemoryPlan, ModelDescription, OpenOptions, SegmentOptions, Segmenter, UnionMember,
    describe_model,
};
use vesalius_volume::{Geometry, Volume, check_memory};

/// A label of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelFact {
    /// Its value in label maps.
    pub value: u16,
    /// What it is called.
    pub name: String,
    /// Red, green and blue that it is shown in.
    pub colour: [u8; 3],
}

/// The role of a further model in a model folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PartRole {
    /// Its probabilities are averaged with the others'.
    Companion,
    /// It finds the part of the image that is segmented.
    Region,
    /// Its labels are part of the network's input.
    PreviousStage,
    /// It segments some of the labels of a union.
    Member,
}

/// A further model in a model folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartFact {
    /// What it is for.
    pub role: PartRole,
    /// Its folder.
    pub folder: String,
    /// Its network; `None` where it is in another folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Its members, such as folds.
    pub members: usize,
}

/// What a model folder holds besides its description.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The labels, background first where there is one.
    pub labels: Vec<LabelFact>,
    /// Further models.
    pub parts: Vec<PartFact>,
    /// What is done to an image before the network, a step each.
    pub preprocessing: Vec<String>,
    /// What is done to the labels, a step each.
    pub postprocessing: Vec<String>,
}

/// The summary of the model folder at `path`; of a union with its `members`.
pub(super) fn summary(path: &Path, model: &ModelDescription, members: &[UnionMember]) -> Summary {
    let labels = model.labels.labels().into_iter();
    let part = |role, folder: &String| {
        let described = describe_model(path.join(folder)).ok();
        PartFact {
            role,
            folder: folder.clone(),
            network: described
                .as_ref()
                .map(|part| part.network.architecture().name().to_owned()),
            members: described.map_or(1, |part| part.members.len()),
        }
    };
    let companions = model
        .companions
        .iter()
        .map(|f| part(PartRole::Companion, f));
    let region = model
        .region
        .iter()
        .map(|r| part(PartRole::Region, &r.model));
    let stage = model.previous_stage.iter();
    let stage = stage.map(|f| part(PartRole::PreviousStage, f));
    let members = members.iter();
    let members = members.map(|member| part(PartRole::Member, &member.model.display().to_string()));
    Summary {
        labels: labels
            .map(|label| LabelFact {
                value: label.value,
                name: label.name.to_owned(),
                colour: label.colour,
            })
            .collect(),
        parts: region
            .chain(stage)
            .chain(companions)
            .chain(members)
            .collect(),
        preprocessing: preprocessing(model),
        postprocessing: model.postprocessing.iter().map(in_words).collect(),
    }
}

fn preprocessing(model: &ModelDescription) -> Vec<String> {
    let Some(pipeline) = &model.nnunet else {
        return model.preprocessing.0.iter().map(in_words).collect();
    };
    let mut steps = vec!["crop to what is not 0".to_owned()];
    steps.push(format!("normalise: {}", in_words(&pipeline.normalization)));
    let spacing = pipeline.spacing.map(|mm| match mm {
        0.0 => "as it is".to_owned(),
        mm => format!("{mm}"),
    });
    steps.push(format!("resample to {} mm", spacing.join(" × ")));
    steps
}

/// A config as the line that a file would hold.
fn in_words(config: &impl Serialize) -> String {
    let text = serde_json::to_string(config).unwrap_or_default();
    text.replace('"', "")
}

/// What a segmentation of an image takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SegmentationCosts {
    /// Voxels of the image.
    pub size: [usize; 3],
    /// Its spacing in mm.
    pub spacing: [f64; 3],
    /// Windows that go through the networks.
    pub windows: usize,
    /// Bytes at the peak of the model that takes most.
    pub memory: u64,
    /// Seconds on the CPU of this machine: estimated from the first windows, or measured where the image is small.
    pub seconds: f64,
    /// Models whose windows were counted; each further model takes as long again.
    pub models: usize,
}

/// Opens the model and times its first windows on a made image of `size` voxels at `spacing` mm (the model's own, or
/// 1 mm, where it is `None`).
///
/// # Errors
/// A model that cannot be opened, an image beyond the machine's memory, a segmentation that fails or is cancelled.
pub fn segmentation_costs(
    path: &Path,
    size: [usize; 3],
    spacing: Option<[f64; 3]>,
    control: &Control,
) -> Result<SegmentationCosts> {
    let refused = |error: vesalius_volume::Error| wrong(path, error);
    let segmenter = Segmenter::open_with(path, &OpenOptions::new())?;
    let model = segmenter.model();
    let spacing = spacing.unwrap_or_else(|| own_spacing(model));
    let channels = model.channels.len();
    check_memory("the image", size, channels, 4, None).map_err(refused)?;
    let grid = Geometry::axis_aligned(size, spacing).map_err(refused)?;
    // Numbers that differ, none of them 0: nothing is cropped away.
    let channel = Volume::from_fn(grid, |[x, y, z]| {
        ((x * 7 + y * 13 + z * 29) % 97 + 1) as f32
    });
    let image = Volume::stack(&vec![channel; channels]).map_err(refused)?;
    let told: Arc<Mutex<Vec<MemoryPlan>>> = Arc::default();
    let inner = control.child();
    let options = SegmentOptions::new().control(inner.clone()).on_plan({
        let told = Arc::clone(&told);
        move |plan| {
            // All that is wanted is known.
            if plan.time.is_some() {
                inner.cancel();
            }
            told.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(plan.clone());
        }
    });
    let began = Instant::now();
    let result = segmenter.segment_with(&image, &options);
    control.check().map_err(vesalius_inferers::Error::from)?;
    let plans = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    let estimated = plans.iter().find_map(|plan| match plan.time? {
        Estimate::FirstWindows(seconds) | Estimate::EarlierImages(seconds) => Some(seconds),
    });
    if let (Err(error), None) = (result, estimated) {
        return Err(error.into());
    }
    Ok(SegmentationCosts {
        size,
        spacing,
        windows: plans.iter().map(|plan| plan.windows).sum(),
        memory: plans.iter().map(|plan| plan.peak).max().unwrap_or(0),
        seconds: estimated.unwrap_or_else(|| began.elapsed().as_secs_f64()),
        models: plans.len(),
    })
}

/// The spacing of the network's grid along the image's axes.
fn own_spacing(model: &ModelDescription) -> [f64; 3] {
    let Some(pipeline) = &model.nnunet else {
        return [1.0; 3];
    };
    let mut spacing = [1.0; 3];
    for (mm, axis) in pipeline.spacing.into_iter().zip(pipeline.axes) {
        if mm > 0.0 {
            spacing[axis.min(2)] = mm;
        }
    }
    spacing
}
