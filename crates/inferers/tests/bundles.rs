//! Small made-up MONAI bundles against the answers of MONAI's own evaluator (`tests/parity/small_bundles.py`), as bundles, as
//! archives and as model folders of ours; and what is refused of bundles that cannot be used.

use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;
use vesalius_inferers::{OpenOptions, SegmentOptions, Segmenter, convert_model, describe_model};
use vesalius_networks::{NetworkConfig, Weights};
use vesalius_tensor::Device;
use vesalius_volume::{Affine, ErrorKind, Geometry, LabelMap, Volume, Warning};

#[derive(Deserialize)]
struct Stored {
    step: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: Value,
    yaml: bool,
    grid: Grid,
    channels: usize,
    bias: Bias,
    labels: Vec<[usize; 2]>,
    probabilities: Vec<f32>,
}

#[derive(Deserialize)]
struct Grid {
    size: [usize; 3],
    affine: [[f64; 4]; 4],
    dark: bool,
}

#[derive(Deserialize)]
struct Bias {
    name: String,
    values: Vec<f32>,
}

fn stored() -> Stored {
    serde_json::from_str(include_str!("data/bundles.json")).unwrap()
}

fn case(name: &str) -> Case {
    let cases = stored().cases.into_iter();
    cases.into_iter().find(|case| case.name == name).unwrap()
}

/// The script's image.
fn image(case: &Case) -> Volume<f32> {
    let grid = Geometry::new(case.grid.size, Affine::new(case.grid.affine).unwrap()).unwrap();
    let [nx, ny, nz] = case.grid.size;
    let mut values = Vec::new();
    for channel in 0..case.channels {
        for voxel in 0..grid.voxel_count() {
            let [i, j, k] = grid.index(voxel);
            let inside = i >= 3 && i + 4 < nx && j >= 2 && j + 1 < ny && k >= 1 && k + 2 < nz;
            let [x, y, z] = [i, j, k].map(|n| n as f64);
            let value = 300.0 * (0.31 * x + 0.7 * channel as f64).sin()
                + 250.0 * (0.27 * y + 0.013 * x * z).cos()
                + 200.0 * (0.41 * z + 0.05 * x * y).sin();
            let value = (value + 800.0).round_ties_even() as f32;
            values.push(if case.grid.dark && !inside {
                0.0
            } else {
                value
            });
        }
    }
    Volume::new(grid, case.channels, values).unwrap()
}

/// The script's weights of a network.
fn weights(network: &NetworkConfig, bias: &Bias) -> Weights {
    let device = Device::flex();
    let first = network.init(&device).unwrap().export_weights();
    let mut weights = Weights::default();
    for (k, (name, tensor)) in first.iter().enumerate() {
        let shape = tensor.shape().to_vec();
        let values = match shape.len() {
            0 | 1 if name == bias.name => bias.values.clone(),
            0 | 1 if name.ends_with("bias") => {
                let value = |i: usize| (0.1 * (0.5 * i as f64 + 0.9 * k as f64).sin()) as f32;
                (0..shape[0]).map(value).collect()
            }
            0 | 1 => tensor.values().unwrap(),
            _ => {
                let fan: usize = shape[1..].iter().product();
                let count: usize = shape.iter().product();
                let value = |i: usize| {
                    let i = i as f64;
                    1.4 * (1.7 * i + 0.9 * k as f64 + 0.2 + 0.003 * i * i).sin()
                        / (fan as f64).sqrt()
                };
                (0..count).map(|i| value(i) as f32).collect()
            }
        };
        weights.insert(name.to_owned(), shape, values).unwrap();
    }
    weights
}

/// The bundle of a case in a folder.
fn made(case: &Case) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("configs")).unwrap();
    std::fs::create_dir(at("models")).unwrap();
    match case.yaml {
        true => {
            let text = serde_saphyr::to_string(&case.config).unwrap();
            std::fs::write(at("configs/inference.yaml"), text).unwrap();
        }
        false => std::fs::write(at("configs/inference.json"), case.config.to_string()).unwrap(),
    }
    let network = describe_model(folder.path()).unwrap().network;
    let bytes = weights(&network, &case.bias).to_safetensors().unwrap();
    std::fs::write(at("models/model.pt"), bytes).unwrap();
    folder
}

fn expected(case: &Case) -> Vec<u16> {
    let run = |&[label, count]: &[usize; 2]| std::iter::repeat_n(label as u16, count);
    case.labels.iter().flat_map(run).collect()
}

/// The least Dice of any label.
fn worst_dice(found: &[u16], expected: &[u16]) -> f64 {
    let mut labels: Vec<u16> = found.iter().chain(expected).copied().collect();
    labels.sort_unstable();
    labels.dedup();
    let dice = |label: u16| {
        let of = |values: &[u16]| values.iter().filter(|v| **v == label).count() as f64;
        let pairs = found.iter().zip(expected);
        let both = pairs.filter(|(a, b)| **a == label && **b == label).count() as f64;
        2.0 * both / (of(found) + of(expected))
    };
    labels.into_iter().map(dice).fold(1.0, f64::min)
}

fn segmented(path: &Path, case: &Case) -> (LabelMap, Vec<f32>) {
    let segmenter = Segmenter::open(path).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let options = SegmentOptions::new().probabilities();
    let mut result = segmenter.segment_with(&image(case), &options).unwrap();
    let kept = result.probabilities.take().unwrap().into_map().unwrap();
    let painted = segmenter.model().inverse.channels.clone();
    let channels = segmenter.model().network.architecture().out_channels();
    (
        result.into_labels().unwrap(),
        in_order(kept.data(), &painted, channels),
    )
}

/// Regions' channels, which are in the order of painting, in the network's; what is not painted is less than any probability.
fn in_order(kept: &[f32], painted: &[usize], channels: usize) -> Vec<f32> {
    if painted.is_empty() {
        return kept.to_vec();
    }
    let voxels = kept.len() / painted.len();
    let mut all = vec![-1.0; voxels * channels];
    for (values, channel) in kept.chunks(voxels).zip(painted) {
        all[channel * voxels..][..voxels].copy_from_slice(values);
    }
    all
}

#[test]
fn bundles_give_what_monais_evaluator_gives() {
    let stored = stored();
    assert!(stored.cases.len() >= 12);
    for case in &stored.cases {
        let folder = made(case);
        let (labels, probabilities) = segmented(folder.path(), case);
        let (found, expected) = (labels.data(), expected(case));
        assert_eq!(found.len(), expected.len(), "{}", case.name);
        let same = found.iter().zip(&expected).filter(|(a, b)| a == b).count();
        let share = same as f64 / found.len() as f64;
        let dice = worst_dice(found, &expected);
        println!("{}: {share:.5} of the voxels, Dice {dice:.5}", case.name);
        assert!(
            share >= 0.999 && dice >= 0.999,
            "{}: {share} {dice}",
            case.name
        );
        let values = probabilities.iter().step_by(stored.step);
        let mut compared = 0;
        for (at, (a, b)) in values.zip(&case.probabilities).enumerate() {
            assert!(
                *a < 0.0 || (a - b).abs() < 1e-3,
                "{}: value {at}: {a}, MONAI's {b}",
                case.name
            );
            compared += 1;
        }
        assert_eq!(compared, case.probabilities.len(), "{}", case.name);
        // Labels alone take another way, by slabs, to the same voxels.
        let alone = Segmenter::open(folder.path())
            .unwrap()
            .segment(&image(case))
            .unwrap();
        assert_eq!(alone.into_labels().unwrap(), labels, "{}", case.name);
    }
}

#[test]
fn converted_bundles_are_model_folders_with_the_same_labels() {
    for case in &stored().cases {
        let (folder, target) = (made(case), tempfile::tempdir().unwrap());
        let to = target.path().join("model");
        convert_model(folder.path(), &to, &OpenOptions::new()).unwrap();
        let described = describe_model(&to).unwrap();
        assert!(described.provenance.made_by.starts_with("MONAI"));
        let converted = segmented(&to, case);
        assert_eq!(converted, segmented(folder.path(), case), "{}", case.name);
    }
}

#[test]
fn a_bundle_may_be_an_archive_or_named_by_its_config() {
    let case = case("softmax_back_argmax");
    let folder = made(&case);
    let direct = segmented(folder.path(), &case).0;
    let named = segmented(&folder.path().join("configs/inference.json"), &case).0;
    assert_eq!(named, direct);
    let archive = folder.path().join("bundle.zip");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for name in ["configs/inference.json", "models/model.pt"] {
        writer.start_file(format!("made/{name}"), options).unwrap();
        let content = std::fs::read(folder.path().join(name)).unwrap();
        writer.write_all(&content).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(segmented(&archive, &case).0, direct);
}

#[test]
fn values_of_the_config_can_be_set() {
    let folder = made(&case("softmax_back_argmax"));
    let options = OpenOptions::new()
        .set("inferer::overlap", "[0.25, 0.5, 0.25]")
        .set("preprocessing::transforms::3::pixdim", "[2, 2, 3]");
    let segmenter = Segmenter::open_with(folder.path(), &options).unwrap();
    let text = serde_json::to_value(segmenter.model()).unwrap();
    let windows = &text["inferer"]["sliding_window"];
    assert_eq!(windows["axis_overlap"], json!([0.25, 0.5, 0.25]));
    assert_eq!(
        text["preprocessing"][1]["spacing"]["to"],
        json!([2.0, 2.0, 3.0])
    );
    // One that nothing uses is told.
    let unused = OpenOptions::new().set("overlap", "0.5");
    let told = Segmenter::open_with(folder.path(), &unused).unwrap();
    let said = told
        .warnings()
        .iter()
        .any(|warning| warning.to_string().contains("`overlap`"));
    assert!(said, "{:?}", told.warnings());
    let ours = tempfile::tempdir().unwrap();
    let to = ours.path().join("model");
    convert_model(folder.path(), &to, &OpenOptions::new()).unwrap();
    let refused = Segmenter::open_with(&to, &unused).unwrap_err();
    assert!(refused.to_string().contains("no MONAI bundle"), "{refused}");
}

/// A bundle with its config changed.
fn changed(change: impl FnOnce(&mut Value)) -> TempDir {
    let mut case = case("softmax_back_argmax");
    let folder = made(&case);
    change(&mut case.config);
    let path = folder.path().join("configs/inference.json");
    std::fs::write(path, case.config.to_string()).unwrap();
    folder
}

/// The one line with which a bundle is refused.
fn refused(folder: &Path, words: &[&str]) -> ErrorKind {
    let error = Segmenter::open(folder).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    error.kind()
}

#[test]
fn weights_are_found_in_their_wrappings_and_copies_are_told() {
    let case = case("softmax_back_argmax");
    let folder = made(&case);
    let plain = segmented(folder.path(), &case).0;
    let path = folder.path().join("models/model.pt");
    let own = Weights::open(&path).unwrap();
    let write = |wrappers: &[(&str, f32)]| {
        let mut weights = Weights::default();
        for (wrapper, factor) in wrappers {
            for (name, tensor) in own.iter() {
                let values = tensor.values().unwrap().into_iter().map(|v| v * factor);
                let name = format!("{wrapper}{name}");
                weights
                    .insert(name, tensor.shape().to_vec(), values.collect())
                    .unwrap();
            }
        }
        // Written to another place first, as the first file is still read from.
        let bytes = weights.to_safetensors().unwrap();
        std::fs::write(folder.path().join("next"), bytes).unwrap();
        std::fs::rename(folder.path().join("next"), &path).unwrap();
    };
    let copies = |segmenter: &Segmenter| -> Vec<Warning> {
        let chosen = |warning: &&Warning| matches!(warning, Warning::WeightsChosen { .. });
        segmenter
            .warnings()
            .iter()
            .filter(chosen)
            .cloned()
            .collect()
    };
    // The entry that the config's loader names, one with the wrapping of parallel training, and no wrapping.
    for wrapper in [
        "model.",
        "model.module.",
        "state_dict.",
        "module._orig_mod.",
        "",
    ] {
        write(&[(wrapper, 1.0)]);
        assert_eq!(segmented(folder.path(), &case).0, plain, "{wrapper}");
        assert!(
            copies(&Segmenter::open(folder.path()).unwrap()).is_empty(),
            "{wrapper}"
        );
    }
    // The entry `model` is asked for by name: others beside it are no choice.
    write(&[("ema.", 0.1), ("model.", 1.0), ("a.", 0.2)]);
    assert_eq!(segmented(folder.path(), &case).0, plain);
    assert!(copies(&Segmenter::open(folder.path()).unwrap()).is_empty());
    // Where it is not there, averages come last, and that there was a choice is told.
    write(&[("ema_state_dict.", 0.1), ("state_dict.", 1.0)]);
    assert_eq!(segmented(folder.path(), &case).0, plain);
    let told = copies(&Segmenter::open(folder.path()).unwrap());
    assert_eq!(told.len(), 1);
    let text = told[0].to_string();
    assert!(
        text.contains("`state_dict`") && text.contains("`ema_state_dict`"),
        "{text}"
    );
}

#[test]
fn weights_that_are_missing_or_of_another_network_are_named() {
    let folder = changed(|_| {});
    let path = folder.path().join("models/model.pt");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(folder.path().join("models/other.pt"), &bytes).unwrap();
    let kind = refused(folder.path(), &["models/model.pt", "other.pt"]);
    assert_eq!(kind, ErrorKind::NotFound);
    std::fs::write(&path, &bytes[..40]).unwrap();
    assert_eq!(refused(folder.path(), &["model.pt"]), ErrorKind::Corrupt);
    let folder = changed(|config| config["network_def"]["channels"] = json!([4, 8, 12]));
    let words = [
        "does not fit the network",
        "differences",
        "weight is [",
        "…",
    ];
    refused(folder.path(), &words);
    let wider = changed(|config| config["network_def"]["out_channels"] = json!(5));
    refused(wider.path(), &["4 differences", "[3]"]);
}

/// A network whose architecture stands in a file of the bundle, in arrays of NumPy.
#[test]
fn a_found_architecture_is_read_from_its_file() {
    let searched = |entry: &str| {
        changed(|config| {
            config["codes"] = json!(
                "$torch.load(@bundle_root + '/models/search.pt', map_location=torch.device('cuda'))"
            );
            config["network_def"] = json!({
                "_target_": "monai.networks.nets.DiNTS", "in_channels": 1, "num_classes": 3,
                "node_a": "$torch.from_numpy(@codes['node_a'])",
                "dints_space": {
                    "_target_": "monai.networks.nets.TopologyInstance", "channel_mul": 0.25,
                    "num_blocks": 3, "num_depths": 3, "device": "$torch.device('cuda')",
                    "arch_code": ["$@codes['arch_code_a']", format!("$@codes['{entry}']")],
                },
            });
        })
    };
    let folder = searched("arch_code_c");
    let file = folder.path().join("models/search.pt");
    std::fs::write(&file, include_bytes!("data/search_code.pt")).unwrap();
    let NetworkConfig::DiNTS(found) = describe_model(folder.path()).unwrap().network else {
        panic!("a DiNTS")
    };
    assert_eq!(found.arch_code_a.len(), 3);
    assert!(found.arch_code_c.iter().flatten().any(|code| *code > 1));
    assert_eq!(found.node_a, vec![vec![1; 3]; 4]);
    std::fs::write(&file, b"no file of PyTorch's").unwrap();
    refused(folder.path(), &["network_def", "search.pt"]);
    std::fs::remove_file(&file).unwrap();
    refused(folder.path(), &["network_def", "search.pt"]);
    let folder = searched("arch_code_b");
    let file = folder.path().join("models/search.pt");
    std::fs::write(file, include_bytes!("data/search_code.pt")).unwrap();
    refused(
        folder.path(),
        &["network_def", "arch_code_b", "arch_code_c"],
    );
}

#[test]
fn what_is_not_supported_is_refused_by_its_id_in_one_line() {
    type Change = fn(&mut Value);
    let cases: [(Change, &[&str]); 12] = [
        (
            |c| c["network_def"]["_target_"] = json!("UNesT"),
            &["network_def", "UNesT"],
        ),
        (
            |c| c["network_def"]["channels"] = json!("$[4 * n for n in (1, 2, 2)]"),
            &["network_def::channels", "set"],
        ),
        (|c| c["network_def"]["channels"] = json!("@a"), &["`a`"]),
        (
            |c| {
                c["a"] = json!("@b");
                c["b"] = json!("@a");
                c["network_def"]["channels"] = json!("@a");
            },
            &["circle"],
        ),
        (
            |c| c["preprocessing"]["transforms"][3]["mode"] = json!(3),
            &["preprocessing::transforms::3", "spline"],
        ),
        (
            |c| c["preprocessing"]["transforms"][3]["align_corners"] = json!(true),
            &["transforms::3", "align_corners"],
        ),
        (
            |c| c["preprocessing"]["transforms"][4]["a_max"] = json!(300),
            &["transforms::4", "from"],
        ),
        (
            |c| c["preprocessing"]["transforms"][4]["_target_"] = json!("scripts.own.Filterd"),
            &["transforms::4", "scripts.own.Filterd"],
        ),
        (
            |c| c["postprocessing"]["transforms"][1]["orig_keys"] = json!("other"),
            &["orig_keys", "other"],
        ),
        (
            |c| c["handlers"][0]["load_path"] = json!("../../model.pt"),
            &["load_path", "not inside"],
        ),
        (
            |c| {
                c["postprocessing"]["transforms"][0]["softmax"] = json!(false);
                c["postprocessing"]["transforms"][0]["sigmoid"] = json!(true);
            },
            &["postprocessing::transforms::2", "argmax"],
        ),
        (
            |c| c["inferer"]["_target_"] = json!("PatchInferer"),
            &["inferer", "PatchInferer"],
        ),
    ];
    for (change, words) in cases {
        let folder = changed(change);
        let kind = refused(folder.path(), words);
        assert!(
            matches!(kind, ErrorKind::Unsupported | ErrorKind::BadInput),
            "{words:?}"
        );
    }
    let two = changed(|_| {});
    std::fs::write(two.path().join("configs/inference.yaml"), "a: 1").unwrap();
    refused(
        two.path(),
        &["two configs", "inference.json", "inference.yaml"],
    );
    // The path may say which.
    Segmenter::open(two.path().join("configs/inference.json")).unwrap();
    let folds = OpenOptions::new().folds(["0"]);
    let folder = changed(|_| {});
    let error = Segmenter::open_with(folder.path(), &folds).unwrap_err();
    assert!(error.to_string().contains("no folds"), "{error}");
}

#[test]
fn a_config_of_fifty_megabytes_is_refused_before_it_is_read() {
    let folder = changed(|_| {});
    let path = folder.path().join("configs/inference.json");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(50 << 20).unwrap();
    refused(folder.path(), &["inference.json"]);
}

#[test]
fn labels_that_would_be_fractions_are_refused_until_they_are_taken_back_by_the_nearest() {
    let folder = changed(|config| {
        let steps = config["postprocessing"]["transforms"]
            .as_array_mut()
            .unwrap();
        steps.swap(1, 2);
    });
    refused(
        folder.path(),
        &[
            "numbers between labels",
            "postprocessing::transforms::2::nearest_interp",
        ],
    );
    let options = OpenOptions::new().set("postprocessing::transforms::2::nearest_interp", "true");
    Segmenter::open_with(folder.path(), &options).unwrap();
}
