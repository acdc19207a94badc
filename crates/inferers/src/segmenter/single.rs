//! One model by itself: prepared, through its networks, back on the file's grid.

use super::member::Member;
use super::window_timing::WindowTiming;
use super::{Image, Labelled, SegmentRequest, Segmenter, held};
use crate::placement::Placement;
use crate::{Error, ModelDescription, Result, WeightFile};
use burn::tensor::Device;
use std::borrow::Cow;
use vesalius_transforms::{GridStep, Step, Trace};
use vesalius_volume::{LabelMap, Subject};

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
        let (prepared, placement) = self.prepare(model, image, coarse.as_ref(), request)?;
        let answer = match (placement, model.inferer.windows()) {
            (Some(placement), Some(windows)) => {
                self.in_slabs(model, prepared, read, (&placement, &windows), request)
            }
            (placement, _) => self.whole(model, &prepared, (placement, &file), request),
        }?;
        request.models.advance(1);
        Ok(answer)
    }

    /// The network's input for an image, and the inverse transform where it is along the axes.
    fn prepare<'i>(
        &self,
        model: &ModelDescription,
        image: Image<'i>,
        coarse: Option<&LabelMap>,
        request: &SegmentRequest,
    ) -> Result<(Image<'i>, Option<Placement>)> {
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
            return Ok((Cow::Owned(prepared), Some(placement)));
        }
        if model.preprocessing.0.is_empty() {
            let placement = Placement::identity(image.geometry())?;
            return Ok((image, Some(placement)));
        }
        let subject = Subject::new("image", image.into_owned(), None)?;
        let chain = &model.preprocessing;
        let (prepared, trace) = chain.trace_controlled(subject, 0, 0, limit, control)?;
        check_moves(&trace)?;
        let (_, prepared, _) = prepared.into_parts();
        Ok((Cow::Owned(prepared), Placement::of_trace(&trace)?))
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
