//! One model by itself: prepared, through its networks, back on the file's grid.

use super::member::Member;
use super::pace::Pace;
use super::{Request, Segmented, Segmenter};
use crate::placement::Placement;
use crate::{Error, ModelDescription, Result, WeightFile};
use burn::tensor::Device;
use vesalius_transforms::{GridStep, Step, Trace};
use vesalius_volume::{LabelMap, Subject, Volume};

/// Images on the network's grid below this are made whatever the limit.
const PREPARED_ANYWAY: u64 = 256 << 20;

/// The networks of a model, and the coarser model whose labels they take as input.
#[derive(Debug)]
pub(super) struct Single {
    pub members: Vec<Member>,
    /// Where the weights were read from; none for networks of the user's own.
    pub files: Vec<WeightFile>,
    pub device: Device,
    pub previous: Option<Segmenter>,
    pub pace: Pace,
}

impl Single {
    pub fn new(members: Vec<Member>, device: &Device) -> Self {
        Self {
            members,
            files: Vec::new(),
            device: device.clone(),
            previous: None,
            pace: Pace::default(),
        }
    }

    /// The answer before postprocessing.
    pub fn answer(
        &self,
        model: &ModelDescription,
        image: Volume<f32>,
        request: &Request,
    ) -> Result<Segmented> {
        let coarse = match &self.previous {
            Some(stage) => {
                let request = Request {
                    probabilities: false,
                    beside: request.beside + 4 * image.data().len() as u64,
                    ..*request
                };
                Some(
                    stage
                        .segment_beside(image.clone(), &request)?
                        .into_labels()?,
                )
            }
            None => None,
        };
        let file = *image.geometry();
        let read = image.data().len();
        let limit = request.options.max_memory;
        let (prepared, placement) = self.prepare(model, image, coarse.as_ref(), limit)?;
        match (placement, model.inferer.windows()) {
            (Some(placement), Some(windows)) => {
                self.in_slabs(model, prepared, read, (&placement, &windows), request)
            }
            (placement, _) => self.whole(model, &prepared, (placement, &file), request),
        }
    }

    /// The image as the network takes it, and the way back where it is along the axes.
    fn prepare(
        &self,
        model: &ModelDescription,
        image: Volume<f32>,
        coarse: Option<&LabelMap>,
        limit: Option<u64>,
    ) -> Result<(Volume<f32>, Option<Placement>)> {
        // Below this the plan, which knows all that is needed, says which limit works.
        let limit = limit.map(|limit| limit.max(PREPARED_ANYWAY));
        if let Some(pipeline) = &model.nnunet {
            let values: Vec<u16> = match &self.previous {
                Some(stage) => stage.model().labels.label_values(),
                None => Vec::new(),
            };
            let values: Vec<u16> = values.into_iter().filter(|&value| value != 0).collect();
            let coarse = coarse.map(|labels| (labels, &values[..]));
            let (prepared, placement) = pipeline.prepare(image, coarse, limit)?;
            return Ok((prepared, Some(placement)));
        }
        let subject = Subject::new("image", image, None)?;
        let (prepared, trace) = model.preprocessing.trace_within(subject, 0, 0, limit)?;
        check_moves(&trace)?;
        let (_, prepared, _) = prepared.into_parts();
        Ok((prepared, Placement::of_trace(&trace)?))
    }

    /// Bytes of all members' weights.
    pub fn weights(&self) -> u64 {
        4 * self.members.iter().map(Member::parameters).sum::<usize>() as u64
    }
}

/// Nothing when a chain leaves the anatomy where it is: what moves it on its grid is augmentation, and labels
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
