//! Where the ends of a diameter lie: on an image of the source, or in space.

use super::content::{Concept, Content};
use super::{ReportClass, ReportWriter};
use crate::Result;
use crate::set::Set;
use crate::space::{Point, dot, flip};
use dicom_dictionary_std::tags;
use vesalius_filters::Diameter;

const PATH: Concept = ("121055", "DCM", "Path");
/// How far from a frame's plane an end on it may lie, mm: headers round places.
const OFF: f64 = 0.1;

impl ReportWriter {
    /// The line of a diameter on the image on which both ends lie, where one does.
    pub(super) fn on_image<'a>(
        &self,
        content: Content<'_, 'a>,
        diameter: &Diameter,
    ) -> Result<Option<Set<'a>>> {
        let ends = diameter.ends.map(flip);
        let Some((number, places)) = self.frame_of(ends) else {
            return Ok(None);
        };
        let frame = &self.source.frames[number];
        let instance = &self.source.instances[frame.instance];
        let mut image = content.image(&instance.class, &instance.uid)?;
        if instance.multi_frame {
            image.integer(tags::REFERENCED_FRAME_NUMBER, frame.number as i64);
        }
        content.line(PATH, &places, image).map(Some)
    }

    /// The frame whose plane both points lie on, and their columns and rows from its upper left corner.
    fn frame_of(&self, ends: [Point; 2]) -> Option<(usize, [f64; 4])> {
        let frames = self.source.frames.iter().enumerate();
        let near = frames.filter_map(|(number, frame)| {
            let plane = frame.plane?;
            let normal = plane.normal();
            let away = ends.map(|end| (dot(end, normal) - plane.height(normal)).abs());
            Some((away[0].max(away[1]), number, plane))
        });
        let (away, number, plane) = near.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let places = ends.map(|end| {
            let from: Point = std::array::from_fn(|i| end[i] - plane.position[i]);
            // The centre of the first pixel is half a pixel from the corner.
            [
                dot(from, plane.row) / plane.spacing[0] + 0.5,
                dot(from, plane.column) / plane.spacing[1] + 0.5,
            ]
        });
        let size = self.source.size;
        let inside =
            |place: &[f64; 2]| (0..2).all(|i| (-OFF..=size[i] as f64 + OFF).contains(&place[i]));
        let fits = away <= OFF && places.iter().all(inside);
        let [[a, b], [c, d]] = places;
        fits.then_some((number, [a, b, c, d]))
    }

    /// The line of a diameter in space, where the report's class has such.
    pub(super) fn in_space<'a>(
        &self,
        content: Content<'_, 'a>,
        diameter: &Diameter,
    ) -> Result<Vec<Set<'a>>> {
        let frame = self.source.frame_of_reference();
        match (self.class, frame) {
            (ReportClass::Comprehensive3d, Some(frame)) => {
                let places = diameter.ends.map(flip).concat();
                Ok(vec![content.line_in_space(PATH, &places, &frame)?])
            }
            _ => Ok(Vec::new()),
        }
    }
}
