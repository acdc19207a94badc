//! Outputs that are not finite are an error that names the first layer.

use super::*;
use crate::FirstLayer;

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
                    ..SegmentOptions::new()
                };
                let refused = segmenter.segment_with(&image, &options).unwrap_err();
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
    let place = tempfile::tempdir().unwrap();
    let mut name = String::new();
    folder(place.path(), |weights| name = filled(weights, 3e38));
    let segmenter = Segmenter::open(place.path()).unwrap();
    assert!(segmenter.warnings().is_empty());
    let options = SegmentOptions::new().check_layers();
    let refused = segmenter.segment_with(&image(), &options).unwrap_err();
    let layer = name.strip_suffix(".weight").unwrap();
    let Error::NotFiniteOutput(found) = &refused else {
        panic!("{refused}")
    };
    let named = FirstLayer::Named(layer.to_owned());
    assert_eq!(found.layer.as_ref(), Some(&named), "{refused}");
    // The same network gives the same result once its layers are not recorded any more.
    let refused = segmenter.segment(&image()).unwrap_err().to_string();
    assert!(
        refused.contains("`SegmentOptions::check_layers`"),
        "{refused}"
    );
    for bad in [f32::NAN, f32::INFINITY] {
        let place = tempfile::tempdir().unwrap();
        folder(place.path(), |weights| name = filled(weights, bad));
        let refused = Segmenter::open(place.path()).unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains(&format!("tensor `{name}`")), "{refused}");
    }
}
