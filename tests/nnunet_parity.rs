//! nnU-Net's trained-model folders: every stored case through every stored model, against nnU-Net's own results
//! (2.8.1, its probabilities rounded to 16-bit floats).

use std::io::Read;
use std::path::{Path, PathBuf};
use vesalius::inferers::{ProbabilityMap, SegmentOptions, convert_model};
use vesalius::prelude::*;

const CASES: [&str; 4] = ["plain_004", "thick_024", "oblique_045", "small_065"];
const MODELS: [&str; 2] = ["2d", "3d_fullres"];
const DATASETS: [&str; 2] = ["Dataset004_Hippocampus", "Dataset005_HippoRegions"];

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

fn image(stored: &Path, case: &str) -> Volume<f32> {
    vesalius::io::read(stored.join(format!("cases/{case}_0000.nii.gz"))).unwrap()
}

/// The 16-bit floats of `probabilities.npy` in an `.npz`, as 32-bit ones.
fn probabilities(path: &Path) -> Vec<f32> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    let mut entry = archive.by_name("probabilities.npy").unwrap();
    entry.read_to_end(&mut bytes).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let described = String::from_utf8_lossy(&bytes[10..header]).into_owned();
    assert!(described.contains("<f2") && described.contains("'fortran_order': False"));
    let halves = bytes[header..].chunks_exact(2);
    halves
        .map(|pair| from_half(u16::from_le_bytes([pair[0], pair[1]])))
        .collect()
}

/// A 16-bit float that is not negative.
fn from_half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => fraction * 2f32.powi(-24),
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// A number from 0 to 1 as a 16-bit float holds it.
fn to_half(value: f32) -> f32 {
    let unit = (value.log2().floor().max(-14.0) - 10.0).exp2();
    (value / unit).round_ties_even() * unit
}

/// Voxels that differ, and the smallest Dice of a label.
fn compare(ours: &LabelMap, theirs: &LabelMap) -> (usize, f64) {
    let pairs = || ours.data().iter().zip(theirs.data());
    let differ = pairs().filter(|(a, b)| a != b).count();
    let dice = [1u16, 2].map(|label| {
        let count = |map: &LabelMap| map.data().iter().filter(|&&l| l == label).count();
        let both = pairs()
            .filter(|(a, b)| **a == label && **b == label)
            .count();
        let sum = count(ours) + count(theirs);
        if sum == 0 {
            1.0
        } else {
            2.0 * both as f64 / sum as f64
        }
    });
    (differ, dice[0].min(dice[1]))
}

fn check_labels(ours: &LabelMap, path: &Path) {
    let theirs = vesalius::io::read_labels(path).unwrap();
    assert!(
        ours.geometry().is_same(theirs.geometry()),
        "{}",
        path.display()
    );
    let (differ, dice) = compare(ours, &theirs);
    println!("{}: {differ} voxels differ, Dice {dice:.5}", path.display());
    assert!(dice >= 0.999 || differ <= 1, "{}", path.display());
}

#[test]
fn every_case_agrees_with_nnunet_and_so_do_the_ensembles() {
    let Some(stored) = stored() else { return };
    let keep = SegmentOptions::new().probabilities();
    for dataset in DATASETS {
        let mut maps: Vec<Vec<ProbabilityMap>> = vec![Vec::new(); CASES.len()];
        for configuration in MODELS {
            let folder = model_folder(&stored, dataset, configuration);
            let segmenter = Segmenter::open(&folder).unwrap();
            for (case, maps) in CASES.iter().zip(&mut maps) {
                let expected = stored.join(format!("expected/{dataset}__{configuration}/{case}"));
                let segmented = segmenter
                    .segment_with(&image(&stored, case), &keep)
                    .unwrap();
                let mut segmented = segmented;
                let map = segmented.probabilities.take().unwrap().into_map().unwrap();
                let theirs = probabilities(&expected.with_extension("npz"));
                let ours = map.clone().into_volume().unwrap();
                assert_eq!(ours.data().len(), theirs.len());
                let (mut most, mut sum) = (0.0f32, 0.0f64);
                for (&a, &b) in ours.data().iter().zip(&theirs) {
                    let a = to_half(a);
                    most = most.max((a - b).abs());
                    sum += f64::from((a - b).abs());
                }
                let mean = sum / theirs.len() as f64;
                println!("{dataset} {configuration} {case}: most {most:.2e}, mean {mean:.2e}");
                assert!(most <= 1e-3 && mean <= 5e-5, "{}", expected.display());
                check_labels(
                    &segmented.into_labels().unwrap(),
                    &expected.with_extension("nii.gz"),
                );
                maps.push(map);
            }
        }
        for (case, maps) in CASES.iter().zip(&maps) {
            let mean = ProbabilityMap::mean(maps).unwrap().labels().unwrap();
            check_labels(
                &mean,
                &stored.join(format!("expected/{dataset}__ensemble/{case}.nii.gz")),
            );
        }
    }
}

/// Mean Dice of the whole hippocampus (1, 2) and of its posterior part (2).
fn region_dice(ours: &LabelMap, reference: &LabelMap) -> f64 {
    let dice = |values: &[u16]| {
        let inside = |map: &LabelMap| -> Vec<bool> {
            map.data()
                .iter()
                .map(|label| values.contains(label))
                .collect()
        };
        let (a, b) = (inside(ours), inside(reference));
        let count = |mask: &[bool]| mask.iter().filter(|inside| **inside).count();
        let both = a.iter().zip(&b).filter(|(a, b)| **a && **b).count();
        2.0 * both as f64 / (count(&a) + count(&b)).max(1) as f64
    };
    (dice(&[1, 2]) + dice(&[2])) / 2.0
}

#[test]
fn a_region_ensemble_is_not_worse_than_its_worse_member() {
    let Some(stored) = stored() else { return };
    let data = stored.join("../../data/Task04_Hippocampus");
    let text = std::fs::read_to_string(data.join("dataset.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let held_out = list["training"].as_array().unwrap().iter();
    let held_out = held_out.filter(|case| case["fold"] == 0).take(5);
    let segmenters = MODELS.map(|configuration| {
        let folder = model_folder(&stored, DATASETS[1], configuration);
        Segmenter::open(&folder).unwrap()
    });
    let mut scores = [0.0; 3];
    for case in held_out {
        let file = |key: &str| data.join(case[key].as_str().unwrap());
        let image = vesalius::io::read(file("image")).unwrap();
        let reference = vesalius::io::read_labels(file("label")).unwrap();
        let parts: Vec<ProbabilityMap> = segmenters
            .iter()
            .map(|segmenter| segmenter.probabilities(&image).unwrap())
            .collect();
        let mean = ProbabilityMap::mean(&parts).unwrap();
        for (score, map) in scores.iter_mut().zip([&parts[0], &parts[1], &mean]) {
            *score += region_dice(&map.labels().unwrap(), &reference) / 5.0;
        }
    }
    println!("2d, 3d_fullres, ensemble: {scores:?}");
    assert!(scores[2] >= scores[0].min(scores[1]), "{scores:?}");
    assert!(scores[2] > 0.3, "{scores:?}");
}

#[test]
fn parts_of_a_plan_that_are_not_known_are_named() {
    let Some(stored) = stored() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let from = model_folder(&stored, DATASETS[0], "2d");
    std::fs::create_dir(folder.join("fold_0")).unwrap();
    for file in ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"] {
        std::fs::write(folder.join(file), std::fs::read(from.join(file)).unwrap()).unwrap();
    }
    let plans = std::fs::read_to_string(from.join("plans.json")).unwrap();
    let says = |find: &str, put: &str, words: &[&str]| {
        std::fs::write(folder.join("plans.json"), plans.replace(find, put)).unwrap();
        let message = Segmenter::open(folder).unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    let planner = plans.replace("\"ExperimentPlanner\"", "\"MyPlanner\"");
    assert_ne!(planner, plans);
    says(
        "DefaultPreprocessor",
        "MyPreprocessor",
        &["MyPreprocessor", "planner ExperimentPlanner"],
    );
    says(
        "ZScoreNormalization",
        "MyNormalization",
        &["MyNormalization"],
    );
    says("unet.PlainConvUNet", "unet.MyUNet", &["MyUNet"]);
    let bytes = std::fs::read(from.join("fold_0/checkpoint_final.pth")).unwrap();
    std::fs::write(
        folder.join("fold_0/checkpoint_final.pth"),
        &bytes[..bytes.len() / 2],
    )
    .unwrap();
    says("x", "x", &["checkpoint_final.pth", "cut short"]);
}

#[test]
fn a_converted_folder_gives_the_same_to_the_voxel() {
    let Some(stored) = stored() else { return };
    let folder = model_folder(&stored, DATASETS[1], "2d");
    let ours = tempfile::tempdir().unwrap();
    let ours = ours.path().join("model");
    convert_model(&folder, &ours, &Default::default()).unwrap();
    let image = image(&stored, "thick_024");
    let before = Segmenter::open(&folder).unwrap().segment(&image);
    let after = Segmenter::open(&ours).unwrap().segment(&image);
    let labels = [before, after].map(|found| found.unwrap().into_labels().unwrap());
    assert_eq!(labels[0], labels[1]);
    let again = convert_model(&folder, &ours, &Default::default());
    assert!(again.unwrap_err().to_string().contains("already"));
}

#[test]
fn a_limit_of_memory_changes_nothing_but_the_memory() {
    let Some(stored) = stored() else { return };
    let folder = model_folder(&stored, DATASETS[0], "2d");
    let segmenter = Segmenter::open(&folder).unwrap();
    let image = image(&stored, "oblique_045");
    let run = |max_memory: Option<u64>| {
        let mut options = SegmentOptions::new().probabilities();
        options.max_memory = max_memory;
        segmenter.segment_with(&image, &options)
    };
    let free = run(None).unwrap();
    let message = run(Some(1_000_000)).unwrap_err().to_string();
    assert!(message.contains("the smallest that works is"), "{message}");
    let peak = free.memory();
    // The smallest limit that works.
    let smallest = message.rsplit("is ").next().unwrap().replace(' ', "");
    let smallest: vesalius::inferers::ByteSize = smallest.parse().unwrap();
    assert!(smallest.0 <= peak + (32 << 20), "{message}");
    let tight = run(Some(smallest.0)).unwrap();
    let (mut free, mut tight) = (free, tight);
    let values = |s: &mut vesalius::inferers::Segmentation| {
        let map = s.probabilities.take().unwrap().into_map().unwrap();
        map.into_volume().unwrap().into_data()
    };
    assert_eq!(values(&mut free), values(&mut tight));
    assert_eq!(free.into_labels().unwrap(), tight.into_labels().unwrap());
}
