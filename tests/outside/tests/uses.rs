//! Each type of this crate does its work in training, inference and evaluation, by name where files can name it.

use outside::{
    callback::StopAtLoss, gradients::LargestLoss, inference::Threshold, registry, source::MadeCases,
};
use std::sync::{Arc, Mutex};
use vesalius::inferers::{Inferer, PostprocessingStep};
use vesalius::metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius::networks::NetworkConfig;
use vesalius::prelude::*;
use vesalius::training::Callbacks;

// ANCHOR: config
const CONFIG: &str = "
name: outside
augmentation:
  - flip: {}
  - metal_streaks: {strength: 0.1}
patch: {size: [16, 16, 16], sampling: {custom: {name: at_height, share: 0.5}}}
batch_size: 1
network: {custom: {name: two_layers, width: 4}}
loss: {custom: brier}
schedule: {custom: {name: halving, every: 2}}
optimizer: {custom: {name: plain_descent, rate: 0.5}}
";
// ANCHOR_END: config

fn labels() -> LabelScheme {
    LabelScheme::exclusive(&[("sphere", 1)]).unwrap()
}

/// Three cases to train on.
fn data() -> TrainingData {
    TrainingData {
        dataset: "made".to_owned(),
        channels: vec!["made".to_owned()],
        labels: labels(),
        training: MadeCases::new(3, labels()),
        validation: MadeCases::new(0, labels()),
        warnings: Vec::new(),
    }
}

#[test]
fn a_config_names_types_of_this_crate_and_what_it_trains_segments() {
    let config = TrainingConfig::parse_with(CONFIG, &registry())
        .unwrap()
        .steps(6);
    let listener = Arc::new(Mutex::new(StopAtLoss::default()));
    let folder = tempfile::tempdir().unwrap();
    let options = FitOptions {
        output: folder.path().join("model"),
        callbacks: Callbacks::default().with_shared(listener.clone()),
        ..FitOptions::default()
    };
    let report = fit(&config, &data(), &options, &mut |_| {}).unwrap();
    let heard = listener.lock().unwrap().heard.clone();
    assert_eq!((heard.len(), &heard), (6, &report.losses));
    assert!(heard[5] < heard[0], "{heard:?}");

    let open = |options: &OpenOptions| Segmenter::open_with(folder.path().join("model"), options);
    let unknown = open(&OpenOptions::new()).unwrap_err().to_string();
    assert!(unknown.contains("two_layers"), "{unknown}");
    let segmenter = open(&OpenOptions::new().registry(registry())).unwrap();
    let grid = Geometry::axis_aligned([20, 20, 20], [1.0; 3]).unwrap();
    let result = segmenter.segment(&Volume::filled(grid, 0.5)).unwrap();
    assert_eq!(result.into_labels().unwrap().geometry(), &grid);
}

#[test]
fn a_strategy_of_this_crate_computes_the_gradients() {
    let mut config = TrainingConfig::parse_with(CONFIG, &registry())
        .unwrap()
        .steps(2);
    config.gradient_accumulation = 2;
    let folder = tempfile::tempdir().unwrap();
    let train = |name: &str, strategy: Option<LargestLoss>| {
        let options = FitOptions {
            output: folder.path().join(name),
            strategy: strategy.map(|strategy| Arc::new(strategy) as _),
            ..FitOptions::default()
        };
        let report = fit(&config, &data(), &options, &mut |_| {}).unwrap();
        report.losses[0]
    };
    let device = parse_device("cpu").unwrap();
    let largest = train("largest", Some(LargestLoss { device }));
    let mean = train("mean", None);
    assert!(largest > mean, "{largest} {mean}");
}

#[test]
fn a_format_of_this_crate_is_read_and_written_by_its_ending() {
    use vesalius::io::{ReadOptions, WriteOptions, read_with, write_with};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.cube");
    let grid = Geometry::axis_aligned([3; 3], [1.0; 3]).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| (x + 3 * y + 9 * z) as u8);
    write_with(&path, &image, &WriteOptions::new().registry(registry())).unwrap();
    let read = read_with(&path, &ReadOptions::new().registry(registry())).unwrap();
    assert_eq!(read, image.map(f32::from));
    assert!(vesalius::io::read(&path).is_err());
}

#[test]
fn a_planner_of_this_crate_plans_beside_the_built_in_ones() {
    use vesalius::auto::{BrokenCases, Input, PlanOptions, WorkFolder, analyze, plan};
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut cases = Vec::new();
    for number in 0..3 {
        let grid = Geometry::axis_aligned([10, 8, 8], [1.0; 3]).unwrap();
        let labels = LabelMap::from_fn(grid, |[x, ..]| u16::from(x > 3 + number));
        let image = Volume::from_fn(grid, |[x, y, z]| ((x * 5 + y + z + number) % 11) as f32);
        let (scan, truth) = (format!("c{number}.nii"), format!("s{number}.nii"));
        vesalius::io::write(at(&scan), &image).unwrap();
        vesalius::io::write_labels(at(&truth), &labels).unwrap();
        cases.push(serde_json::json!({"image": scan, "label": truth, "fold": number.min(1)}));
    }
    let list = serde_json::json!({
        "name": "made", "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "organ"}, "training": cases
    });
    std::fs::write(at("dataset.json"), list.to_string()).unwrap();
    std::fs::write(at("input.yaml"), "modality: MRI\ndatalist: dataset.json\n").unwrap();
    let input = Input::read(at("input.yaml")).unwrap();
    let mut work = WorkFolder::open(at("work"), input).unwrap();
    let analyzed = analyze(&mut work, BrokenCases::Refuse, &Control::new()).unwrap();
    let options = PlanOptions {
        algorithms: vec!["small_planner".to_owned()],
        ..PlanOptions::default()
    };
    let plans = plan(&work.with_registry(registry()), &analyzed, &options).unwrap();
    assert_eq!(plans[0].training.patch.size, [10, 8, 8]);
}

/// A bright cube of 4 voxels a side in the dark, and one bright voxel.
fn scan() -> Volume<f32> {
    let grid = Geometry::axis_aligned([12, 10, 8], [1.0; 3]).unwrap();
    let inside = |p: [usize; 3]| p.iter().all(|&p| (2..6).contains(&p)) || p == [10, 8, 6];
    let mut scan = Volume::filled(grid, 0.0);
    for (at, value) in scan.data_mut().iter_mut().enumerate() {
        let place = [at % 12, at / 12 % 10, at / 120];
        *value = f32::from(u8::from(inside(place)));
    }
    scan
}

// ANCHOR: segmented
/// Labels of fewer voxels than `fewest` are left out.
fn segmented(inferer: Inferer, fewest: usize) -> LabelMap {
    let mut step: PostprocessingStep = serde_json::from_value(
        serde_json::json!({"custom": {"name": "without_small", "voxels": fewest}}),
    )
    .unwrap();
    step.resolve(&registry()).unwrap();
    let described = NetworkConfig::default().with_channels(1, 2);
    let model = ModelDescription::builder(labels(), described)
        .inferer(inferer)
        .postprocessing([step])
        .build()
        .unwrap();
    let device = parse_device("cpu").unwrap();
    let segmenter = Segmenter::with_networks(model, vec![Box::new(Threshold(0.5))], &device);
    let result = segmenter.unwrap().segment(&scan()).unwrap();
    result.into_labels().unwrap()
}
// ANCHOR_END: segmented

#[test]
fn a_runtime_an_inferer_a_merger_and_a_postprocessing_step_make_labels() {
    let mut whole: Inferer = serde_json::from_str(r#"{"custom": "tiles"}"#).unwrap();
    whole.resolve(&registry()).unwrap();
    let text = r#"{"patches": {"patch_size": [8, 8, 8], "merger": {"custom": "latest"}}}"#;
    let mut patches: Inferer = serde_json::from_str(text).unwrap();
    patches.resolve(&registry()).unwrap();
    for inferer in [whole, patches] {
        let found = |fewest| segmented(inferer.clone(), fewest).counts().get(&1).copied();
        assert_eq!((found(65), found(66)), (Some(65), None), "{inferer:?}");
    }
}

#[test]
fn a_measure_is_scored_beside_dice() {
    let reference = segmented(Inferer::default(), 1);
    let mut prediction = reference.clone();
    prediction.data_mut()[0] = 1;
    let surplus = Measure::registered("surplus", 1.0, &registry()).unwrap();
    let evaluator = Evaluator::new(Targets::of_values(&[1]).unwrap(), vec![surplus]);
    let case = evaluator.case("made", &reference, &prediction).unwrap();
    let evaluation = Evaluation::new(vec![case]).unwrap();
    assert_eq!(evaluation.mean("surplus"), Some(1.0));
    assert_eq!(evaluation.mean("dice"), Some(130.0 / 131.0));
}

#[test]
fn misspelt_names_and_options_are_refused() {
    for (wrong, right, expected) in [
        ("brier", "briar", "did you mean `brier`"),
        ("halving, every", "halving, evry", "evry"),
        ("rate: 0.5", "rate: fast", "plain_descent"),
        ("every: 2", "every: 0", "`every` must be positive"),
        ("two_layers", "two_layer", "did you mean `two_layers`"),
        ("share: 0.5", "shore: 0.5", "shore"),
    ] {
        let text = CONFIG.replace(wrong, right);
        let message = TrainingConfig::parse_with(&text, &registry()).err();
        let message = message.map_or(String::new(), |error| error.to_string());
        assert!(message.contains(expected), "{right}: {message}");
    }
}
