//! TensorBoard: the curves of a run and a picture of its predictions, to follow it while it runs.

use crate::event_file::EventFile;
use crate::picture::picture_of;
use vesalius_training::{Callback, Event, Result, RunState, TrainingControl};

/// The folder, within a run's, that TensorBoard reads.
pub const TENSORBOARD_FOLDER: &str = "tensorboard";

/// Writes losses, rates, Dice and the first held-out case with its prediction into the run's folder `tensorboard`.
/// A value belongs to one run; when the run is resumed, later steps in earlier files are void.
#[derive(Debug, Default)]
pub struct TensorBoard {
    file: Option<EventFile>,
}

impl Callback for TensorBoard {
    fn on_begin(&mut self, run: &RunState<'_>) -> Result<()> {
        let step = run.progress().step;
        let mut file = EventFile::create(&run.folder().join(TENSORBOARD_FOLDER), step)?;
        if step == 0 {
            let config = run.config_text()?;
            file.text(0, "config", &format!("```yaml\n{config}\n```"))?;
        }
        self.file = Some(file);
        Ok(())
    }

    fn on_event(&mut self, event: &Event, _: &mut TrainingControl) -> Result<()> {
        match (&mut self.file, scalars(event)) {
            (Some(file), Some((step, scalars))) => file.scalars(step, &scalars),
            _ => Ok(()),
        }
    }

    fn on_validated(&mut self, run: &RunState<'_>) -> Result<()> {
        let (Some(file), Some(name)) = (&mut self.file, run.data().validation.names().first())
        else {
            return Ok(());
        };
        if let Some(picture) = picture_of(run, run.network(), name)? {
            file.picture(run.progress().step, &format!("prediction/{name}"), &picture)?;
        }
        Ok(())
    }
}

/// The numbers of an event that has some, and their step.
fn scalars(event: &Event) -> Option<(u64, Vec<(String, f32)>)> {
    match event {
        Event::Step {
            step,
            loss,
            learning_rate,
            gradient_norm,
            seconds,
            waited,
            memory,
            ..
        } => {
            let mut scalars = vec![
                ("train/loss".to_owned(), *loss),
                ("train/learning_rate".to_owned(), *learning_rate as f32),
                ("train/gradient_norm".to_owned(), *gradient_norm as f32),
                (
                    "train/waited_share".to_owned(),
                    (waited / seconds.max(1e-9)) as f32,
                ),
            ];
            let gibibytes = memory.map(|bytes| bytes as f32 / (1u64 << 30) as f32);
            scalars.extend(gibibytes.map(|n| ("device/memory_GiB".to_owned(), n)));
            Some((*step, scalars))
        }
        Event::Validated {
            step,
            dice,
            smoothed,
            labels,
            ..
        } => {
            let mut scalars = vec![
                ("validation/dice".to_owned(), *dice as f32),
                ("validation/smoothed_dice".to_owned(), *smoothed as f32),
            ];
            let each = labels.iter();
            let each = each.map(|(name, dice)| (format!("validation/dice/{name}"), *dice as f32));
            scalars.extend(each);
            Some((*step, scalars))
        }
        _ => None,
    }
}
