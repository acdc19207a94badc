//! Several slices on one sheet: one row per slice, with the image and each label map drawn over it.

use crate::panel::Panel;
use crate::{Colour, Overlay, Picture, Plane, Result, Scene, Slicing, Window, text};

pub(crate) const PAPER: Colour = [17, 18, 20];
pub(crate) const INK: Colour = [225, 226, 228];
pub(crate) const FAINT: Colour = [150, 153, 158];
pub(crate) const GAP: usize = 8;

/// How a montage is laid out.
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
    /// The plane of the slices.
    pub plane: Plane,
    /// How many slices, spread evenly over those that hold labels.
    pub slices: usize,
    /// Exactly these slices instead, counted as [`Slicing`] counts them.
    pub at: Vec<usize>,
    /// From intensities to grey.
    pub window: Window,
    /// How labels lie over the image.
    pub overlay: Overlay,
    /// Pixels of the longer side of a slice.
    pub tile: usize,
    /// Slices side by side in one row of the sheet.
    pub columns: usize,
    /// A line above it all, such as the name of the case.
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
    /// The sheet.
    ///
    /// # Errors
    /// As [`Scene::check`] and [`Window::check`]; [`crate::Error::BadOption`] for no slices, no columns or
    /// tiles without pixels, [`crate::Error::NoSlice`], [`crate::Error::TooLarge`].
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

/// Checks that there is something to draw.
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

/// Millimetres per pixel, such that the longer side of a slice has `tile` pixels.
pub(crate) fn scale(slicing: &Slicing, tile: usize) -> f64 {
    let (size, spacing) = (slicing.size(), slicing.spacing());
    let longest = (0..2).fold(0.0f64, |m, i| m.max(size[i] as f64 * spacing[i]));
    longest / tile as f64
}

/// Orientation and window in words, wrapped to a width in pixels.
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

/// An intensity with the digits that mean something.
fn short(value: f32) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 1.0 => 1,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Colours and names of the labels that occur.
pub(crate) struct Legend(Vec<(Colour, String)>);

impl Legend {
    pub fn of(scene: &Scene) -> Self {
        let entry = |label: u32| (scene.colour(label), scene.name(label));
        Self(scene.labels().into_iter().map(entry).collect())
    }

    /// Where each entry starts, relative to the corner, in a sheet of this width.
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
