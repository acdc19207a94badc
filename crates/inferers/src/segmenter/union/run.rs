//! A union run on an image: each member where it is to run, its labels painted over those of earlier ones.

use super::super::{Image, Labelled, SegmentRequest, Segmenter, held};
use super::{Folder, Part, Source, Union};
use crate::export::LabelStore;
use crate::union::{Planned, Seen, Watch};
use crate::{Error, Result, UnionDescription};
use std::borrow::Cow;
use std::sync::PoisonError;
use vesalius_filters::{
    Bounds, Convention, Extrapolation, LabelResampleOptions, ResampleOptions, crop,
    resample_labels_through_with, resample_through_with, target_grid,
};
use vesalius_volume::{Affine, Geometry, Warning};

/// Where a member runs.
enum Place {
    Whole,
    Part(Bounds),
    /// Not at all, and why.
    Nowhere(String),
}

impl Segmenter {
    /// The labels of all members, painted one over another.
    pub(in crate::segmenter) fn label_union(
        &self,
        union: &Union,
        image: Image,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        if request.probabilities {
            return Err(Error::bad_value(
                "probabilities",
                "those of a union of models".to_owned(),
                "labels alone: each member has probabilities of its own labels, so run the member whose they are by itself",
            ));
        }
        let file = *image.geometry();
        let target = union.description.spacing.map(|spacing| {
            target_grid(&file, spacing.axes(), Convention::NnUnet).map_err(Error::from)
        });
        match target
            .transpose()?
            .filter(|grid| grid.size() != file.size())
        {
            None => self.paint_members(union, image, request),
            Some(grid) => self.on_other_grid(union, (image, &grid), request),
        }
    }

    /// The labels on the image's grid, found on another one.
    fn on_other_grid(
        &self,
        union: &Union,
        (image, grid): (Image, &Geometry),
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let (file, control) = (*image.geometry(), request.models.control());
        let cubic = ResampleOptions::of(Convention::NnUnet);
        let resampled = resample_through_with(&image, grid, &Affine::IDENTITY, &cubic, control)?;
        drop(image);
        let found = self.paint_members(union, Cow::Owned(resampled), request)?;
        let nearest = LabelResampleOptions {
            outside: Extrapolation::Edge,
            ..LabelResampleOptions::default()
        };
        let labels = found.labels.into_map()?;
        let labels =
            resample_labels_through_with(&labels, &file, &Affine::IDENTITY, &nearest, control)?;
        Ok(Labelled {
            labels: LabelStore::of_map(labels),
            probabilities: None,
        })
    }

    fn paint_members(
        &self,
        union: &Union,
        image: Image,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let file = *image.geometry();
        let mut canvas = self.canvas(&file, request)?;
        let beside = request.beside + held(&image) + self.canvas_bytes(&file, request);
        let request = SegmentRequest { beside, ..*request };
        let mut seen: Vec<Seen> = Vec::new();
        let members = union.description.members.iter().zip(&union.plan.members);
        for ((member, planned), part) in members.zip(&union.members) {
            let mut found = Seen::default();
            if planned.runs {
                match place(&union.description, planned, &seen, &file) {
                    Place::Nowhere(reason) => request.warn(Warning::MemberNotRun {
                        member: member.name.clone(),
                        reason,
                    }),
                    Place::Whole => {
                        let whole = (Cow::Borrowed(&*image), [0; 3]);
                        found = part
                            .paint(planned, whole, &mut canvas.labels, &request)
                            .map_err(|error| error.of_member(&member.name))?;
                    }
                    Place::Part(bounds) => {
                        let cut = (Cow::Owned(crop(&*image, bounds)?), bounds.start);
                        found = part
                            .paint(planned, cut, &mut canvas.labels, &request)
                            .map_err(|error| error.of_member(&member.name))?;
                    }
                }
                request.models.advance(1);
            }
            seen.push(found);
        }
        Ok(canvas)
    }
}

impl Part {
    /// Runs a member on a part of the image that starts at a voxel, paints its labels, and returns where they are.
    fn paint(
        &self,
        planned: &Planned,
        (image, start): (Image, [usize; 3]),
        canvas: &mut LabelStore,
        request: &SegmentRequest,
    ) -> Result<Seen> {
        let opened;
        let segmenter = match &self.source {
            Source::Opened(segmenter) => &**segmenter,
            // Within a limit of memory there is one member at a time.
            Source::Folder(folder) if request.options.max_memory.is_some() => {
                opened = folder.open()?;
                &opened
            }
            Source::Folder(folder) => folder.kept_open()?,
        };
        for warning in &segmenter.warnings {
            request.warn(warning.clone());
        }
        let count = segmenter.model_count() as u64;
        let models = request.models.control().stage("segment", count);
        let request = SegmentRequest {
            models: &models,
            ..*request
        };
        let answer = segmenter.segment_beside(image, &request)?;
        paint(planned, &answer.labels, canvas, start)
    }
}

impl Folder {
    fn open(&self) -> Result<Segmenter> {
        Segmenter::open_with(&self.path, &self.options)
    }

    fn kept_open(&self) -> Result<&Segmenter> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        // Two threads may both open it; one of the two is kept.
        let opened = self.open()?;
        Ok(self.opened.get_or_init(|| opened))
    }
}

impl SegmentRequest<'_> {
    /// Notes a warning about this image, once.
    fn warn(&self, warning: Warning) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}

/// Copies what a member paints into the result, row by row, and notes where each of its labels is.
fn paint(
    planned: &Planned,
    labels: &LabelStore,
    canvas: &mut LabelStore,
    start: [usize; 3],
) -> Result<Seen> {
    let file = *canvas.geometry();
    let [nx, ny, nz] = labels.geometry().size();
    let (mut row, mut under) = (vec![0; nx], vec![0; nx]);
    let mut seen = Seen::default();
    for z in 0..nz {
        for y in 0..ny {
            labels.read((z * ny + y) * nx, &mut row)?;
            if row.iter().all(|label| *label == 0) {
                continue;
            }
            let first = [start[0], start[1] + y, start[2] + z];
            seen.note(&row, first);
            let at = file.offset(first);
            canvas.read(at, &mut under)?;
            if planned.painted(&row, &mut under) {
                canvas.write(at, &under)?;
            }
        }
    }
    Ok(seen)
}

/// Where a member runs, by what earlier ones found.
fn place(union: &UnionDescription, planned: &Planned, seen: &[Seen], grid: &Geometry) -> Place {
    let name = |watch: &Watch| union.members[watch.member].name.as_str();
    if let Some((watch, millilitres)) = &planned.needs
        && !seen[watch.member].has(watch, *millilitres, grid)
    {
        let amount = match *millilitres {
            0.0 => "nothing".to_owned(),
            ml => format!("less than {ml} ml"),
        };
        let found = format!("`{}` found {amount} of what it needs", name(watch));
        return Place::Nowhere(found);
    }
    let Some((watch, margin)) = &planned.crop else {
        return Place::Whole;
    };
    match seen[watch.member].bounds(watch, *margin, grid) {
        Some(bounds) if bounds.size == grid.size() => Place::Whole,
        Some(bounds) => Place::Part(bounds),
        None => {
            let found = format!("`{}` found nothing of what it is cropped to", name(watch));
            Place::Nowhere(found)
        }
    }
}
