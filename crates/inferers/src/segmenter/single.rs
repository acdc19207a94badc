//! One model by itself: prepared, through its networks, back on the file's grid.

use super::member::Member;
use super::window_timing::WindowTiming;
use super::{Image, Labelled, SegmentRequest, Segmenter, held};
use crate::export::{LabelStore, labels_undone, probabilities_undone};
use crate::placement::Placement;
use crate::postprocessing::postprocess_controlled;
use crate::{Carried, Error, Inverse, ModelDescription, Result, WeightFile};
use burn::tensor::Device;
use std::borrow::Cow;
use vesalius_control::Control;
use vesalius_transforms::{GridStep, Step, Trace};
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

/// Images on the network's grid below this are made whatever the limit.
const PREPARED_ANYWAY: u64 = 256 << 20;

/// The networks of a model, and the coarser model whose labels they take as input.
#[derive(Debug)]
pub(super) struct Single {
    pub members: Vec<Member>,
    /// Where the weights were read from; none for user-defined networks.
    pub files: Vec<WeightFile>,
    pub device: Device,
    pub previous: Option<Segmenter>,
    pub timing: WindowTiming,
}

/// The image before it was prepared.
#[derive(Clone, Copy)]
pub(super) struct Read {
    /// Values of all channels.
    pub values: usize,
    /// Bytes that are given back once it is prepared.
    pub held: u64,
}

impl Single {
    pub fn new(members: Vec<Member>, device: &Device) -> Self {
        Self {
            members,
            files: Vec::new(),
            device: device.clone(),
            previous: None,
            timing: WindowTiming::default(),
        }
    }

    /// The result before postprocessing.
    pub fn label(
        &self,
        model: &ModelDescription,
        image: Image,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let coarse = match &self.previous {
            Some(stage) => {
                let request = SegmentRequest {
                    probabilities: false,
                    beside: request.beside + held(&image),
                    ..*request
                };
                let found = stage.segment_beside(Cow::Borrowed(&image), &request)?;
                Some(found.labels.into_map()?)
            }
            None => None,
        };
        let file = *image.geometry();
        let read = Read {
            values: image.data().len(),
            held: held(&image),
        };
        let (prepared, way) = self.prepare(model, image, coarse.as_ref(), request)?;
        self.of_prepared(model, (prepared, way), (&file, read), request)
    }

    /// The result for the network's input.
    fn of_prepared(
        &self,
        model: &ModelDescription,
        (prepared, way): (Image, Way),
        (file, read): (&Geometry, Read),
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let answer = match way {
            Way::Placed(placement) => self.placed(model, prepared, read, *placement, request),
            Way::Askew => self.askew(model, &prepared, file, request),
            Way::StepByStep(trace) => self.step_by_step(model, &prepared, &trace, request),
            Way::OfLabels(trace) => self.of_labels(model, prepared, read, trace, request),
        }?;
        request.models.advance(1);
        Ok(answer)
    }

    /// The result for the network's input that a chain made of an image on the grid `file`, and that was changed since.
    pub fn of_traced(
        &self,
        model: &ModelDescription,
        (prepared, trace): (Volume<f32>, Trace),
        file: &Geometry,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let read = Read {
            values: prepared.data().len(),
            held: 0,
        };
        let way = Way::of(trace, &model.inverse)?;
        let prepared = (Cow::Owned(prepared), way);
        self.of_prepared(model, prepared, (file, read), request)
    }

    /// The network's input that the model's chain makes of an image, and what was done to it.
    pub fn traced(
        model: &ModelDescription,
        image: Volume<f32>,
        limit: Option<u64>,
        control: &Control,
    ) -> Result<(Volume<f32>, Trace)> {
        let subject = Subject::new("image", image, None)?;
        let chain = &model.preprocessing;
        let (prepared, trace) = chain.trace_controlled(subject, 0, 0, limit, control)?;
        check_moves(&trace)?;
        let (_, prepared, _) = prepared.into_parts();
        Ok((prepared, trace))
    }

    /// The result where the network's grid runs along the file's.
    fn placed(
        &self,
        model: &ModelDescription,
        prepared: Image,
        read: Read,
        placement: Placement,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        match model.inferer.windows() {
            Some(windows) => self.in_slabs(model, prepared, read, (&placement, &windows), request),
            None => self.whole(model, &prepared, &placement, request),
        }
    }

    /// The result where labels are taken back, after what is done to them on the network's grid.
    fn of_labels(
        &self,
        model: &ModelDescription,
        prepared: Image,
        read: Read,
        trace: Option<Trace>,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let placement = Placement::identity(prepared.geometry())?;
        // The labels of two bytes that the file's grid has in the end.
        let file = trace.as_ref().map_or(0, |trace| trace.from.voxel_count());
        let beside = SegmentRequest {
            beside: request.beside + 2 * file as u64,
            ..*request
        };
        let mut answer = self.placed(model, prepared, read, placement, &beside)?;
        let (steps, control) = (&model.inverse.postprocessing, request.models.control());
        if !steps.is_empty() {
            let labels = postprocess_controlled(answer.labels.into_map()?, steps, control)?;
            answer.labels = LabelStore::of_map(labels);
        }
        let Some(trace) = trace else {
            return Ok(answer);
        };
        control.check()?;
        let probabilities = answer.probabilities.take();
        Ok(Labelled {
            labels: labels_undone(answer.labels, &trace)?,
            probabilities: probabilities
                .map(|kept| probabilities_undone(kept, &trace))
                .transpose()?,
        })
    }

    /// The network's input for an image, and the inverse of what was done to it.
    fn prepare<'i>(
        &self,
        model: &ModelDescription,
        image: Image<'i>,
        coarse: Option<&LabelMap>,
        request: &SegmentRequest,
    ) -> Result<(Image<'i>, Way)> {
        let control = request.models.control();
        // Below this the plan, which counts everything, names the limit that works.
        let limit = request.options.max_memory;
        let limit = limit.map(|limit| limit.max(PREPARED_ANYWAY));
        if let Some(pipeline) = &model.nnunet {
            let values: Vec<u16> = match &self.previous {
                Some(stage) => stage.model().labels.label_values(),
                None => Vec::new(),
            };
            let values: Vec<u16> = values.into_iter().filter(|&value| value != 0).collect();
            let coarse = coarse.map(|labels| (labels, &values[..]));
            let (prepared, placement) = pipeline.prepare(image, coarse, limit, control)?;
            return Ok((Cow::Owned(prepared), Way::Placed(Box::new(placement))));
        }
        if model.preprocessing.0.is_empty() {
            let way = match model.inverse.of {
                Carried::Labels => Way::OfLabels(None),
                _ => Way::Placed(Box::new(Placement::identity(image.geometry())?)),
            };
            return Ok((image, way));
        }
        let (prepared, trace) = Self::traced(model, image.into_owned(), limit, control)?;
        Ok((Cow::Owned(prepared), Way::of(trace, &model.inverse)?))
    }

    /// Bytes of all members' weights.
    pub fn weights(&self) -> u64 {
        self.members.iter().map(Member::weights).sum()
    }

    /// Bytes that one window `[x, y, z]` of a volume takes in the members, which run one after another.
    pub fn activations(&self, model: &ModelDescription, window: [usize; 3]) -> u64 {
        let each = self.members.iter();
        let each = each.map(|member| member.activations(model, window));
        each.max().unwrap_or(0)
    }
}

/// The way from the network's grid to the file's.
enum Way {
    /// Along the axes, in one interpolation.
    Placed(Box<Placement>),
    /// In one resampling by world position.
    Askew,
    /// Each step of preprocessing undone by itself.
    StepByStep(Trace),
    /// The same for labels that were decided on the network's grid, which may be the file's.
    OfLabels(Option<Trace>),
}

impl Way {
    fn of(trace: Trace, inverse: &Inverse) -> Result<Self> {
        if inverse.of == Carried::Labels {
            return Ok(Self::OfLabels(Some(trace)));
        }
        let is_apart = |step: &Step| match step {
            Step::Grid(GridStep::Resample { sampling, .. }) => sampling.apart,
            step => matches!(step, Step::Grid(GridStep::Resize(_))),
        };
        // Interpolations that were done apart are undone apart.
        let by_steps = inverse.of == Carried::Probabilities || trace.steps.iter().any(is_apart);
        if by_steps && !trace.is_undone_as_one()? {
            return Ok(Self::StepByStep(trace));
        }
        // Beyond a crop a logit of 0 is a probability of ½, which a threshold of its own may take.
        let is_covered = || {
            trace
                .coverage()
                .map(|found| found.is_some_and(|c| c.is_whole()))
        };
        let of_logits = inverse.of == Carried::Logits && inverse.at_least.is_some();
        if of_logits && !is_covered()? {
            return Ok(Self::StepByStep(trace));
        }
        Ok(match Placement::of_trace(&trace)? {
            Some(placement) => Self::Placed(Box::new(placement)),
            None if by_steps => Self::StepByStep(trace),
            None => Self::Askew,
        })
    }
}

/// Checks that a chain leaves the anatomy where it is: what moves it on its grid is augmentation, and labels
/// on the file's grid would be in the wrong place.
fn check_moves(trace: &Trace) -> Result<()> {
    let moves = |step: &Step| {
        matches!(
            step,
            Step::Grid(GridStep::Affine { .. } | GridStep::Displace { .. })
        )
    };
    match trace.steps.iter().any(moves) {
        true => Err(Error::bad_value(
            "preprocessing",
            "a transform that moves the anatomy on its grid".to_owned(),
            "transforms that crop, pad, turn or resample; those that move the anatomy belong to augmentation",
        )),
        false => Ok(()),
    }
}
