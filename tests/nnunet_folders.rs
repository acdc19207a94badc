//! nnU-Net's trained-model folders beyond one result each: ensembles of folders, with and without a limit of memory,
//! and folders that something is wrong with.

use std::path::{Path, PathBuf};
use vesalius::inferers::{Combination, OpenOptions, SegmentOptions};
use vesalius::prelude::*;

/// nnU-Net's models, cases and results, or `None` and a line that says so.
fn stored() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden/nnunet");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("VESALIUS_REQUIRE_SHARED").is_none(),
        "{} is missing",
        folder.display()
    );
    println!("skipped: nnU-Net's stored models (../shared not found)");
    None
}

fn model_folder(stored: &Path, dataset: &str, configuration: &str) -> PathBuf {
    stored.join(format!(
        "models/{dataset}/nnUNetTrainer__nnUNetPlans__{configuration}"
    ))
}

/// What `nnUNetv2_ensemble` (2.8.1) answered with the same two folders, labels and regions.
#[test]
fn folders_answer_together_as_nnunets_ensemble() {
    let Some(stored) = stored() else { return };
    for (dataset, case) in [
        ("Dataset004_Hippocampus", "thick_024"),
        ("Dataset005_HippoRegions", "oblique_045"),
    ] {
        let folders = ["2d", "3d_fullres"].map(|name| model_folder(&stored, dataset, name));
        let options = OpenOptions::default();
        let by = Combination::Probabilities;
        let both = Segmenter::open_together(&folders, &options, None, by).unwrap();
        let image = vesalius::io::read(stored.join(format!("cases/{case}_0000.nii.gz"))).unwrap();
        let found = both.segment(&image).unwrap().into_labels().unwrap();
        let path = stored.join(format!("expected/{dataset}__ensemble/{case}.nii.gz"));
        let theirs: LabelMap = vesalius::io::read_labels(&path).unwrap();
        let pairs = found.data().iter().zip(theirs.data());
        let differ = pairs.filter(|(a, b)| a != b).count();
        println!("{}: {differ} voxels differ", path.display());
        assert!(found.geometry().is_same(theirs.geometry()) && differ <= 1);

        // With a limit the results are in scratch files, and nothing changes.
        let message = together(&both, &image, 1_000_000).unwrap_err();
        let smallest = message.rsplit("is ").next().unwrap().replace(' ', "");
        let smallest: vesalius::inferers::ByteSize = smallest.parse().unwrap();
        let tight = match together(&both, &image, smallest.0) {
            // The second model may need more than the first.
            Err(message) => {
                let more = message.rsplit("is ").next().unwrap().replace(' ', "");
                let more: vesalius::inferers::ByteSize = more.parse().unwrap();
                together(&both, &image, more.0).unwrap()
            }
            Ok(tight) => tight,
        };
        assert_eq!(tight, found);
    }
}

fn together(both: &Segmenter, image: &Volume<f32>, limit: u64) -> Result<LabelMap, String> {
    let options = SegmentOptions::new().max_memory(limit);
    let segmented = both.segment_with(image, &options);
    let segmented = segmented.map_err(|e| e.to_string())?;
    segmented.into_labels().map_err(|e| e.to_string())
}

#[test]
fn plans_of_an_unknown_planner_are_refused_by_name() {
    let Some(stored) = stored() else { return };
    let source = model_folder(&stored, "Dataset004_Hippocampus", "2d");
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("nnUNetTrainer__nnUNetPlans__2d");
    std::fs::create_dir_all(folder.join("fold_0")).unwrap();
    for file in ["dataset.json", "fold_0/checkpoint_final.pth"] {
        std::fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    let text = std::fs::read_to_string(source.join("plans.json")).unwrap();
    let opened = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut plans: serde_json::Value = serde_json::from_str(&text).unwrap();
        plans["experiment_planner_used"] = "MyPlanner".into();
        change(&mut plans);
        std::fs::write(folder.join("plans.json"), plans.to_string()).unwrap();
        Segmenter::open(&folder)
            .map(drop)
            .map_err(|e| e.to_string())
    };
    // The planner's name alone decides nothing: what it planned does.
    assert_eq!(opened(&|_| {}), Ok(()));
    for (key, value) in [
        ("preprocessor_name", "MyPreprocessor"),
        ("resampling_fn_data", "my_resampling"),
        ("resampling_fn_probabilities", "my_resampling"),
    ] {
        let message =
            opened(&|plans| plans["configurations"]["2d"][key] = value.into()).unwrap_err();
        assert!(
            [key, value, "MyPlanner", "plans.json", "only"]
                .iter()
                .all(|word| message.contains(word)),
            "{message}"
        );
    }
    let message = opened(&|plans| plans["label_manager"] = "MyManager".into()).unwrap_err();
    assert!(
        message.contains("MyManager") && message.contains("LabelManager"),
        "{message}"
    );
    let message = opened(&|plans| {
        plans["configurations"]["2d"]["architecture"]["network_class_name"] = "my.Network".into();
    });
    assert!(message.unwrap_err().contains("my.Network"));
}

/// Pictures through models of `NaturalImage2DIO`, colours as channels, and a NIfTI file of two axes, against the
/// results of nnU-Net 2.8.1 (`tests/parity/nnunet_folders.py`): the ending of results is that of the files that a
/// model was trained on. Labels may differ where nnU-Net's two largest logits are next to each other.
#[test]
fn pictures_go_in_and_come_out_as_nnunets() {
    use vesalius::predict::{PredictOptions, find_cases_of, predict_cases};
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/inferers/tests/data/nnunet");
    for (name, ending) in [
        ("picture_3png", ".png"),
        ("picture_4png", ".png"),
        ("picture_1tif", ".tif"),
        ("picture_1bmp", ".bmp"),
        ("picture_1nii", ".nii.gz"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let (input, output) = (root.path().join("in"), root.path().join("out"));
        std::fs::create_dir(&input).unwrap();
        let image = format!("{name}_0000{ending}");
        std::fs::copy(data.join("images").join(&image), input.join(&image)).unwrap();
        let segmenter = Segmenter::open(data.join("models").join(name)).unwrap();
        let found = find_cases_of(&input, segmenter.model()).unwrap();
        assert!(found.left_out.is_empty(), "{:?}", found.left_out);
        let options = PredictOptions::default();
        let control = Control::new();
        let results = predict_cases(
            &segmenter,
            &found.cases,
            &output,
            &options,
            &control,
            |_| (),
        )
        .unwrap();
        assert!(results[0].outcome.is_ok(), "{:?}", results[0].outcome);
        let values = |path: &Path| -> Vec<f32> {
            let read = match ending {
                ".nii.gz" => vesalius::io::read(path),
                _ => vesalius::io::read_picture(path),
            };
            read.unwrap().into_data()
        };
        let ours = values(&output.join(format!("{name}{ending}")));
        let theirs = values(&data.join("answers").join(format!("{name}{ending}")));
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let ties = std::fs::read(data.join("answers").join(format!("{name}.ties.npy"))).unwrap();
        let header = 10 + usize::from(u16::from_le_bytes([ties[8], ties[9]]));
        let width = 41;
        let tied = |at: usize| {
            let mut places = ties[header..].chunks_exact(3);
            places.any(|p| (usize::from(p[1]), usize::from(p[2])) == (at / width, at % width))
        };
        let differ: Vec<usize> = (0..ours.len()).filter(|&i| ours[i] != theirs[i]).collect();
        println!("{name}: {} voxels differ", differ.len());
        assert!(differ.iter().all(|&at| tied(at)), "{name}: {differ:?}");
        assert!(ours.iter().any(|&label| label > 0.0), "{name}");
    }
}
