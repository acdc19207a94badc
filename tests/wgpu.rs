//! One forward pass and one training step on `wgpu`, where it is compiled in and an adapter is there
//! (software Vulkan counts). Run with `cargo test --features wgpu --test wgpu -- --nocapture`.

mod common;

use common::{config, data};
use vesalius::prelude::*;
use vesalius::training::Duration;

#[test]
fn a_step_and_a_segmentation_on_wgpu_agree_with_the_cpu() {
    let device = match parse_device("wgpu") {
        Ok(device) => device,
        Err(reason) => {
            println!("skipped: {reason}");
            return;
        }
    };
    let labels = LabelScheme::exclusive(&[("dark", 1), ("bright", 2)]).unwrap();
    let config = config(5);
    let data = data(&labels, &config, 2, 0);
    let train = |device: Device| {
        let folder = tempfile::tempdir().unwrap();
        let options = FitOptions {
            output: folder.path().join("model"),
            device: device.clone(),
            duration: Some(Duration::Steps(2)),
            ..FitOptions::default()
        };
        let losses = fit(&config, &data, &options, &mut |_| {}).unwrap().losses;
        let segmenter =
            Segmenter::open_with(&options.output, &OpenOptions::new().device(device.clone()))
                .unwrap();
        let subject = common::spheres().subject(3, 9).unwrap();
        (
            losses,
            segmenter
                .probabilities(subject.image())
                .unwrap()
                .into_volume()
                .unwrap(),
        )
    };
    let (gpu_losses, gpu) = train(device);
    let (cpu_losses, cpu) = train(parse_device("cpu").unwrap());
    println!("losses on wgpu {gpu_losses:?}, on the CPU {cpu_losses:?}");
    for (a, b) in gpu_losses.iter().zip(&cpu_losses) {
        assert!((a - b).abs() < 1e-3, "{gpu_losses:?} and {cpu_losses:?}");
    }
    let apart = gpu
        .data()
        .iter()
        .zip(cpu.data())
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(apart < 1e-2, "probabilities up to {apart} apart");
}
