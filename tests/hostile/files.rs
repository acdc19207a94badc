//! What is tried of files beside images: datasets, inputs and search spaces of `auto`, plans, saved probabilities.

use crate::mutation::Mutation;
use crate::subjects::subject;
use crate::{Tried, tried};
use serde_json::{Value, json};
use std::io::{Cursor, Read, Write};
use std::path::Path;
use vesalius::auto::Input;
use vesalius::auto::search::SearchSpace;
use vesalius::inferers::{ProbabilityMap, read_slabs, write_slabs};
use vesalius::planning::Datalist;
use vesalius::prelude::*;

#[test]
fn datasets_do_not_panic() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().to_owned();
    for name in ["imagesTr", "labelsTr"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    let mut cases = Vec::new();
    for case in ["a", "b", "c"] {
        let files = [
            format!("imagesTr/{case}.nii"),
            format!("labelsTr/{case}.nii"),
        ];
        vesalius::io::write(folder.join(&files[0]), subject().image()).unwrap();
        vesalius::io::write_labels(folder.join(&files[1]), subject().labels().unwrap()).unwrap();
        cases.push(json!({"image": files[0], "label": files[1], "fold": cases.len() % 2}));
    }
    let lists = [
        json!({
            "name": "made", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "a", "2": "b"},
            "training": cases, "testing": ["imagesTr/a.nii"], "numTraining": 3,
        }),
        json!({
            "channel_names": {"0": "MRI", "1": "CT"}, "file_ending": ".nii", "numTraining": 3,
            "labels": {"background": 0, "whole": [1, 2], "core": 2}, "regions_class_order": [1, 2],
        }),
    ];
    tried(1500, "datasets", move |mutation| {
        let list = &lists[mutation.below(2)];
        let changed = mutation.of(list);
        let file = folder.join("dataset.json");
        std::fs::write(&file, changed.to_string()).unwrap();
        Tried::new(changed.to_string(), move || {
            let list = Datalist::read(&file);
            list.is_ok_and(|list| list.label_scheme().is_ok())
        })
    });
}

#[test]
fn inputs_and_search_spaces_of_auto_do_not_panic() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("input.yaml");
    let input = json!({
        "name": "made", "task": "segmentation", "modality": "MRI", "datalist": "dataset.json", "dataroot": ".",
        "class_names": ["a", {"name": "whole", "index": [1, 2]}], "algos": ["vesalius"],
    });
    let space = json!({
        "optimizer.adamw.learning_rate": {"float": {"low": 0.0001, "high": 0.01, "log": true}},
        "batch_size": {"_type": "choice", "_value": [2, 4]},
        "optimizer.adamw.weight_decay": {"name": "FloatDistribution", "attributes": {"low": 0.0, "high": 0.001}},
        "loss": {"categorical": {"choices": [{"dice": {}}, {"dice_focal": {}}]}},
    });
    tried(
        4000,
        "inputs and search spaces",
        move |mutation: &mut Mutation| {
            let file = file.clone();
            match mutation.below(2) {
                0 => {
                    let changed = mutation.of(&input).to_string();
                    std::fs::write(&file, &changed).unwrap();
                    Tried::new(changed, move || Input::read(&file).is_ok())
                }
                _ => {
                    let changed = mutation.of(&space).to_string();
                    Tried::new(changed.clone(), move || {
                        SearchSpace::parse(&changed).is_ok()
                    })
                }
            }
        },
    );
}

#[test]
fn saved_probabilities_do_not_panic() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole.probabilities.zip");
    let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
    let grid = *subject().geometry();
    let thirds = Volume::new(grid, 3, vec![1.0 / 3.0; 3 * grid.voxel_count()]).unwrap();
    let map = ProbabilityMap::from_stored(&scheme, thirds).unwrap();
    write_slabs(&whole, &map).unwrap();
    let entries = entries(&whole);
    tried(1500, "saved probabilities", move |mutation| {
        let at = mutation.below(entries.len());
        let mut changed = entries.clone();
        let (name, bytes) = &mut changed[at];
        *bytes = match serde_json::from_slice::<Value>(bytes) {
            Ok(value) if mutation.below(2) == 0 => mutation.of(&value).to_string().into_bytes(),
            _ => mutation.bytes(bytes),
        };
        let text = format!(
            "{name}: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
        );
        let file = place.path().join("changed.probabilities.zip");
        std::fs::write(&file, archive(&changed)).unwrap();
        Tried::new(text, move || read_slabs(&file).is_ok())
    });
}

/// Names and bytes of an archive's files.
fn entries(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        entries.push((file.name().unwrap().into_owned(), bytes));
    }
    entries
}

fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
