//! Times nnU-Net's augmentation: the cases of `tests/parity/transforms_speed.py`.
//!
//! ```sh
//! cargo run --release -p vesalius-transforms --example augmentation_speed   # case<TAB>vesalius<TAB>ms
//! ```
//!
//! A patch of two channels with labels, in memory before the timing starts; two threads, or THREADS. `recipe_…` is
//! the mean over DRAWS (100) samples; the others apply one transform always.

use std::time::Instant;
use vesalius_transforms::{Chain, Trace};
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

const CASES: [(&str, &str); 9] = [
    ("recipe_nnunet_3d", "- nnunet_3d"),
    (
        "affine",
        "- affine: {rotate: [30, 30, 30], scale: [0.7, 1.4], labels: linear, space: voxels}",
    ),
    ("gaussian_noise", "- gaussian_noise: {probability: 1}"),
    ("blur", "- blur: {probability: 1, channel_probability: 1}"),
    ("brightness", "- brightness: {probability: 1}"),
    ("contrast", "- contrast: {probability: 1}"),
    (
        "low_resolution",
        "- low_resolution: {probability: 1, channel_probability: 1}",
    ),
    ("gamma", "- gamma: {probability: 1}"),
    ("mirror", "- flip: {probability: 1}"),
];

fn patch(side: usize) -> Subject {
    let geometry = Geometry::axis_aligned([side; 3], [1.0; 3]).expect("a small grid");
    let voxels = geometry.voxel_count();
    let wave = |i: usize, c: usize| {
        let [x, y, z] = geometry.index(i).map(|v| v as f32);
        (x / 9.0 + c as f32).sin() * (y / 11.0).cos() * (z / 7.0).sin()
            + (i * 7919 % 1013) as f32 / 10_130.0
    };
    let data = (0..2 * voxels)
        .map(|i| wave(i % voxels, i / voxels))
        .collect();
    let image = Volume::new(geometry, 2, data).expect("two channels");
    let labels = LabelMap::from_fn(geometry, |i| {
        let v = wave(geometry.offset(i), 0);
        u16::from(v > 0.3) + u16::from(v > 0.7)
    });
    Subject::new("made", image, Some(labels)).expect("one grid")
}

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usual)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(number("THREADS", 2))
        .build_global()?;
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let subject = patch(128);
    for (name, text) in CASES
        .iter()
        .filter(|c| wanted.is_empty() || wanted.iter().any(|w| w == c.0))
    {
        let chain: Chain = serde_saphyr::from_str(text)?;
        let recipe = name.starts_with("recipe");
        let draws = if recipe { number("DRAWS", 100) } else { 9 } as u64;
        let mut times = Vec::new();
        for draw in 0..=draws {
            let copy = subject.clone();
            let started = Instant::now();
            let done: (Subject, Trace) = chain.trace(copy, 1, draw)?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            drop(done);
        }
        times.remove(0);
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        times.sort_by(f64::total_cmp);
        let shown = if recipe { mean } else { times[times.len() / 2] };
        println!("{name}\tvesalius\t{shown:.2}");
    }
    Ok(())
}
