//! A transform of one's own, in a chain and in YAML: `cargo run --release --example api_3_transform`.

use serde::Deserialize;
use vesalius::prelude::*;
use vesalius::transforms::{self, Chain, Context, CustomTransform, RegisterTransform};
use vesalius::transforms::{Step, Transform, TransformRng};

/// Bright stripes along x, as metal leaves them in CT.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetalStreaks {
    strength: f32,
}

impl CustomTransform for MetalStreaks {
    fn sample(&self, _: &Context, _: &mut TransformRng) -> transforms::Result<Vec<Step>> {
        let strength = self.strength;
        let streaks = move |image: &mut Volume<f32>, _: Option<&mut LabelMap>| {
            let row = image.geometry().size()[0];
            let rows = image.data_mut().chunks_exact_mut(row).step_by(3);
            rows.for_each(|row| row.iter_mut().for_each(|value| *value += strength));
            Ok(())
        };
        Ok(vec![Step::voxels(
            "metal_streaks",
            Default::default(),
            streaks,
        )])
    }
}

fn main() -> vesalius::Result<()> {
    println!("{:?}", streaked()?);
    Ok(())
}

/// The rows of a volume of zeros, by a chain of YAML and by one of values.
pub fn streaked() -> vesalius::Result<[Vec<f32>; 2]> {
    let mut registry = Registry::default();
    registry.transform::<MetalStreaks>("metal_streaks");
    let mut list = vesalius::training::parse_yaml("- metal_streaks: {strength: 2}")?;
    transforms::name_transforms(&registry, &mut list);
    let mut named: Chain = serde_json::from_value(list).map_err(transforms::Error::custom)?;
    named.resolve(&registry)?;
    let made = Chain(vec![Transform::custom(
        "metal_streaks",
        MetalStreaks { strength: 2.0 },
    )]);
    let grid = Geometry::axis_aligned([1, 6, 1], [1.0; 3])?;
    let subject = Subject::new("made", Volume::filled(grid, 0.0), None)?;
    let run = |chain: Chain| -> vesalius::Result<Vec<f32>> {
        let (after, _) = chain.apply(subject.clone(), 1, 0)?;
        Ok(after.image().data().to_vec())
    };
    Ok([run(named)?, run(made)?])
}
