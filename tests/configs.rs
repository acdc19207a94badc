//! Every config that the repository offers is read, and its patches fit its network.

use std::path::Path;
use vesalius::prelude::*;

#[test]
fn all_of_them_are_read_and_fit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let config = TrainingConfig::read(&path).unwrap_or_else(|error| panic!("{error}"));
        let channels = config.labels.as_ref().map_or(3, LabelScheme::channels);
        let network = config.network.clone().with_channels(1, channels);
        let network = network.check().unwrap();
        let order = config
            .patch
            .slice_axis
            .map_or([0, 1, 2], |axis| axis.last());
        let size = order.map(|axis| usize::try_from(config.patch.size[axis]).unwrap());
        network
            .check_input(1, size)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), config.name);
        assert!(config.duration.is_some(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 4);
}
