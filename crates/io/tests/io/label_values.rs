//! Label maps out of files that hold more than whole numbers of one channel: nearly whole values, channels, layers.

use crate::shared::shared;
use std::path::{Path, PathBuf};
use vesalius_io::{
    ConvertOptions, Error, LabelChannels, ReadOptions, Remedy, convert, read_labels,
    read_labels_with, write,
};
use vesalius_volume::{Geometry, Volume};

fn line(voxels: usize) -> Geometry {
    Geometry::axis_aligned([voxels, 1, 1], [1.0; 3]).unwrap()
}

fn saved(folder: &Path, channels: usize, values: &[f64]) -> PathBuf {
    let path = folder.join("a.nrrd");
    let grid = line(values.len() / channels);
    write(
        &path,
        &Volume::new(grid, channels, values.to_vec()).unwrap(),
    )
    .unwrap();
    path
}

fn rounding() -> ReadOptions {
    ReadOptions {
        round: true,
        ..ReadOptions::default()
    }
}

#[test]
fn values_whole_but_for_single_precision_are_labels() {
    let folder = tempfile::tempdir().unwrap();
    let near = [
        0.0,
        1.0 - 6e-8,
        2.0 + 1.2e-7,
        1000.0 + 1e-4,
        1.0 + 4e-7,
        -0.0,
    ];
    let path = saved(folder.path(), 1, &near);
    assert_eq!(read_labels(&path).unwrap().data(), [0, 1, 2, 1000, 1, 0]);
    // Small numbers, as of diffusion in m²/s, are no zeros.
    for value in [0.9999, 1.00001, 1000.002, 0.5, -1.0, 1e-9, -1e-8] {
        let path = saved(folder.path(), 1, &[0.0, value]);
        let error = read_labels(&path).unwrap_err();
        assert!(matches!(error, Error::Value { .. }), "{value}: {error}");
    }
}

#[test]
fn values_nearly_whole_are_refused_with_the_option_that_rounds_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), 1, &[0.0, 0.9999, 2.0001]);
    let error = read_labels(&path).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::RoundLabels));
    assert!(error.to_string().contains("ReadOptions::round"), "{error}");
    let labels = read_labels_with::<u16>(&path, &rounding()).unwrap();
    assert_eq!(labels.data(), [0, 1, 2]);
    // An image is not to be rounded to labels, and no rounding makes a negative number one.
    let image = saved(folder.path(), 1, &[0.0, 1.5]);
    let error = read_labels(&image).unwrap_err();
    assert!(error.remedy().is_none() && error.to_string().contains("looks like an image"));
    let negative = saved(folder.path(), 1, &[0.0, -3.0001]);
    assert!(read_labels_with::<u16>(&negative, &rounding()).is_err());
}

#[test]
fn shared_labels_near_whole_are_read_and_the_others_name_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["lab_u8_slope_1_127", "lab_f64_near", "lab_f64_09999"] {
        let Some(path) = shared(&format!("cases/images/nifti/{name}.nii.gz")) else {
            return;
        };
        let refused = name == "lab_f64_09999";
        match read_labels(&path) {
            Ok(labels) => assert!(!refused && labels.counts().contains_key(&1), "{name}"),
            Err(error) => assert!(
                refused && error.remedy() == Some(Remedy::RoundLabels),
                "{error}"
            ),
        }
        let labels = read_labels_with::<u16>(&path, &rounding()).unwrap();
        assert_eq!(labels.counts().keys().max(), Some(&2), "{name}");
        // A conversion that rounds does so on reading as well.
        let mut options = ConvertOptions {
            labels: true,
            ..ConvertOptions::default()
        };
        let copy = folder.path().join("copy.nii.gz");
        assert_eq!(convert(&path, &copy, &options).is_err(), refused, "{name}");
        options.write.round = true;
        convert(&path, &copy, &options).unwrap();
        assert_eq!(read_labels(&copy).unwrap().data(), labels.data(), "{name}");
    }
}

#[test]
fn channels_become_labels_as_the_options_say() {
    let folder = tempfile::tempdir().unwrap();
    let one_hot = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    let path = saved(folder.path(), 3, &one_hot);
    let read = |path: &Path, options: ReadOptions| read_labels_with::<u16>(path, &options);
    let with = |label_channels, layer| ReadOptions {
        label_channels,
        layer,
        ..ReadOptions::default()
    };
    let error = read(&path, ReadOptions::default()).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::ChooseLayer));
    let text = error.to_string();
    assert!(
        text.contains("ReadOptions::layer") && text.contains("LabelChannels::OneHot"),
        "{text}"
    );
    let labels = read(&path, with(LabelChannels::OneHot, None)).unwrap();
    assert_eq!(labels.data(), [0, 1, 2, 3]);
    let layer = read(&path, with(LabelChannels::Refuse, Some(1))).unwrap();
    assert_eq!(layer.data(), [0, 0, 1, 0]);
    let error = read(&path, with(LabelChannels::Refuse, Some(3))).unwrap_err();
    assert!(
        error.to_string().contains("0 to 2, and none is 3"),
        "{error}"
    );
    // Probabilities, of which the first are the background's; the first of equals counts.
    let path = saved(folder.path(), 2, &[0.75, 0.25, 0.5, 0.25, 0.75, 0.5]);
    let labels = read(&path, with(LabelChannels::Largest, None)).unwrap();
    assert_eq!(labels.data(), [0, 1, 0]);
    let path = saved(folder.path(), 2, &[0.75, f64::NAN]);
    assert!(read(&path, with(LabelChannels::Largest, None)).is_err());
    // A voxel of two labels has no number.
    let path = saved(folder.path(), 2, &[1.0, 0.0, 1.0, 1.0]);
    let error = read(&path, with(LabelChannels::OneHot, None)).unwrap_err();
    assert!(error.to_string().contains("ReadOptions::layer"), "{error}");
}

#[test]
fn shared_one_hot_labels_are_refused_with_options_that_work() {
    let Some(path) = shared("cases/images/nifti/onehot_labels.nii.gz") else {
        return;
    };
    let error = read_labels(&path).unwrap_err();
    assert!(
        matches!(error, Error::LabelChannels { channels: 3, .. }),
        "{error}"
    );
    for layer in 0..3 {
        let options = ReadOptions {
            layer: Some(layer),
            ..ReadOptions::default()
        };
        let labels = read_labels_with::<u16>(&path, &options).unwrap();
        assert_eq!(labels.counts().keys().max(), Some(&1));
    }
}
