//! Structures as labels on the grid of an image: each contour in the slice that is nearest to its plane.

use super::super::series::Series;
use super::fill::flip_inside;
use super::{Contour, Structure, StructureSet};
use crate::{Error, LabelName, Result};
use std::collections::BTreeMap;
use vesalius_volume::{Affine, Geometry, LabelMap, Warning, label_colour};

/// A contour whose points are further from one plane, in slices, is not of these slices.
const FLAT: f64 = 0.2;

/// What becomes of contours beyond the first and the last slice of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OutsideContours {
    /// An error: the grid may be that of another image.
    #[default]
    Refuse,
    /// They are left out, which is told: [`Warning::ContoursLeftOut`].
    LeaveOut,
}

/// How structures become labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StructureOptions {
    /// The names of the structures to take, in the order of their labels; empty for all that have contours.
    pub names: Vec<String>,
    /// Contours beyond the first and the last slice.
    pub outside: OutsideContours,
}

impl StructureSet {
    /// The structures on the grid of a series, as [`StructureSet::label_map`]. The series must be in the frame of
    /// reference in which the contours were drawn.
    ///
    /// # Errors
    /// As [`StructureSet::label_map`], and for a series of another frame of reference, or without a geometry.
    pub fn label_map_on(
        &self,
        series: &Series,
        options: &StructureOptions,
    ) -> Result<(LabelMap<u16>, Vec<LabelName>)> {
        self.check_frame(&series.frame_of_reference, "series")?;
        let geometry = series.geometry.ok_or_else(|| {
            self.wrong(
                "the series",
                series.label(),
                "slices that make a volume".to_owned(),
            )
        })?;
        self.label_map(&geometry, options)
    }

    /// Fills the structures on a grid, and the name and colour of each label, which are 1, 2, … in the order of the
    /// structures. A voxel is inside where its centre is, by the even-odd rule over all contours of a structure in its
    /// slice; contours of one structure in several planes near to one slice are taken from the nearest.
    ///
    /// # Errors
    /// A name that is not there, structures that overlap, contours that are not in the planes of the slices or lie beyond
    /// them.
    pub fn label_map(
        &self,
        grid: &Geometry,
        options: &StructureOptions,
    ) -> Result<(LabelMap<u16>, Vec<LabelName>)> {
        let chosen = self.chosen(options)?;
        let mut labels = LabelMap::<u16>::background(*grid);
        let (mut names, mut warnings) = (Vec::new(), Vec::new());
        for (structure, label) in chosen.into_iter().zip(1..=u16::MAX) {
            let (mask, told) = self.mask(structure, grid, options.outside)?;
            warnings.extend(told);
            let mut shared: BTreeMap<u16, usize> = BTreeMap::new();
            for (voxel, _) in labels
                .data_mut()
                .iter_mut()
                .zip(&mask)
                .filter(|(_, inside)| **inside)
            {
                match *voxel {
                    0 => *voxel = label,
                    other => *shared.entry(other).or_default() += 1,
                }
            }
            if let Some((other, count)) = shared.first_key_value() {
                let other: &LabelName = &names[usize::from(*other) - 1];
                return Err(self.wrong(
                    &format!("structures `{}` and `{}`", other.name, structure.name),
                    format!("{count} voxels in both"),
                    "structures that do not overlap; choose them by StructureOptions::names"
                        .to_owned(),
                ));
            }
            names.push(LabelName {
                value: label.into(),
                name: structure.name.clone(),
                color: structure
                    .color
                    .unwrap_or_else(|| label_colour(label.into())),
                layer: 0,
            });
        }
        Ok((labels.with_warnings(warnings), names))
    }

    /// Refuses an image in another frame of reference than that in which the contours were drawn, where both say theirs.
    pub(super) fn check_frame(&self, other: &str, image: &str) -> Result<()> {
        let mine = &self.frame_of_reference;
        if mine.is_empty() || other.is_empty() || mine == other {
            return Ok(());
        }
        let expected = format!(
            "{other}, that of the {image}; choose the {image} on which the contours were drawn"
        );
        Err(self.wrong("FrameOfReferenceUID", mine.clone(), expected))
    }

    fn wrong(&self, what: &str, found: String, expected: String) -> Error {
        Error::header(&self.path, what, found, expected)
    }

    /// The structures that the options name, or all that have contours.
    fn chosen(&self, options: &StructureOptions) -> Result<Vec<&Structure>> {
        if options.names.is_empty() {
            let drawn = self.structures.iter().filter(|s| !s.contours.is_empty());
            return Ok(drawn.collect());
        }
        let find = |name: &String| {
            let mut named = self
                .structures
                .iter()
                .filter(|s| s.name.eq_ignore_ascii_case(name));
            match (named.next(), named.next()) {
                (Some(structure), None) => Ok(structure),
                (None, _) => {
                    let known: Vec<&str> =
                        self.structures.iter().map(|s| s.name.as_str()).collect();
                    Err(self.wrong(
                        "structure",
                        name.clone(),
                        format!("one of {}", known.join(", ")),
                    ))
                }
                _ => Err(self.wrong(
                    "structure",
                    name.clone(),
                    "a name that one structure has".to_owned(),
                )),
            }
        };
        options.names.iter().map(find).collect()
    }

    /// The voxels inside of a structure, and what was left out.
    fn mask(
        &self,
        structure: &Structure,
        grid: &Geometry,
        outside: OutsideContours,
    ) -> Result<(Vec<bool>, Vec<Warning>)> {
        let mut left_out: BTreeMap<String, usize> = structure.left_out.iter().cloned().collect();
        let (axis, slices, beyond) = self.in_slices(structure, grid, outside)?;
        if beyond > 0 {
            left_out.insert("beyond the slices".to_owned(), beyond);
        }
        let mut mask = vec![false; grid.voxel_count()];
        let mut further = 0;
        for (slice, planes) in slices {
            let apart = |plane: &Plane| (plane.height - slice as f64).abs();
            let nearest = planes.iter().map(apart).fold(f64::INFINITY, f64::min);
            let (near, far): (Vec<_>, Vec<_>) = planes
                .into_iter()
                .partition(|plane| apart(plane) < nearest + 1e-3);
            further += far.len();
            fill_slice(&mut mask, grid, axis, slice, &near);
        }
        if further > 0 {
            let reason = "in a plane further from its slice than another".to_owned();
            left_out.insert(reason, further);
        }
        let told = left_out
            .into_iter()
            .map(|(reason, count)| Warning::ContoursLeftOut {
                structure: structure.name.clone(),
                count,
                reason,
            });
        Ok((mask, told.collect()))
    }

    /// The axis of the slices, the contours of each slice, and how many lie beyond the slices.
    fn in_slices(
        &self,
        structure: &Structure,
        grid: &Geometry,
        outside: OutsideContours,
    ) -> Result<(usize, BTreeMap<usize, Vec<Plane>>, usize)> {
        let to_index = grid.affine().inverse();
        let mut slices: BTreeMap<usize, Vec<Plane>> = BTreeMap::new();
        let (mut normal, mut beyond) = (None, 0);
        for (number, contour) in structure.contours.iter().enumerate() {
            let wrong = |found: &str, expected: &str| {
                let what = format!("contour {} of `{}`", number + 1, structure.name);
                Err(self.wrong(&what, found.to_owned(), expected.to_owned()))
            };
            let Some((axis, plane)) = Plane::of(contour, &to_index) else {
                return wrong(
                    "not in the plane of the slices",
                    "contours in the planes of the image on which they were drawn",
                );
            };
            if *normal.get_or_insert(axis) != axis {
                return wrong(
                    "in another plane than those before",
                    "contours of one orientation",
                );
            }
            let depth = grid.size()[axis];
            match plane.slice(depth) {
                Some(slice) => slices.entry(slice).or_default().push(plane),
                None if outside == OutsideContours::LeaveOut => beyond += 1,
                None => {
                    let last = depth - 1;
                    return wrong(
                        &format!("at slice {:.2}", plane.height),
                        &format!(
                            "0 to {last}, the slices of the image; OutsideContours::LeaveOut leaves it out"
                        ),
                    );
                }
            }
        }
        Ok((normal.unwrap_or(2), slices, beyond))
    }
}

/// A contour in voxels.
struct Plane {
    /// Along the normal, in slices.
    height: f64,
    /// Along the other two axes.
    points: Vec<[f64; 2]>,
}

impl Plane {
    /// The axis of the grid along which the contour is flat, and the contour in its plane; `None` where there is none.
    fn of(contour: &Contour, to_index: &Affine) -> Option<(usize, Self)> {
        // Decimals in the file are meant exactly: what arithmetic adds is far below.
        let exact = |v: f64| (v * 1e6).round() / 1e6;
        let points: Vec<[f64; 3]> = contour
            .points
            .iter()
            .map(|p| to_index.apply(*p).map(exact))
            .collect();
        let extent = |axis: usize| {
            let ends = points
                .iter()
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], p| {
                    [low.min(p[axis]), high.max(p[axis])]
                });
            (ends[1] - ends[0], (ends[0] + ends[1]) / 2.0)
        };
        // The slices of a series are along the last axis, which comes first.
        let axis = [2, 1, 0].into_iter().find(|axis| extent(*axis).0 <= FLAT)?;
        let [u, v] = others(axis);
        let height = extent(axis).1;
        let points = points.iter().map(|p| [p[u], p[v]]).collect();
        Some((axis, Self { height, points }))
    }

    /// The slice within half a slice of the plane.
    fn slice(&self, depth: usize) -> Option<usize> {
        let nearest = (self.height - 0.5).ceil();
        (nearest >= 0.0 && nearest < depth as f64).then_some(nearest as usize)
    }
}

/// The two other axes.
fn others(axis: usize) -> [usize; 2] {
    match axis {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    }
}

/// Fills the contours of one slice, even-odd over all of them.
fn fill_slice(mask: &mut [bool], grid: &Geometry, axis: usize, slice: usize, planes: &[Plane]) {
    let [u, v] = others(axis);
    let columns = grid.size()[u];
    let mut flat = vec![false; columns * grid.size()[v]];
    for plane in planes {
        flip_inside(&plane.points, columns, &mut flat);
    }
    for (at, _) in flat.iter().enumerate().filter(|(_, inside)| **inside) {
        let mut index = [slice; 3];
        (index[u], index[v]) = (at % columns, at / columns);
        mask[grid.offset(index)] = true;
    }
}
