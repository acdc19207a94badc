//! What filters do to label maps, and to files that may be ones.

use super::common::{advised, error, success};
use std::path::Path;
use vesalius::io::{read_labels, write_labels};
use vesalius::volume::{Geometry, LabelMap};

/// Labels 2 and 4 side by side, 2 with a hole, 4 with a stray piece, and 300 within a hollow 7.
fn label_map(folder: &Path) -> LabelMap {
    let grid = Geometry::axis_aligned([30, 14, 9], [1.0, 1.0, 2.0]).unwrap();
    let labels = LabelMap::from_fn(grid, |[x, y, z]| {
        let inside = |x0: usize, y0: usize, side: usize| {
            (x0..x0 + side).contains(&x) && (y0..y0 + side).contains(&y) && (2..7).contains(&z)
        };
        let core = |x0: usize, y0: usize| [x, y, z] == [x0, y0, 4];
        match () {
            () if core(5, 5) => 0u16,
            () if core(20, 5) => 300,
            () if (19..=21).contains(&x) && (4..=6).contains(&y) && (3..=5).contains(&z) => 0,
            () if inside(3, 3, 5) => 2,
            () if inside(10, 3, 5) => 4,
            () if inside(18, 3, 5) => 7,
            () if core(28, 12) => 4,
            () => 0,
        }
    });
    write_labels(folder.join("map.nii.gz"), &labels).unwrap();
    labels
}

#[test]
fn label_maps_stay_label_maps() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let labels = label_map(folder);
    let run = |words: &str| -> LabelMap {
        let words = ["filter"].into_iter().chain(words.split(' '));
        let arguments: Vec<&str> = words.chain(["--overwrite"]).collect();
        success(folder, &arguments);
        read_labels(folder.join("out.nii.gz")).unwrap()
    };
    let values = |map: &LabelMap| map.counts().into_keys().collect::<Vec<_>>();
    for words in [
        "dilate map.nii.gz out.nii.gz --radius 1",
        "close map.nii.gz out.nii.gz --radius-mm 2",
        "fill-holes map.nii.gz out.nii.gz",
        "keep-largest map.nii.gz out.nii.gz",
        "keep-larger-than map.nii.gz out.nii.gz --minimum-volume 2",
        "median map.nii.gz out.nii.gz --radius 1 --labels",
        "contour map.nii.gz out.nii.gz",
    ] {
        let expected: &[u32] = match words.contains("median") {
            // The one voxel of 300 is outvoted.
            true => &[0, 2, 4, 7],
            false => &[0, 2, 4, 7, 300],
        };
        assert_eq!(values(&run(words)), expected, "{words}");
    }
    let filled = run("fill-holes map.nii.gz out.nii.gz");
    assert_eq!(filled.get([5, 5, 4]), 2);
    assert_eq!((filled.get([20, 5, 4]), filled.get([19, 4, 3])), (300, 7));
    assert_eq!(filled.counts()[&4], labels.counts()[&4]);
    let grown = run("dilate map.nii.gz out.nii.gz --radius 2,0,0 --shape box");
    // Two voxels between 2 and 4: each takes the label next to it.
    assert_eq!((grown.get([8, 4, 4]), grown.get([9, 4, 4])), (2, 4));
    let kept = run("keep-largest map.nii.gz out.nii.gz");
    assert_eq!(kept.counts()[&4], labels.counts()[&4] - 1);
    for words in ["--radius 1", "--radius 1 --shape cross"] {
        let eroded = run(&format!("erode map.nii.gz out.nii.gz {words}"));
        assert_eq!(values(&eroded), [0, 2, 4], "{words}");
    }
    let opened = run("open map.nii.gz out.nii.gz --radius 1 --shape box");
    assert_eq!(values(&opened), [0, 4]);

    // As one mask, on request.
    for name in ["dilate", "erode", "open", "close"] {
        let mask = run(&format!("{name} map.nii.gz out.nii.gz --radius 1 --binary"));
        assert_eq!(values(&mask), [0, 1], "{name}");
    }
    let mask = run("fill-holes map.nii.gz out.nii.gz --binary");
    assert_eq!(
        (values(&mask), mask.counts()[&1]),
        (vec![0, 1], 3 * 125 + 1)
    );
    let one = run("fill-holes map.nii.gz out.nii.gz --label 7");
    assert_eq!((values(&one), one.counts()[&1]), (vec![0, 1], 125));
    let apart = run("components map.nii.gz out.nii.gz");
    let together = run("components map.nii.gz out.nii.gz --binary --neighbours 26");
    assert_eq!(
        (apart.counts().len(), together.counts().len()),
        (1 + 5, 1 + 5)
    );
    let largest = run("keep-largest map.nii.gz out.nii.gz --binary");
    assert_eq!(values(&largest), [0, 4]);
    let text = error(
        folder,
        &[
            "filter",
            "dilate",
            "map.nii.gz",
            "no.nii.gz",
            "--radius",
            "1",
            "--binary",
            "--label",
            "2",
        ],
    );
    assert!(text.contains("--label"), "{text}");
}

#[test]
fn a_median_asks_what_a_file_of_few_numbers_is() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    label_map(folder);
    let text = error(folder, &["filter", "median", "map.nii.gz", "out.nii.gz"]);
    assert!(text.contains("5 different whole numbers (u16)"), "{text}");
    let commands = advised(&text);
    assert_eq!(commands.len(), 2, "{text}");
    for command in commands {
        let words = command.iter().map(String::as_str);
        let words: Vec<&str> = words.chain(["--overwrite"]).collect();
        success(folder, &words);
        let labels = words.contains(&"--labels");
        let stored = vesalius::io::probe(folder.join("out.nii.gz"))
            .unwrap()
            .voxel_type;
        assert_eq!(stored.is_integer(), labels, "{words:?}");
    }
}
