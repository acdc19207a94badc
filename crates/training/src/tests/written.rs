//! What a run writes of its config.

use super::{data, options, run};
use crate::{CONFIG_FILE, Duration, FitOptions, TrainingConfig, TrainingData, fit};
use vesalius_volume::LabelScheme;

/// Two channels and three labels on the cases of one; only the config is looked at.
fn wider() -> TrainingData {
    TrainingData {
        channels: vec!["T1".to_owned(), "T2".to_owned()],
        labels: LabelScheme::exclusive(&[("organ", 1), ("tumour", 2), ("cyst", 3)]).unwrap(),
        ..data()
    }
}

#[test]
fn the_written_config_says_what_ran_and_makes_the_same_run() {
    let plain = super::config("");
    let used = plain.as_run(&wider(), Some(Duration::Steps(9)));
    let network = serde_json::to_value(&used.network).unwrap();
    assert_eq!(network["unet"]["in_channels"], 2);
    assert_eq!(network["unet"]["out_channels"], 4);
    assert_eq!(used.duration, Some(Duration::Steps(9)));

    let folder = tempfile::tempdir().unwrap();
    let longer = FitOptions {
        duration: Some(Duration::Steps(2)),
        ..options(folder.path())
    };
    fit(&plain, &data(), &longer, &mut |_| ()).unwrap();
    let output = folder.path().join("model");
    let written = TrainingConfig::read(output.join(CONFIG_FILE)).unwrap();
    assert_eq!(written, plain.as_run(&data(), Some(Duration::Steps(2))));
    assert_eq!(written.duration, Some(Duration::Steps(2)));
    assert_eq!(written.labels, Some(data().labels));
    assert_eq!(written.inferer, Some(plain.inferer_in_use()));
    let model = std::fs::read_to_string(output.join("model.yaml")).unwrap();
    for channels in ["in_channels: 1\n", "out_channels: 2\n"] {
        assert!(model.contains(channels), "{model}");
    }
    // Either continues the run that the other began.
    for (config, steps) in [(&written, 3), (&plain, 4)] {
        let config = config.clone().steps(steps);
        let (report, rates) = run(&config, &options(folder.path()));
        assert_eq!((report.unwrap().progress.step, rates.len()), (steps, 1));
    }
    let other = plain.batch_size(3);
    let refused = run(&other, &options(folder.path())).0.unwrap_err();
    assert!(refused.to_string().contains("`batch_size`"), "{refused}");
}
