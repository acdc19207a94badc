//! Weights that are not those of the description.

use super::*;
use crate::weights_path;
use vesalius_volume::Warning;

#[test]
fn one_flipped_bit_of_the_weights_is_refused_and_a_folder_without_checksums_is_told() {
    let place = tempfile::tempdir().unwrap();
    let description = folder(place.path(), |_| {});
    let path = weights_path(place.path(), "m");
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, &damaged).unwrap();
        let refused = Segmenter::open(place.path()).unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("BLAKE3 hash of member `m`"), "{refused}");
    }
    std::fs::write(&path, &whole).unwrap();
    let known = Segmenter::open(place.path()).unwrap();
    assert!(known.warnings().is_empty());
    let checked = WeightFile {
        path: path.clone(),
        blake3: Some(crate::weights_checksum(&whole)),
    };
    assert_eq!(known.weight_files(), [checked]);
    let older = ModelDescription {
        checksums: Default::default(),
        ..description
    };
    older.write(place.path()).unwrap();
    let opened = Segmenter::open(place.path()).unwrap();
    let [Warning::NoChecksum { member, .. }] = opened.warnings() else {
        panic!("{:?}", opened.warnings())
    };
    assert_eq!(member, "m");
    assert_eq!(opened.weight_files()[0].blake3, None);
    // Converting it gives it a checksum.
    let again = tempfile::tempdir().unwrap();
    let to = again.path().join("model");
    crate::convert_model(place.path(), &to, &crate::OpenOptions::default()).unwrap();
    assert!(Segmenter::open(&to).unwrap().warnings().is_empty());
}
