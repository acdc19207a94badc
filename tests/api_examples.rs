//! The five programs that the guide shows first, each a file in `examples/`.

mod common;

#[path = "../examples/api_1_segment.rs"]
#[allow(dead_code)]
mod api_1;
#[path = "../examples/api_2_loss.rs"]
#[allow(dead_code)]
mod api_2;
#[path = "../examples/api_3_transform.rs"]
#[allow(dead_code)]
mod api_3;
#[path = "../examples/api_4_array.rs"]
#[allow(dead_code)]
mod api_4;
#[path = "../examples/api_5_progress.rs"]
#[allow(dead_code)]
mod api_5;

use common::small_dataset;
use std::path::Path;
use vesalius::prelude::*;

/// Programs 1, 4 and 5 on a small folder of nnU-Net's.
#[test]
fn the_example_programs_segment_and_stop() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/inferers/tests/data/nnunet");
    let place = tempfile::tempdir().unwrap();
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    let model = text(data.join("models/base"));
    let scan = text(data.join("images/thin_0000.nii.gz"));
    let output = place.path().join("labels.nii.gz");
    api_1::segment(&scan, &model, &text(output.clone())).unwrap();
    assert!(place.path().join("labels.label").is_file());
    let written: LabelMap = vesalius::io::read_labels(&output).unwrap();

    // The same voxels on a grid of the model's spacing.
    let array = vesalius::io::read(&scan).unwrap().view_zyx(0).to_owned();
    let count = api_4::labelled(&model, array.clone()).unwrap();
    assert!((1..array.len()).contains(&count), "{count}");

    let mut drawn = Vec::new();
    let hour = std::time::Duration::from_secs(3600);
    let labels = api_5::segment(&scan, &model, hour, |text| drawn.push(text.to_owned())).unwrap();
    assert_eq!(labels.unwrap(), written);
    assert_eq!(drawn.last().unwrap(), "segment 1 of 1", "{drawn:?}");
    let stopped = api_5::segment(&scan, &model, std::time::Duration::ZERO, |_| ());
    // Stopped, or done before it could be.
    assert!(stopped.unwrap().is_none_or(|labels| labels == written));
}

/// A user-defined loss falls, and a user-defined transform is the same by name and by value.
#[test]
fn the_example_programs_train_and_transform() {
    let place = tempfile::tempdir().unwrap();
    small_dataset(place.path());
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let train = |name: &str, steps| {
        api_2::train(&text(place.path()), &text(&place.path().join(name)), steps).unwrap()
    };
    let (first, last) = (train("first", 1), train("last", 40));
    assert!(last < first && first < 1.0, "{first} to {last}");
    assert!(place.path().join("last/model.yaml").is_file());

    let [named, made] = api_3::streaked().unwrap();
    assert_eq!(named.image().data(), [2.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
    assert_eq!(named, made);
}
