//! Results on one sheet for those who read images: planes through the largest structure, slices over all, a table of
//! numbers, and a line that says what made it.

use crate::montage::{FAINT, GAP, INK, PAPER, footer, scale};
use crate::panel::Panel;
use crate::{Colour, Overlay, Picture, Plane, Result, Scene, Slicing, Window, text};
use vesalius_volume::LabelMap;

/// The bar of the notice, and its letters.
const BAR: Colour = [240, 200, 60];
const ON_BAR: Colour = [0, 0, 0];
/// Letters of a name in the table.
const NAME: usize = 28;
/// The square with a label's colour, and the gap behind it.
const SQUARE: usize = text::LINE + 4;
/// What every sheet is at least as wide as.
const NARROWEST: usize = 56 * text::LETTER;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRow {
    /// The label, which decides name and colour.
    pub label: u32,
    /// A value for each of the columns of the sheet.
    pub values: Vec<String>,
}

/// How a sheet of results is laid out. Structures are outlined.
///
/// ```
/// use vesalius_view::{ResultSheet, Scene, SheetRow};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// let grid = Geometry::axis_aligned([32, 24, 10], [1.0, 1.0, 3.0])?;
/// let image = Volume::from_fn(grid, |[x, y, _]| (x * y) as f32);
/// let labels = LabelMap::from_fn(grid, |[x, y, z]| u16::from(x > 8 && y > 8 && z > 2));
/// let names = vec![(1, "liver".to_owned())];
/// let scene = Scene { prediction: Some(&labels), names, ..Scene::of(&image) };
///
/// let volume = labels.counts()[&1] as f64 * grid.voxel_volume() / 1000.0;
/// let sheet = ResultSheet {
///     columns: vec!["volume, ml".to_owned()],
///     rows: vec![SheetRow { label: 1, values: vec![format!("{volume:.1}")] }],
///     ..ResultSheet::default()
/// };
/// let picture = sheet.draw(&scene)?;
/// assert!(picture.width() > 500 && picture.height() > 300);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResultSheet {
    /// How many axial slices, spread evenly over those that hold labels, stand below the three planes; 0 for none.
    pub slices: usize,
    /// From intensities to grey.
    pub window: Window,
    /// How labels lie over the image.
    pub overlay: Overlay,
    /// Pixels of the longer side of each slice.
    pub tile: usize,
    /// A line above it all. Patients' names do not belong into pictures.
    pub title: String,
    /// The heads of the table's columns behind the names.
    pub columns: Vec<String>,
    /// The rows of the table.
    pub rows: Vec<SheetRow>,
    /// The line below it all, on a bar.
    pub notice: String,
}

impl Default for ResultSheet {
    fn default() -> Self {
        Self {
            slices: 3,
            window: Window::default(),
            overlay: Overlay {
                opacity: 0.0,
                outline: 1,
            },
            tile: 320,
            title: String::new(),
            columns: Vec::new(),
            rows: Vec::new(),
            notice: "Made by software. Not for diagnosis.".to_owned(),
        }
    }
}

/// A slice that is drawn, and its caption.
struct Tile<'a> {
    panel: Panel<'a>,
    caption: String,
}

impl Tile<'_> {
    fn width(&self) -> usize {
        self.panel.size()[0].max(text::width(&self.caption))
    }
}

impl ResultSheet {
    /// The sheet.
    ///
    /// # Errors
    /// As [`Scene::check`] and [`Window::check`]; [`crate::Error::BadOption`] for tiles without pixels, and for a row with
    /// another number of values than columns; [`crate::Error::TooLarge`].
    pub fn draw(&self, scene: &Scene) -> Result<Picture> {
        scene.check()?;
        self.window.check()?;
        crate::montage::at_least_one("the size of a tile", self.tile)?;
        let uneven = self
            .rows
            .iter()
            .find(|row| row.values.len() != self.columns.len());
        if let Some(row) = uneven {
            return Err(crate::Error::BadOption {
                option: "the number of values in a row",
                found: row.values.len().to_string(),
                expected: "as many as there are columns",
            });
        }
        let grid = scene.image.geometry();
        let map = scene.prediction.or(scene.reference);
        let through = map.and_then(largest).unwrap_or(grid.size().map(|n| n / 2));
        let range = self.window.range(scene.image, scene.channel);
        let slicings = Plane::ALL.map(|plane| Slicing::new(grid, plane));
        let tile = |plane: usize, slice| {
            let slicing = &slicings[plane];
            let panel = Panel {
                scene,
                slicing,
                slice,
                range,
                scale: scale(slicing, self.tile),
            };
            Tile {
                panel,
                caption: slicing.caption(slice),
            }
        };
        let planes = (0..3).map(|plane| tile(plane, slicings[plane].slice_of(through)));
        let mut bands: Vec<Vec<Tile>> = vec![planes.collect()];
        if self.slices > 0 {
            let slices = scene.slices(Plane::Axial, self.slices);
            bands.push(slices.into_iter().map(|slice| tile(0, slice)).collect());
        }
        let wide = |band: &Vec<Tile>| band.iter().map(|t| t.width() + GAP).sum::<usize>() + GAP;
        let notice = text::width(&self.notice) + 2 * GAP;
        let widths = bands.iter().map(wide);
        let width = widths.fold(
            NARROWEST.max(notice).max(self.entry() + 2 * GAP),
            usize::max,
        );
        let heights: Vec<usize> = bands.iter().map(|band| band_height(band)).collect();
        let words = footer(&Plane::ALL, range, width);
        let title = (text::LINE + GAP) * usize::from(!self.title.is_empty());
        let table = self.table_height(width);
        let bar = text::LINE + 2 * GAP;
        let total = GAP
            + title
            + heights.iter().sum::<usize>()
            + table
            + words.len() * text::LINE
            + GAP
            + bar;
        let mut sheet = Picture::filled(width, total, PAPER)?;
        let name = text::fitted(&self.title, width - 2 * GAP);
        text::write(&mut sheet, [GAP, GAP], &name, INK);
        let mut y = GAP + title;
        for (band, height) in bands.iter().zip(heights) {
            let mut x = GAP;
            for tile in band {
                text::write(&mut sheet, [x, y], &tile.caption, FAINT);
                let picture = tile.panel.draw(map.map(|map| (map, self.overlay)))?;
                sheet.paste(&picture, [x, y + text::LINE + 2]);
                x += tile.width() + GAP;
            }
            y += height;
        }
        self.write_table(&mut sheet, y, scene);
        y += table;
        for (i, line) in words.iter().enumerate() {
            text::write(&mut sheet, [GAP, y + i * text::LINE], line, FAINT);
        }
        sheet.fill([0, total - bar], [width, bar], BAR, 1.0);
        let x = (width - text::width(&self.notice)) / 2;
        text::write(&mut sheet, [x, total - bar + GAP], &self.notice, ON_BAR);
        Ok(sheet)
    }

    /// Pixels of each column of the table.
    fn columns(&self) -> Vec<usize> {
        let wide = |i: usize| {
            let values = self.rows.iter().map(|row| text::width(&row.values[i]));
            values.fold(text::width(&self.columns[i]), usize::max) + 2 * text::LETTER
        };
        (0..self.columns.len()).map(wide).collect()
    }

    /// Pixels of a row of the table with all its columns.
    fn entry(&self) -> usize {
        SQUARE + NAME * text::LETTER + self.columns().iter().sum::<usize>()
    }

    /// How often the table stands side by side, and its rows.
    fn table_shape(&self, width: usize) -> (usize, usize) {
        let beside = (width - GAP) / (self.entry() + 2 * GAP);
        let beside = beside.clamp(1, self.rows.len().max(1));
        (beside, self.rows.len().div_ceil(beside))
    }

    fn table_height(&self, width: usize) -> usize {
        if self.rows.is_empty() {
            return 0;
        }
        (self.table_shape(width).1 + 1) * (text::LINE + 2) + GAP
    }

    fn write_table(&self, sheet: &mut Picture, top: usize, scene: &Scene) {
        if self.rows.is_empty() {
            return;
        }
        let (beside, down) = self.table_shape(sheet.width());
        let columns = self.columns();
        let line = text::LINE + 2;
        for part in 0..beside {
            let left = GAP + part * (self.entry() + 2 * GAP);
            let rows = self.rows.iter().skip(part * down).take(down);
            let ends: Vec<usize> = columns
                .iter()
                .scan(left + SQUARE + NAME * text::LETTER, |x, wide| {
                    *x += wide;
                    Some(*x)
                })
                .collect();
            let write_right = |sheet: &mut Picture, end: usize, y, words: &str, ink| {
                text::write(sheet, [end - text::width(words), y], words, ink);
            };
            if rows.len() > 0 {
                for (head, &end) in self.columns.iter().zip(&ends) {
                    write_right(sheet, end, top, head, FAINT);
                }
            }
            for (i, row) in rows.enumerate() {
                let y = top + (i + 1) * line;
                let colour = scene.colour(row.label);
                sheet.fill([left, y + 1], [text::LINE - 2; 2], colour, 1.0);
                let name = text::fitted(&scene.name(row.label), NAME * text::LETTER);
                text::write(sheet, [left + SQUARE, y], &name, INK);
                for (value, &end) in row.values.iter().zip(&ends) {
                    write_right(sheet, end, y, value, INK);
                }
            }
        }
    }
}

fn band_height(band: &[Tile]) -> usize {
    let tallest = band.iter().map(|tile| tile.panel.size()[1]).max();
    text::LINE + 2 + tallest.unwrap_or(0) + GAP
}

/// The voxel of the label with the most voxels that is nearest to their centre.
fn largest(map: &LabelMap) -> Option<[usize; 3]> {
    let counts = map.counts();
    let labels = counts.into_iter().filter(|(label, _)| *label != 0);
    let (label, count) = labels.max_by_key(|(_, count)| *count)?;
    let grid = map.geometry();
    let voxels = || {
        let all = map.data().iter().enumerate();
        let own = all.filter(|(_, value)| u32::from(**value) == label);
        own.map(|(offset, _)| grid.index(offset))
    };
    let mut sums = [0.0; 3];
    voxels().for_each(|voxel| (0..3).for_each(|i| sums[i] += voxel[i] as f64));
    let centre = sums.map(|sum: f64| sum / count as f64);
    let distance = |voxel: &[usize; 3]| {
        (0..3)
            .map(|i| (voxel[i] as f64 - centre[i]).powi(2))
            .sum::<f64>()
    };
    voxels().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, Volume};

    fn row(label: u32, value: &str) -> SheetRow {
        SheetRow {
            label,
            values: vec![value.to_owned()],
        }
    }

    #[test]
    fn the_planes_go_through_the_largest_label_and_colours_are_those_of_the_scene() {
        let grid = Geometry::axis_aligned([30, 20, 10], [1.0, 1.0, 3.0]).unwrap();
        let image = Volume::filled(grid, 1.0f32);
        let labels = LabelMap::from_fn(grid, |[x, y, z]| match (x > 20 && y < 5, z == 2) {
            (true, true) => 1,
            (false, true) if x < 3 => 2,
            _ => 0,
        });
        assert_eq!(largest(&labels), Some([1, 9, 2]));
        assert_eq!(largest(&LabelMap::background(grid)), None);
        let scene = Scene {
            prediction: Some(&labels),
            colours: vec![(2, [10, 20, 30])],
            ..Scene::of(&image)
        };
        let sheet = ResultSheet {
            columns: vec!["ml".to_owned()],
            rows: vec![row(2, "0.1")],
            ..ResultSheet::default()
        };
        let picture = sheet.draw(&scene).unwrap();
        for colour in [[10, 20, 30], crate::label_colour(1), BAR, ON_BAR] {
            assert!(picture.pixels().contains(&colour), "{colour:?}");
        }
        let last = picture.get(0, picture.height() - 1);
        assert_eq!(last, Some(BAR), "the notice is at the bottom");
    }

    #[test]
    fn many_rows_stand_side_by_side_and_uneven_ones_are_refused() {
        let grid = Geometry::axis_aligned([30, 20, 10], [1.0, 1.0, 3.0]).unwrap();
        let image = Volume::filled(grid, 1.0f32);
        let scene = Scene::of(&image);
        let sheet = |count| ResultSheet {
            columns: vec!["volume, ml".to_owned()],
            rows: (1..=count).map(|label| row(label, "1234.5")).collect(),
            ..ResultSheet::default()
        };
        let heights = [1, 2, 40].map(|count| sheet(count).draw(&scene).unwrap().height());
        assert_eq!(heights[0], heights[1], "two beside each other");
        assert!(heights[2] - heights[1] <= 20 * (text::LINE + 2));
        let uneven = ResultSheet {
            rows: vec![SheetRow {
                label: 1,
                values: Vec::new(),
            }],
            ..sheet(1)
        };
        assert!(matches!(
            uneven.draw(&scene),
            Err(crate::Error::BadOption { .. })
        ));
    }
}
