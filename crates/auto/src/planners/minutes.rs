//! Runs for which the minutes are too few: what is left out is reported, and a later call makes it.

use super::cancelled::{begun, small};
use crate::{
    AfterRuns, Choice, ChooseOptions, History, JobState, TrainEvent, TrainOptions, choose, train,
};
use vesalius_control::Control;
use vesalius_volume::Warning;

#[test]
fn what_the_minutes_have_no_room_for_is_told_and_made_by_a_later_call() {
    let folder = tempfile::tempdir().unwrap();
    let (work, _) = begun(folder.path());
    let plans = [small(&work)];
    let options = |minutes: Option<f64>| TrainOptions {
        minutes,
        after: AfterRuns::ensemble_and(2),
        collapsed_below: -1.0,
        ..TrainOptions::default()
    };
    let mut told = Vec::new();
    let first = train(&work, &plans, &options(Some(1e-6)), &mut |event| {
        if let TrainEvent::Warning(warning) = event {
            told.push((*warning).clone());
        }
    });
    let first = first.unwrap();
    let (begun, left) = (&first.jobs[0], &first.jobs[1]);
    assert_eq!(
        (&begun.state, &left.state),
        (&JobState::Trained, &JobState::Planned)
    );
    let of = work.list().split(begun.fold).unwrap().1.len();
    assert_eq!(
        (begun.steps, begun.unscored, begun.quick),
        (1, of - 1, true)
    );
    assert!(
        told.contains(&Warning::RunsLeftOut { count: 1, of: 2 }),
        "{told:?}"
    );
    let cut = Warning::HeldOutCut {
        algorithm: "small".to_owned(),
        fold: begun.fold,
        done: 1,
        of,
        quick: true,
    };
    assert!(told.contains(&cut), "{told:?}");
    // The ensemble is chosen on what was scored, and lists what is missing.
    let chosen = |history: &History| -> Choice {
        let options = ChooseOptions::default();
        choose(&work, history, &options, &Control::new(), &mut |_| ()).unwrap()
    };
    assert_eq!(chosen(&first).missing.len(), 1);

    let second = train(&work, &plans, &options(None), &mut |_| ()).unwrap();
    assert!(
        second
            .jobs
            .iter()
            .all(|job| job.is_trained() && job.is_scored())
    );
    // The first run stays as it is.
    assert_eq!((second.jobs[0].steps, second.jobs[1].steps), (1, 3));
    assert!(chosen(&second).missing.is_empty());
}
