//! One answer whatever the way: crops are background, outputs that are not finite are errors, weights that are
//! not those of the description are refused.

use super::region::Region;
use super::*;
use crate::{Bytes, FirstLayer, RegionStage, weights_path};
use burn::tensor::{Device, Tensor};
use std::path::Path;
use vesalius_networks::Weights;
use vesalius_volume::{Geometry, Subject, Warning};

const CLASSES: &str =
    "{exclusive: {classes: [{name: background, value: 0}, {name: organ, value: 1}]}}";
const REGIONS: &str = "{regions: {regions: [{name: organ, labels: [1], paint: 1}]}}";
const WINDOWS: &str = "{sliding_window: {patch_size: [8, 8, 8]}}";

fn model(labels: &str, preprocessing: &str, inferer: &str) -> ModelDescription {
    let text = format!(
        "channels: [c]\nlabels: {labels}\npreprocessing: {preprocessing}\ninferer: {inferer}\n\
         network: {{unet: {{spatial_dims: 3, in_channels: 1, out_channels: 2, channels: [4, 8], strides: [2]}}}}\n\
         members: [m]\n"
    );
    serde_saphyr::from_str(&text).unwrap()
}

/// Says the organ, or the region, everywhere.
fn organ(patch: Tensor<5>) -> Tensor<5> {
    let nothing = patch * 0.0;
    Tensor::cat(vec![nothing.clone() - 5.0, nothing + 5.0], 1)
}

fn region(patch: Tensor<5>) -> Tensor<5> {
    patch * 0.0 + 5.0
}

fn segmenter(model: ModelDescription) -> Segmenter {
    let network: Box<dyn PatchNetwork + Send + Sync> = match model.labels.channels() {
        1 => Box::new(region),
        _ => Box::new(organ),
    };
    Segmenter::with_networks(model, vec![network], &Device::flex()).unwrap()
}

/// Bright within three voxels of each border.
fn image() -> Volume<f32> {
    let grid = Geometry::axis_aligned([20, 18, 16], [1.0; 3]).unwrap();
    Volume::from_fn(grid, |at| if is_foreground(at) { 100.0 } else { 0.0 })
}

fn is_foreground(at: [usize; 3]) -> bool {
    let size = [20, 18, 16];
    (0..3).all(|a| (3..size[a] - 3).contains(&at[a]))
}

/// Labels and probabilities with options.
fn answer(segmenter: &Segmenter, max_memory: Option<u64>) -> (LabelMap, ProbabilityMap) {
    let options = SegmentOptions {
        probabilities: true,
        max_memory,
        ..SegmentOptions::default()
    };
    let mut segmented = segmenter.segment_with(image(), &options).unwrap();
    let probabilities = segmented.probabilities.take().unwrap();
    (
        segmented.into_labels().unwrap(),
        probabilities.into_map().unwrap(),
    )
}

/// The least memory that works: what each refusal names, until there is none.
fn least(segmenter: &Segmenter) -> u64 {
    let mut limit = 1 << 20;
    for _ in 0..8 {
        let options = SegmentOptions {
            probabilities: true,
            max_memory: Some(limit),
            ..SegmentOptions::default()
        };
        let Err(refused) = segmenter.segment_with(image(), &options) else {
            return limit;
        };
        let text = refused.to_string();
        let named = text.rsplit("is ").next().unwrap().replace(' ', "");
        limit = named.parse::<Bytes>().unwrap().0;
    }
    panic!("no limit works")
}

/// What a network that says the organ everywhere must give: its share of each voxel, 0 where it was cut away.
fn check(segmenter: &Segmenter, share: &dyn Fn([usize; 3]) -> f64, what: &str) {
    let scheme = segmenter.model().labels.clone();
    let tight = least(segmenter);
    for limit in [None, Some(tight)] {
        let (labels, probabilities) = answer(segmenter, limit);
        let voxels = labels.data().len();
        for (voxel, &label) in labels.data().iter().enumerate() {
            let at = labels.geometry().index(voxel);
            let (share, last) = (share(at), (scheme.channels() - 1) * voxels + voxel);
            let found = probabilities.data()[last];
            let sure = 1.0 / (1.0 + (-5f64).exp());
            let exclusive = scheme.channels() == 2;
            let organ = match exclusive {
                true => share > 0.0,
                false => share * sure > 0.5,
            };
            assert_eq!(label, u16::from(organ), "{what} {limit:?} {at:?} {share}");
            if share == 0.0 {
                assert_eq!(found, 0.0, "{what} {limit:?} {at:?}");
                if exclusive {
                    assert_eq!(probabilities.data()[voxel], 1.0);
                }
            } else if !exclusive {
                let expected = share * sure;
                assert!(
                    (f64::from(found) - expected).abs() < 1e-5,
                    "{what} {at:?}: {found}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn what_was_cropped_away_is_background_by_every_way() {
    let foreground = |at: [usize; 3]| f64::from(u8::from(is_foreground(at)));
    let centre = |at: [usize; 3]| {
        let inside = (0..3).all(|a| ([5, 4, 3][a]..[15, 14, 13][a]).contains(&at[a]));
        f64::from(u8::from(inside))
    };
    // Where a change of spacing comes first, less than one voxel of the network's beside the crop.
    let spaced = "[spacing: {to: [1.5, 1.5, 1.5]}, crop_foreground: {above: 50}]";
    let chain = model(CLASSES, spaced, WINDOWS).preprocessing;
    let subject = Subject::new("image", image(), None).unwrap();
    let network = *chain.trace(subject, 0, 0).unwrap().0.geometry();
    let beside = |at: [usize; 3]| {
        let along = |a: usize| {
            let last = network.size().map(|n| n as f64 - 1.0);
            let (first, last) = (
                network.index_to_world([0.0; 3])[a],
                network.index_to_world(last)[a],
            );
            let beyond = (first - at[a] as f64).max(at[a] as f64 - last).max(0.0);
            // nnU-Net's rule keeps the extent, so that a voxel is not exactly 1.5 mm.
            let share = 1.0 - beyond / network.spacing()[a];
            if share > 1e-6 { share } else { 0.0 }
        };
        along(0) * along(1) * along(2)
    };
    let shell = |at: [usize; 3]| !is_foreground(at) && beside(at) > 0.0;
    let count = (0..20 * 18 * 16).filter(|&v| shell(image().geometry().index(v)));
    assert!(count.count() > 100, "the case has a shell");
    type Share<'a> = &'a dyn Fn([usize; 3]) -> f64;
    let chains: [(&str, Share); 7] = [
        ("[crop_foreground: {above: 0}]", &foreground),
        ("[crop_nonzero: {}]", &foreground),
        (
            "[orient: {to: LPS}, crop_foreground: {above: 0}]",
            &foreground,
        ),
        (
            "[crop_foreground: {above: 0}, spacing: {to: [2, 2, 2]}]",
            &foreground,
        ),
        (
            "[crop_foreground: {above: 0}, spacing: {to: [0.7, 0, 1.3]}]",
            &foreground,
        ),
        ("[crop_centre: {size: [10, 10, 10]}]", &centre),
        (spaced, &beside),
    ];
    let inferers = [
        WINDOWS,
        "{simple: {}}",
        "{slices: {axes: [x]}}",
        "{patches: {patch_size: [8, 8, 8]}}",
        "{test_time: {views: [[flip: {axes: [x], probability: 1}]], inferer: {simple: {}}}}",
    ];
    for (chain, share) in chains {
        for labels in [CLASSES, REGIONS] {
            for inferer in inferers {
                let one = segmenter(model(labels, chain, inferer));
                check(&one, share, &format!("{chain} {inferer}"));
            }
            let two = || segmenter(model(labels, chain, WINDOWS));
            let both = vec![("a".to_owned(), two()), ("b".to_owned(), two())];
            let both = Segmenter::together(both, None, crate::Combination::Probabilities);
            check(&both.unwrap(), share, &format!("ensemble {chain}"));
        }
    }
}

#[test]
fn a_cascade_keeps_what_both_of_its_models_saw() {
    let coarse = segmenter(model(
        CLASSES,
        "[crop_centre: {size: [10, 10, 10]}]",
        WINDOWS,
    ));
    let stage: RegionStage = serde_saphyr::from_str("{model: coarse}").unwrap();
    for labels in [CLASSES, REGIONS] {
        let mut fine = segmenter(model(labels, "[crop_foreground: {above: 0}]", WINDOWS));
        fine.region = Some(Box::new(Region {
            stage: stage.clone(),
            segmenter: segmenter(coarse.model().clone()),
        }));
        let share = |at: [usize; 3]| {
            let inside = (0..3).all(|a| ([5, 4, 3][a]..[15, 14, 13][a]).contains(&at[a]));
            f64::from(u8::from(inside && is_foreground(at)))
        };
        check(&fine, &share, "cascade");
    }
}

/// Not finite where the image is 7, as padding never is.
fn reciprocal(patch: Tensor<5>) -> Tensor<5> {
    Tensor::cat(vec![(patch.clone() - 7.0).recip(), patch], 1)
}

#[test]
fn outputs_that_are_not_finite_are_an_error_by_every_way() {
    let grid = Geometry::axis_aligned([20, 18, 16], [1.0; 3]).unwrap();
    let hole = [13, 4, 9];
    let image = Volume::from_fn(grid, |at| if at == hole { 7.0 } else { 1.0 });
    for inferer in [
        WINDOWS,
        "{sliding_window: {patch_size: [8, 8, 8], batch_size: 5, rule: nnunet}}",
        "{simple: {}}",
        "{slice: {axis: x, patch_size: [8, 8]}}",
        "{slice: {axis: z, patch_size: [8, 8]}}",
        "{slices: {axes: [y, x]}}",
        "{patches: {patch_size: [8, 8, 8], overlap: 0.5, batch_size: 3}}",
        "{patches: {patch_size: [8, 8, 8], merger: maximum}}",
        "{multi_scale: {scales: [0.5, 1], inferer: {simple: {}}}}",
        "{test_time: {views: [[flip: {axes: [y], probability: 1}]], inferer: {simple: {}}}}",
    ] {
        let description = model(CLASSES, "[]", inferer);
        let one = || {
            let networks: Vec<Box<dyn PatchNetwork + Send + Sync>> = vec![Box::new(reciprocal)];
            Segmenter::with_networks(description.clone(), networks, &Device::flex()).unwrap()
        };
        let pair = vec![("a".to_owned(), one()), ("b".to_owned(), one())];
        let both = Segmenter::together(pair, None, crate::Combination::Vote).unwrap();
        for segmenter in [one(), both] {
            for (probabilities, check_layers) in [(false, false), (true, true)] {
                let options = SegmentOptions {
                    probabilities,
                    check_layers,
                    ..SegmentOptions::default()
                };
                let refused = segmenter.segment_with(image.clone(), &options).unwrap_err();
                let Error::NotFiniteOutput(found) = refused else {
                    panic!("{inferer}: {refused}")
                };
                assert!(found.input_is_finite && found.count[0] >= 1, "{inferer}");
                for (a, &at) in hole.iter().enumerate() {
                    let (first, size) = (found.window[a], found.size[a] as i64);
                    let within = first..first + size;
                    assert!(within.contains(&(at as i64)), "{inferer}: {found}");
                }
                let expected = check_layers.then_some(FirstLayer::NotFound);
                assert_eq!(found.layer, expected);
            }
        }
    }
}

#[test]
fn a_preprocessed_image_that_is_not_finite_is_told_apart() {
    let description = model(CLASSES, "[]", WINDOWS);
    let same = |patch: Tensor<5>| Tensor::cat(vec![patch.clone(), patch], 1);
    let mut image = image();
    image.data_mut()[77] = f32::INFINITY;
    let refused = description
        .inferer
        .run(&image, &same, &Device::flex())
        .unwrap_err();
    assert!(
        refused.to_string().contains("division by zero"),
        "{refused}"
    );
}

/// A model folder of ours, its weights changed on the way.
fn folder(path: &Path, change: impl FnOnce(&mut Weights)) -> ModelDescription {
    let mut description = model(CLASSES, "[]", WINDOWS);
    let network = description.network.init(&Device::flex()).unwrap();
    let mut weights = network.weights();
    change(&mut weights);
    let bytes = weights.to_safetensors().unwrap();
    description.write_with_weights(path, "m", &bytes).unwrap();
    description
}

/// A weight of a convolution in the middle of the network, and all its values as one number.
fn filled(weights: &mut Weights, value: f32) -> String {
    let names: Vec<String> = weights.names().map(str::to_owned).collect();
    let mut convolutions = names.iter().filter(|name| name.ends_with("conv.weight"));
    let name = convolutions.nth(1).unwrap().clone();
    let shape = weights.get(&name).unwrap().shape().to_vec();
    let values = vec![value; shape.iter().product()];
    weights.insert(name.clone(), shape, values).unwrap();
    name
}

#[test]
fn weights_too_large_name_their_layer_and_those_not_finite_their_tensor() {
    let (device, place) = (Device::flex(), tempfile::tempdir().unwrap());
    let mut name = String::new();
    folder(place.path(), |weights| name = filled(weights, 3e38));
    let segmenter = Segmenter::open(place.path(), &device).unwrap();
    assert!(segmenter.warnings().is_empty());
    let options = SegmentOptions {
        check_layers: true,
        ..SegmentOptions::default()
    };
    let refused = segmenter.segment_with(image(), &options).unwrap_err();
    let layer = name.strip_suffix(".weight").unwrap();
    let Error::NotFiniteOutput(found) = &refused else {
        panic!("{refused}")
    };
    let named = FirstLayer::Named(layer.to_owned());
    assert_eq!(found.layer.as_ref(), Some(&named), "{refused}");
    // The same network answers as before once nobody looks at its layers.
    let refused = segmenter.segment(&image()).unwrap_err().to_string();
    assert!(refused.contains("--check-layers"), "{refused}");
    for bad in [f32::NAN, f32::INFINITY] {
        let place = tempfile::tempdir().unwrap();
        folder(place.path(), |weights| name = filled(weights, bad));
        let refused = Segmenter::open(place.path(), &device).unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains(&format!("tensor `{name}`")), "{refused}");
    }
}

#[test]
fn one_flipped_bit_of_the_weights_is_refused_and_a_folder_without_checksums_is_told() {
    let (device, place) = (Device::flex(), tempfile::tempdir().unwrap());
    let description = folder(place.path(), |_| {});
    let path = weights_path(place.path(), "m");
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, &damaged).unwrap();
        let refused = Segmenter::open(place.path(), &device).unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("BLAKE3 hash of member `m`"), "{refused}");
    }
    std::fs::write(&path, &whole).unwrap();
    let known = Segmenter::open(place.path(), &device).unwrap();
    assert!(known.warnings().is_empty());
    let older = ModelDescription {
        checksums: Default::default(),
        ..description
    };
    older.write(place.path()).unwrap();
    let opened = Segmenter::open(place.path(), &device).unwrap();
    let [Warning::NoChecksum { member, .. }] = opened.warnings() else {
        panic!("{:?}", opened.warnings())
    };
    assert_eq!(member, "m");
    // What writes it anew gives it a checksum.
    let anew = tempfile::tempdir().unwrap();
    let to = anew.path().join("model");
    crate::convert_model(place.path(), &to, &crate::OpenOptions::default()).unwrap();
    assert!(Segmenter::open(&to, &device).unwrap().warnings().is_empty());
}

#[test]
fn networks_of_ones_own_are_checked() {
    let one = || -> Box<dyn PatchNetwork + Send + Sync> { Box::new(organ) };
    let device = Device::flex();
    let with = |model, networks| Segmenter::with_networks(model, networks, &device);
    let refused = |model, networks: Vec<Box<dyn PatchNetwork + Send + Sync>>| {
        with(model, networks).unwrap_err().to_string()
    };
    let good = || model(CLASSES, "[]", WINDOWS);
    assert!(refused(good(), Vec::new()).contains("at least one network"));
    for inferer in [
        "{sliding_window: {batch_size: 0}}",
        "{sliding_window: {overlap: 1.0}}",
        "{sliding_window: {patch_size: [0, 8, 8]}}",
        "{slice: {batch_size: 0}}",
        "{patches: {batch_size: 0}}",
    ] {
        let text = refused(model(CLASSES, "[]", inferer), vec![one()]);
        assert!(text.contains("model is inferer"), "{text}");
    }
    let companions = ModelDescription {
        companions: vec!["other".to_owned()],
        ..good()
    };
    assert!(refused(companions, vec![one()]).contains("model.companions"));
    // A network of another number of channels than the labels.
    let three =
        "{exclusive: {classes: [{name: b, value: 0}, {name: a, value: 1}, {name: c, value: 2}]}}";
    for inferer in [WINDOWS, "{slices: {axes: [x]}}"] {
        let other = with(model(three, "[]", inferer), vec![one()]).unwrap();
        let text = other.segment(&image()).unwrap_err().to_string();
        assert!(text.contains("2 channel(s)"), "{inferer}: {text}");
    }
    let moving = model(
        CLASSES,
        "[affine: {rotate: [0, 0, 9], probability: 1}]",
        WINDOWS,
    );
    let text = with(moving, vec![one()]).unwrap().segment(&image());
    assert!(text.unwrap_err().to_string().contains("moves the anatomy"));
}
