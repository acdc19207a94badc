//! nnU-Net's normalisations and its crop against the numbers that `nnunetv2` printed.

use serde_json::Value;
use vesalius_transforms::{
    Chain, CropNonzero, ForegroundIntensity, NnUnetNormalization, NnUnetScheme, Transform,
};
use vesalius_volume::{Geometry, Subject, Volume};

fn numbers(value: &Value) -> Vec<f32> {
    let list = value.as_array().unwrap().iter();
    list.map(|v| v.as_f64().unwrap() as f32).collect()
}

fn case(data: &Value, case: &Value) -> Subject {
    let size: [usize; 3] = serde_json::from_value(data["size"].clone()).unwrap();
    let geometry = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
    let image = numbers(&case["image"]);
    let channels = image.len() / geometry.voxel_count();
    Subject::new(
        "made",
        Volume::new(geometry, channels, image).unwrap(),
        None,
    )
    .unwrap()
}

#[test]
fn every_scheme_agrees_with_nnunet() {
    let data: Value = serde_json::from_str(include_str!("data/nnunet_normalization.json")).unwrap();
    let mut schemes = 0;
    for stored in data["cases"].as_array().unwrap() {
        let name = stored["name"].as_str().unwrap();
        let subject = case(&data, stored);
        if name == "crop" {
            let chain = Chain(vec![Transform::CropNonzero(CropNonzero::default())]);
            let (found, _) = chain.apply(subject.clone(), 0, 0).unwrap();
            let expected: [[usize; 2]; 3] = serde_json::from_value(stored["box"].clone()).unwrap();
            assert_eq!(found.geometry().size(), expected.map(|[a, b]| b - a));
            assert_eq!(found.geometry().origin(), expected.map(|[a, _]| a as f64));
            continue;
        }
        let p = &stored["properties"];
        let intensity = ForegroundIntensity {
            mean: p["mean"].as_f64().unwrap(),
            standard_deviation: p["std"].as_f64().unwrap(),
            percentile_00_5: p["percentile_00_5"].as_f64().unwrap(),
            percentile_99_5: p["percentile_99_5"].as_f64().unwrap(),
        };
        let masked = stored["masked"].as_bool().unwrap();
        let scheme = NnUnetScheme::named(name, Some(intensity)).unwrap();
        let scheme = if masked { scheme.within_mask() } else { scheme };
        let channels = vec![scheme; subject.image().channels()];
        let chain = Chain(vec![Transform::NnUnetNormalization(NnUnetNormalization {
            channels,
        })]);
        let (found, _) = chain.apply(subject, 0, 0).unwrap();
        for (i, (a, b)) in found
            .image()
            .data()
            .iter()
            .zip(numbers(&stored["expected"]))
            .enumerate()
        {
            assert!(
                (a - b).abs() <= 2e-6 * b.abs().max(1.0),
                "{name} {masked} voxel {i}: {a} and {b}"
            );
        }
        schemes += 1;
    }
    assert_eq!(schemes, 6);
}

#[test]
fn yaml_names_every_scheme() {
    let text = "
- crop_nonzero: {}
- nnunet_normalization:
    channels:
      - ct: {mean: 99.4, standard_deviation: 39.4, percentile_00_5: -41, percentile_99_5: 176}
      - z_score: {masked: true}
      - none
      - rescale_to01
      - rgb_to01
";
    let chain: Chain = serde_saphyr::from_str(text).unwrap();
    chain.check().unwrap();
    assert!(!chain.is_random());
    let again: Chain = serde_saphyr::from_str(&serde_saphyr::to_string(&chain).unwrap()).unwrap();
    assert_eq!(again, chain);
}
