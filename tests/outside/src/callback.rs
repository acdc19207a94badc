//! A callback: records its events and ends the run at a loss.

use vesalius::training::{Callback, Event, Result, TrainingControl};

/// Ends the run once the loss of a step is low enough.
#[derive(Default)]
pub struct StopAtLoss {
    /// The loss that ends the run.
    pub loss: f32,
    /// The losses so far.
    pub heard: Vec<f32>,
}

impl Callback for StopAtLoss {
    fn on_event(&mut self, event: &Event, control: &mut TrainingControl) -> Result<()> {
        if let Event::Step { loss, .. } = event {
            self.heard.push(*loss);
            if *loss <= self.loss {
                control.stop();
            }
        }
        Ok(())
    }
}
