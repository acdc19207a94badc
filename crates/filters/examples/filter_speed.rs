//! How long the filters take on the volume that the peers are measured on.
//!
//! `cargo run --release -p vesalius-filters --example filter_speed -- WORKDIR [CASE ...]` with the
//! folder that `../shared/peers/speed.py prepare WORKDIR` wrote; prints
//! `case<TAB>vesalius<TAB>ms<TAB>ms of processor time, all threads` (medians and means of five).

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
    /// A part of the image, lifted above zero, for N4.
    small: Volume<f32>,
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
        let part = Bounds {
            start: [80, 80, 48],
            size: [96, 96, 64],
        };
        let small = crop(&image, part)?.map(|v| v + 2000.0);
        Ok(Self {
            small,
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
    ("resample_nnunet_data", |i| {
        let (size, options) = (i.nnunet.size(), NnUnetOptions::default());
        black_box(resample_nnunet(&i.image, size, [1.0; 3], &options)?);
        Ok(())
    }),
    ("resample_nnunet_labels", |i| {
        let (size, options) = (i.nnunet.size(), NnUnetLabelOptions::default());
        black_box(resample_labels_nnunet(&i.labels, size, [1.0; 3], &options)?);
        Ok(())
    }),
    ("gaussian_sigma1", |i| {
        black_box(recursive_gaussian(&i.image, [1.0; 3])?);
        Ok(())
    }),
    ("components_26", |i| {
        black_box(connected_components(&i.mask, &ComponentOptions::default())?);
        Ok(())
    }),
    ("largest_component", |i| {
        black_box(largest_component(&i.mask, Connectivity::Corners)?);
        Ok(())
    }),
    ("dilate_ball2", |i| {
        black_box(dilate(&i.mask, &Element::voxels(Shape::Ball, [2; 3]))?);
        Ok(())
    }),
    ("fill_holes", |i| {
        black_box(fill_holes(&i.mask, &HoleOptions::default())?);
        Ok(())
    }),
    ("distance_map", |i| {
        black_box(signed_distance::<u8, f32>(&i.mask)?);
        Ok(())
    }),
    ("component_statistics", |i| {
        black_box(component_statistics(&i.mask, &ComponentOptions::default())?);
        Ok(())
    }),
    ("median_1", |i| {
        black_box(median(&i.image, [1; 3])?);
        Ok(())
    }),
    ("n4_96x96x64", |i| {
        let options = N4Options {
            iterations: vec![10],
            convergence_threshold: 0.0,
            ..Default::default()
        };
        black_box(n4_bias_field_correction::<_, u8>(&i.small, None, &options)?);
        Ok(())
    }),
];

/// Processor time of this process so far, where Linux tells it (in hundredths of a second).
fn processor_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |i: usize| {
        fields
            .split_whitespace()
            .nth(i)
            .and_then(|v| v.parse::<f64>().ok())
    };
    10.0 * (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0))
}

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
        let before = processor_ms();
        let mut took: Vec<f64> = (0..5)
            .map(|_| {
                let start = Instant::now();
                run(&inputs).map(|()| start.elapsed().as_secs_f64() * 1e3)
            })
            .collect::<Result<_>>()?;
        let processor = (processor_ms() - before) / took.len() as f64;
        took.sort_by(f64::total_cmp);
        println!(
            "{name}\tvesalius\t{:.2}\t{processor:.0}",
            took[took.len() / 2]
        );
    }
    black_box((&inputs.labels, &inputs.nnunet));
    Ok(())
}
