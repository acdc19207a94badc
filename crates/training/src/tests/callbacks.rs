//! What callbacks may do to a run.

use super::{config, options, run};
use crate::{
    Callbacks, Error, Event, FitOptions, FitReport, Result, Schedule, TrainingConfig,
    TrainingControl, ValidationConfig, ValidationOn,
};
use std::sync::{Arc, Mutex};

fn is_step(event: &Event, number: u64) -> bool {
    matches!(event, Event::Step { step, .. } if *step == number)
}

/// Runs of this config at a constant rate in one folder: the first with a callback, the second without, resumed.
fn twice(
    config: TrainingConfig,
    callback: impl FnMut(&Event, &mut TrainingControl) -> Result<()> + Send + 'static,
) -> [(Result<FitReport>, Vec<f64>); 2] {
    let config = config.schedule(Schedule::Constant);
    let folder = tempfile::tempdir().unwrap();
    let first = FitOptions {
        callbacks: Callbacks::of(callback),
        ..options(folder.path())
    };
    let first = run(&config, &first);
    assert!(folder.path().join("model/checkpoint.bin").exists());
    [first, run(&config, &options(folder.path()))]
}

#[test]
fn a_callback_ends_the_run_which_can_be_resumed() {
    let [(first, _), (second, _)] = twice(config(""), |event, control| {
        if is_step(event, 3) {
            control.stop();
        }
        Ok(())
    });
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(!first.finished && first.losses.len() == 3);
    assert!(second.finished && second.losses.len() == 1);
}

#[test]
fn a_learning_rate_that_a_callback_changes_is_that_of_the_next_step_and_of_the_resumed_run() {
    let [(_, scaled), (_, resumed)] = twice(config(""), |event, control| {
        if is_step(event, 1) {
            control.scale_learning_rate(0.5)?;
            assert_eq!(control.learning_rate(), 5e-4);
            assert!(control.scale_learning_rate(-1.0).is_err());
        }
        if is_step(event, 2) {
            control.stop();
        }
        Ok(())
    });
    assert_eq!([scaled, resumed].concat(), [1e-3, 5e-4, 5e-4, 5e-4]);
    let [(_, set), (_, resumed)] = twice(config("warm_up: {steps: 1}\n"), |event, control| {
        if matches!(event, Event::Started { .. }) {
            assert_eq!(control.learning_rate(), 5e-4);
            control.set_learning_rate(0.1 + 0.2)?;
            assert!(control.set_learning_rate(f64::NAN).is_err());
        }
        if is_step(event, 2) {
            control.follow_schedule();
        }
        if is_step(event, 3) {
            assert_eq!((control.step(), control.steps()), (3, Some(4)));
            control.set_learning_rate(1.0 / 3.0)?;
            control.stop();
        }
        Ok(())
    });
    let expected = [0.1 + 0.2, 0.1 + 0.2, 1e-3, 1.0 / 3.0];
    assert_eq!([set, resumed].concat(), expected);
}

#[test]
fn a_callback_asks_for_validations_between_those_of_the_config() {
    for on in [ValidationOn::Volumes, ValidationOn::Patches(4)] {
        let config = config("").validation(ValidationConfig {
            times: 1,
            on,
            ..ValidationConfig::default()
        });
        let steps: Arc<Mutex<Vec<u64>>> = Arc::default();
        let seen = steps.clone();
        let [(first, _), _] = twice(config, move |event, control| {
            if is_step(event, 2) {
                control.validate();
            }
            if let Event::Validated { step, .. } = event {
                seen.lock().unwrap().push(*step);
                // If it were done at once, this would never end.
                control.validate();
            }
            Ok(())
        });
        assert!(first.unwrap().finished);
        assert_eq!(*steps.lock().unwrap(), [2, 4], "{on:?}");
    }
}

#[test]
fn an_error_of_a_callback_ends_the_run_and_the_checkpoint_is_kept() {
    let [(first, rates), (second, _)] = twice(config(""), |event, _| match is_step(event, 2) {
        true => Err(Error::custom("the disk of the callback is full")),
        false => Ok(()),
    });
    let error = first.unwrap_err();
    assert_eq!(error.to_string(), "the disk of the callback is full");
    assert_eq!(rates.len(), 2);
    assert_eq!(second.unwrap().losses.len(), 2);

    // Of a validation too: it is done, and not done again.
    let [(first, _), (second, _)] = twice(config(""), |event, _| match event {
        Event::Validated { .. } => Err(Error::custom("no room")),
        _ => Ok(()),
    });
    assert!(first.is_err());
    let second = second.unwrap();
    assert!(second.finished && second.losses.is_empty() && second.progress.best.is_some());
}

#[test]
fn a_shared_callback_is_looked_at_after_the_run_and_hears_of_validated_cases() {
    struct Count(usize);
    impl crate::Callback for Count {
        fn on_event(&mut self, event: &Event, _: &mut TrainingControl) -> Result<()> {
            self.0 += usize::from(matches!(event, Event::ValidatedCase { .. }));
            Ok(())
        }
    }
    let count = Arc::new(Mutex::new(Count(0)));
    let folder = tempfile::tempdir().unwrap();
    let options = FitOptions {
        callbacks: Callbacks::default().with_shared(count.clone()),
        ..options(folder.path())
    };
    run(&config(""), &options).0.unwrap();
    assert_eq!(count.lock().unwrap().0, 2);
}
