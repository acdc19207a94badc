//! How long the filters take on the volume that the peers are measured on.
//!
//! `cargo run --release -p vesalius-filters --example filter_speed -- WORKDIR [CASE ...]` with the
//! folder that `../shared/peers/speed.py prepare WORKDIR` wrote; prints `case<TAB>vesalius<TAB>ms`.

use std::hint::black_box;
use std::time::Instant;
use vesalius_filters::*;
use vesalius_volume::{Geometry, LabelMap, Volume};

type Failure = Box<dyn std::error::Error>;
type Case = (&'static str, fn(&Inputs) -> Result<()>);

struct Inputs {
    image: Volume<f32>,
    labels: LabelMap<u8>,
    mask: LabelMap<u8>,
    fine: Geometry,
    nnunet: Geometry,
}

impl Inputs {
    /// Reads `v.nii` (int16, no compression) and derives the masks as `speed.py` does.
    fn read(folder: &str) -> std::result::Result<Self, Failure> {
        let bytes = std::fs::read(format!("{folder}/v.nii"))?;
        let offset = f32::from_le_bytes(bytes[108..112].try_into()?) as usize;
        let size: [usize; 3] = std::array::from_fn(|i| {
            usize::from(u16::from_le_bytes([bytes[42 + 2 * i], bytes[43 + 2 * i]]))
        });
        let geometry = Geometry::axis_aligned(size, [0.9, 0.9, 2.0])?;
        let voxels = bytes[offset..].chunks_exact(2);
        let image: Vec<f32> = voxels
            .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])))
            .collect();
        let labels: Vec<u8> = image
            .iter()
            .map(|&v| u8::from(v > 300.0) + u8::from(v > 700.0))
            .collect();
        let image = Volume::new(geometry, 1, image)?;
        let labels = LabelMap::new(geometry, labels)?;
        let mask = labels.map(|v| u8::from(v > 0));
        let fine = target_grid(&geometry, [1.0; 3], Convention::SimpleItk)?;
        let nnunet = target_grid(&geometry, [1.0; 3], Convention::NnUnet)?;
        Ok(Self {
            image,
            labels,
            mask,
            fine,
            nnunet,
        })
    }
}

fn resampled(inputs: &Inputs, interpolation: Interpolation) -> Result<()> {
    let options = ResampleOptions::simple_itk(interpolation);
    black_box(resample(&inputs.image, &inputs.fine, &options)?);
    Ok(())
}

const CASES: &[Case] = &[
    ("resample_linear", |i| resampled(i, Interpolation::Linear)),
    ("resample_nearest", |i| resampled(i, Interpolation::Nearest)),
    ("resample_cubic", |i| resampled(i, Interpolation::Cubic)),
    ("components_26", |i| {
        black_box(connected_components(&i.mask, &ComponentOptions::default())?);
        Ok(())
    }),
    ("largest_component", |i| {
        black_box(largest_component(&i.mask, Connectivity::Corners)?);
        Ok(())
    }),
    ("distance_map", |i| {
        black_box(distance_map::<u8, f32>(&i.mask)?);
        Ok(())
    }),
];

fn main() -> std::result::Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, wanted)) = arguments.split_first() else {
        return Err("give the folder that `speed.py prepare` wrote".into());
    };
    let inputs = Inputs::read(folder)?;
    for (name, run) in CASES {
        if !wanted.is_empty() && !wanted.iter().any(|w| w == name) {
            continue;
        }
        run(&inputs)?;
        let mut took: Vec<f64> = (0..5)
            .map(|_| {
                let start = Instant::now();
                run(&inputs).map(|()| start.elapsed().as_secs_f64() * 1e3)
            })
            .collect::<Result<_>>()?;
        took.sort_by(f64::total_cmp);
        println!("{name}\tvesalius\t{:.2}", took[took.len() / 2]);
    }
    black_box((&inputs.labels, &inputs.nnunet));
    Ok(())
}
