//! A loss of one's own in the ordinary training loop:
//! `cargo run --release --example api_2_loss -- Task04_Hippocampus runs/mine 200`, 200 being steps.

use vesalius::losses::{Error, Loss, LossConfig, LossTarget};
use vesalius::prelude::*;
use vesalius::tensor::Int;

/// The mean squared error of the probability of each class or region.
struct Brier;

impl Loss for Brier {
    fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>, Error> {
        let target = LossTarget::new(logits, labels)?;
        let probabilities = logits.clone().probabilities().values();
        Ok((probabilities - target.channels).square().mean())
    }
}

fn main() -> vesalius::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, output, steps] = &arguments[..] else {
        eprintln!("usage: api_2_loss DATASET OUTPUT STEPS");
        std::process::exit(2);
    };
    let loss = train(data, output, steps.parse().unwrap_or(200))?;
    println!("the last loss is {loss}; the model is {output}");
    Ok(())
}

/// The loss of the last step.
pub fn train(data: &str, output: &str, steps: u64) -> vesalius::Result<f32> {
    let network = vesalius::training::parse_yaml("unet: {channels: [8, 16], strides: [2]}")?;
    let config = TrainingConfig::new(network)
        .patch([16, 16, 16])
        .loss(LossConfig::custom("brier", Brier))
        .steps(steps);
    let data = load_dataset(&config, data)?;
    let options = FitOptions {
        output: output.into(),
        callbacks: vesalius::reports::all(),
        ..FitOptions::default()
    };
    let report = fit(&config, &data, &options, &mut |_| ())?;
    Ok(*report.losses.last().unwrap_or(&f32::NAN))
}
