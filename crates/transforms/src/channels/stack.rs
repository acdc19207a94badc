//! Several images of one patient as the channels of one image.

use crate::Result;
use vesalius_filters::{ResampleOptions, resample};
use vesalius_volume::Volume;

/// The images as channels on the grid of the first; one that lies elsewhere is resampled through the
/// world, with `options` for what is between and beyond its voxels.
///
/// # Errors
/// No image at all, or an empty one.
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
