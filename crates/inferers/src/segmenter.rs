//! A model folder made ready: an image in, labels on the image's own grid out.

use crate::export::{Exporter, LabelStore, Output};
use crate::folder::{FoundModel, OpenOptions};
use crate::memory::{Footprint, activations};
use crate::placement::Placement;
use crate::rows::{ImageRows, ScratchImage};
use crate::sliding_window::WindowRun;
use crate::{
    Averaged, AxisOrder, Bytes, Error, MemoryPlan, Mirrored, ModelDescription, Observer,
    PatchNetwork, ProbabilityMap, Result, SlidingWindow, combine, postprocess,
};
use burn::tensor::{Device, Tensor};
use std::path::Path;
use vesalius_filters::{ResampleOptions, resample};
use vesalius_networks::Network;
use vesalius_tensor::LogitsSlab;
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Subject, Volume};

/// A trained model, loaded once and used for any number of images, from any number of threads.
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
    previous: Option<Box<Segmenter>>,
    companions: Vec<Segmenter>,
}

/// How one image is segmented.
#[derive(Clone, Copy, Default)]
pub struct SegmentOptions<'a> {
    /// Memory, in bytes, that the segmentation stays under; none means what is fastest.
    pub max_memory: Option<u64>,
    /// Whether probabilities are kept beside the labels.
    pub probabilities: bool,
    /// Told of the plan before the network starts.
    pub planned: Option<&'a (dyn Fn(&MemoryPlan) + Sync)>,
    /// Told of every batch of windows; may end the work.
    pub observer: Option<&'a dyn Observer>,
}

/// What became of an image, on its own grid.
#[derive(Debug, Clone)]
pub struct Segmented {
    labels: LabelStore,
    /// Probabilities before postprocessing, where they were asked for.
    pub probabilities: Option<ProbabilityMap>,
}

impl Segmented {
    /// The labels.
    pub fn into_labels(self) -> LabelMap {
        match self.labels {
            LabelStore::U8(map) => map.map(u16::from),
            LabelStore::U16(map) => map,
        }
    }

    /// How many voxels hold each label.
    pub fn counts(&self) -> std::collections::BTreeMap<u32, usize> {
        match &self.labels {
            LabelStore::U8(map) => map.counts(),
            LabelStore::U16(map) => map.counts(),
        }
    }

    /// The grid.
    pub fn geometry(&self) -> &Geometry {
        match &self.labels {
            LabelStore::U8(map) => map.geometry(),
            LabelStore::U16(map) => map.geometry(),
        }
    }

    /// Writes the labels.
    ///
    /// # Errors
    /// As [`vesalius_io::write_labels`].
    pub fn write_labels(&self, path: &Path) -> Result<()> {
        Ok(match &self.labels {
            LabelStore::U8(map) => vesalius_io::write_labels(path, map),
            LabelStore::U16(map) => vesalius_io::write_labels(path, map),
        }?)
    }
}

/// A member of a model: a network of ours, or one of the user's.
enum Member {
    Ours(Box<Network>),
    Own(Box<dyn PatchNetwork + Send + Sync>),
}

impl Member {
    /// Numbers of one of ours; those of others are not known.
    fn parameters(&self) -> usize {
        match self {
            Self::Ours(network) => network.parameter_count(),
            Self::Own(_) => 0,
        }
    }
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
    /// Loads a model folder, ours or nnU-Net's, onto a device.
    ///
    /// # Errors
    /// A description that cannot be read, weights that are missing or do not fit the network.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        Self::open_with(folder, device, &OpenOptions::default())
    }

    /// As [`Segmenter::open`], with some of the model's settings changed.
    ///
    /// # Errors
    /// As [`Segmenter::open`]; a fold that the model has not, a step out of range.
    pub fn open_with(folder: &Path, device: &Device, options: &OpenOptions) -> Result<Self> {
        let found = FoundModel::read(folder, options)?;
        let weights = found.weights.iter();
        let members = weights
            .map(|path| Ok(Member::Ours(Box::new(found.load(path, device)?))))
            .collect::<Result<_>>()?;
        let previous = match &found.previous_stage {
            Some(stage) => {
                let options = OpenOptions {
                    folds: None,
                    ..options.clone()
                };
                Some(Box::new(Self::open_with(stage, device, &options)?))
            }
            None => None,
        };
        let companions = found
            .description
            .companions
            .iter()
            .map(|name| Self::open_with(&folder.join(name), device, options))
            .collect::<Result<Vec<_>>>()?;
        let other = companions.iter().find(|other| {
            other.model.labels != found.description.labels
                || other.model.channels != found.description.channels
        });
        if let Some(other) = other {
            return Err(Error::ModelFolder {
                path: folder.to_path_buf(),
                reason: format!(
                    "has a companion, {}, of other labels or channels; models that answer together share both",
                    other.model.provenance.name
                ),
            });
        }
        Ok(Self {
            model: found.description,
            members,
            device: device.clone(),
            previous,
            companions,
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
            previous: None,
            companions: Vec::new(),
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
        let segmented = self.segment_with(image.clone(), &SegmentOptions::default())?;
        Ok(segmented.into_labels())
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
        segmented.probabilities.ok_or(Error::Stopped)
    }

    /// Labels, and probabilities where asked for, within a limit of memory; takes the image, so that
    /// it need not be kept beside what is made of it.
    ///
    /// # Errors
    /// As [`Segmenter::segment`]; [`Error::Memory`]; [`Error::Stopped`].
    pub fn segment_with(&self, image: Volume<f32>, options: &SegmentOptions) -> Result<Segmented> {
        self.check_image(&image)?;
        let segmented = match self.companions.is_empty() {
            true => self.alone(image, options)?,
            false => self.together(image, options)?,
        };
        self.finish(segmented)
    }

    /// This model's answer and its companions', put together.
    fn together(&self, image: Volume<f32>, options: &SegmentOptions) -> Result<Segmented> {
        let wanted = SegmentOptions {
            probabilities: true,
            ..*options
        };
        let mut parts = Vec::with_capacity(1 + self.companions.len());
        let mut weights = Vec::with_capacity(parts.capacity());
        for model in std::iter::once(self).chain(&self.companions) {
            let answer = model.alone(image.clone(), &wanted)?.probabilities;
            // They were asked for.
            parts.push(answer.ok_or(Error::Stopped)?);
            weights.push(model.members.len() as f64);
        }
        let map = combine(&parts, &weights, self.model.combination)?;
        Ok(Segmented {
            labels: LabelStore::U16(map.labels()?),
            probabilities: options.probabilities.then_some(map),
        })
    }

    /// This model's answer before postprocessing, whatever its companions say.
    fn alone(&self, image: Volume<f32>, options: &SegmentOptions) -> Result<Segmented> {
        let coarse = match &self.previous {
            Some(stage) => {
                let options = SegmentOptions {
                    probabilities: false,
                    ..*options
                };
                Some(stage.segment_with(image.clone(), &options)?.into_labels())
            }
            None => None,
        };
        let file = *image.geometry();
        let read = image.data().len();
        let (prepared, placement) = self.prepare(image, coarse.as_ref())?;
        let segmented = match (placement, self.model.inferer.windows()) {
            (Some(placement), Some(windows)) => {
                self.in_slabs(prepared, read, &placement, &windows, options)?
            }
            _ => self.whole(&prepared, &file, options)?,
        };
        self.finish(segmented)
    }

    /// The labels after postprocessing.
    fn finish(&self, mut segmented: Segmented) -> Result<Segmented> {
        if !self.model.postprocessing.is_empty() {
            let probabilities = segmented.probabilities.take();
            let labels = postprocess(segmented.into_labels(), &self.model.postprocessing)?;
            segmented = Segmented {
                labels: LabelStore::U16(labels),
                probabilities,
            };
        }
        Ok(segmented)
    }

    /// The image as the network takes it, and the way back where it is along the axes.
    fn prepare(
        &self,
        image: Volume<f32>,
        coarse: Option<&LabelMap>,
    ) -> Result<(Volume<f32>, Option<Placement>)> {
        if let Some(pipeline) = &self.model.nnunet {
            let values: Vec<u16> = match &self.previous {
                Some(stage) => stage.model.labels.label_values(),
                None => Vec::new(),
            };
            let values: Vec<u16> = values.into_iter().filter(|&value| value != 0).collect();
            let coarse = coarse.map(|labels| (labels, &values[..]));
            let (prepared, placement) = pipeline.prepare(image, coarse)?;
            return Ok((prepared, Some(placement)));
        }
        let file = *image.geometry();
        let subject = Subject::new("image", image, None)?;
        let (prepared, _) = self.model.preprocessing.apply(subject, 0, 0)?;
        let (_, prepared, _) = prepared.into_parts();
        let placement = Placement::between(prepared.geometry(), &file)?;
        Ok((prepared, placement))
    }

    /// Runs a closure with the network that all members, flips and turns make together.
    fn with_network<T>(&self, run: impl FnOnce(&dyn PatchNetwork) -> T) -> T {
        let order = self.model.axis_order;
        let turned: Vec<Box<dyn PatchNetwork + '_>> = self
            .members
            .iter()
            .map(|member| -> Box<dyn PatchNetwork + '_> {
                match member {
                    Member::Ours(network) => Box::new(TurnedNetwork { network, order }),
                    Member::Own(network) => Box::new(Turned {
                        network: &**network,
                        order,
                    }),
                }
            })
            .collect();
        let members = Averaged(turned.iter().map(|network| &**network).collect());
        let mut axes = [false; 3];
        for axis in &self.model.mirror_axes {
            axes[axis.index()] = true;
        }
        run(&Mirrored {
            network: &members,
            axes,
        })
    }

    /// `read` values were in the image before it was prepared.
    fn in_slabs(
        &self,
        prepared: Volume<f32>,
        read: usize,
        placement: &Placement,
        windows: &SlidingWindow,
        options: &SegmentOptions,
    ) -> Result<Segmented> {
        let scheme = &self.model.labels;
        self.with_network(|network| {
            let plan = self
                .footprint(&prepared, read, placement, windows, network, options)
                .plan(options.max_memory)?;
            if let Some(planned) = options.planned {
                planned(&plan);
            }
            let size = prepared.geometry().size();
            let image: Box<dyn ImageRows> = match plan.scratch {
                true => Box::new(ScratchImage::new(&prepared, &std::env::temp_dir())?),
                false => Box::new(prepared),
            };
            let mut output = Output::new(placement, scheme, options.probabilities);
            let mut before = 0;
            for stripe in &plan.stripes {
                let mut exporter = Exporter::new(&mut output, stripe.clone(), plan.slab);
                let advanced = |done: usize, _: usize| {
                    options
                        .observer
                        .is_none_or(|observer| observer.advanced(before + done, plan.windows))
                };
                let run = WindowRun {
                    image: image.as_ref(),
                    network,
                    device: &self.device,
                    rows: exporter.seen(),
                    background: Some(background(scheme)),
                    observer: &advanced,
                };
                windows.run_slices(&run, &mut |slice| exporter.push(slice))?;
                before += windows
                    .grid(size, network.divisor())
                    .count_touching(&placement.parts.seen(1, stripe.clone()));
            }
            let (labels, probabilities) = output.finish()?;
            Ok(Segmented {
                labels,
                probabilities,
            })
        })
    }

    fn footprint<'a>(
        &'a self,
        prepared: &Volume<f32>,
        read: usize,
        placement: &'a Placement,
        windows: &'a SlidingWindow,
        network: &dyn PatchNetwork,
        options: &SegmentOptions,
    ) -> Footprint<'a> {
        let scheme = &self.model.labels;
        let voxels = placement.file.voxel_count();
        let copies = 1 + usize::from(placement.is_turned());
        let probabilities = match options.probabilities {
            true => voxels * scheme.channels() * 4 * copies,
            false => 0,
        };
        let postprocessed = match self.model.postprocessing.is_empty() {
            true => 0,
            false => voxels * 6,
        };
        let labels = voxels * LabelStore::bytes(scheme) * copies;
        // Where the grid stays, intensities change in place.
        let regridded = self.model.nnunet.is_some() || prepared.data().len() != read;
        let preparing = 4 * (prepared.data().len() + if regridded { read } else { 0 });
        let size = prepared.geometry().size();
        let window = windows.grid(size, network.divisor()).window;
        let parameters: usize = self.members.iter().map(Member::parameters).sum();
        Footprint {
            windows,
            divisor: network.divisor(),
            size,
            image_channels: prepared.channels(),
            channels: scheme.channels(),
            parts: &placement.parts,
            image: (prepared.data().len() * 4) as u64,
            preparing: preparing as u64,
            held: (labels + probabilities + postprocessed) as u64,
            weights: (parameters * 4) as u64,
            activations: activations(&self.model.network, window),
        }
    }

    /// All of the output at once, for inferers that do not go along z and for grids askew.
    fn whole(
        &self,
        prepared: &Volume<f32>,
        file: &Geometry,
        options: &SegmentOptions,
    ) -> Result<Segmented> {
        let scheme = &self.model.labels;
        let values = prepared.data().len() + 2 * scheme.channels() * file.voxel_count();
        if let Some(allowed) = options
            .max_memory
            .filter(|&limit| (values * 4) as u64 > limit)
        {
            return Err(Error::Memory {
                allowed: Bytes(allowed),
                smallest: Bytes((values * 4) as u64),
            });
        }
        let logits =
            self.with_network(|network| self.model.inferer.run(prepared, network, &self.device))?;
        let logits = back_to_grid(logits, file)?;
        let slab = LogitsSlab::new(scheme, logits.into_data())?;
        let mut labels = LabelMap::background(*file);
        slab.labels_into(labels.data_mut())?;
        let probabilities = options
            .probabilities
            .then(|| ProbabilityMap::new(*file, slab.into_probabilities()));
        Ok(Segmented {
            labels: LabelStore::U16(labels),
            probabilities,
        })
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

/// Logits that mean background: the first class alone, or no region.
fn background(scheme: &LabelScheme) -> Vec<f32> {
    const SURE: f32 = 20.0;
    let mut logits = vec![-SURE; scheme.channels()];
    if let (LabelScheme::Exclusive { .. }, Some(first)) = (scheme, logits.first_mut()) {
        *first = SURE;
    }
    logits
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
