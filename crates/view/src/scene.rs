//! What a picture shows: an image, the labels over it, and the names of the labels.

use crate::{Colour, Error, Plane, Result, Slicing, label_colour};
use vesalius_volume::{LabelMap, LabelScheme, Volume};

/// An image with its labels; all on one grid.
///
/// ```
/// use vesalius_view::Scene;
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// let grid = Geometry::axis_aligned([32, 24, 10], [1.0, 1.0, 3.0])?;
/// let image = Volume::from_fn(grid, |[x, y, _]| (x * y) as f32);
/// let found = LabelMap::from_fn(grid, |[x, _, z]| u16::from(x > 8 && z > 6));
/// let names = vec![(1, "liver".to_owned())];
/// let scene = Scene { prediction: Some(&found), names, ..Scene::of(&image) };
/// scene.check()?;
/// assert_eq!(scene.labels(), [1]);
/// assert_eq!((scene.name(1), scene.layers().len()), ("liver".to_owned(), 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// The image.
    pub image: &'a Volume<f32>,
    /// Which of its channels is shown.
    pub channel: usize,
    /// What an expert drew.
    pub reference: Option<&'a LabelMap>,
    /// What a model found.
    pub prediction: Option<&'a LabelMap>,
    /// Names of labels for the legend; labels without one are called by their value.
    pub names: Vec<(u32, String)>,
    /// Colours of labels; those without one have that of [`label_colour`].
    pub colours: Vec<(u32, Colour)>,
}

impl<'a> Scene<'a> {
    /// The first channel of an image, without labels.
    pub fn of(image: &'a Volume<f32>) -> Self {
        Self {
            image,
            channel: 0,
            reference: None,
            prediction: None,
            names: Vec::new(),
            colours: Vec::new(),
        }
    }

    /// The label maps, reference first, each with the title of its column.
    pub fn layers(&self) -> Vec<(&'static str, &'a LabelMap)> {
        let named = [
            ("reference", self.reference),
            ("prediction", self.prediction),
        ];
        named
            .into_iter()
            .filter_map(|(name, labels)| Some((name, labels?)))
            .collect()
    }

    /// Checks that the scene can be drawn.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NoChannel`], [`Error::Volume`] when grids differ.
    pub fn check(&self) -> Result<()> {
        let grid = self.image.geometry();
        if grid.voxel_count() == 0 {
            return Err(Error::Empty(grid.size()));
        }
        if self.channel >= self.image.channels() {
            return Err(Error::NoChannel {
                channel: self.channel,
                channels: self.image.channels(),
            });
        }
        for (name, labels) in self.layers() {
            grid.check_same(labels.geometry(), &format!("image and {name}"))?;
        }
        Ok(())
    }

    /// Every foreground label that occurs in a layer, rising.
    pub fn labels(&self) -> Vec<u32> {
        let mut labels: Vec<u32> = self
            .layers()
            .iter()
            .flat_map(|(_, map)| map.counts().into_keys())
            .filter(|&label| label != 0)
            .collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// The name of a label in the legend.
    pub fn name(&self, label: u32) -> String {
        let known = self.names.iter().find(|(value, _)| *value == label);
        known.map_or_else(|| format!("label {label}"), |(_, name)| name.clone())
    }

    /// The colour of a label.
    pub fn colour(&self, label: u32) -> Colour {
        let known = self.colours.iter().find(|(value, _)| *value == label);
        known.map_or_else(|| label_colour(label), |(_, colour)| *colour)
    }

    /// Which slices of a plane hold a label.
    pub(crate) fn occupied(&self, plane: Plane) -> Vec<bool> {
        let slicing = Slicing::new(self.image.geometry(), plane);
        let mut occupied = vec![false; slicing.count()];
        for (_, map) in self.layers() {
            let grid = map.geometry();
            for (offset, _) in map.data().iter().enumerate().filter(|(_, l)| **l != 0) {
                occupied[slicing.slice_of(grid.index(offset))] = true;
            }
        }
        occupied
    }

    /// `count` slices of a plane, spread evenly over those that hold a label; without labels over
    /// the middle four fifths.
    pub fn slices(&self, plane: Plane, count: usize) -> Vec<usize> {
        let occupied = self.occupied(plane);
        let total = occupied.len();
        let first = occupied.iter().position(|&o| o).unwrap_or(total / 10);
        let last = occupied
            .iter()
            .rposition(|&o| o)
            .unwrap_or((total * 9 / 10).saturating_sub(1).max(first));
        let span = last - first + 1;
        let count = count.clamp(1, span);
        // The middle of each of `count` equal parts.
        let place = |i: usize| first + (2 * i + 1) * span / (2 * count);
        (0..count).map(place).collect()
    }
}

/// The names of a scheme's labels, for [`Scene::names`]; a region has the value that it paints.
///
/// ```
/// use vesalius_view::label_names;
/// use vesalius_volume::LabelScheme;
///
/// let scheme = LabelScheme::exclusive(&[("liver", 1), ("tumour", 2)])?;
/// assert!(label_names(&scheme).contains(&(2, "tumour".to_owned())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_names(scheme: &LabelScheme) -> Vec<(u32, String)> {
    let labels = scheme.labels().into_iter();
    labels
        .map(|label| (label.value.into(), label.name.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn slices_are_spread_over_the_labels() {
        let grid = Geometry::axis_aligned([4, 4, 100], [1.0; 3]).unwrap();
        let image = Volume::filled(grid, 0.0f32);
        let labels = LabelMap::from_fn(grid, |[_, _, z]| u16::from((40..60).contains(&z)) * 3);
        let scene = Scene {
            prediction: Some(&labels),
            ..Scene::of(&image)
        };
        assert_eq!(scene.slices(Plane::Axial, 4), [42, 47, 52, 57]);
        assert_eq!(scene.slices(Plane::Axial, 50).len(), 20);
        assert_eq!(Scene::of(&image).slices(Plane::Axial, 2), [30, 70]);
        assert_eq!(scene.labels(), [3]);
        assert_eq!(scene.name(3), "label 3");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let grid = |x| Geometry::axis_aligned([x, 4, 4], [1.0; 3]).unwrap();
        let image = Volume::filled(grid(4), 0.0f32);
        let labels = LabelMap::background(grid(5));
        let scene = Scene {
            reference: Some(&labels),
            ..Scene::of(&image)
        };
        assert!(scene.check().unwrap_err().to_string().contains("reference"));
        let scene = Scene {
            channel: 1,
            ..Scene::of(&image)
        };
        assert!(matches!(scene.check(), Err(Error::NoChannel { .. })));
        let nothing = Volume::filled(grid(0), 0.0f32);
        assert!(matches!(Scene::of(&nothing).check(), Err(Error::Empty(_))));
    }
}
