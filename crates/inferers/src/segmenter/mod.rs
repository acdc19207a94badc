//! A model folder made ready: an image in, labels on the image's own grid out.

mod ensemble;
mod folds;
mod member;
mod open;
mod options;
mod pace;
mod region;
mod segmented;
mod single;
mod slabs;
#[cfg(test)]
mod tests;
mod turned;
mod whole;

pub(crate) use ensemble::{check_alike, common_postprocessing};
pub use options::SegmentOptions;
pub use segmented::Segmented;
pub(crate) use turned::Turn;
pub use turned::TurnedNetwork;

use crate::export::LabelStore;
use crate::{
    Error, ModelDescription, PatchNetwork, ProbabilityMap, Result, WeightFile, postprocess,
};
use burn::tensor::Device;
use ensemble::Part;
use member::Member;
use region::Region;
use single::Single;
use tempfile::TempDir;
use vesalius_volume::{LabelMap, Volume, Warning};

/// A trained model, loaded once and used for any number of images, from any number of threads; or several
/// of them that answer together.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let device = vesalius_tensor::parse_device("cpu")?;
/// let segmenter = vesalius_inferers::Segmenter::open("runs/hippocampus".as_ref(), &device)?;
/// let labels = segmenter.segment(&vesalius_io::read("scan.nii.gz")?)?;
/// vesalius_io::write_labels("segmentation.nii.gz", &labels)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Segmenter {
    model: ModelDescription,
    answer: Answer,
    /// The coarser model that says where to look.
    region: Option<Box<Region>>,
    /// What was told of the model folder when it was opened.
    warnings: Vec<Warning>,
    /// Where the files of an archive lie for as long as the model is open.
    unpacked: Option<TempDir>,
}

/// Who answers.
#[derive(Debug)]
enum Answer {
    One(Box<Single>),
    Several(Vec<Part>),
}

/// What one answer is asked for, beside the image.
#[derive(Clone, Copy)]
struct Request<'a> {
    options: &'a SegmentOptions<'a>,
    /// Whether probabilities are kept beside the labels.
    probabilities: bool,
    /// Bytes that stand in memory beside this answer.
    beside: u64,
}

impl Segmenter {
    /// A model with networks of your own in place of the described one: see [`crate::OwnNetwork`].
    /// Preprocessing, inferer, axis order and labels are the description's; its `network` is not built.
    ///
    /// # Errors
    /// No network, a description that makes no sense, and one that names further models (`region`,
    /// `previous_stage`, `companions`), which only a model folder holds.
    pub fn with_networks(
        model: ModelDescription,
        networks: Vec<Box<dyn PatchNetwork + Send + Sync>>,
        device: &Device,
    ) -> Result<Self> {
        let bad = |key, found: String, expected| Err(Error::bad_value(key, found, expected));
        if networks.is_empty() {
            return bad("networks", "none".to_owned(), "at least one network");
        }
        model.check().map_err(|reason| Error::BadValue {
            key: "model",
            found: reason,
            expected: "a description that makes sense",
        })?;
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
            answer: Answer::One(Box::new(Single::new(members, device))),
            model,
            region: None,
            warnings: Vec::new(),
            unpacked: None,
        })
    }

    /// The model's description; of several that answer together the first one's, with the others named.
    pub fn model(&self) -> &ModelDescription {
        &self.model
    }

    /// Every file of weights that an answer depends on: of all members, coarser stages and models that
    /// answer together; each with its hash where that was held against the model's checksums.
    pub fn weight_files(&self) -> Vec<WeightFile> {
        let mut files = match &self.answer {
            Answer::One(single) => {
                let mut files = single.files.clone();
                if let Some(previous) = &single.previous {
                    files.extend(previous.weight_files());
                }
                files
            }
            Answer::Several(parts) => parts
                .iter()
                .flat_map(|part| part.segmenter.weight_files())
                .collect(),
        };
        if let Some(region) = &self.region {
            files.extend(region.segmenter.weight_files());
        }
        files
    }

    /// What was told of the model folder when it was opened, such as weights without a checksum.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Labels of an image, on the image's own grid.
    ///
    /// # Errors
    /// Another number of channels than the model's, a voxel that is not finite, an empty image.
    pub fn segment(&self, image: &Volume<f32>) -> Result<LabelMap> {
        self.segment_with(image.clone(), &SegmentOptions::default())?
            .into_labels()
    }

    /// Probabilities of an image, on the image's own grid.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    pub fn probabilities(&self, image: &Volume<f32>) -> Result<ProbabilityMap> {
        let options = SegmentOptions {
            probabilities: true,
            ..SegmentOptions::default()
        };
        let segmented = self.segment_with(image.clone(), &options)?;
        // They were asked for.
        segmented.probabilities.ok_or(Error::Stopped)?.into_map()
    }

    /// Labels, and probabilities where asked for, within a limit of memory; takes the image, so that
    /// it need not be kept beside what is made of it.
    ///
    /// # Errors
    /// As [`Segmenter::segment`]; [`Error::Memory`]; [`Error::Stopped`].
    pub fn segment_with(&self, image: Volume<f32>, options: &SegmentOptions) -> Result<Segmented> {
        let request = Request {
            options,
            probabilities: options.probabilities,
            beside: 0,
        };
        self.segment_beside(image, &request)
    }

    /// As [`Segmenter::segment_with`], while other things stand in memory.
    fn segment_beside(&self, image: Volume<f32>, request: &Request) -> Result<Segmented> {
        self.check_image(&image)?;
        let mut segmented = self.answer(image, request)?;
        if !self.model.postprocessing.is_empty() {
            let labels = postprocess(segmented.labels.into_map()?, &self.model.postprocessing)?;
            segmented.labels = LabelStore::of_map(labels);
        }
        Ok(segmented)
    }

    /// The answer before postprocessing.
    fn answer(&self, image: Volume<f32>, request: &Request) -> Result<Segmented> {
        match &self.region {
            Some(region) => self.answer_in(region, image, request),
            None => self.answer_all(image, request),
        }
    }

    /// The answer about all of an image.
    fn answer_all(&self, image: Volume<f32>, request: &Request) -> Result<Segmented> {
        match &self.answer {
            Answer::One(single) => single.answer(&self.model, image, request),
            Answer::Several(parts) => ensemble::answer(&self.model, parts, image, request),
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
