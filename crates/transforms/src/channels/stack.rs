//! Several images of one patient as the channels of one image.

use crate::Result;
use vesalius_filters::{ResampleOptions, resample};
use vesalius_volume::Volume;

/// The images as channels on the grid of the first; one that lies elsewhere is resampled through the
/// world, with `options` for what is between and beyond its voxels.
///
/// # Errors
/// No image at all, or an empty one.
///
/// ```
/// use vesalius_filters::ResampleOptions;
/// use vesalius_transforms::stack_on_first;
/// use vesalius_volume::{Geometry, Volume};
///
/// let ct = Volume::filled(Geometry::axis_aligned([8, 8, 8], [1.0; 3])?, 40.0);
/// let pet = Volume::filled(Geometry::axis_aligned([4, 4, 4], [2.0; 3])?, 5.0);
/// let both = stack_on_first(&[ct, pet], &ResampleOptions::monai())?;
/// assert_eq!((both.channels(), both.geometry().size()), (2, [8, 8, 8]));
/// assert_eq!(both.get(1, [4, 4, 4]), 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn stack_on_first(images: &[Volume<f32>], options: &ResampleOptions) -> Result<Volume<f32>> {
    let Some(first) = images.first() else {
        return Ok(Volume::stack(images)?);
    };
    let moved: Vec<Volume<f32>> = images
        .iter()
        .map(|image| match image.geometry().is_same(first.geometry()) {
            true => Ok(image.clone().with_geometry(*first.geometry())?),
            false => Ok(resample(image, first.geometry(), options)?),
        })
        .collect::<Result<_>>()?;
    Ok(Volume::stack(&moved)?)
}
