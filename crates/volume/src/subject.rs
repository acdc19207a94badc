//! One case: its image channels and its labels under one geometry, so that a mismatch cannot exist.

use crate::{Geometry, LabelMap, Result, Volume};

/// A case with its image and, where they are known, its labels, all on one grid.
///
/// ```
/// use vesalius_volume::{Error, Geometry, LabelMap, Subject, Volume};
///
/// let grid = Geometry::axis_aligned([8, 8, 4], [1.0, 1.0, 2.0])?;
/// let (image, labels) = (Volume::filled(grid, 100.0), LabelMap::background(grid));
/// let subject = Subject::new("case_01", image.clone(), Some(labels))?;
/// assert_eq!(subject.name(), "case_01");
/// assert_eq!(subject.geometry().size(), [8, 8, 4]);
///
/// // Labels 3 mm away from the image are refused.
/// let moved = LabelMap::background(grid.with_origin([3.0, 0.0, 0.0])?);
/// let refused = Subject::new("case_01", image, Some(moved));
/// assert!(matches!(refused, Err(Error::GeometryMismatch { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    name: String,
    image: Volume<f32>,
    labels: Option<LabelMap>,
}

impl Subject {
    /// A case from its image and labels. Labels take over the image's geometry to the bit, so that
    /// rounding in a file's header cannot make two grids out of one.
    ///
    /// # Errors
    /// [`crate::Error::GeometryMismatch`], which names the case, when the labels lie on another grid.
    pub fn new(
        name: impl Into<String>,
        image: Volume<f32>,
        labels: Option<LabelMap>,
    ) -> Result<Self> {
        let name = name.into();
        let labels = match labels {
            Some(labels) => {
                let what = format!("image and label of case {name}");
                image.geometry().check_same(labels.geometry(), &what)?;
                Some(labels.with_geometry(*image.geometry())?)
            }
            None => None,
        };
        Ok(Self {
            name,
            image,
            labels,
        })
    }

    /// The case's name, used in messages and in the names of results.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The one geometry of everything in this case.
    pub fn geometry(&self) -> &Geometry {
        self.image.geometry()
    }

    /// The image channels.
    pub fn image(&self) -> &Volume<f32> {
        &self.image
    }

    /// The values of the image, to change them in place; see [`Volume::data`] for their order.
    pub fn image_data_mut(&mut self) -> &mut [f32] {
        self.image.data_mut()
    }

    /// The labels, where they are known.
    pub fn labels(&self) -> Option<&LabelMap> {
        self.labels.as_ref()
    }

    /// The label of each voxel, to change them in place, where they are known.
    pub fn labels_data_mut(&mut self) -> Option<&mut [u16]> {
        self.labels.as_mut().map(LabelMap::data_mut)
    }

    /// Name, image and labels.
    pub fn into_parts(self) -> (String, Volume<f32>, Option<LabelMap>) {
        (self.name, self.image, self.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_on_another_grid_is_refused_by_name() {
        let grid = |shift: f64| {
            Geometry::from_parts(
                [3, 3, 3],
                [1.0; 3],
                [shift, 0.0, 0.0],
                [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            )
            .unwrap()
        };
        let image = || Volume::filled(grid(0.0), 1.0f32);
        let near = Subject::new("a", image(), Some(LabelMap::background(grid(0.005)))).unwrap();
        assert_eq!(near.labels().unwrap().geometry(), near.image().geometry());
        let far = Subject::new("case_7", image(), Some(LabelMap::background(grid(0.5))));
        assert!(far.unwrap_err().to_string().contains("case_7"));
    }
}
