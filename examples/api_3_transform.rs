//! A transform of one's own, in a chain and in YAML: `cargo run --release --example api_3_transform`.

use serde::Deserialize;
use vesalius::prelude::*;
use vesalius::transforms::{Chain, Context, CustomTransform, RegisterTransform, Result};
use vesalius::transforms::{Step, Transform, TransformRng};

/// Bright stripes along x, as metal leaves them in CT.
#[derive(Deserialize)]
struct MetalStreaks {
    strength: f32,
}

impl CustomTransform for MetalStreaks {
    fn sample(&self, _: &Context, _: &mut TransformRng) -> Result<Vec<Step>> {
        let strength = self.strength;
        let streaks = move |image: &mut Volume<f32>, _: Option<&mut LabelMap>| {
            let row = image.geometry().size()[0];
            let rows = image.data_mut().chunks_exact_mut(row);
            rows.step_by(3)
                .flatten()
                .for_each(|value| *value += strength);
            Ok(())
        };
        Ok(vec![Step::voxels(
            "metal_streaks",
            Default::default(),
            streaks,
        )])
    }
}

/// A volume of zeros after a chain of YAML, and after one of values.
pub fn streaked() -> vesalius::Result<[Subject; 2]> {
    let mut registry = Registry::default();
    registry.transform::<MetalStreaks>("metal_streaks");
    let list = vesalius::training::parse_yaml("- metal_streaks: {strength: 2}")?;
    let value = Transform::custom("metal_streaks", MetalStreaks { strength: 2.0 });
    let grid = Geometry::axis_aligned([1, 6, 1], [1.0; 3])?;
    let subject = Subject::new("made", Volume::filled(grid, 0.0), None)?;
    let named = Chain::named(list, &registry)?.apply(subject.clone(), 1, 0)?;
    Ok([named.0, Chain(vec![value]).apply(subject, 1, 0)?.0])
}

fn main() -> vesalius::Result<()> {
    println!("{:?}", streaked()?);
    Ok(())
}
