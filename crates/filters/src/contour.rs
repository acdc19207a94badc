//! The outline of masks and labels: voxels that touch something else.

use crate::Result;
use crate::buffer;
use crate::components::Connectivity;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// The foreground voxels (labels other than 0) that have background among their neighbours within
/// the image, as a mask of 0 and 1 (ITK `BinaryContour`).
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::{Connectivity, contour};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([7, 7, 1], [1.0; 3])?;
/// let square = LabelMap::<u16>::from_fn(grid, |[x, y, _]| u16::from((1..6).contains(&x) && (1..6).contains(&y)));
/// let outline = contour(&square, Connectivity::Faces)?;
/// // 25 voxels, of which the 9 in the middle have no background neighbour.
/// assert_eq!(outline.counts()[&1], 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn contour<T: Label>(mask: &LabelMap<T>, connectivity: Connectivity) -> Result<LabelMap<u8>> {
    let background = T::default();
    let size = mask.geometry().size();
    let border = border_voxels(mask.data(), size, connectivity, |v| v != background);
    let values = border.into_par_iter().map(u8::from).collect();
    Ok(LabelMap::new(*mask.geometry(), values)?)
}

/// The labels of the voxels that have another label among their neighbours within the image; the
/// rest becomes background (ITK `LabelContour`).
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::{Connectivity, label_contour};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 1, 1, 2, 2, 2])?;
/// assert_eq!(label_contour(&labels, Connectivity::Faces)?.data(), [0, 0, 1, 2, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_contour<T: Label>(
    labels: &LabelMap<T>,
    connectivity: Connectivity,
) -> Result<LabelMap<T>> {
    outlined(labels, connectivity, &Work::unwatched())
}

/// As [`label_contour`], cancelled and followed through a control, in the stage `rows`.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn label_contour_with<T: Label>(
    labels: &LabelMap<T>,
    connectivity: Connectivity,
    control: &Control,
) -> Result<LabelMap<T>> {
    let [_, ny, nz] = labels.geometry().size();
    let work = Work::new(control, "rows", ny * nz);
    outlined(labels, connectivity, &work)
}

fn outlined<T: Label>(
    labels: &LabelMap<T>,
    connectivity: Connectivity,
    work: &Work,
) -> Result<LabelMap<T>> {
    let size = labels.geometry().size();
    let mut out = buffer::filled(T::default(), labels.data().len());
    if !out.is_empty() {
        let rows = out.par_chunks_mut(size[0]).enumerate();
        rows.for_each(|(line, target)| {
            if !work.goes_on() {
                return;
            }
            work.advance(1);
            let rows = rows_around(labels.data(), size, line, connectivity);
            let here = rows[0].0;
            for (x, value) in target.iter_mut().enumerate() {
                if any_near(&rows, x, |v| v != here[x]) {
                    *value = here[x];
                }
            }
        });
    }
    work.finish()?;
    Ok(LabelMap::new(*labels.geometry(), out)?)
}

/// Marks the voxels inside that have one outside among their neighbours within the image.
pub(crate) fn border_voxels<T: Copy + Send + Sync>(
    values: &[T],
    size: [usize; 3],
    connectivity: Connectivity,
    inside: impl Fn(T) -> bool + Sync,
) -> Vec<bool> {
    let mut out = buffer::filled(false, values.len());
    if out.is_empty() {
        return out;
    }
    // One pass over each row's neighbours marks where anything is outside; reach along x is then
    // computed within the row alone.
    out.par_chunks_mut(size[0]).enumerate().for_each_init(
        || vec![[false; 2]; size[0]],
        |near, (line, target)| {
            near.fill([false; 2]);
            let rows = rows_around(values, size, line, connectivity);
            for (row, reach) in &rows {
                for (near, &value) in near.iter_mut().zip(*row) {
                    near[usize::from(*reach)] |= !inside(value);
                }
            }
            let last = size[0] - 1;
            for (x, out) in target.iter_mut().enumerate() {
                let beside = near[x.saturating_sub(1)][1] | near[(x + 1).min(last)][1];
                *out = inside(rows[0].0[x]) & (near[x][0] | near[x][1] | beside);
            }
        },
    );
    out
}

/// The rows whose voxels touch this one's, this one first, and whether they do so diagonally
/// along x.
fn rows_around<T>(
    values: &[T],
    [nx, ny, nz]: [usize; 3],
    line: usize,
    connectivity: Connectivity,
) -> Vec<(&[T], bool)> {
    let (y, z) = (line % ny, line / ny);
    let mut rows = vec![(&values[line * nx..][..nx], true)];
    for dz in -1..=1isize {
        for dy in -1..=1isize {
            let steps = dy.unsigned_abs() + dz.unsigned_abs();
            let reach = match connectivity {
                Connectivity::Faces => 1,
                Connectivity::Edges => 2,
                Connectivity::Corners => 3,
            };
            let y = y.checked_add_signed(dy).filter(|&y| y < ny);
            let z = z.checked_add_signed(dz).filter(|&z| z < nz);
            if let (Some(y), Some(z)) = (y, z)
                && (1..=reach).contains(&steps)
            {
                rows.push((&values[(z * ny + y) * nx..][..nx], steps < reach));
            }
        }
    }
    rows
}

fn any_near<T: Copy>(rows: &[(&[T], bool)], x: usize, found: impl Fn(T) -> bool) -> bool {
    rows.iter().any(|(row, reach)| match reach {
        true => row[x.saturating_sub(1)..(x + 2).min(row.len())]
            .iter()
            .any(|&v| found(v)),
        false => found(row[x]),
    })
}
