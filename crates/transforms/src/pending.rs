//! A case inside a chain: moves are gathered until a step needs the voxels, so that
//! neighbouring moves are one copy or one interpolation.

use crate::map::{GridMap, Sampling};
use crate::{Context, GridStep, Result, Step};
use vesalius_volume::{Geometry, Subject, check_memory};

/// Moves that are not carried out yet.
#[derive(Clone)]
struct Pending {
    map: GridMap,
    /// How values between voxels are computed, once a move needs them.
    sampling: Option<Sampling>,
    /// Whether a move left voxels behind, which must not reappear.
    cropped: bool,
}

/// A case between two transforms.
#[derive(Clone)]
pub(crate) struct PendingTransforms {
    subject: Subject,
    pending: Option<Pending>,
    draw: u64,
    /// Bytes that an image may take.
    limit: Option<u64>,
    pub steps: Vec<Step>,
    pub interpolations: usize,
}

impl PendingTransforms {
    pub fn new(subject: Subject, draw: u64) -> Self {
        Self {
            subject,
            pending: None,
            draw,
            limit: None,
            steps: Vec::new(),
            interpolations: 0,
        }
    }

    /// The same case under a limit of memory.
    pub fn within(self, limit: Option<u64>) -> Self {
        Self { limit, ..self }
    }

    /// The same case for another draw.
    pub fn for_draw(self, draw: u64) -> Self {
        Self { draw, ..self }
    }

    /// The grid that the case has after all moves so far.
    pub fn geometry(&self) -> Geometry {
        self.pending
            .as_ref()
            .map_or(*self.subject.geometry(), |p| p.map.target)
    }

    /// What the next transform may read; voxels on the grid only after [`PendingTransforms::materialise`].
    pub fn context(&self) -> Context<'_> {
        Context::new(self.geometry(), &self.subject, self.draw)
    }

    /// Takes one step.
    pub fn push(&mut self, step: Step) -> Result<()> {
        match &step {
            Step::Grid(grid) if grid.is_alone(&self.geometry()) => self.apply(&step)?,
            Step::Grid(grid) => self.gather(grid)?,
            _ => self.apply(&step)?,
        }
        self.steps.push(step);
        Ok(())
    }

    fn apply(&mut self, step: &Step) -> Result<()> {
        self.materialise()?;
        self.replace(|subject| step.apply(subject))
    }

    fn gather(&mut self, step: &GridStep) -> Result<()> {
        let sampling = step.sampling();
        if let (Some(pending), Some(wanted)) = (&self.pending, sampling) {
            let joins = pending
                .sampling
                .is_none_or(|has| has.joined(&wanted).is_some());
            if pending.cropped || !joins {
                self.materialise()?;
            }
        }
        let map = step.map(&self.geometry())?;
        let cropped = matches!(step, GridStep::Region { .. });
        self.pending = Some(match self.pending.take() {
            None => Pending {
                map,
                sampling,
                cropped,
            },
            Some(before) => Pending {
                map: before.map.after(map),
                sampling: match (before.sampling, sampling) {
                    (Some(a), Some(b)) => a.joined(&b),
                    (a, b) => a.or(b),
                },
                cropped: before.cropped || cropped,
            },
        });
        Ok(())
    }

    /// Carries out the moves that were gathered.
    pub fn materialise(&mut self) -> Result<()> {
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        let sampling = pending.sampling.unwrap_or_default();
        let channels = self.subject.image().channels();
        let size = pending.map.target.size();
        check_memory(
            "the image on its new grid",
            size,
            channels,
            size_of::<f32>(),
            self.limit,
        )?;
        let mut mixed = false;
        self.replace(|subject| {
            let (name, image, labels) = subject.into_parts();
            let (moved, labels, interpolated) =
                pending.map.apply_owned(image, labels, &sampling)?;
            mixed = interpolated;
            Ok(Subject::new(name, moved, labels)?)
        })?;
        self.interpolations += usize::from(mixed);
        Ok(())
    }

    fn replace(&mut self, change: impl FnOnce(Subject) -> Result<Subject>) -> Result<()> {
        let nothing =
            vesalius_volume::Volume::filled(Geometry::axis_aligned([0; 3], [1.0; 3])?, 0.0);
        let subject = std::mem::replace(&mut self.subject, Subject::new("", nothing, None)?);
        self.subject = change(subject)?;
        Ok(())
    }

    /// The case after everything.
    pub fn finish(mut self) -> Result<(Subject, Vec<Step>, usize)> {
        self.materialise()?;
        Ok((self.subject, self.steps, self.interpolations))
    }
}
