//! A model folder made ready: an image in, labels on the image's own grid out.

use crate::{
    AxisOrder, Error, MODEL_FILE, ModelDescription, PatchNetwork, ProbabilityMap, Result,
    weights_path,
};
use burn::tensor::{Device, Tensor};
use std::path::Path;
use vesalius_filters::{ResampleOptions, resample};
use vesalius_networks::{Network, Weights};
use vesalius_tensor::LogitsSlab;
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Subject, Volume};

/// A trained model, loaded once and used for any number of images.
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
    members: Vec<Member>,
    device: Device,
}

/// A member of a model: a network of ours, or one of the user's.
enum Member {
    Ours(Box<Network>),
    Own(Box<dyn PatchNetwork + Send + Sync>),
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ours(network) => f.debug_tuple("Ours").field(network).finish(),
            Self::Own(_) => f.debug_tuple("Own").finish_non_exhaustive(),
        }
    }
}

impl Segmenter {
    /// Loads a model folder onto a device.
    ///
    /// # Errors
    /// A description that cannot be read, weights that are missing or do not fit the network.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        let model = ModelDescription::read(folder)?;
        let members = model
            .members
            .iter()
            .map(|member| {
                let network = load_member(&model, &weights_path(folder, member), device)?;
                Ok(Member::Ours(Box::new(network)))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            model,
            members,
            device: device.clone(),
        })
    }

    /// A model with networks of your own in place of the described one: see [`crate::OwnNetwork`].
    /// Preprocessing, inferer, axis order and labels are the description's; its `network` is not built.
    pub fn with_networks(
        model: ModelDescription,
        networks: Vec<Box<dyn PatchNetwork + Send + Sync>>,
        device: &Device,
    ) -> Self {
        Self {
            model,
            members: networks.into_iter().map(Member::Own).collect(),
            device: device.clone(),
        }
    }

    /// The model's description.
    pub fn model(&self) -> &ModelDescription {
        &self.model
    }

    /// Labels of an image, on the image's own grid.
    ///
    /// # Errors
    /// Another number of channels than the model's, a voxel that is not finite, an empty image.
    pub fn segment(&self, image: &Volume<f32>) -> Result<LabelMap> {
        let logits = self.logits(image)?;
        labels_of(logits, &self.model.labels)
    }

    /// Probabilities of an image, on the image's own grid.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    pub fn probabilities(&self, image: &Volume<f32>) -> Result<ProbabilityMap> {
        let logits = self.logits(image)?;
        let geometry = *logits.geometry();
        let slab = LogitsSlab::new(&self.model.labels, logits.into_data())?;
        Ok(ProbabilityMap::new(geometry, slab.into_probabilities()))
    }

    /// Mean logits of the members, brought back to the image's grid.
    fn logits(&self, image: &Volume<f32>) -> Result<Volume<f32>> {
        self.check_image(image)?;
        let subject = Subject::new("image", image.clone(), None)?;
        let (prepared, _) = self.model.preprocessing.apply(subject, 0, 0)?;
        let mut parts = Vec::with_capacity(self.members.len());
        let order = self.model.axis_order;
        for member in &self.members {
            let run = |network: &dyn PatchNetwork| {
                let inferer = &self.model.inferer;
                inferer.run(prepared.image(), network, &self.device)
            };
            let output = match member {
                Member::Ours(network) => run(&TurnedNetwork { network, order })?,
                Member::Own(network) => run(&Turned {
                    network: &**network,
                    order,
                })?,
            };
            parts.push(LogitsSlab::new(&self.model.labels, output.into_data())?);
        }
        let mean = match <[LogitsSlab; 1]>::try_from(parts) {
            Ok([only]) => only,
            Err(parts) => LogitsSlab::mean(&parts)?,
        };
        let channels = self.model.labels.channels();
        let logits = Volume::new(*prepared.geometry(), channels, mean.into_data())?;
        back_to_grid(logits, image.geometry())
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
        let count = image.data().iter().filter(|v| !v.is_finite()).count();
        if let Some(first) = image.data().iter().position(|v| !v.is_finite()) {
            let n = image.geometry().voxel_count();
            return Err(Error::NotFinite {
                count,
                channel: first / n,
                index: image.geometry().index(first % n),
            });
        }
        Ok(())
    }
}

fn load_member(model: &ModelDescription, path: &Path, device: &Device) -> Result<Network> {
    let bad = |reason: String| Error::ModelFolder {
        path: path.to_path_buf(),
        reason,
    };
    let weights = Weights::open(path)?;
    let network = model.network.load(&weights, device);
    network.map_err(|e| bad(format!("does not fit the network of {MODEL_FILE}: {e}")))
}

/// Logits on another grid; linear between voxels where preprocessing changed the grid.
///
/// # Errors
/// A grid that cannot be resampled to.
pub fn back_to_grid(logits: Volume<f32>, grid: &Geometry) -> Result<Volume<f32>> {
    if logits.geometry().is_same(grid) {
        return Ok(logits.with_geometry(*grid)?);
    }
    Ok(resample(&logits, grid, &ResampleOptions::monai())?)
}

/// The labels that logits mean, on the same grid.
///
/// # Errors
/// Another number of channels than the scheme's.
pub fn labels_of(logits: Volume<f32>, scheme: &LabelScheme) -> Result<LabelMap> {
    let mut labels = LabelMap::background(*logits.geometry());
    LogitsSlab::new(scheme, logits.into_data())?.labels_into(labels.data_mut())?;
    Ok(labels)
}

/// A network behind the axis order that it was trained with.
pub struct TurnedNetwork<'a> {
    /// The network.
    pub network: &'a Network,
    /// Its order of axes.
    pub order: AxisOrder,
}

impl PatchNetwork for TurnedNetwork<'_> {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        // The network's first output is the full-resolution one.
        let run = |patches| self.network.forward(patches).swap_remove(0);
        turned(self.order, patches, run)
    }

    fn divisor(&self) -> [usize; 3] {
        turned_divisor(self.order, self.network.architecture().divisor())
    }
}

/// The same for any network.
struct Turned<'a> {
    network: &'a dyn PatchNetwork,
    order: AxisOrder,
}

impl PatchNetwork for Turned<'_> {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        turned(self.order, patches, |patches| self.network.forward(patches))
    }

    fn divisor(&self) -> [usize; 3] {
        turned_divisor(self.order, self.network.divisor())
    }
}

fn turned(
    order: AxisOrder,
    patches: Tensor<5>,
    run: impl FnOnce(Tensor<5>) -> Tensor<5>,
) -> Tensor<5> {
    match order {
        AxisOrder::Zyx => run(patches),
        AxisOrder::Xyz => run(patches.swap_dims(2, 4)).swap_dims(2, 4),
    }
}

fn turned_divisor(order: AxisOrder, divisor: [usize; 3]) -> [usize; 3] {
    match order {
        AxisOrder::Zyx => divisor,
        AxisOrder::Xyz => [divisor[2], divisor[1], divisor[0]],
    }
}
