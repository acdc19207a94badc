//! ANALYZE 7.5, which has no orientation.

use crate::foreign::assuming;
use crate::shared::shared;
use std::path::{Path, PathBuf};
use vesalius_io::{Error, Format, Remedy, probe_with, read, read_as_with, read_with, write};
use vesalius_volume::{Geometry, Volume, Warning};

/// An ANALYZE pair of 3 × 2 × 2 voxels of two bytes.
pub fn analyze(folder: &Path, change: impl Fn(&mut Vec<u8>)) -> PathBuf {
    let path = folder.join("a.hdr");
    let grid = Geometry::axis_aligned([3, 2, 2], [0.5, 0.5, 4.0]).unwrap();
    write(&path, &Volume::new(grid, 1, (0..12i16).collect()).unwrap()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(348);
    bytes[252..348].fill(0);
    bytes[112..120].fill(0);
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn analyze_is_read_with_a_spacing_and_what_is_guessed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = analyze(folder.path(), |_| ());
    for path in [path.clone(), path.with_extension("img")] {
        let error = read(&path).unwrap_err();
        assert_eq!(error.remedy(), Some(Remedy::AssumeSpacing), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("[0.5, 0.5, 4.0]") && text.contains("left and right"),
            "{text}"
        );
        let image = read_as_with::<i16>(&path, &assuming([0.5, 0.5, 4.0])).unwrap();
        assert!(image.data().iter().copied().eq(0..12));
        assert!(matches!(image.warnings(), [Warning::SpacingAssumed { .. }]));
        assert_eq!(image.geometry().spacing(), [0.5, 0.5, 4.0]);
    }
    let info = probe_with(&path, &assuming([1.0; 3])).unwrap();
    assert!(info.format == Format::Analyze && info.nifti.is_none());
    // SPM's factor of the values.
    let scaled = analyze(folder.path(), |b| {
        b[112..116].copy_from_slice(&0.5f32.to_le_bytes())
    });
    let image = read_with(&scaled, &assuming([1.0; 3])).unwrap();
    assert_eq!(image.get(0, [2, 1, 1]), 5.5);
    assert!(matches!(image.warnings()[1], Warning::FieldTakenAs { .. }));
    // A header that lies.
    for (at, value) in [(40, 0i16), (42, -1), (44, 3000), (70, 128), (72, 8)] {
        let bad = analyze(folder.path(), |b| {
            b[at..at + 2].copy_from_slice(&value.to_le_bytes())
        });
        assert!(read_with(&bad, &assuming([1.0; 3])).is_err(), "{at}");
    }
    std::fs::remove_file(path.with_extension("img")).unwrap();
    let alone = analyze(folder.path(), |_| ());
    std::fs::remove_file(alone.with_extension("img")).unwrap();
    let error = read_with(&alone, &assuming([1.0; 3])).unwrap_err();
    assert!(error.to_string().contains("a.img"), "{error}");
}

#[test]
fn a_shared_analyze_pair_is_refused_with_the_remedy_that_reads_it() {
    let Some(path) = shared("cases/images/nifti/analyze.hdr") else {
        return;
    };
    assert!(matches!(read(&path), Err(Error::NoGeometry { .. })));
    let image = read_with(&path, &assuming([0.7, 0.7, 3.0])).unwrap();
    assert_eq!(image.get(0, [3, 2, 1]), 397.0);
}
