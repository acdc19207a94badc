//! A strategy of the program's own.

use super::{config, options, run};
use crate::{
    Batch, FitOptions, GradientStrategy, Gradients, Network, Objective, Result, SingleDevice,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vesalius_tensor::Device;

/// Counts batches, and computes as one device does.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl GradientStrategy for Counting {
    fn gradients(
        &self,
        network: &Network,
        batches: Vec<Batch>,
        objective: &Objective,
    ) -> Result<Gradients> {
        self.0.fetch_add(batches.len(), Ordering::Relaxed);
        SingleDevice.gradients(network, batches, objective)
    }
}

#[test]
fn a_strategy_of_ones_own_computes_the_gradients_of_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("gradient_accumulation: 2\n");
    let counting = Arc::new(Counting::default());
    let with = |name: &str, more_devices| FitOptions {
        strategy: Some(counting.clone()),
        more_devices,
        ..options(&folder.path().join(name))
    };
    let counted = run(&config, &with("own", Vec::new())).0.unwrap();
    assert_eq!(counting.0.load(Ordering::Relaxed), 8);
    let plain = run(&config, &options(&folder.path().join("plain"))).0;
    assert_eq!(counted.losses, plain.unwrap().losses);

    let both = run(&config, &with("both", vec![Device::flex()])).0;
    let error = both.unwrap_err().to_string();
    assert!(error.contains("more_devices"), "{error}");
}
