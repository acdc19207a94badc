//! Fuzzes the reader of RTSTRUCT files, and the filling of what it reads on a small grid.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use vesalius_io::{OutsideContours, StructureOptions, read_structures};
use vesalius_volume::Geometry;

fuzz_target!(|bytes: &[u8]| {
    let preamble = [&[0; 128][..], b"DICM"].concat();
    let path = shared::file("x.dcm", &shared::behind(&preamble, &preamble, bytes));
    let Ok(structures) = read_structures(&path) else {
        return;
    };
    let grid = Geometry::axis_aligned([9, 8, 7], [1.0, 1.5, 2.0]).expect("a grid");
    let mut options = StructureOptions::default();
    let _ = structures.label_map(&grid, &options);
    options.outside = OutsideContours::LeaveOut;
    let _ = structures.label_map(&grid, &options);
});
