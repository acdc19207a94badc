//! Labels kept as runs are written as those in memory are, however they lie on the source.

use crate::made::Made;
use crate::seg::{labels, open, three};
use crate::series::image;
use dicom_core::Tag;
use vesalius_dicom::{Error, FrameRule, GridRule, LabelSlices, SegKind, SegWriter};
use vesalius_filters::{flip, permute};
use vesalius_volume::{Affine, Geometry, LabelMap};

fn in_slices(labels: &LabelMap<u16>) -> LabelSlices {
    let [x, y, _] = labels.geometry().size();
    let mut slices = LabelSlices::new(*labels.geometry());
    for slice in labels.data().chunks(x * y) {
        slices.push(slice).unwrap();
    }
    slices
}

#[test]
fn runs_are_written_as_labels_in_memory_are() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let map = labels(*image(&series).geometry());
    let mut number = 0;
    let mut check = |writer: &SegWriter, map: &LabelMap<u16>, what: &str| {
        number += 1;
        let [whole, runs] =
            ["whole", "runs"].map(|way| folder.path().join(format!("{way}{number}")));
        let a = writer.write(map, &whole).unwrap();
        let b = writer.write_slices(&in_slices(map), &runs).unwrap();
        assert_eq!((a.frames, a.warnings), (b.frames, b.warnings), "{what}");
        let pixels = [whole, runs].map(|path| {
            let set = open(&path);
            set.get(Tag(0x7FE0, 0x0010))
                .unwrap()
                .to_bytes()
                .unwrap()
                .into_owned()
        });
        assert!(pixels[0].iter().any(|&byte| byte > 0));
        assert_eq!(pixels[0], pixels[1], "{what}");
    };
    let orders = [[0, 1, 2], [1, 0, 2], [2, 0, 1], [0, 2, 1]];
    for order in orders {
        for flips in 0..8 {
            let axes = [0, 1, 2].map(|axis| flips >> axis & 1 == 1);
            let turned = flip(&permute(&map, order).unwrap(), axes).unwrap();
            for kind in [SegKind::Binary, SegKind::LabelMap] {
                for frames in [FrameRule::Occupied, FrameRule::All] {
                    let writer = SegWriter::new(&series).unwrap().segments(three());
                    let writer = writer.kind(kind).frames(frames);
                    check(&writer, &turned, &format!("{order:?} {axes:?} {kind:?}"));
                }
            }
        }
    }
    // Off the source's grid each pixel takes the nearest label.
    let grid = map.geometry();
    let [x, y, z] = grid.affine().translation();
    let moved = Affine::from_linear(grid.affine().linear(), [x + 0.3, y + 0.2, z + 0.9]).unwrap();
    let moved = Geometry::new(grid.size(), moved).unwrap();
    let moved = LabelMap::new(moved, map.data().to_vec()).unwrap();
    let writer = SegWriter::new(&series).unwrap().segments(three());
    check(&writer.grid(GridRule::Nearest), &moved, "moved");
}

#[test]
fn slices_that_are_missing_are_not_taken_for_background() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let map = labels(*image(&series).geometry());
    let mut slices = LabelSlices::new(*map.geometry());
    slices.push(&map.data()[..7 * 5]).unwrap();
    let writer = SegWriter::new(&series).unwrap().segments(three());
    let target = folder.path().join("seg");
    let error = writer.write_slices(&slices, &target).unwrap_err();
    assert!(
        matches!(&error, Error::Segments(what) if what.contains("missing")),
        "{error}"
    );
    assert!(!target.exists());
}
