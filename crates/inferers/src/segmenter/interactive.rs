//! A segmentation that is corrected by clicks: the image is prepared once, and each answer draws what was clicked into it.

use super::single::Single;
use super::{Models, SegmentOptions, Segmentation, Segmenter, bytes};
use crate::{ClickChannels, Error, Result};
use std::collections::BTreeSet;
use std::sync::Arc;
use vesalius_transforms::Trace;
use vesalius_volume::{Geometry, LabelMap, Volume};

/// What a user points at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Prompt {
    /// A click on a label, or on the background where the label is not.
    Point {
        /// Where, in mm: RAS+ world coordinates, as of [`Geometry`].
        world: [f64; 3],
        /// A label of the model's clicks.
        label: String,
    },
    /// Voxels that were drawn over.
    Scribble {
        /// Where their centres are, in mm.
        world: Vec<[f64; 3]>,
        /// A label of the model's clicks.
        label: String,
    },
}

impl Prompt {
    fn label(&self) -> &str {
        match self {
            Self::Point { label, .. } | Self::Scribble { label, .. } => label,
        }
    }

    fn points(&self) -> &[[f64; 3]] {
        match self {
            Self::Point { world, .. } => std::slice::from_ref(world),
            Self::Scribble { world, .. } => world,
        }
    }
}

/// An image that is segmented by a model that takes clicks, again after each click. The image is preprocessed once.
///
/// ```
/// use vesalius_inferers::{ClickChannels, Inferer, InteractiveSegmenter, ModelDescription, PatchNetwork, Segmenter, Simple};
/// use vesalius_networks::NetworkConfig;
/// use vesalius_tensor::{Device, Tensor};
/// use vesalius_volume::{Geometry, LabelScheme, Volume};
///
/// // A network whose organ is where the clicks are: channel 1 of its input.
/// let clicks = ClickChannels { labels: vec!["organ".into()], sigma: 2.0 };
/// let model = ModelDescription::builder(
///     LabelScheme::regions(&[("organ", &[1], 1)])?,
///     NetworkConfig::default().with_channels(2, 1),
/// )
/// .channels(["CT"])
/// .preprocessing(serde_saphyr::from_str("- add_channels: {count: 1}")?)
/// .clicks(clicks)
/// .inferer(Inferer::Simple(Simple::default()))
/// .build()?;
/// let network: Box<dyn PatchNetwork + Send + Sync> =
///     Box::new(|patch: Tensor<5>| patch.slice_dim(1, 1..2).sub_scalar(0.5));
/// let segmenter = Segmenter::with_networks(model, vec![network], &Device::flex())?;
///
/// let scan = Volume::filled(Geometry::axis_aligned([20, 20, 20], [1.0; 3])?, 0.0f32);
/// let mut session = InteractiveSegmenter::new(segmenter, scan)?;
/// assert!(session.predict()?.counts()?.get(&1).is_none());
/// session.add_point([10.0, 10.0, 10.0], "organ")?;
/// assert_eq!(session.predict()?.into_labels()?.get([10, 10, 10]), 1);
/// assert!(session.undo());
/// assert!(session.predict()?.counts()?.get(&1).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InteractiveSegmenter {
    segmenter: Arc<Segmenter>,
    options: SegmentOptions,
    file: Geometry,
    warnings: Vec<vesalius_volume::Warning>,
    prepared: Volume<f32>,
    trace: Trace,
    prompts: Vec<Prompt>,
}

impl InteractiveSegmenter {
    /// Prepares an image for a model that takes clicks.
    ///
    /// # Errors
    /// A model that takes no clicks; as [`Segmenter::segment`].
    pub fn new(segmenter: impl Into<Arc<Segmenter>>, image: Volume<f32>) -> Result<Self> {
        Self::with_options(segmenter, image, SegmentOptions::default())
    }

    /// As [`InteractiveSegmenter::new`], with options of each segmentation; their control can cancel the preparation too.
    ///
    /// # Errors
    /// As [`InteractiveSegmenter::new`]; [`Error::Cancelled`].
    pub fn with_options(
        segmenter: impl Into<Arc<Segmenter>>,
        image: Volume<f32>,
        options: SegmentOptions,
    ) -> Result<Self> {
        let segmenter = segmenter.into();
        let model = &segmenter.model;
        if model.clicks.is_none() || segmenter.single().is_none() {
            return Err(Error::BadModel(format!(
                "{} takes no clicks; use one whose description has `clicks`, such as a bundle of DeepEdit",
                match model.provenance.name.as_str() {
                    "" => "the model",
                    name => name,
                }
            )));
        }
        segmenter.check_image(&image)?;
        let (file, warnings) = (*image.geometry(), image.warnings().to_vec());
        let (prepared, trace) = Single::traced(model, image, options.max_memory, &options.control)?;
        Ok(Self {
            options,
            file,
            warnings,
            prepared,
            trace,
            prompts: Vec::new(),
            segmenter,
        })
    }

    /// The labels that can be clicked, in the order of the network's channels.
    pub fn labels(&self) -> &[String] {
        &self.clicks().labels
    }

    /// What was pointed at so far, in order.
    pub fn prompts(&self) -> &[Prompt] {
        &self.prompts
    }

    /// Adds a click at a position in mm (RAS+). Of two clicks on one voxel of the network's grid the later counts.
    ///
    /// # Errors
    /// A label that cannot be clicked; a position that is outside of the image or not finite.
    pub fn add_point(&mut self, world: [f64; 3], label: &str) -> Result<()> {
        let label = label.to_owned();
        self.add(Prompt::Point { world, label })
    }

    /// Adds the voxels of a mask that are not 0, on any grid, as clicks on a label.
    ///
    /// # Errors
    /// As [`InteractiveSegmenter::add_point`]; a mask without a voxel.
    pub fn add_scribble(&mut self, mask: &LabelMap, label: &str) -> Result<()> {
        let grid = mask.geometry();
        let marked = mask.data().iter().enumerate();
        let marked = marked.filter(|(_, value)| **value != 0);
        let world = marked.map(|(at, _)| grid.index_to_world(grid.index(at).map(|n| n as f64)));
        let (world, label) = (world.collect(), label.to_owned());
        self.add(Prompt::Scribble { world, label })
    }

    /// Adds a prompt.
    ///
    /// # Errors
    /// As [`InteractiveSegmenter::add_point`].
    pub fn add(&mut self, prompt: Prompt) -> Result<()> {
        let labels = self.labels();
        if !labels.iter().any(|label| label == prompt.label()) {
            return Err(Error::UnknownLabel {
                name: prompt.label().to_owned(),
                known: labels.join(", "),
            });
        }
        if prompt.points().is_empty() {
            let found = "without a voxel".to_owned();
            return Err(Error::bad_value("scribble", found, "one voxel at least"));
        }
        let outside = |world: &&[f64; 3]| nearest(&self.file, **world).is_none();
        if let Some(world) = prompt.points().iter().find(outside) {
            let found = format!("at {world:?} mm, which is outside of the image");
            return Err(Error::bad_value("click", found, "a position in the image"));
        }
        self.prompts.push(prompt);
        Ok(())
    }

    /// Takes the last prompt back; false where there is none.
    pub fn undo(&mut self) -> bool {
        self.prompts.pop().is_some()
    }

    /// Takes all prompts back.
    pub fn reset(&mut self) {
        self.prompts.clear();
    }

    /// The labels for what was pointed at so far.
    ///
    /// # Errors
    /// As [`Segmenter::segment_with`].
    pub fn predict(&self) -> Result<Segmentation> {
        let segmenter = &*self.segmenter;
        let single = segmenter.single();
        let single = single.ok_or(Error::Internal("a model of clicks is not a single one"))?;
        let mut input = self.prepared.clone();
        self.clicks().draw(&self.clicked(), &mut input)?;
        let about = (self.file, self.warnings.clone());
        let beside = bytes(&self.prepared);
        segmenter.counted(about, beside, &self.options, |request| {
            let prepared = (input, self.trace.clone());
            let answer = single.of_traced(&segmenter.model, prepared, &self.file, request)?;
            segmenter.postprocessed(answer, request)
        })
    }

    fn clicks(&self) -> &ClickChannels {
        const NONE: &ClickChannels = &ClickChannels {
            labels: Vec::new(),
            sigma: 1.0,
        };
        self.segmenter.model.clicks.as_ref().unwrap_or(NONE)
    }

    /// The voxels of the network's grid that are clicked, for each channel. What the preprocessing cut away is left out.
    fn clicked(&self) -> Vec<BTreeSet<[usize; 3]>> {
        let labels = self.labels();
        let mut clicked = vec![BTreeSet::new(); labels.len()];
        let grid = self.prepared.geometry();
        for prompt in &self.prompts {
            let channel = labels.iter().position(|label| label == prompt.label());
            for voxel in prompt.points().iter().filter_map(|at| nearest(grid, *at)) {
                for (number, voxels) in clicked.iter_mut().enumerate() {
                    match Some(number) == channel {
                        true => voxels.insert(voxel),
                        false => voxels.remove(&voxel),
                    };
                }
            }
        }
        clicked
    }
}

impl Segmenter {
    /// The model, where it is one by itself that sees the whole image.
    fn single(&self) -> Option<&Single> {
        match &self.models {
            Models::One(single) if self.region.is_none() && single.previous.is_none() => {
                Some(single)
            }
            _ => None,
        }
    }
}

/// The voxel that a position lies in.
fn nearest(grid: &Geometry, world: [f64; 3]) -> Option<[usize; 3]> {
    let at = grid.world_to_index(world).map(f64::round);
    let size = grid.size();
    let inside = (0..3).all(|axis| at[axis] >= 0.0 && at[axis] < size[axis] as f64);
    inside.then(|| at.map(|n| n as usize))
}
