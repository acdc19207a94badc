//! One point of the body in all three planes, at one scale, with lines that show where the others cut.

use crate::montage::{FAINT, GAP, INK, Legend, PAPER, footer, scale};
use crate::panel::Panel;
use crate::{Colour, Error, Overlay, Picture, Plane, Result, Scene, Slicing, Window, text};
use vesalius_volume::LabelMap;

const LINES: Colour = [255, 255, 255];

/// How the three planes are shown: a row for each label map, or one for the image alone.
///
/// ```
/// use vesalius_view::{Error, Scene, ThreePlanes};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([32, 24, 10], [1.0, 1.0, 3.0])?;
/// let image = Volume::from_fn(grid, |[x, y, _]| (x * y) as f32);
/// let scene = Scene::of(&image);
/// let sheet = ThreePlanes { through: Some([16, 12, 5]), tile: 64, ..ThreePlanes::default() };
/// let picture = sheet.draw(&scene)?;
/// assert!(picture.width() >= 3 * 30);
///
/// let outside = ThreePlanes { through: Some([32, 0, 0]), ..ThreePlanes::default() };
/// assert!(matches!(outside.draw(&scene), Err(Error::NoVoxel { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ThreePlanes {
    /// The voxel `[x, y, z]` through which the planes go; by default one in the middle of the
    /// labels, or of the image where there are none.
    pub through: Option<[usize; 3]>,
    /// From intensities to grey.
    pub window: Window,
    /// How labels lie over the image.
    pub overlay: Overlay,
    /// Pixels of the longest side of a slice; 0 is 320.
    pub tile: usize,
    /// A line above it all, such as the name of the case.
    pub title: String,
}

impl ThreePlanes {
    /// The sheet.
    ///
    /// # Errors
    /// As [`Scene::check`] and [`Window::check`]; [`Error::NoVoxel`], [`Error::TooLarge`].
    pub fn draw(&self, scene: &Scene) -> Result<Picture> {
        scene.check()?;
        self.window.check()?;
        let grid = scene.image.geometry();
        let through = self.through.unwrap_or_else(|| middle(scene));
        if (0..3).any(|i| through[i] >= grid.size()[i]) {
            return Err(Error::NoVoxel {
                index: through,
                size: grid.size(),
            });
        }
        let range = self.window.range(scene.image, scene.channel);
        let slicings = Plane::ALL.map(|plane| Slicing::new(grid, plane));
        let tile = if self.tile == 0 { 320 } else { self.tile };
        let scale = slicings.iter().map(|s| scale(s, tile)).fold(0.0, f64::max);
        let panels = [0, 1, 2].map(|i| Panel {
            scene,
            slicing: &slicings[i],
            slice: slicings[i].slice_of(through),
            range,
            scale,
        });
        let layers = scene.layers();
        let rows: Vec<(&str, Option<&LabelMap>)> = if layers.is_empty() {
            vec![("image", None)]
        } else {
            layers
                .into_iter()
                .map(|(name, map)| (name, Some(map)))
                .collect()
        };
        let sizes = panels.map(|panel| panel.size());
        // A caption needs its width even above a narrow slice.
        let captions = panels.map(|panel| panel.slicing.caption(panel.slice));
        let widths = [0, 1, 2].map(|i| sizes[i][0].max(text::width(&captions[i])));
        let width = widths.iter().sum::<usize>() + 4 * GAP;
        let height = sizes.iter().map(|size| size[1]).max().unwrap_or(1);
        let legend = Legend::of(scene);
        let words = footer(&Plane::ALL, range, width);
        let title = (text::LINE + GAP) * usize::from(!self.title.is_empty());
        let row_height = 2 * text::LINE + 2 + height + GAP;
        let foot = legend.height(width) + GAP + words.len() * text::LINE;
        let total = 2 * GAP + title + rows.len() * row_height + foot;
        let mut sheet = Picture::filled(width, total, PAPER)?;
        let name = text::fitted(&self.title, width - 2 * GAP);
        text::write(&mut sheet, [GAP, GAP], &name, INK);
        for (i, (name, map)) in rows.iter().enumerate() {
            let y = GAP + title + i * row_height;
            text::write(&mut sheet, [GAP, y], name, INK);
            let mut x = GAP;
            for (j, panel) in panels.iter().enumerate() {
                text::write(&mut sheet, [x, y + text::LINE], &captions[j], FAINT);
                let mut picture = panel.draw(map.map(|map| (map, self.overlay)))?;
                cross(&mut picture, panel, through);
                sheet.paste(&picture, [x, y + 2 * text::LINE + 2]);
                x += widths[j] + GAP;
            }
        }
        let y = GAP + title + rows.len() * row_height;
        legend.write(&mut sheet, [GAP, y]);
        let y = y + legend.height(width) + GAP;
        for (i, line) in words.iter().enumerate() {
            text::write(&mut sheet, [GAP, y + i * text::LINE], line, FAINT);
        }
        Ok(sheet)
    }
}

/// Faint lines where the other planes cut, open at the point itself so that it can be seen.
fn cross(picture: &mut Picture, panel: &Panel, through: [usize; 3]) {
    const OPEN: usize = 14;
    let place = panel.slicing.place(through);
    let spacing = panel.slicing.spacing();
    let at = [0, 1].map(|i| ((place[i] as f64 + 0.5) * spacing[i] / panel.scale) as usize);
    for x in (0..picture.width()).filter(|x| x.abs_diff(at[0]) > OPEN) {
        picture.put(x, at[1], LINES, 0.35);
    }
    for y in (0..picture.height()).filter(|y| y.abs_diff(at[1]) > OPEN) {
        picture.put(at[0], y, LINES, 0.35);
    }
}

/// The labelled voxel nearest to the centre of all labelled voxels, so that the planes cut a
/// structure even where it is bent around its centre.
fn middle(scene: &Scene) -> [usize; 3] {
    let size = scene.image.geometry().size();
    let layers = scene.layers();
    let labelled = layers.first().map(|(_, map)| {
        let grid = map.geometry();
        let voxels = map.data().iter().enumerate().filter(|(_, l)| **l != 0);
        voxels.map(|(i, _)| grid.index(i)).collect::<Vec<_>>()
    });
    let voxels = labelled.unwrap_or_default();
    if voxels.is_empty() {
        return size.map(|n| n / 2);
    }
    let count = voxels.len() as f64;
    let centre: [f64; 3] =
        std::array::from_fn(|i| voxels.iter().map(|v| v[i] as f64).sum::<f64>() / count);
    let distance =
        |v: &[usize; 3]| -> f64 { (0..3).map(|i| (v[i] as f64 - centre[i]).powi(2)).sum() };
    let nearest = voxels
        .iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.copied().unwrap_or(size.map(|n| n / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, Volume};

    #[test]
    fn the_planes_go_through_the_labels() {
        let grid = Geometry::axis_aligned([30, 20, 10], [1.0, 1.0, 3.0]).unwrap();
        let image = Volume::filled(grid, 1.0f32);
        let labels = LabelMap::from_fn(grid, |[x, y, z]| u16::from(x > 20 && y < 5 && z == 2));
        let scene = Scene {
            reference: Some(&labels),
            ..Scene::of(&image)
        };
        assert_eq!(middle(&scene), [25, 2, 2]);
        assert_eq!(middle(&Scene::of(&image)), [15, 10, 5]);
        let sheet = ThreePlanes::default().draw(&scene).unwrap();
        let colour = crate::label_colour(1);
        assert!(sheet.pixels().contains(&colour));
        let outside = ThreePlanes {
            through: Some([30, 0, 0]),
            ..ThreePlanes::default()
        };
        assert!(matches!(outside.draw(&scene), Err(Error::NoVoxel { .. })));
    }
}
