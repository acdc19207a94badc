//! A held-out case in three planes, reference above prediction.

use crate::drawn;
use vesalius_training::{Network, Result, RunState};
use vesalius_view::{Picture, Scene, ThreePlanes, label_names};

/// Pixels of the longest side of a slice in pictures of predictions.
const TILE: usize = 160;

/// The picture of a held-out case; `None` for one that is broken, or where the run was cancelled meanwhile.
pub(crate) fn picture_of(
    run: &RunState<'_>,
    network: &Network,
    name: &str,
) -> Result<Option<Picture>> {
    let Some((case, prediction)) = run.held_out(network, name)? else {
        return Ok(None);
    };
    let scene = Scene {
        reference: case.subject().labels(),
        prediction: Some(&prediction),
        names: label_names(&run.data().labels),
        ..Scene::of(case.subject().image())
    };
    let planes = ThreePlanes {
        tile: TILE,
        title: name.to_owned(),
        ..ThreePlanes::default()
    };
    drawn(planes.draw(&scene)).map(Some)
}
