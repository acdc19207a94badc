//! Resampling of an image or label map: onto which grid, by which tool's convention, through which map, in
//! memory ([`Resampling`]) or from file to file ([`resample_file`]). The arithmetic is `vesalius_filters`'.

mod files;
mod slabs;

pub use crate::FileError;
pub use files::{FileGrid, FileInterpolation, FileMap, FileResampling, VectorAxes, resample_file};

use vesalius_control::Control;
use vesalius_filters::{
    Convention, Error, Extrapolation, Interpolation, LabelInterpolation, LabelResampleOptions,
    NnUnetLabelOptions, NnUnetOptions, ResampleOptions, Result, resample, resample_displaced_with,
    resample_labels_displaced_with, resample_labels_nnunet_with, resample_labels_through_with,
    resample_nnunet_with, resample_through_with, resized_grid, target_grid,
};
use vesalius_volume::{Affine, Geometry, LabelMap, Volume};

/// The grid of the result.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Grid {
    /// That of the input, or of the displacement field where there is one.
    #[default]
    Same,
    /// A spacing `[x, y, z]` in mm; the convention decides on size and place.
    Spacing([f64; 3]),
    /// So many voxels over exactly the extent of the input.
    Size([usize; 3]),
    /// A grid that exists.
    Like(Geometry),
}

/// Where the values come from: ITK's direction, from the result to the input, in RAS+ mm.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Through {
    /// From the same place.
    #[default]
    Nothing,
    /// From where an affine map leads.
    Affine(Affine),
    /// From where vectors of three channels lead; brought to the result's grid first.
    Displacement(Volume<f64>),
}

/// A grid, a convention, and a map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resampling {
    /// The grid of the result.
    pub grid: Grid,
    /// The tool whose rules are followed.
    pub convention: Convention,
    /// Where the values come from.
    pub through: Through,
    /// Instead of what the convention finds beyond the input.
    pub outside: Option<Extrapolation>,
}

impl Resampling {
    /// An image, by the convention's interpolation unless another is given.
    ///
    /// # Errors
    /// As [`resample`] and [`target_grid`]; a displacement field without three channels, and
    /// nnU-Net's convention together with a map or a grid of another extent, which it does not have.
    pub fn image(
        &self,
        image: &Volume<f32>,
        interpolation: Option<Interpolation>,
    ) -> Result<Volume<f32>> {
        self.image_with(image, interpolation, &Control::new())
    }

    /// As [`Resampling::image`], cancelled and followed through a control, in the stage `resampling`.
    ///
    /// # Errors
    /// As [`Resampling::image`]; [`Error::Cancelled`].
    pub fn image_with(
        &self,
        image: &Volume<f32>,
        interpolation: Option<Interpolation>,
        control: &Control,
    ) -> Result<Volume<f32>> {
        control.check()?;
        let target = self.target(image.geometry())?;
        if self.convention == Convention::NnUnet {
            let options = NnUnetOptions {
                interpolation: interpolation.unwrap_or(Interpolation::Cubic),
                ..NnUnetOptions::default()
            };
            let (size, spacing) = (target.size(), self.spacing(&target));
            return resample_nnunet_with(image, size, spacing, &options, control);
        }
        let options = self.image_options(interpolation);
        match &self.through {
            Through::Nothing => {
                resample_through_with(image, &target, &Affine::IDENTITY, &options, control)
            }
            Through::Affine(map) => resample_through_with(image, &target, map, &options, control),
            Through::Displacement(field) => {
                resample_displaced_with(image, &on_grid(field, &target)?, &options, control)
            }
        }
    }

    /// Labels, by the nearest voxel unless another way is given; by nnU-Net's vote in its convention.
    ///
    /// # Errors
    /// As [`Resampling::image`].
    pub fn labels(
        &self,
        labels: &LabelMap,
        interpolation: Option<LabelInterpolation>,
    ) -> Result<LabelMap> {
        self.labels_with(labels, interpolation, &Control::new())
    }

    /// As [`Resampling::labels`], cancelled and followed as [`Resampling::image_with`].
    ///
    /// # Errors
    /// As [`Resampling::labels`]; [`Error::Cancelled`].
    pub fn labels_with(
        &self,
        labels: &LabelMap,
        interpolation: Option<LabelInterpolation>,
        control: &Control,
    ) -> Result<LabelMap> {
        control.check()?;
        let target = self.target(labels.geometry())?;
        if self.convention == Convention::NnUnet && interpolation.is_none() {
            let options = NnUnetLabelOptions::default();
            let (size, spacing) = (target.size(), self.spacing(&target));
            return resample_labels_nnunet_with(labels, size, spacing, &options, control);
        }
        let options = self.label_options(interpolation);
        match &self.through {
            Through::Nothing => {
                let map = &Affine::IDENTITY;
                resample_labels_through_with(labels, &target, map, &options, control)
            }
            Through::Affine(map) => {
                resample_labels_through_with(labels, &target, map, &options, control)
            }
            Through::Displacement(field) => {
                resample_labels_displaced_with(labels, &on_grid(field, &target)?, &options, control)
            }
        }
    }

    /// The convention's rules for images, with what is given instead.
    fn image_options(&self, interpolation: Option<Interpolation>) -> ResampleOptions {
        let mut options = ResampleOptions::of(self.convention);
        options.interpolation = interpolation.unwrap_or(options.interpolation);
        options.outside = self.outside.unwrap_or(options.outside);
        options
    }

    /// The convention's rules for labels, with what is given instead.
    fn label_options(&self, interpolation: Option<LabelInterpolation>) -> LabelResampleOptions {
        LabelResampleOptions {
            interpolation: interpolation.unwrap_or_default(),
            outside: self
                .outside
                .unwrap_or(ResampleOptions::of(self.convention).outside),
        }
    }

    /// The grid of the result for an input on `source`.
    ///
    /// # Errors
    /// As [`target_grid`] and [`Resampling::image`].
    pub fn target(&self, source: &Geometry) -> Result<Geometry> {
        let resizes = matches!(self.grid, Grid::Spacing(_) | Grid::Size(_));
        if self.convention == Convention::NnUnet
            && !(resizes && self.through == Through::Nothing && self.outside.is_none())
        {
            return Err(Error::BadOption {
                filter: "resample",
                option: "convention",
                found: "nnU-Net's with another grid, a map or a value outside".to_owned(),
                expected: "a spacing or a size alone, as nnU-Net resizes arrays over one extent; \
                           use another convention for the rest",
            });
        }
        match (self.grid, &self.through) {
            (Grid::Spacing(spacing), _) => target_grid(source, spacing, self.convention),
            (Grid::Size(size), _) => resized_grid(source, size),
            (Grid::Like(grid), _) => Ok(grid),
            (Grid::Same, Through::Displacement(field)) => Ok(*field.geometry()),
            (Grid::Same, _) => Ok(*source),
        }
    }

    /// The spacing that nnU-Net works with: the requested one, not that of the grid after rounding.
    fn spacing(&self, target: &Geometry) -> [f64; 3] {
        match self.grid {
            Grid::Spacing(spacing) => spacing,
            _ => target.spacing(),
        }
    }
}

/// A displacement field on the result's grid; beyond its own grid nothing moves, as in ITK.
fn on_grid(field: &Volume<f64>, target: &Geometry) -> Result<Volume<f64>> {
    if field.geometry().is_same(target) {
        return Ok(field.clone());
    }
    resample(
        field,
        target,
        &ResampleOptions::simple_itk(Interpolation::Linear),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Volume<f32> {
        let grid = Geometry::axis_aligned([8, 6, 5], [1.0, 1.0, 2.0]).unwrap();
        Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as f32)
    }

    fn shift(by: f64) -> Affine {
        let linear = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Affine::from_linear(linear, [by, 0.0, 0.0]).unwrap()
    }

    #[test]
    fn a_field_of_one_vector_does_what_the_affine_map_does() {
        let image = ramp();
        let affine = Resampling {
            through: Through::Affine(shift(1.5)),
            ..Resampling::default()
        };
        // The field covers more than the image, on a coarser grid of its own.
        let wide = Geometry::from_parts(
            [4, 4, 4],
            [5.0; 3],
            [-4.0; 3],
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        )
        .unwrap();
        let vectors = [1.5, 0.0, 0.0].map(|v| Volume::filled(wide, v));
        let displaced = Resampling {
            grid: Grid::Like(*image.geometry()),
            through: Through::Displacement(Volume::stack(&vectors).unwrap()),
            ..Resampling::default()
        };
        let a = affine.image(&image, None).unwrap();
        let b = displaced.image(&image, None).unwrap();
        assert_eq!(a.data(), b.data());
        assert_eq!(a.get(0, [2, 1, 1]), 113.5);
        let labels = image.map(|v| v as u16);
        let labels = LabelMap::new(*image.geometry(), labels.into_data()).unwrap();
        assert_eq!(
            affine.labels(&labels, None).unwrap(),
            displaced.labels(&labels, None).unwrap()
        );
    }

    #[test]
    fn conventions_differ_in_size_and_border() {
        let image = ramp();
        let at = |convention| Resampling {
            grid: Grid::Spacing([0.7, 0.7, 1.5]),
            convention,
            ..Resampling::default()
        };
        let size = |convention| {
            let result = at(convention).image(&image, None).unwrap();
            result.geometry().size()
        };
        assert_eq!(size(Convention::SimpleItk), [11, 9, 7]);
        assert_eq!(size(Convention::Monai), [11, 8, 6]);
        assert_eq!(size(Convention::NnUnet), [11, 9, 7]);
        assert_eq!(size(Convention::TorchIo), [11, 8, 6]);
        assert_eq!(size(Convention::Nibabel), [11, 9, 7]);
    }

    #[test]
    fn nnunet_refuses_what_it_does_not_have() {
        let job = Resampling {
            convention: Convention::NnUnet,
            through: Through::Affine(shift(1.0)),
            ..Resampling::default()
        };
        let message = job.image(&ramp(), None).unwrap_err().to_string();
        assert!(message.contains("convention"), "{message}");
    }
}
