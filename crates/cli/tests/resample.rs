//! `vesalius resample`: grids, conventions, interpolations, maps, labels, and what is refused.

mod common;

use common::{advised, error, shared_case, success};
use std::path::Path;
use vesalius::filters::{
    Convention, Interpolation, NnUnetOptions, ResampleOptions, resample, resample_nnunet,
    target_grid,
};
use vesalius::io::{probe, read, read_labels, write, write_labels};
use vesalius::volume::{Geometry, LabelMap, Volume};

fn files(folder: &Path) -> Volume<f32> {
    let grid = Geometry::axis_aligned([12, 10, 8], [1.0, 1.0, 2.0]).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| ((x * 5 + y * 3 + z * 11) % 19) as f32);
    let labels = LabelMap::from_fn(grid, |[x, y, _]| {
        u16::from(x > 4) + u16::from(x > 4 && y > 5)
    });
    write(folder.join("image.nii"), &image).unwrap();
    write_labels(folder.join("labels.nii"), &labels).unwrap();
    image
}

fn run(folder: &Path, words: &str) {
    let arguments: Vec<&str> = ["resample", "--overwrite"]
        .into_iter()
        .chain(words.split(' '))
        .collect();
    success(folder, &arguments);
}

#[test]
fn each_convention_is_the_librarys() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let image = files(folder);
    for (word, convention) in [
        ("simple-itk", Convention::SimpleItk),
        ("monai", Convention::Monai),
        ("torchio", Convention::TorchIo),
        ("nibabel", Convention::Nibabel),
    ] {
        run(
            folder,
            &format!("image.nii out.nii --spacing 0.8,0.8,1.5 --convention {word}"),
        );
        let target = target_grid(image.geometry(), [0.8, 0.8, 1.5], convention).unwrap();
        let expected = resample(&image, &target, &ResampleOptions::of(convention)).unwrap();
        let found = read(folder.join("out.nii")).unwrap();
        assert!(found.geometry().is_same(&target), "{word}");
        assert_eq!(found.data(), expected.data(), "{word}");
    }
    run(
        folder,
        "image.nii out.nii --spacing 0.8,0.8,1.5 --convention nnunet",
    );
    let expected = resample_nnunet(
        &image,
        [15, 12, 11],
        [0.8, 0.8, 1.5],
        &NnUnetOptions::default(),
    )
    .unwrap();
    assert_eq!(
        read(folder.join("out.nii")).unwrap().data(),
        expected.data()
    );

    run(
        folder,
        "image.nii out.nii --spacing 0.5 --interpolation cubic --outside edge",
    );
    let target = target_grid(image.geometry(), [0.5; 3], Convention::SimpleItk).unwrap();
    let options = ResampleOptions {
        interpolation: Interpolation::Cubic,
        outside: vesalius::filters::Extrapolation::Edge,
    };
    let expected = resample(&image, &target, &options).unwrap();
    assert_eq!(
        read(folder.join("out.nii")).unwrap().data(),
        expected.data()
    );
}

#[test]
fn labels_stay_labels_and_grids_are_taken_from_files() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    for (how, name) in [("nearest", "n"), ("linear", "l"), ("gaussian", "g")] {
        run(
            folder,
            &format!("labels.nii {name}.nii.gz --labels --spacing 0.7 --interpolation {how}"),
        );
        let out = read_labels(folder.join(format!("{name}.nii.gz"))).unwrap();
        assert_eq!(
            out.counts().into_keys().collect::<Vec<_>>(),
            [0, 1, 2],
            "{how}"
        );
    }
    run(
        folder,
        "labels.nii u.nii --labels --size 24,20,8 --convention nnunet",
    );
    assert_eq!(
        probe(folder.join("u.nii")).unwrap().geometry.size(),
        [24, 20, 8]
    );
    run(folder, "n.nii.gz back.nii --labels --like labels.nii");
    let there = |name: &str| read_labels(folder.join(name)).unwrap();
    assert_eq!(there("back.nii"), there("labels.nii"));
}

#[test]
fn maps_move_the_image() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let image = files(folder);
    // Two voxels to the right of the patient; LPS counts that backwards.
    std::fs::write(
        folder.join("ras.txt"),
        "1 0 0 2\n0 1 0 0\n0 0 1 0\n0 0 0 1\n",
    )
    .unwrap();
    std::fs::write(
        folder.join("itk.tfm"),
        "#Insight Transform File V1.0\n#Transform 0\nTransform: TranslationTransform_double_3_3\n\
         Parameters: -2 0 0\nFixedParameters: \n",
    )
    .unwrap();
    let vectors = [-2.0, 0.0, 0.0].map(|v| Volume::filled(*image.geometry(), v));
    write(folder.join("field.nii"), &Volume::stack(&vectors).unwrap()).unwrap();
    for map in [
        "--affine ras.txt",
        "--affine itk.tfm",
        "--displacement field.nii",
    ] {
        run(folder, &format!("image.nii out.nii {map} --outside -7"));
        let out = read(folder.join("out.nii")).unwrap();
        assert_eq!(out.get(0, [3, 4, 5]), image.get(0, [5, 4, 5]), "{map}");
        assert_eq!(out.get(0, [11, 4, 5]), -7.0, "{map}");
    }
    run(
        folder,
        "image.nii out.nii --displacement field.nii --vectors ras",
    );
    let out = read(folder.join("out.nii")).unwrap();
    assert_eq!(out.get(0, [5, 4, 5]), image.get(0, [3, 4, 5]));
}

#[test]
fn nonsense_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    std::fs::write(folder.join("short.txt"), "1 2 3").unwrap();
    for (words, expected) in [
        ("image.nii out.nii", "--spacing"),
        ("image.nii out.nii --spacing 1,2", "x,y,z"),
        ("image.nii out.nii --spacing 0", "spacing"),
        ("image.nii out.nii --spacing 1e-9", "voxels"),
        ("image.nii out.nii --spacing 1 --like image.nii", "--like"),
        ("image.nii out.nii --size 0,1,1", "size"),
        ("image.nii out.nii --like gone.nii", "gone.nii"),
        ("image.nii out.nii --spacing 1 --convention ants", "nibabel"),
        (
            "image.nii out.nii --spacing 1 --interpolation gaussian",
            "--labels",
        ),
        (
            "labels.nii out.nii --labels --spacing 1 --interpolation cubic",
            "nearest",
        ),
        ("image.nii out.nii --spacing 1 --outside far", "edge"),
        (
            "labels.nii out.nii --labels --spacing 1 --outside 0.5",
            "outside",
        ),
        (
            "image.nii out.nii --like image.nii --convention nnunet",
            "convention",
        ),
        ("image.nii out.nii --affine short.txt", "16"),
        (
            "image.nii out.nii --displacement image.nii",
            "three channels",
        ),
        (
            "image.nii out.nii --spacing 1 --vectors ras",
            "--displacement",
        ),
    ] {
        let arguments: Vec<&str> = ["resample"].into_iter().chain(words.split(' ')).collect();
        let text = error(folder, &arguments);
        assert!(text.contains(expected), "{words}: {text}");
        assert!(!folder.join("out.nii").exists(), "{words} left a file");
    }
}

#[test]
fn a_file_of_few_whole_numbers_is_asked_about_and_both_answers_run() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    for options in [
        "",
        " --interpolation cubic",
        " --interpolation=linear --outside edge",
    ] {
        let words = format!("labels.nii out.nii.gz --spacing 0.7{options}");
        let arguments: Vec<&str> = ["resample"].into_iter().chain(words.split(' ')).collect();
        let text = error(folder, &arguments);
        assert!(text.contains("3 different whole numbers (u8)"), "{text}");
        assert!(!folder.join("out.nii.gz").exists());
        let commands = advised(&text);
        assert_eq!(commands.len(), 2, "{text}");
        for command in commands {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            success(folder, &words);
            let out = read(folder.join("out.nii.gz")).unwrap();
            let whole = out.data().iter().all(|v| [0.0, 1.0, 2.0].contains(v));
            assert_eq!(whole, words.contains(&"--labels"), "{words:?}");
            std::fs::remove_file(folder.join("out.nii.gz")).unwrap();
        }
    }
    // The file next to it decides.
    std::fs::write(folder.join("labels.label"), "1 255 0 0 1 1 1 \"liver\"\n").unwrap();
    run(folder, "labels.nii out.nii.gz --spacing 0.7");
    let out = read_labels(folder.join("out.nii.gz")).unwrap();
    assert_eq!(out.counts().into_keys().collect::<Vec<_>>(), [0, 1, 2]);
}

/// `../shared/cases/limits`, row 5: TorchIO 1.2.1's grid; a NIfTI's own spacing adds no voxel.
#[test]
fn torchios_grid_is_that_of_its_version() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let grid = Geometry::axis_aligned([24, 20, 16], [1.0; 3]).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| ((x * 5 + y * 3 + z * 11) % 19) as f32);
    write(folder.join("straight.nii.gz"), &image).unwrap();
    run(
        folder,
        "straight.nii.gz out.nii.gz --spacing 0.7 --convention torchio",
    );
    let found = probe(folder.join("out.nii.gz")).unwrap().geometry;
    assert_eq!(found.size(), [34, 28, 22]);
    for (found, expected) in found.origin().into_iter().zip([-0.05, 0.05, 0.15]) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    if let Some(case) = shared_case("limits/torchio_oblique.nii.gz") {
        let before = read(&case).unwrap();
        for convention in ["torchio", "simple-itk", "monai"] {
            let words = format!(
                "{} out.nii.gz --spacing 1 --image --convention {convention}",
                case.display()
            );
            run(folder, &words);
            let after = read(folder.join("out.nii.gz")).unwrap();
            assert_eq!(after.geometry().size(), [24, 20, 16], "{convention}");
            let apart = before
                .data()
                .iter()
                .zip(after.data())
                .map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-3, "{convention}");
        }
    }
}
