//! A model folder as a segmenter: an image in, labels on the image's own grid out.

mod axis_order;
mod ensemble;
mod folds;
mod interactive;
mod member;
mod open;
mod options;
mod region;
mod segmentation;
mod single;
mod slabs;
mod statistics;
#[cfg(test)]
mod tests;
mod union;
mod whole;
mod window_timing;

pub use axis_order::AxisOrderAdapter;
pub(crate) use axis_order::Turn;
pub(crate) use ensemble::{check_alike, common_postprocessing};
pub use interactive::{InteractiveSegmenter, Prompt};
pub use options::SegmentOptions;
pub use segmentation::{Segmentation, label_names};
pub use statistics::LabelStatistics;
pub(crate) use union::{describe_union, refuse_union, union_of_descriptions};

use crate::export::LabelStore;
use crate::postprocessing::postprocess_controlled;
use crate::{
    Error, MemoryPlan, ModelDescription, PatchNetwork, ProbabilityMap, ProbabilityStore, Result,
    WeightFile,
};
use burn::tensor::Device;
use ensemble::WeightedModel;
use member::Member;
use region::Region;
use single::Single;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;
use union::Union;
use vesalius_control::Stage;
use vesalius_volume::{Geometry, Volume, Warning};

/// A trained model, or an ensemble of several, loaded once and used for any number of images, from any number of
/// threads.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let segmenter = vesalius_inferers::Segmenter::open("runs/hippocampus")?;
/// let result = segmenter.segment(&vesalius_io::read("scan.nii.gz")?)?;
/// result.write("segmentation.nii.gz")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Segmenter {
    model: ModelDescription,
    models: Models,
    /// The coarser model that finds the region to segment.
    region: Option<Box<Region>>,
    /// Warnings of opening the model folder.
    warnings: Vec<Warning>,
    /// The unpacked files of an archive, for as long as the model is open.
    unpacked: Option<TempDir>,
}

/// The models of a segmenter.
#[derive(Debug)]
enum Models {
    One(Box<Single>),
    Several(Vec<WeightedModel>),
    Union(Box<Union>),
}

/// The labels of one or several models, and their probabilities if they were requested.
struct Labelled {
    labels: LabelStore,
    probabilities: Option<ProbabilityStore>,
}

/// An image, borrowed or owned.
type Image<'a> = Cow<'a, Volume<f32>>;

/// Bytes of an image that this segmentation owns; a borrowed image is counted by its owner.
fn held(image: &Image) -> u64 {
    match image {
        Cow::Borrowed(_) => 0,
        Cow::Owned(image) => bytes(image),
    }
}

fn bytes(image: &Volume<f32>) -> u64 {
    4 * image.data().len() as u64
}

/// The options and the state of one segmentation besides the image.
#[derive(Clone, Copy)]
struct SegmentRequest<'a> {
    options: &'a SegmentOptions,
    /// Counts models; the stages of each model are below it.
    models: &'a Stage,
    /// The plan of each model so far.
    plans: &'a Mutex<Vec<MemoryPlan>>,
    /// Warnings about this image so far.
    warnings: &'a Mutex<Vec<Warning>>,
    /// Whether probabilities are kept next to the labels.
    probabilities: bool,
    /// Bytes of what else is in memory during this segmentation.
    beside: u64,
}

/// Cannot happen: probabilities are kept whenever they are requested.
const NO_PROBABILITIES: Error = Error::Internal("probabilities were asked for and not kept");

impl SegmentRequest<'_> {
    /// Notes how a model is run.
    fn note(&self, plan: &MemoryPlan) {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.push(plan.clone());
    }
}

impl Segmenter {
    /// A model with other runtimes in place of the described network: anything that is a [`PatchNetwork`], such as a
    /// closure. (A Burn module of your own is described as a [`vesalius_networks::CustomNetwork`].)
    /// Preprocessing, inferer, axis order and labels are the description's; its `network` is not built.
    ///
    /// # Errors
    /// No network, an inconsistent description, and one that names further models (`region`, `previous_stage`,
    /// `companions`), which only a model folder holds.
    pub fn with_networks(
        model: ModelDescription,
        networks: Vec<Box<dyn PatchNetwork + Send + Sync>>,
        device: &Device,
    ) -> Result<Self> {
        let bad = |key, found: String, expected| Err(Error::bad_value(key, found, expected));
        if networks.is_empty() {
            return bad("networks", "none".to_owned(), "at least one network");
        }
        model.check_but_network()?;
        let further = [
            ("model.region", model.region.as_ref().map(|r| &r.model)),
            ("model.previous_stage", model.previous_stage.as_ref()),
            ("model.companions", model.companions.first()),
        ];
        if let Some((key, Some(name))) = further.into_iter().find(|(_, name)| name.is_some()) {
            let expected = "none: further models are in a model folder; open that, or `together`";
            return bad(key, format!("`{name}`"), expected);
        }
        let members = networks.into_iter().map(Member::Own).collect();
        Ok(Self {
            models: Models::One(Box::new(Single::new(members, device))),
            model,
            region: None,
            warnings: Vec::new(),
            unpacked: None,
        })
    }

    /// The model's description; of an ensemble the first one's, with the others named.
    pub fn model(&self) -> &ModelDescription {
        &self.model
    }

    /// Every file of weights that the result depends on: of all members, coarser stages and models of the ensemble;
    /// each with its hash where that was compared with the model's checksums.
    pub fn weight_files(&self) -> Vec<WeightFile> {
        let mut files = match &self.models {
            Models::One(single) => {
                let mut files = single.files.clone();
                if let Some(previous) = &single.previous {
                    files.extend(previous.weight_files());
                }
                files
            }
            Models::Several(parts) => parts
                .iter()
                .flat_map(|part| part.segmenter.weight_files())
                .collect(),
            Models::Union(union) => union.files(),
        };
        if let Some(region) = &self.region {
            files.extend(region.segmenter.weight_files());
        }
        files
    }

    /// Warnings of opening the model folder, such as weights without a checksum.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Labels of an image, on the image's own grid.
    ///
    /// # Errors
    /// Another number of channels than the model's, a voxel that is not finite, an empty image.
    pub fn segment(&self, image: &Volume<f32>) -> Result<Segmentation> {
        self.segment_with(image, &SegmentOptions::default())
    }

    /// Probabilities of an image, on the image's own grid.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    pub fn probabilities(&self, image: &Volume<f32>) -> Result<ProbabilityMap> {
        self.probabilities_with(image, SegmentOptions::new())
    }

    /// As [`Segmenter::probabilities`], with options; probabilities are kept whatever the options are.
    ///
    /// # Errors
    /// As [`Segmenter::segment_with`].
    pub fn probabilities_with(
        &self,
        image: &Volume<f32>,
        options: SegmentOptions,
    ) -> Result<ProbabilityMap> {
        let segmentation = self.segment_with(image, &options.probabilities())?;
        let probabilities = segmentation.probabilities;
        probabilities.ok_or(NO_PROBABILITIES)?.into_map()
    }

    /// As [`Segmenter::segment`], with probabilities if requested, within a limit of memory, and cancelled by the
    /// options' [`vesalius_control::Control`]. The image is not copied unless preprocessing changes its values in
    /// place; it counts as memory that is taken.
    ///
    /// # Errors
    /// As [`Segmenter::segment`]; [`Error::Memory`]; [`Error::Cancelled`].
    pub fn segment_with(
        &self,
        image: &Volume<f32>,
        options: &SegmentOptions,
    ) -> Result<Segmentation> {
        self.run(Cow::Borrowed(image), options)
    }

    /// As [`Segmenter::segment_with`]; takes the image, so that it can be dropped once it is prepared.
    ///
    /// # Errors
    /// As [`Segmenter::segment_with`].
    pub fn segment_owned(
        &self,
        image: Volume<f32>,
        options: &SegmentOptions,
    ) -> Result<Segmentation> {
        self.run(Cow::Owned(image), options)
    }

    fn run(&self, image: Image, options: &SegmentOptions) -> Result<Segmentation> {
        let beside = match &image {
            Cow::Borrowed(image) => bytes(image),
            Cow::Owned(_) => 0,
        };
        let about = (*image.geometry(), image.warnings().to_vec());
        self.counted(about, beside, options, |request| {
            self.segment_beside(image, request)
        })
    }

    /// The result of a closure with its plans and warnings, while models are counted.
    fn counted(
        &self,
        (grid, of_image): (Geometry, Vec<Warning>),
        beside: u64,
        options: &SegmentOptions,
        label: impl FnOnce(&SegmentRequest) -> Result<Labelled>,
    ) -> Result<Segmentation> {
        let total = self.model_count() as u64;
        let models = options.control.stage("segment", total);
        models.control().check()?;
        let (plans, told) = (Mutex::default(), Mutex::default());
        let request = SegmentRequest {
            options,
            models: &models,
            plans: &plans,
            warnings: &told,
            probabilities: options.probabilities,
            beside,
        };
        let warnings = self.warnings.iter().chain(&of_image);
        let mut warnings: Vec<Warning> = warnings.cloned().collect();
        let size = grid.size();
        let answer = label(&request)?;
        // A model that had nothing to do, as where a coarser one found nothing, is done too.
        models.set(total);
        warnings.extend(told.into_inner().unwrap_or_else(PoisonError::into_inner));
        tracing::info!(target: "vesalius", model = self.model.provenance.name, ?size, "segmented");
        Ok(Segmentation {
            labels: answer.labels,
            scheme: self.model.labels.clone(),
            probabilities: answer.probabilities,
            warnings,
            plans: plans.into_inner().unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// The number of models; members of one model are one.
    fn model_count(&self) -> usize {
        let region = self.region.as_ref();
        let region = region.map_or(0, |region| region.segmenter.model_count());
        region
            + match &self.models {
                Models::One(single) => {
                    1 + single.previous.as_ref().map_or(0, Segmenter::model_count)
                }
                Models::Several(parts) => {
                    let asked = parts.iter().filter(|part| part.share > 0.0);
                    asked.map(|part| part.segmenter.model_count()).sum()
                }
                Models::Union(union) => union.running(),
            }
    }

    /// The result after postprocessing, while other things are in memory.
    fn segment_beside(&self, image: Image, request: &SegmentRequest) -> Result<Labelled> {
        self.check_image(&image)?;
        let answer = self.label(image, request)?;
        self.postprocessed(answer, request)
    }

    fn postprocessed(&self, mut answer: Labelled, request: &SegmentRequest) -> Result<Labelled> {
        let steps = &self.model.postprocessing;
        if !steps.is_empty() {
            let control = request.models.control();
            let labels = postprocess_controlled(answer.labels.into_map()?, steps, control)?;
            answer.labels = LabelStore::of_map(labels);
        }
        Ok(answer)
    }

    /// The result before postprocessing.
    fn label(&self, image: Image, request: &SegmentRequest) -> Result<Labelled> {
        match &self.region {
            Some(region) => self.label_in(region, image, request),
            None => self.label_all(image, request),
        }
    }

    /// The result for all of an image.
    fn label_all(&self, image: Image, request: &SegmentRequest) -> Result<Labelled> {
        match &self.models {
            Models::One(single) => single.label(&self.model, image, request),
            Models::Several(parts) => ensemble::label(&self.model, parts, image, request),
            Models::Union(union) => self.label_union(union, image, request),
        }
    }

    fn check_image(&self, image: &Volume<f32>) -> Result<()> {
        let expected = self.model.channels.len();
        if image.channels() != expected {
            let names = self.model.channels.join(", ");
            return Err(Error::Channels {
                found: image.channels(),
                expected,
                names,
            });
        }
        if let Some(first) = image.data().iter().position(|v| !v.is_finite()) {
            let count = image.data().iter().filter(|v| !v.is_finite()).count();
            let n = image.geometry().voxel_count();
            return Err(Error::NotFinite {
                count,
                channel: first / n,
                index: image.geometry().index(first % n),
            });
        }
        if image.geometry().voxel_count() == 0 {
            return Err(Error::EmptyVolume {
                size: image.geometry().size(),
            });
        }
        Ok(())
    }
}
