//! What the tests of several files start from.

use super::ComponentOptions;
use vesalius_volume::{Geometry, LabelMap};

/// Three components where labels are joined.
pub(super) fn three() -> LabelMap<u16> {
    let grid = Geometry::axis_aligned([8, 2, 1], [0.5, 2.0, 3.0]).unwrap();
    let rows = [5, 5, 0, 1, 2, 3, 0, 4, 5, 0, 0, 0, 0, 0, 0, 0];
    LabelMap::new(grid, rows.to_vec()).unwrap()
}

/// Voxels of all labels together.
pub(super) fn together() -> ComponentOptions {
    ComponentOptions {
        by_label: false,
        ..Default::default()
    }
}
