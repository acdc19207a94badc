//! Small model folders with the results of nnU-Net 2.8.1, one for each way in which folders vary
//! (`tests/parity/nnunet_folders.py` made them). Where labels differ, nnU-Net's own two largest logits are at most
//! one unit of a 16-bit float apart: the order of additions within a convolution decides there.

use std::path::{Path, PathBuf};
use vesalius_inferers::{ByteSize, OpenOptions, SegmentOptions, Segmenter, convert_model};
use vesalius_volume::LabelMap;

pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/nnunet")
        .join(name)
}

/// The bytes after the header of a NumPy file of known shape and type.
fn npy(name: &str) -> Vec<u8> {
    let bytes = std::fs::read(data(&format!("answers/{name}.npy"))).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].to_vec()
}

/// Voxels `[x, y, z]` at which nnU-Net's two largest logits are next to each other.
fn ties(name: &str) -> Vec<[usize; 3]> {
    let bytes = npy(&format!("{name}.ties"));
    let places = bytes.chunks_exact(3);
    places
        .map(|p| [p[2], p[1], p[0]].map(usize::from))
        .collect()
}

/// A folder with the plans of the base changed by the keys that `models/NAME.json` holds.
pub fn changed(root: &Path, change: &serde_json::Value) -> PathBuf {
    let folder = root.join("nnUNetTrainer__nnUNetPlans__3d_fullres");
    std::fs::create_dir_all(folder.join("fold_0")).unwrap();
    for file in ["dataset.json", "fold_0/checkpoint_final.pth"] {
        std::fs::copy(data("models/base").join(file), folder.join(file)).unwrap();
    }
    let text = std::fs::read_to_string(data("models/base/plans.json")).unwrap();
    let mut plans: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (key, value) in change.as_object().unwrap() {
        plans["configurations"]["3d_fullres"][key] = value.clone();
    }
    std::fs::write(folder.join("plans.json"), plans.to_string()).unwrap();
    folder
}

pub fn open(folder: &Path, options: &OpenOptions) -> Segmenter {
    Segmenter::open_with(folder, options).unwrap()
}

pub fn folds(names: &[&str]) -> OpenOptions {
    OpenOptions::new().folds(names.iter().copied())
}

/// Labels as nnU-Net's but for ties; how many differ.
pub fn check(segmenter: &Segmenter, image: &str, answer: &str) -> usize {
    let image = vesalius_io::read(data(&format!("images/{image}_0000.nii.gz"))).unwrap();
    let theirs: LabelMap =
        vesalius_io::read_labels(data(&format!("answers/{answer}.nii.gz"))).unwrap();
    let ours = segmenter.segment(&image).unwrap().into_labels().unwrap();
    assert!(ours.geometry().is_same(theirs.geometry()), "{answer}");
    let ties = ties(answer);
    let mut differ = 0;
    for (offset, (a, b)) in ours.data().iter().zip(theirs.data()).enumerate() {
        let at = ours.geometry().index(offset);
        assert!(
            a == b || ties.contains(&at),
            "{answer}: {a} for {b} at {at:?}"
        );
        differ += usize::from(a != b);
    }
    println!("{answer}: {differ} of {} ties differ", ties.len());
    differ
}

/// The mean over folds is nnU-Net's: each fold blended by itself, added and divided as 16-bit floats. The mean of
/// the networks' outputs, blended once, differ in tens of voxels here, and in more than are ties.
#[test]
fn five_folds_agree_but_for_ties() {
    let all = open(&data("models/base"), &OpenOptions::default());
    assert_eq!(all.model().members.len(), 5);
    assert!(check(&all, "thin", "five_folds") <= 1);
    // In the order in which they are named, as additions of 16-bit floats depend on it.
    let two = open(&data("models/base"), &folds(&["3", "1"]));
    assert!(check(&two, "thin", "folds_3_1") <= 1);

    let image = vesalius_io::read(data("images/thin_0000.nii.gz")).unwrap();
    let map = all.probabilities(&image).unwrap().into_volume().unwrap();
    let halves = npy("five_folds.probabilities");
    let mut most = 0.0f32;
    for (ours, bytes) in map.data().iter().zip(halves.chunks_exact(2)) {
        let bits = u16::from_le_bytes([bytes[0], bytes[1]]);
        most = most.max((ours - half(bits)).abs());
    }
    assert_eq!(2 * map.data().len(), halves.len());
    println!("probabilities: most {most:.2e}");
    // A 16-bit unit of a logit of up to 8 is 2⁻⁸, and of a probability 2⁻¹¹.
    assert!(most < 2e-3, "{most}");
}

/// A 16-bit float that is not negative.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => fraction * 2f32.powi(-24),
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// With a limit of memory the rows are made in stripes, and with it nothing changes.
#[test]
fn stripes_change_no_voxel_of_an_ensemble() {
    let all = open(&data("models/base"), &OpenOptions::default());
    let image = vesalius_io::read(data("images/thin_0000.nii.gz")).unwrap();
    let free = all.segment(&image).unwrap().into_labels().unwrap();
    let limited = |limit| {
        let options = SegmentOptions::new().max_memory(limit);
        all.segment_with(&image, &options)
            .map_err(|e| e.to_string())
            .map(|segmented| segmented.into_labels().unwrap())
    };
    let message = limited(1_000_000).unwrap_err();
    let smallest = message.rsplit("is ").next().unwrap().replace(' ', "");
    let smallest: ByteSize = smallest.parse().unwrap();
    assert_eq!(limited(smallest.0).unwrap(), free);
}

#[test]
fn every_way_of_resampling_agrees() {
    for way in [
        "torch",
        "torch_apart",
        "torch_together",
        "torch_modes",
        "torch_threshold",
        "spline_apart",
        "spline_together",
        "spline_absent",
        "across_linear",
        "across_cubic",
        "orders_1_0",
        "orders_0_3",
        "none",
    ] {
        let root = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(data(&format!("models/{way}.json"))).unwrap();
        let folder = changed(root.path(), &serde_json::from_str(&text).unwrap());
        let segmenter = open(&folder, &OpenOptions::default());
        for image in ["thin", "thick"] {
            assert!(
                check(&segmenter, image, &format!("{way}_{image}")) <= 2,
                "{way} {image}"
            );
        }
        // What was read is written into a model of ours and read again.
        let ours = root.path().join("ours");
        convert_model(&folder, &ours, &OpenOptions::default()).unwrap();
        let again = open(&ours, &OpenOptions::default());
        assert_eq!(again.model().nnunet, segmenter.model().nnunet, "{way}");
    }
    let base = open(&data("models/base"), &folds(&["0"]));
    assert!(
        check(&base, "thin", "default_thin") <= 1 && check(&base, "thick", "default_thick") <= 1
    );
}

#[test]
fn every_normalization_agrees() {
    for (name, masked) in [
        ("CTNormalization", false),
        ("ZScoreNormalization", true),
        ("NoNormalization", false),
        ("RescaleTo01Normalization", false),
        ("RGBTo01Normalization", false),
    ] {
        let root = tempfile::tempdir().unwrap();
        let change = serde_json::json!({
            "normalization_schemes": [name], "use_mask_for_norm": [masked]
        });
        let folder = changed(root.path(), &change);
        let segmenter = open(&folder, &OpenOptions::default());
        assert!(check(&segmenter, "thin", &format!("norm_{name}")) <= 1);
    }
    let root = tempfile::tempdir().unwrap();
    let mine = serde_json::json!({"normalization_schemes": ["MyNormalization"]});
    let folder = changed(root.path(), &mine);
    let refused = Segmenter::open(&folder).unwrap_err();
    let message = refused.to_string();
    let words = [
        "MyNormalization",
        "CTNormalization",
        "RGBTo01Normalization",
        "plans.json",
    ];
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
}
