//! A map from the voxels of one grid to places in another: the form of spatial steps, so that many
//! of them are one interpolation, and so that a prediction can be resampled back.

mod displacement;
mod exact;
mod mirror;
mod place;
mod points;
mod sampling;

pub use displacement::{ControlInterpolation, Displacement};
pub use sampling::{ImageSampling, LabelSampling, PaddingMode, Sampling};

use crate::Result;
use vesalius_filters as filters;
use vesalius_volume::{Affine, Geometry, LabelMap, Volume, check_memory};

/// A matrix entry that moves a coordinate by less than this over a whole grid counts as zero.
const NOTHING: f64 = 1e-6;

/// One piece of a map between index spaces.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    /// An affine map of indices.
    Affine(Affine),
    /// A displacement, in voxels, that depends on the place.
    Displaced(Displacement),
    /// The inverse of a displacement.
    Undisplaced(Displacement),
}

/// From each voxel of a target grid to a place in the index space of a source grid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GridMap {
    pub target: Geometry,
    stages: Vec<Stage>,
}

impl GridMap {
    pub fn new(target: Geometry, stage: Stage) -> Self {
        Self {
            target,
            stages: vec![stage],
        }
    }

    /// This map with another one before it: from `next`'s target through its source, which is this
    /// map's target, to this map's source.
    pub fn after(self, next: Self) -> Self {
        let mut stages: Vec<Stage> = Vec::new();
        for stage in next.stages.into_iter().chain(self.stages) {
            match (stages.last_mut(), stage) {
                (Some(Stage::Affine(first)), Stage::Affine(second)) => *first = second.after(first),
                (_, stage) => stages.push(stage),
            }
        }
        Self {
            target: next.target,
            stages,
        }
    }

    /// From the voxels of `source`, this map's source grid, back to this map's target.
    pub fn inverse(self, source: Geometry) -> Self {
        let invert = |stage| match stage {
            Stage::Affine(affine) => Stage::Affine(affine.inverse()),
            Stage::Displaced(field) => Stage::Undisplaced(field),
            Stage::Undisplaced(field) => Stage::Displaced(field),
        };
        Self {
            target: source,
            stages: self.stages.into_iter().rev().map(invert).collect(),
        }
    }

    /// The whole map, when it is affine.
    pub fn affine(&self) -> Option<Affine> {
        match self.stages.as_slice() {
            [] => Some(Affine::IDENTITY),
            [Stage::Affine(affine)] => Some(*affine),
            _ => None,
        }
    }

    /// The places in the source's index space of a row of target voxels.
    fn row(&self, y: usize, z: usize, at: &mut points::Places) {
        let mut stages = self.stages.iter().peekable();
        match stages.peek() {
            Some(Stage::Affine(affine)) => {
                at.affine_row(affine, y, z);
                stages.next();
            }
            Some(Stage::Displaced(field)) => {
                field.displace_row(y, z, at);
                stages.next();
            }
            _ => at.affine_row(&Affine::IDENTITY, y, z),
        }
        for stage in stages {
            match stage {
                Stage::Affine(affine) => at.each(|p| affine.apply(p)),
                Stage::Displaced(field) => at.each(|p| field.displaced(p)),
                Stage::Undisplaced(field) => at.each(|p| field.undisplaced(p)),
            }
        }
    }

    /// As [`GridMap::apply`] of an image and labels that are owned: a mirror is done in place.
    ///
    /// # Errors
    /// As [`GridMap::apply`].
    pub fn apply_owned(
        &self,
        mut image: Volume<f32>,
        labels: Option<LabelMap>,
        sampling: &Sampling,
    ) -> Result<(Volume<f32>, Option<LabelMap>, bool)> {
        let size = image.geometry().size();
        let reorder = self
            .affine()
            .and_then(|a| exact::Reorder::of(&a, &self.target));
        let Some(axes) = reorder.and_then(|r| r.mirrors(size, self.target.size())) else {
            return self.apply(&image, labels.as_ref(), sampling);
        };
        mirror::mirror(image.data_mut(), size, axes);
        let labels = labels.map(|mut labels| {
            mirror::mirror(labels.data_mut(), size, axes);
            labels.with_geometry(self.target)
        });
        let image = image.with_geometry(self.target)?;
        Ok((image, labels.transpose()?, false))
    }

    /// Image and labels on the target grid, both through this map, and whether values were mixed.
    ///
    /// Moves by whole voxels copy; maps along the axes go through `filters`' separable resampling where
    /// nothing lies outside; all else is sampled voxel by voxel, image and labels in one pass.
    ///
    /// # Errors
    /// An empty image; cubic interpolation with reflected borders; a grid that does not fit into memory.
    pub fn apply(
        &self,
        image: &Volume<f32>,
        labels: Option<&LabelMap>,
        sampling: &Sampling,
    ) -> Result<(Volume<f32>, Option<LabelMap>, bool)> {
        // Four bytes for each value of the image, two for each label.
        let halves = 2 * image.channels() + usize::from(labels.is_some());
        check_memory(
            "the case on its new grid",
            self.target.size(),
            halves,
            2,
            None,
        )?;
        let affine = self.affine();
        if let Some(reorder) = affine.and_then(|a| exact::Reorder::of(&a, &self.target)) {
            let moved = labels
                .map(|l| reorder.apply(l, self.target, 0))
                .transpose()?;
            return Ok((reorder.apply(image, self.target, 0.0)?, moved, false));
        }
        let source = *image.geometry();
        let world = affine.map(|a| {
            source
                .affine()
                .after(&a)
                .after(&self.target.affine().inverse())
        });
        let along = affine.is_some_and(|a| along_axes(&a, self.target.size()));
        // `filters` takes halves up.
        let even = sampling.apart && sampling.image == ImageSampling::Nearest;
        let by_axis = along && !even && sampling.outside == PaddingMode::Edge;
        if let Some(world) = world.filter(|_| by_axis) {
            let options = sampling.for_filters()?;
            let moved = filters::resample_through(image, &self.target, &world, &options)?;
            let labels = labels.map(|l| {
                filters::resample_labels_through(
                    l,
                    &self.target,
                    &world,
                    &sampling.labels_for_filters(),
                )
            });
            return Ok((moved, labels.transpose()?, true));
        }
        if sampling.image == ImageSampling::Cubic {
            let options = sampling.for_filters()?;
            let moved = match world {
                Some(world) => filters::resample_through(image, &self.target, &world, &options)?,
                None => filters::resample_displaced(image, &self.world_field(&source)?, &options)?,
            };
            let labels = labels
                .map(|l| points::labels(self, l, sampling))
                .transpose()?;
            return Ok((moved, labels, true));
        }
        let (moved, labels) = points::both(self, image, labels, sampling)?;
        Ok((moved, labels, true))
    }

    /// Labels alone, for predictions that are resampled back.
    pub fn apply_labels(&self, labels: &LabelMap, sampling: &Sampling) -> Result<LabelMap> {
        check_memory(
            "the labels on their new grid",
            self.target.size(),
            1,
            2,
            None,
        )?;
        if let Some(reorder) = self
            .affine()
            .and_then(|a| exact::Reorder::of(&a, &self.target))
        {
            return reorder.apply(labels, self.target, 0);
        }
        points::labels(self, labels, sampling)
    }

    /// The map as a displacement in millimetres, as `filters` takes it.
    fn world_field(&self, source: &Geometry) -> Result<Volume<f64>> {
        let [nx, ny, nz] = self.target.size();
        let voxels = self.target.voxel_count();
        check_memory("the displacement", [nx, ny, nz], 3, size_of::<f64>(), None)?;
        let mut values = vec![0.0; voxels * 3];
        let mut at = points::Places::new(nx);
        for row in 0..ny * nz {
            let (y, z) = (row % ny, row / ny);
            self.row(y, z, &mut at);
            for x in 0..nx {
                let to = source.index_to_world(at.get(x));
                let from = self.target.index_to_world([x as f64, y as f64, z as f64]);
                for axis in 0..3 {
                    values[axis * voxels + row * nx + x] = to[axis] - from[axis];
                }
            }
        }
        Ok(Volume::new(self.target, 3, values)?)
    }
}

/// Whether each target axis runs along one source axis.
fn along_axes(affine: &Affine, size: [usize; 3]) -> bool {
    let linear = affine.linear();
    (0..3).all(|axis| {
        let moves = |row: &usize| linear[*row][axis].abs() * size[axis].max(2) as f64 > NOTHING;
        (0..3).filter(moves).count() == 1
    })
}
