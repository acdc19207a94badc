//! `vesalius filter`: every filter runs on files, does what the library does, and refuses nonsense.

#[path = "../common/mod.rs"]
mod common;
mod label_maps;

use common::{error, shared_case, success};
use std::path::Path;
use vesalius::filters;
use vesalius::io::{read, read_labels, write, write_labels};
use vesalius::volume::{Geometry, LabelMap, Volume};

/// `image.nii`: a bright ball in noise; `labels.nii`: a ball 1 with a hole, and a block 2.
fn files(folder: &Path) {
    let grid = Geometry::axis_aligned([24, 20, 16], [1.0, 1.0, 2.0]).unwrap();
    let distance = |[x, y, z]: [usize; 3]| {
        let [x, y, z] = [x as f64 - 10.0, y as f64 - 10.0, 2.0 * (z as f64 - 8.0)];
        (x * x + y * y + z * z).sqrt()
    };
    let image = Volume::from_fn(grid, |at| {
        let noise = (at[0] * 7 + at[1] * 13 + at[2] * 29) % 17;
        (if distance(at) < 7.0 { 200.0 } else { 60.0 }) + noise as f32
    });
    let labels = LabelMap::from_fn(grid, |at| match at {
        [10, 10, 8] => 0u16,
        _ if distance(at) < 7.0 => 1,
        [x, y, _] if x >= 20 && y >= 16 => 2,
        _ => 0,
    });
    write(folder.join("image.nii"), &image).unwrap();
    write_labels(folder.join("labels.nii"), &labels).unwrap();
}

#[test]
fn every_filter_of_the_list_runs() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    let commands: &[(&str, &str)] = &[
        ("rescale", "image.nii OUT --low -1 --high 1"),
        ("window", "image.nii OUT --level 100 --width 80"),
        ("clip", "image.nii OUT --low 70 --high 150"),
        ("normalise", "image.nii OUT --mask labels.nii --sample"),
        (
            "match-histogram",
            "image.nii OUT --reference image.nii --points 5",
        ),
        ("clahe", "image.nii OUT --tiles 3,3,2"),
        (
            "clahe",
            "image.nii OUT --convention scikit-image --clip-limit 0.02",
        ),
        ("n4", "image.nii OUT --iterations 5,5 --log-field field.nii"),
        (
            "gaussian",
            "image.nii OUT --sigma 1.5 --derivative first,none,none",
        ),
        ("discrete-gaussian", "image.nii OUT --variance 2,2,4"),
        ("median", "image.nii OUT --radius 1,1,0"),
        ("curvature-diffusion", "image.nii OUT --iterations 2"),
        ("gradient-magnitude", "image.nii OUT"),
        ("laplacian", "image.nii OUT"),
        ("laplacian-sharpening", "image.nii OUT"),
        ("unsharp-mask", "image.nii OUT --sigma 1 --amount 0.8"),
        ("dilate", "labels.nii OUT --radius 2 --shape box"),
        ("erode", "labels.nii OUT --radius-mm 2 --border"),
        ("open", "labels.nii OUT --radius 1 --shape cross"),
        ("close", "labels.nii OUT --radius 1 --label 1"),
        ("fill-holes", "labels.nii OUT --slices z"),
        ("reconstruct", "image.nii OUT --mask image.nii --by erosion"),
        ("components", "labels.nii OUT --neighbours 6 --by-label"),
        ("keep-largest", "labels.nii OUT"),
        ("keep-larger-than", "labels.nii OUT --minimum-volume 900"),
        ("keep-touching", "labels.nii OUT --seed 22,18,3"),
        ("component-statistics", "labels.nii"),
        ("threshold", "image.nii OUT --low 150"),
        ("otsu", "image.nii OUT --thresholds 2"),
        ("distance", "labels.nii OUT"),
        ("signed-distance", "labels.nii OUT"),
        ("watershed", "image.nii OUT --markers labels.nii --no-line"),
        ("contour", "labels.nii OUT --mask"),
        ("surface", "labels.nii surface.stl"),
        ("label-statistics", "labels.nii --image image.nii"),
        ("orient", "labels.nii OUT --to LPS --labels"),
        ("flip", "image.nii OUT --axes x,z"),
        ("permute", "image.nii OUT --order z,x,y"),
        (
            "crop-to-foreground",
            "image.nii OUT --mask labels.nii --margin 1",
        ),
        (
            "crop-or-pad",
            "labels.nii OUT --size 30,10,16 --pad edge --labels",
        ),
    ];
    let listed = success(folder, &["filter", "--list"]);
    for (number, (name, words)) in commands.iter().enumerate() {
        let out = format!("{number}.nii.gz");
        let words = words.replace("OUT", &out);
        let arguments: Vec<&str> = ["filter", name]
            .into_iter()
            .chain(words.split(' '))
            .collect();
        success(folder, &arguments);
        if words.contains(&out) {
            assert!(read(folder.join(&out)).is_ok(), "{name}");
        }
        assert!(
            listed
                .lines()
                .any(|line| line.starts_with(&format!("{name} ")))
        );
    }
    // Nothing is listed that is not tried here.
    let names = listed.lines().filter(|line| !line.starts_with(' '));
    for name in names.map(|line| line.split(' ').next().unwrap()) {
        assert!(commands.iter().any(|c| c.0 == name), "{name} is not tried");
    }
    assert!(
        listed.contains("--sigma MM") && listed.contains("6|18|26"),
        "{listed}"
    );
}

#[test]
fn files_hold_what_the_library_gives() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    let image = read(folder.join("image.nii")).unwrap();
    let labels = read_labels(folder.join("labels.nii")).unwrap();
    let run = |words: &str| {
        // Filters that only measure have no output.
        let more = words.contains(" out.").then_some("--overwrite");
        let words = ["filter"].into_iter().chain(words.split(' '));
        let arguments: Vec<&str> = words.chain(more).collect();
        success(folder, &arguments)
    };
    run("gaussian image.nii out.nii --sigma 1,1,2");
    let smooth = filters::recursive_gaussian(&image, [1.0, 1.0, 2.0]).unwrap();
    assert_eq!(read(folder.join("out.nii")).unwrap().data(), smooth.data());

    run("dilate labels.nii out.nii --radius-mm 2.5");
    let element = filters::Element::millimetres(filters::Shape::Ball, [2.5; 3]);
    let grown = filters::dilate(&labels, &element).unwrap();
    let found = read_labels(folder.join("out.nii")).unwrap();
    assert_eq!(found, grown);
    assert_eq!(found.counts().into_keys().collect::<Vec<_>>(), [0, 1, 2]);

    run("keep-touching labels.nii out.nii --seed 22,18,3");
    let kept = read_labels(folder.join("out.nii")).unwrap();
    assert_eq!(kept.counts().into_keys().collect::<Vec<_>>(), [0, 2]);

    run("fill-holes labels.nii out.nii --label 1");
    let filled = read_labels(folder.join("out.nii")).unwrap();
    assert_eq!(filled.get([10, 10, 8]), 1);
    assert_eq!(filled.get([22, 18, 3]), 0, "label 2 is no foreground here");

    let threshold: f64 = run("otsu image.nii out.nii").trim().parse().unwrap();
    assert!((77.0..200.0).contains(&threshold), "{threshold}");

    let said = run("surface labels.nii ball.ply --label 1");
    let ball = filters::label_surface(&labels, 1).unwrap();
    assert!(said.contains(&ball.triangles().len().to_string()), "{said}");
    assert!(
        std::fs::read(folder.join("ball.ply"))
            .unwrap()
            .starts_with(b"ply")
    );

    let json = run("label-statistics labels.nii --image image.nii --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let voxels = labels.data().iter().filter(|&&label| label == 2).count();
    assert_eq!(json[1]["label"], 2);
    assert_eq!(json[1]["voxels"], voxels);
    assert_eq!(json[1]["volume_ml"], voxels as f64 * 2.0 / 1000.0);
    assert!(json[0]["intensity"]["mean"].as_f64().unwrap() > 195.0);
    let table = run("component-statistics labels.nii");
    assert!(table.contains("centroid"), "{table}");
}

#[test]
fn nonsense_is_refused_with_the_option_and_what_to_do() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    std::fs::write(folder.join("torn.nii"), b"no image").unwrap();
    let small = LabelMap::<u8>::background(Geometry::axis_aligned([4; 3], [1.0; 3]).unwrap());
    write_labels(folder.join("small.nii"), &small).unwrap();
    for (words, expected) in [
        ("gaussian image.nii out.nii", &["--sigma"][..]),
        (
            "gaussian image.nii out.nii --sigma -1",
            &["sigma", "millimetres"],
        ),
        (
            "gaussian image.nii out.nii --sigma 1,2",
            &["--sigma", "x,y,z"],
        ),
        ("gaussian image.nii out.nii --sigma a", &["--sigma", "`a`"]),
        (
            "gausian image.nii out.nii --sigma 1",
            &["gausian", "gaussian"],
        ),
        ("dilate labels.nii out.nii", &["--radius"]),
        (
            "dilate labels.nii out.nii --radius 1 --radius-mm 1",
            &["--radius-mm"],
        ),
        (
            "dilate labels.nii out.nii --radius 1 --shape star",
            &["--shape", "ball"],
        ),
        ("dilate image.nii out.nii --radius 9000", &["radius"]),
        (
            "components labels.nii out.nii --neighbours 8",
            &["--neighbours", "26"],
        ),
        (
            "keep-touching labels.nii out.nii --seed 99,0,0",
            &["seed", "99"],
        ),
        ("clahe image.nii out.nii --clip-limit 0.5", &["clip limit"]),
        ("clahe image.nii out.nii --tiles 0", &["tile"]),
        ("otsu image.nii out.nii --thresholds 0", &["count"]),
        ("median image.nii out.nii --radius -1", &["--radius"]),
        (
            "normalise image.nii out.nii --mask small.nii",
            &["image and mask"],
        ),
        (
            "watershed image.nii out.nii --markers small.nii",
            &["markers"],
        ),
        ("surface labels.nii out.vtk", &[".stl"]),
        ("surface labels.nii out.stl --label 7", &["label 7"]),
        ("orient image.nii out.nii --to RAX", &["--to", "RAX"]),
        (
            "crop-to-foreground small.nii out.nii --labels",
            &["nothing but 0"],
        ),
        (
            "crop-to-foreground image.nii out.nii --mask small.nii",
            &["--mask"],
        ),
        (
            "gaussian image.nii out.nii --sigma 1 --derivative x",
            &["--derivative"],
        ),
        ("permute image.nii out.nii --order x,x,y", &["order"]),
        ("laplacian torn.nii out.nii", &["torn.nii"]),
        ("laplacian gone.nii out.nii", &["gone.nii"]),
        ("laplacian image.nii out.xyz", &["out.xyz"]),
        ("dilate image.nii out.nii.jpg --radius 1", &["out.nii.jpg"]),
    ] {
        let arguments: Vec<&str> = ["filter"].into_iter().chain(words.split(' ')).collect();
        let text = error(folder, &arguments);
        for word in expected {
            assert!(text.contains(word), "{words}: {text}");
        }
        assert!(!folder.join("out.nii").exists(), "{words} left a file");
    }
}

#[test]
fn n4_says_what_is_wrong_with_an_image_below_zero() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let grid = Geometry::axis_aligned([8; 3], [1.0; 3]).unwrap();
    write(folder.join("dark.nii"), &Volume::filled(grid, -3.0f32)).unwrap();
    let text = error(folder, &["filter", "n4", "dark.nii", "out.nii"]);
    assert!(text.contains("positive") && text.contains("-3"), "{text}");
}

/// `../shared/cases/limits`, rows 2 and 3, and `../shared/cases/work`, row 8.
#[test]
fn shared_cases_on_a_limit_have_their_right_numbers() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let run = |case: &str, words: &str| -> Option<LabelMap> {
        let case = shared_case(case)?;
        let words = words.replace("IN", case.to_str()?);
        let words = ["filter"].into_iter().chain(words.split(' '));
        let arguments: Vec<&str> = words.chain(["--overwrite"]).collect();
        success(folder, &arguments);
        Some(read_labels(folder.join("out.nii.gz")).unwrap())
    };
    let foreground = |map: &LabelMap| map.data().iter().filter(|&&label| label != 0).count();
    for (radius, voxels) in [(2, 33), (3, 123)] {
        let words = format!("dilate IN out.nii.gz --radius-mm {radius}");
        if let Some(grown) = run("limits/dilate_oblique.nii.gz", &words) {
            assert_eq!(foreground(&grown), voxels, "radius {radius}");
        }
    }
    let words = "keep-larger-than IN out.nii.gz --minimum-volume 100";
    if let Some(kept) = run("limits/keep_larger_oblique.nii.gz", words) {
        assert_eq!(foreground(&kept), 200);
    }
    if let Some(path) = shared_case("work/fh.nii.gz") {
        let before = read_labels(&path).unwrap();
        for words in [
            "fill-holes IN out.nii.gz",
            "dilate IN out.nii.gz --radius 1",
            "close IN out.nii.gz --radius 1",
        ] {
            let after = run("work/fh.nii.gz", words).unwrap();
            let labels = |map: &LabelMap| map.counts().into_keys().collect::<Vec<_>>();
            assert_eq!(labels(&after), labels(&before), "{words}");
            let kept = before.data().iter().zip(after.data());
            assert!(kept.into_iter().all(|(b, a)| *b == 0 || a == b), "{words}");
        }
    }
}

#[test]
fn a_threshold_without_a_bound_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    common::dataset(folder, 1);
    let threshold = [
        "filter",
        "threshold",
        "images/spheres_000.nii.gz",
        "mask.nii",
    ];
    let text = error(folder, &threshold);
    assert!(text.contains("`low`") && text.contains("`high`"), "{text}");
    assert!(!folder.join("mask.nii").exists());
    success(folder, &[&threshold[..], &["--low", "-1"]].concat());
}
