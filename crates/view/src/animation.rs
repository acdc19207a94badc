//! An animation of the slices of a volume as a GIF.

use crate::montage::at_least_one;
use crate::{Montage, Picture, Result, Scene, Slicing, Window};
use gif::{Encoder, Frame, Repeat};

/// An animation through a volume: each frame is a montage of one slice.
///
/// ```
/// use vesalius_view::{Animation, Scene};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([32, 24, 10], [1.0, 1.0, 3.0])?;
/// let image = Volume::from_fn(grid, |[x, y, _]| (x * y) as f32);
/// let animation = Animation { frames: 3, ..Animation::default() };
/// let gif = animation.gif(&Scene::of(&image))?;
/// assert_eq!(gif[..6], *b"GIF89a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Animation {
    /// How a frame is laid out. Its `at` are the slices to show; empty takes every slice that holds
    /// labels and two beyond each end, or all slices where there are no labels.
    pub frame: Montage,
    /// How long a frame stays.
    pub milliseconds: u16,
    /// At most this many frames; more slices are shown in larger steps.
    pub frames: usize,
}

impl Default for Animation {
    fn default() -> Self {
        Self {
            frame: Montage::default(),
            milliseconds: 120,
            frames: 80,
        }
    }
}

impl Animation {
    /// The bytes of a GIF file that repeats.
    ///
    /// # Errors
    /// As [`Montage::draw`]; [`crate::Error::BadOption`] for no frames, [`crate::Error::Gif`].
    pub fn gif(&self, scene: &Scene) -> Result<Vec<u8>> {
        scene.check()?;
        self.frame.window.check()?;
        at_least_one("the number of frames", self.frames)?;
        let [low, high] = self.frame.window.range(scene.image, scene.channel);
        let draw = |slice: usize| {
            Montage {
                at: vec![slice],
                // Found once: the same grey means the same intensity in every frame.
                window: Window::Range(low, high),
                ..self.frame.clone()
            }
            .draw(scene)
        };
        let mut bytes = Vec::new();
        let mut encoder: Option<Encoder<&mut Vec<u8>>> = None;
        let mut target = Some(&mut bytes);
        for slice in self.slices(scene) {
            let picture = draw(slice)?;
            if let Some(target) = target.take() {
                let [width, height] = sides(&picture);
                let mut opened = Encoder::new(target, width, height, &[])?;
                opened.set_repeat(Repeat::Infinite)?;
                encoder = Some(opened);
            }
            if let Some(encoder) = &mut encoder {
                encoder.write_frame(&self.encoded(&picture))?;
            }
        }
        drop(encoder);
        Ok(bytes)
    }

    fn encoded(&self, picture: &Picture) -> Frame<'static> {
        let [width, height] = sides(picture);
        // 1 is the best palette and slowest, 30 the quickest; greys and seven colours need no more.
        let mut frame = Frame::from_rgb_speed(width, height, picture.pixels().as_flattened(), 10);
        frame.delay = (self.milliseconds / 10).max(2);
        frame
    }

    /// The slices shown, in their order.
    fn slices(&self, scene: &Scene) -> Vec<usize> {
        if !self.frame.at.is_empty() {
            return self.frame.at.clone();
        }
        let total = Slicing::new(scene.image.geometry(), self.frame.plane).count();
        let occupied = scene.occupied(self.frame.plane);
        let first = occupied.iter().position(|&o| o).unwrap_or(0);
        let last = occupied.iter().rposition(|&o| o).unwrap_or(total - 1);
        let (first, last) = (first.saturating_sub(2), (last + 2).min(total - 1));
        let step = (last - first + 1).div_ceil(self.frames);
        (first..=last).step_by(step).collect()
    }
}

/// Width and height; a montage is far smaller than the 65535 pixels that a GIF holds.
fn sides(picture: &Picture) -> [u16; 2] {
    [picture.width(), picture.height()].map(|side| side.min(usize::from(u16::MAX)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, LabelMap, Volume};

    #[test]
    fn a_gif_has_a_frame_for_every_slice_with_labels_and_two_around() {
        let grid = Geometry::axis_aligned([16, 12, 20], [1.0, 1.0, 2.0]).unwrap();
        let image = Volume::from_fn(grid, |[x, _, z]| (x * z) as f32);
        let labels = LabelMap::from_fn(grid, |[x, _, z]| u16::from(x > 5 && (8..11).contains(&z)));
        let scene = Scene {
            prediction: Some(&labels),
            ..Scene::of(&image)
        };
        let animation = Animation {
            frame: Montage {
                tile: 64,
                ..Montage::default()
            },
            ..Animation::default()
        };
        let bytes = animation.gif(&scene).unwrap();
        let mut decoder = gif::DecodeOptions::new().read_info(&bytes[..]).unwrap();
        let mut frames = 0;
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            assert_eq!(frame.delay, 12);
            frames += 1;
        }
        assert_eq!(frames, 7);
        let few = Animation {
            frames: 3,
            ..animation
        };
        assert_eq!(few.slices(&scene), [6, 9, 12]);
    }
}
