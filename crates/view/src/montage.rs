//! Several slices in one picture: for each slice the image, and next to it the image with each label map drawn over it.

use crate::panel::Panel;
use crate::{Colour, Overlay, Picture, Plane, Result, Scene, Slicing, Window, text};

pub(crate) const PAPER: Colour = [17, 18, 20];
pub(crate) const INK: Colour = [225, 226, 228];
pub(crate) const FAINT: Colour = [150, 153, 158];
pub(crate) const GAP: usize = 8;

/// The layout of a montage: slices below each other, in [`Montage::columns`] columns. Each slice has a tile with the
/// image, and one for each label map of the [`Scene`] with the labels over the image. Below are the legend, the
/// orientation and the window.
///
/// ```
/// use vesalius_view::{Montage, Scene};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// let grid = Geometry::axis_aligned([32, 24, 10], [1.0, 1.0, 3.0])?;
/// let image = Volume::from_fn(grid, |[x, y, _]| (x * y) as f32);
/// let labels = LabelMap::from_fn(grid, |[x, y, z]| u16::from(x > 8 && y > 8 && z > 2));
/// let scene = Scene { prediction: Some(&labels), ..Scene::of(&image) };
/// let picture = Montage { slices: 3, ..Montage::default() }.draw(&scene)?;
/// // Image and prediction next to each other, one row per slice.
/// assert!(picture.height() > 3 * 100);
/// let png: Vec<u8> = picture.png()?;
/// assert_eq!(png[1..4], *b"PNG");
/// # Ok::<(), vesalius_view::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Montage {
    /// The plane of the slices; by default axial.
    pub plane: Plane,
    /// The number of slices, by default 4. They are spread evenly from the first to the last slice with labels, or
    /// over the middle four fifths of an image without labels; see [`Scene::slices`].
    pub slices: usize,
    /// If not empty, exactly these slices are drawn instead, numbered from 0 in the order of [`Slicing`].
    pub at: Vec<usize>,
    /// The intensities that are drawn black and white.
    pub window: Window,
    /// Opacity and outline of labels.
    pub overlay: Overlay,
    /// Pixels of the side of a slice that is longer in mm; by default 320.
    pub tile: usize,
    /// The number of slices next to each other in one row; by default 1.
    pub columns: usize,
    /// A line above the tiles, such as the name of the case; empty for none.
    pub title: String,
}

impl Default for Montage {
    fn default() -> Self {
        Self {
            plane: Plane::Axial,
            slices: 4,
            at: Vec::new(),
            window: Window::default(),
            overlay: Overlay::default(),
            tile: 320,
            columns: 1,
            title: String::new(),
        }
    }
}

impl Montage {
    /// Draws the picture.
    ///
    /// # Errors
    /// As [`Scene::check`] and [`Window::check`]; [`crate::Error::BadOption`] if `slices`, `columns` or `tile` is 0;
    /// [`crate::Error::NoSlice`] for a number in `at` that the image does not have; [`crate::Error::TooLarge`].
    pub fn draw(&self, scene: &Scene) -> Result<Picture> {
        scene.check()?;
        self.window.check()?;
        at_least_one("the number of slices", self.slices)?;
        at_least_one("the number of columns", self.columns)?;
        at_least_one("the size of a tile", self.tile)?;
        let slicing = Slicing::new(scene.image.geometry(), self.plane);
        let slices = if self.at.is_empty() {
            scene.slices(self.plane, self.slices)
        } else {
            self.at.clone()
        };
        if let Some(&slice) = slices.iter().find(|&&slice| slice >= slicing.count()) {
            return Err(crate::Error::NoSlice {
                slice,
                plane: self.plane.name(),
                count: slicing.count(),
            });
        }
        let range = self.window.range(scene.image, scene.channel);
        let panel = |slice| Panel {
            scene,
            slicing: &slicing,
            slice,
            range,
            scale: scale(&slicing, self.tile),
        };
        let legend = Legend::of(scene);
        let layers = scene.layers();
        let [width, height] = panel(0).size();
        let group = (width + GAP) * (1 + layers.len());
        let columns = self.columns.clamp(1, slices.len());
        let sheet_width = (group * columns + GAP).max(44 * text::LETTER);
        let title = (text::LINE + GAP) * usize::from(!self.title.is_empty());
        let top = GAP + title + text::LINE + GAP;
        let row_height = text::LINE + 2 + height + GAP;
        let rows = slices.len().div_ceil(columns);
        let foot =
            legend.height(sheet_width) + GAP + self.footer(range, sheet_width).len() * text::LINE;
        let mut sheet = Picture::filled(sheet_width, top + rows * row_height + foot + GAP, PAPER)?;

        if !self.title.is_empty() {
            let title = text::fitted(&self.title, sheet_width - 2 * GAP);
            text::write(&mut sheet, [GAP, GAP], &title, INK);
        }
        for column in 0..columns {
            let titles = std::iter::once("image").chain(layers.iter().map(|(name, _)| *name));
            for (i, name) in titles.enumerate() {
                let x = GAP + column * group + i * (width + GAP);
                let name = text::fitted(name, width);
                text::write(&mut sheet, [x, top - GAP - text::LINE], &name, INK);
            }
        }
        for (i, &slice) in slices.iter().enumerate() {
            let x = GAP + i % columns * group;
            let y = top + i / columns * row_height;
            let caption = text::fitted(&slicing.caption(slice), group - GAP);
            text::write(&mut sheet, [x, y], &caption, FAINT);
            let y = y + text::LINE + 2;
            let panel = panel(slice);
            sheet.paste(&panel.draw(None)?, [x, y]);
            for (j, (_, map)) in layers.iter().enumerate() {
                let tile = panel.draw(Some((map, self.overlay)))?;
                sheet.paste(&tile, [x + (j + 1) * (width + GAP), y]);
            }
        }
        let y = top + rows * row_height;
        legend.write(&mut sheet, [GAP, y]);
        let y = y + legend.height(sheet_width) + GAP;
        for (i, line) in self.footer(range, sheet_width).iter().enumerate() {
            text::write(&mut sheet, [GAP, y + i * text::LINE], line, FAINT);
        }
        Ok(sheet)
    }

    fn footer(&self, range: [f32; 2], width: usize) -> Vec<String> {
        footer(&[self.plane], range, width)
    }
}

/// Checks that an option is not 0.
pub(crate) fn at_least_one(option: &'static str, found: usize) -> Result<()> {
    match found {
        0 => Err(crate::Error::BadOption {
            option,
            found: found.to_string(),
            expected: "1 or more",
        }),
        _ => Ok(()),
    }
}

/// Millimetres per pixel with which the side of a slice that is longer in mm has `tile` pixels.
pub(crate) fn scale(slicing: &Slicing, tile: usize) -> f64 {
    let (size, spacing) = (slicing.size(), slicing.spacing());
    let longest = (0..2).fold(0.0f64, |m, i| m.max(size[i] as f64 * spacing[i]));
    longest / tile as f64
}

/// Lines with the orientation of the planes and the window, wrapped to a width in pixels.
pub(crate) fn footer(planes: &[Plane], range: [f32; 2], width: usize) -> Vec<String> {
    let mut parts = Vec::new();
    if planes.iter().any(|&plane| plane != Plane::Sagittal) {
        parts.push("radiological: patient's right on the left;".to_owned());
    }
    if planes.contains(&Plane::Sagittal) {
        parts.push("sagittal: anterior on the left;".to_owned());
    }
    parts.push(format!("window {} to {}", short(range[0]), short(range[1])));
    let room = (width.saturating_sub(2 * GAP) / text::LETTER).max(8);
    let mut lines: Vec<String> = Vec::new();
    for word in parts.join(" ").split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// An intensity with no decimals from 100 on, one from 1 on, and three below.
fn short(value: f32) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 1.0 => 1,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Colours and names of the labels that occur in a scene.
pub(crate) struct Legend(Vec<(Colour, String)>);

impl Legend {
    pub fn of(scene: &Scene) -> Self {
        let entry = |label: u32| (scene.colour(label), scene.name(label));
        Self(scene.labels().into_iter().map(entry).collect())
    }

    /// The pixel `[x, y]`, relative to the corner of the legend, at which each entry begins in a picture of this width.
    fn places(&self, sheet_width: usize) -> Vec<[usize; 2]> {
        let (mut x, mut y) = (0, 0);
        let mut places = Vec::with_capacity(self.0.len());
        for (_, name) in &self.0 {
            let width = text::LINE + 4 + text::width(name) + 2 * GAP;
            if x > 0 && x + width > sheet_width.saturating_sub(2 * GAP) {
                (x, y) = (0, y + text::LINE + 4);
            }
            places.push([x, y]);
            x += width;
        }
        places
    }

    pub fn height(&self, sheet_width: usize) -> usize {
        let last = self.places(sheet_width).last().copied();
        last.map_or(0, |[_, y]| y + text::LINE)
    }

    pub fn write(&self, sheet: &mut Picture, corner: [usize; 2]) {
        let width = sheet.width();
        for ((colour, name), [dx, dy]) in self.0.iter().zip(self.places(width)) {
            let [x, y] = [corner[0] + dx, corner[1] + dy];
            sheet.fill([x, y + 1], [text::LINE - 2, text::LINE - 2], *colour, 1.0);
            let room = width.saturating_sub(x + text::LINE + 4 + GAP);
            let name = text::fitted(name, room);
            text::write(sheet, [x + text::LINE + 4, y], &name, INK);
        }
    }
}
