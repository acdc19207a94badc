//! Checkpoints as others write them, trainers by name, and which file of weights is taken.

use super::made::{check, data, folds, open};
use vesalius_inferers::{OpenOptions, Segmenter};
use vesalius_networks::read_pytorch_values;
use vesalius_volume::Warning;

/// A `defaultdict`, and names with the prefixes of `torch.compile` and of DDP: the same network.
#[test]
fn checkpoints_are_read_whoever_wrote_them() {
    let folder = data("models/checkpoints");
    for fold in ["0", "1", "2", "3"] {
        let segmenter = open(&folder, &folds(&[fold]));
        assert!(check(&segmenter, "thin", "usual") <= 1, "fold {fold}");
        assert!(
            segmenter.warnings().is_empty(),
            "{:?}",
            segmenter.warnings()
        );
    }
}

/// `fold_all` is of `nnUNetTrainer_onlyMirror01`; in `fold_4` NumPy's integers name the axes, and NumPy's text
/// the trainer.
#[test]
fn mirrored_axes_are_the_checkpoints() {
    let folder = data("models/checkpoints");
    let scalars = folder.join("fold_4/checkpoint_final.pth");
    let told = read_pytorch_values(&scalars).unwrap();
    assert_eq!(told["trainer_name"], "nnUNetTrainer_250epochs");
    for (fold, answer) in [("all", "all"), ("4", "mirror_01")] {
        let segmenter = open(&folder, &folds(&[fold]));
        assert_eq!(segmenter.model().mirror_axes.len(), 2);
        assert!(check(&segmenter, "thin", answer) <= 1);
        assert!(
            segmenter.warnings().is_empty(),
            "{:?}",
            segmenter.warnings()
        );
    }
}

/// `checkpoint_best.pth` of an unknown trainer, without mirroring.
#[test]
fn another_checkpoint_is_taken_and_an_unknown_trainer_told() {
    let best = OpenOptions::new().checkpoint("checkpoint_best.pth".to_owned());
    let segmenter = open(&data("models/checkpoints"), &best);
    assert_eq!(segmenter.model().members, ["fold_0"]);
    assert!(check(&segmenter, "thin", "best") <= 1);
    assert!(
        matches!(segmenter.warnings(), [Warning::UnknownTrainer { trainer }] if trainer == "nnUNetTrainerMine"),
        "{:?}",
        segmenter.warnings()
    );
    let absent = OpenOptions::new().checkpoint("checkpoint_latest.pth".to_owned());
    let refused = Segmenter::open_with(data("models/checkpoints"), &absent);
    let message = refused.unwrap_err().to_string();
    let words = [
        "checkpoint_latest.pth",
        "checkpoint_final.pth",
        "checkpoint_best.pth",
    ];
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
}

/// The plans name instance norm, as for every trainer; `nnUNetTrainerBN` builds another network.
#[test]
fn a_trainer_that_changes_the_network_is_followed() {
    let segmenter = open(&data("models/batch_norm"), &OpenOptions::default());
    assert!(check(&segmenter, "thin", "batch_norm") <= 1);
}
