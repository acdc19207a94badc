//! The finer half of a cascade: the part of the image that the coarser model points at is segmented and
//! put where it belongs.

use super::{Image, Labelled, SegmentRequest, Segmenter, held};
use crate::export::LabelStore;
use crate::{EmptyRegionPolicy, ProbabilitySource, ProbabilityStore, RegionStage, Result};
use std::borrow::Cow;
use std::path::Path;
use vesalius_filters::{Bounds, crop};
use vesalius_volume::Geometry;

/// The coarser model and what its labels are used for.
#[derive(Debug)]
pub(super) struct Region {
    pub stage: RegionStage,
    pub segmenter: Segmenter,
}

impl Segmenter {
    /// The result within the region, background elsewhere.
    pub(super) fn label_in(
        &self,
        region: &Region,
        image: Image,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let coarse = SegmentRequest {
            probabilities: false,
            beside: request.beside + held(&image),
            ..*request
        };
        let found = region
            .segmenter
            .segment_beside(Cow::Borrowed(&image), &coarse)?;
        let bounds = region.stage.bounds(&found.labels.into_map()?);
        let file = *image.geometry();
        let bounds = match (bounds, region.stage.nothing_found) {
            (Some(bounds), _) if bounds.size != file.size() => bounds,
            (None, EmptyRegionPolicy::Background) => return self.canvas(&file, request),
            _ => return self.label_all(image, request),
        };
        let part = crop(&*image, bounds)?;
        drop(image);
        let mut canvas = self.canvas(&file, request)?;
        let request = SegmentRequest {
            beside: request.beside + self.canvas_bytes(&file, request),
            ..*request
        };
        let answer = self.label_all(Cow::Owned(part), &request)?;
        put(&mut canvas, &answer, bounds)?;
        Ok(canvas)
    }

    /// Background everywhere, in scratch files where that would be a large part of what is allowed.
    pub(super) fn canvas(&self, file: &Geometry, request: &SegmentRequest) -> Result<Labelled> {
        let scheme = &self.model.labels;
        let scratch = request.options.scratch_folder();
        let spilled = self.canvas_bytes(file, request) == 0;
        let folder: Option<&Path> = spilled.then_some(scratch.as_path());
        let probabilities = || ProbabilityStore::background(*file, scheme, folder);
        Ok(Labelled {
            labels: LabelStore::background(*file, scheme, folder)?,
            probabilities: request.probabilities.then(probabilities).transpose()?,
        })
    }

    /// Bytes of memory that the canvas takes: none where it is in a scratch file.
    pub(super) fn canvas_bytes(&self, file: &Geometry, request: &SegmentRequest) -> u64 {
        let scheme = &self.model.labels;
        let each = LabelStore::bytes(scheme)
            + if request.probabilities {
                4 * scheme.channels()
            } else {
                0
            };
        let bytes = (file.voxel_count() * each) as u64;
        let limit = request.options.max_memory;
        match limit.is_some_and(|limit| request.beside + 4 * bytes > limit) {
            true => 0,
            false => bytes,
        }
    }
}

/// Copies the result for a part of the canvas into it, row by row.
fn put(canvas: &mut Labelled, answer: &Labelled, bounds: Bounds) -> Result<()> {
    let file = *canvas.labels.geometry();
    let [nx, ny, nz] = bounds.size;
    let mut labels = vec![0; nx];
    let mut values = vec![0.0; nx];
    for z in 0..nz {
        for y in 0..ny {
            let from = (z * ny + y) * nx;
            let [x0, y0, z0] = bounds.start;
            let to = file.offset([x0, y0 + y, z0 + z]);
            answer.labels.read(from, &mut labels)?;
            canvas.labels.write(to, &labels)?;
            if let (Some(kept), Some(made)) = (&mut canvas.probabilities, &answer.probabilities) {
                for channel in 0..made.scheme().channels() {
                    made.read(channel, from, &mut values)?;
                    kept.write(channel, to, &values)?;
                }
            }
        }
    }
    Ok(())
}
