//! What is tried: transforms and their records, training configs, model descriptions, nnU-Net folders, losses,
//! filters, label schemes.

use crate::mutation::Mutation;
use crate::{Tried, common, tried};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use vesalius::losses::LossConfig;
use vesalius::prelude::*;
use vesalius::tensor::Int;
use vesalius::training::PatchSampler;
use vesalius::transforms::{Chain, LabelSampling, Step, Trace, Transform};
use vesalius::workflow::filter::{self, ArgumentKind, FilterJob};

/// An oblique image of two channels with two labels.
pub fn subject() -> Subject {
    let rows = [
        [0.8, -0.72, 0.0, 3.0],
        [0.6, 0.96, 0.0, -4.0],
        [0.0, 0.0, 2.0, 5.0],
        [0.0, 0.0, 0.0, 1.0],
    ];
    let grid = Geometry::new([9, 8, 7], vesalius::volume::Affine::new(rows).unwrap()).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| (x * y) as f32 - z as f32);
    let labels = LabelMap::from_fn(grid, |[x, y, z]| u16::from(x > 3) + u16::from(y + z > 9));
    Subject::new("made", image, Some(labels)).unwrap()
}

/// Every built-in transform with all of its keys.
fn transforms() -> Vec<Value> {
    let given = [
        ("spacing", json!({"to": [1.5, 1.5, 1.5]})),
        ("window", json!({"from": [-10.0, 20.0]})),
        ("remap", json!({"labels": {"1": 3}})),
        ("merge_regions", json!({"regions": [[1, 2], [2]]})),
        ("select_channels", json!({"channels": [0]})),
        ("channel_arithmetic", json!({"of": [0, 0]})),
        (
            "one_of",
            json!({"of": ["light", "gamma"], "weights": [1, 2]}),
        ),
        (
            "some_of",
            json!({"of": ["light", "gamma", "flip"], "count": [1, 3]}),
        ),
        ("maybe", json!({"of": ["light"]})),
        ("patch", json!({"size": [4, 4, 4]})),
    ];
    let names = Transform::NAMES.iter().filter(|name| **name != "custom");
    let value = |name: &&str| {
        let keys = given.iter().find(|(given, _)| given == name);
        let keys = keys.map_or(json!({}), |(_, keys)| keys.clone());
        let short = json!({ *name: keys });
        // As it is written, with its defaults; where that needs keys that are not given here, as it is.
        let read = serde_json::from_value::<Transform>(short.clone());
        read.map_or(short, |read| serde_json::to_value(read).unwrap())
    };
    names.map(value).collect()
}

#[test]
fn chains_of_transforms_do_not_panic() {
    let all = transforms();
    tried(4000, "chains", |mutation| {
        let list: Vec<Value> = (0..1 + mutation.below(2))
            .map(|_| all[mutation.below(all.len())].clone())
            .collect();
        let changed = mutation.of(&Value::Array(list));
        Tried::new(changed.to_string(), move || {
            let Ok(chain) = serde_json::from_value::<Chain>(changed) else {
                return false;
            };
            let (checked, done) = (chain.check().is_ok(), chain.trace(subject(), 1, 0));
            checked && done.is_ok()
        })
    });
}

#[test]
fn records_of_steps_do_not_panic() {
    let all = transforms();
    let mut steps = Vec::new();
    for (draw, value) in all.iter().enumerate() {
        let chain: Chain = serde_json::from_value(json!([value])).unwrap();
        if let Ok((_, trace)) = chain.trace(subject(), 1, draw as u64) {
            steps.extend(trace.steps.iter().map(|s| serde_json::to_value(s).unwrap()));
        }
    }
    // Fields of displacements would make a failure's text long.
    steps.retain(|step| step.to_string().len() < 4000);
    tried(4000, "steps", move |mutation| {
        let step = mutation.below(steps.len());
        let changed = mutation.of(&steps[step]);
        Tried::new(changed.to_string(), move || {
            let step = serde_json::from_value::<Step>(changed);
            step.is_ok_and(|step| step.apply(subject()).is_ok())
        })
    });
}

#[test]
fn records_of_whole_chains_do_not_panic() {
    let all = transforms();
    let mut traces = Vec::new();
    for draw in 0..60 {
        let pair = [draw, 7 * draw + 3].map(|at| all[at as usize % all.len()].clone());
        let chain: Chain = serde_json::from_value(Value::Array(pair.to_vec())).unwrap();
        if let Ok((_, trace)) = chain.trace(subject(), 1, draw) {
            traces.push(serde_json::to_value(&trace).unwrap());
        }
    }
    // Fields of displacements would make a failure's text long.
    traces.retain(|trace| trace.to_string().len() < 6000);
    tried(4000, "traces", move |mutation| {
        let trace = mutation.below(traces.len());
        let changed = mutation.of(&traces[trace]);
        Tried::new(changed.to_string(), move || {
            let Ok(trace) = serde_json::from_value::<Trace>(changed) else {
                return false;
            };
            let replayed = trace.replay(subject()).is_ok();
            let covered = trace.coverage().is_ok();
            // What the network found, where its grid is one that a machine holds.
            let size = trace.to.size();
            let voxels = size.iter().try_fold(1usize, |n, m| n.checked_mul(*m));
            if voxels.is_none_or(|voxels| voxels > 1 << 16) {
                return false;
            }
            let (image, labels) = (
                Volume::filled(trace.to, 1.0),
                LabelMap::background(trace.to),
            );
            let ways = [LabelSampling::Nearest, LabelSampling::Linear];
            let labelled = ways.map(|way| trace.invert_labels(&labels, way).is_ok());
            replayed && covered && labelled == [true; 2] && trace.invert_image(&image).is_ok()
        })
    });
}

#[test]
fn training_configs_do_not_panic() {
    let base: Value = vesalius::training::parse_yaml(
        &std::fs::read_to_string(root().join("configs/hippocampus.yaml")).unwrap(),
    )
    .unwrap();
    let read: TrainingConfig = serde_json::from_value(base).unwrap();
    let mut whole = serde_json::to_value(&read).unwrap();
    whole["patch"]["size"] = json!([8, 8, 8]);
    tried(1500, "training configs", move |mutation| {
        let changed = mutation.of(&whole);
        Tried::new(changed.to_string(), move || {
            let Ok(config) = TrainingConfig::parse(&changed.to_string()) else {
                return false;
            };
            config.patch.size.iter().product::<i64>() > 1 << 15 || sampled(&config)
        })
    });
}

/// Whether two patches of a case can be had.
fn sampled(config: &TrainingConfig) -> bool {
    let labels = LabelScheme::exclusive(&[("left", 1), ("right", 2)]).unwrap();
    let mut plain = config.clone();
    plain.preprocessing = Chain::default();
    let data = common::data(&labels, &plain, 2, 0);
    let sampler = PatchSampler::new(data.training, config, &labels);
    sampler.is_ok_and(|mut sampler| sampler.batch(0, config.batch_size.min(3)).is_ok())
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn model_descriptions_do_not_panic() {
    let labels = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    let network = vesalius::networks::NetworkConfig::default().with_channels(1, 2);
    let windows: vesalius::inferers::SlidingWindow =
        serde_json::from_value(json!({"patch_size": [8, 8, 8], "overlap": 0.5})).unwrap();
    let model = ModelDescription::builder(labels, network)
        .inferer(Inferer::SlidingWindow(windows))
        .build()
        .unwrap();
    let whole = serde_json::to_value(&model).unwrap();
    let kinds = [
        json!({"simple": {}}),
        json!({"slice": {}}),
        json!({"slices": {}}),
        json!({"patches": {"patch_size": [8, 8, 8]}}),
        json!({"multi_scale": {}}),
        json!({"test_time": {}}),
    ];
    tried(1500, "model descriptions", move |mutation| {
        let mut whole = whole.clone();
        if mutation.below(2) == 0 {
            whole["inferer"] = kinds[mutation.below(kinds.len())].clone();
        }
        let changed = mutation.of(&whole);
        Tried::new(changed.to_string(), move || segmented(changed))
    });
}

/// Whether a model of this description segments a volume; its network needs no weights.
fn segmented(description: Value) -> bool {
    let Ok(model) = serde_json::from_value::<ModelDescription>(description) else {
        return false;
    };
    let channels = model.labels.channels();
    let network = move |patches: Tensor<5>| {
        let one = patches.slice_dim(1, 0..1);
        Tensor::cat(vec![one; channels], 1)
    };
    let device = parse_device("cpu").unwrap();
    let Ok(segmenter) = Segmenter::with_networks(model, vec![Box::new(network)], &device) else {
        return false;
    };
    segmenter.segment(subject().image()).is_ok()
}

#[test]
fn folders_of_nnunet_do_not_panic() {
    let from = root().join("crates/inferers/tests/data/nnunet");
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("model");
    copied(&from.join("models/base"), &folder);
    let scan = vesalius::io::read(from.join("images/thin_0000.nii.gz")).unwrap();
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(from.join("models/base").join(name)).unwrap())
            .unwrap()
    };
    let files = [
        ("plans.json", read("plans.json")),
        ("dataset.json", read("dataset.json")),
    ];
    tried(60, "folders of nnU-Net", move |mutation| {
        let (name, whole) = &files[mutation.below(2)];
        let changed = mutation.of(whole);
        for (name, whole) in &files {
            std::fs::write(folder.join(name), whole.to_string()).unwrap();
        }
        std::fs::write(folder.join(name), changed.to_string()).unwrap();
        let (folder, scan) = (folder.clone(), scan.clone());
        Tried::new(format!("{name}: {changed}"), move || {
            let options = vesalius::inferers::OpenOptions::new().folds(["0"]);
            let Ok(segmenter) = Segmenter::open_with(&folder, &options) else {
                return false;
            };
            segmenter.segment(&scan).is_ok()
        })
    });
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let there = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &there);
        } else {
            std::fs::copy(entry.path(), there).unwrap();
        }
    }
}

#[test]
fn losses_and_label_schemes_do_not_panic() {
    let names = [
        "dice",
        "dice_cross_entropy",
        "dice_focal",
        "focal",
        "tversky",
        "generalized_dice",
        "cross_entropy",
    ];
    let mut losses: Vec<Value> = Vec::new();
    for name in names {
        if let Ok(loss) = serde_json::from_value::<LossConfig>(json!({ name: {} })) {
            losses.push(serde_json::to_value(loss).unwrap());
        }
    }
    losses.push(json!({"sum": [{"weight": 2, "loss": {"dice": {}}}, {"weight": 1, "loss": {"cross_entropy": {}}}]}));
    let schemes = [
        serde_json::to_value(LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap()).unwrap(),
        serde_json::to_value(
            LabelScheme::regions(&[("whole", &[1, 2], 1), ("core", &[2], 2)]).unwrap(),
        )
        .unwrap(),
    ];
    let device = parse_device("cpu").unwrap();
    tried(1500, "losses", move |mutation| {
        let loss = losses[mutation.below(losses.len())].clone();
        let scheme = schemes[mutation.below(2)].clone();
        let (loss, scheme) = match mutation.below(4) {
            0 => (loss, mutation.of(&scheme)),
            _ => (mutation.of(&loss), scheme),
        };
        let device = device.clone();
        Tried::new(format!("{loss} on {scheme}"), move || {
            let (Ok(loss), Ok(scheme)) = (
                serde_json::from_value::<LossConfig>(loss),
                serde_json::from_value::<LabelScheme>(scheme),
            ) else {
                return false;
            };
            let labels = Tensor::<5, Int>::from_data([[[[[0, 1, 2, 1]]]]], &device);
            let logits = Tensor::ones([1, scheme.channels().min(64), 1, 1, 4], &device);
            let Ok(logits) = Logits::new(logits, &scheme) else {
                return false;
            };
            loss.check().is_ok() && loss.forward(&logits, &labels).is_ok()
        })
    });
}

#[test]
fn filters_by_name_do_not_panic() {
    let place = tempfile::tempdir().unwrap();
    let (image, labels) = (
        place.path().join("image.nii"),
        place.path().join("labels.nii"),
    );
    vesalius::io::write(&image, subject().image()).unwrap();
    vesalius::io::write_labels(&labels, subject().labels().unwrap()).unwrap();
    let texts = [
        "0",
        "1",
        "-1",
        "2",
        "0.5",
        "1,1,1",
        "0,0,0",
        "2,3,4",
        "-1,2,3",
        "1e300",
        "1e-300",
        "nan",
        "inf",
        "",
        "x",
        "x,y",
        "18446744073709551615",
        "1099511627776,1,1",
        "true",
        "linear",
        "1,2",
        "2,1",
        "RAS",
    ];
    let filters: Vec<_> = filter::filters().collect();
    let output = place.path().join("out.nii");
    tried(3000, "filters", move |mutation| {
        let filter = filters[mutation.below(filters.len())];
        let mut given: Vec<(&str, String)> = Vec::new();
        for argument in filter.arguments {
            if mutation.below(3) > 0 {
                let choices = argument.kind.choices();
                let path = if mutation.below(2) == 0 {
                    &image
                } else {
                    &labels
                };
                given.push((
                    argument.name,
                    match mutation.below(3) {
                        0 if !choices.is_empty() => {
                            choices[mutation.below(choices.len())].name.to_owned()
                        }
                        1 if argument.kind == ArgumentKind::File => path.display().to_string(),
                        _ => texts[mutation.below(texts.len())].to_owned(),
                    },
                ));
            }
        }
        let input = if mutation.below(2) == 0 {
            image.clone()
        } else {
            labels.clone()
        };
        let output = output.clone();
        Tried::new(format!("{} {given:?}", filter.name), move || {
            let _ = std::fs::remove_file(&output);
            let values = filter.values(given.iter().map(|(name, text)| (*name, text.as_str())));
            let Ok(values) = values else { return false };
            let job = FilterJob::new(input, values).output(output);
            job.run(&mut |_| ()).is_ok()
        })
    });
}

#[test]
fn images_in_memory_with_changed_bytes_do_not_panic() {
    let place = tempfile::tempdir().unwrap();
    let mut whole = Vec::new();
    for name in ["image.nii", "image.nii.gz", "image.mha", "image.nrrd"] {
        let file = place.path().join(name);
        vesalius::io::write(&file, subject().image()).unwrap();
        whole.push((name, std::fs::read(file).unwrap()));
    }
    tried(1500, "image files", move |mutation: &mut Mutation| {
        let (name, bytes) = &whole[mutation.below(whole.len())];
        let changed = mutation.bytes(bytes);
        let file = place.path().join(format!("changed_{name}"));
        std::fs::write(&file, &changed).unwrap();
        Tried::new(*name, move || vesalius::io::read(file).is_ok())
    });
}
