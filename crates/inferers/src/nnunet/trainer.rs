//! nnU-Net's trainers by name, as far as they change prediction beyond the checkpoint's settings.

use vesalius_volume::Warning;

/// What a trainer's name means for prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trainer {
    /// The plans' network; losses, learning rates, augmentation and lengths leave no trace, and the axes
    /// that may be mirrored are in the checkpoint.
    Usual,
    /// The plans' network with batch norms.
    BatchNorm,
    /// A network that the plans do not describe.
    OwnNetwork,
    /// A name that nnU-Net itself does not have.
    Unknown,
}

/// Trainers of nnunetv2 2.8.1 that build the plans' network, without those that count epochs in their name.
const USUAL: [&str; 42] = [
    "nnUNetTrainer",
    "nnUNetTrainerBenchmark_5epochs",
    "nnUNetTrainerBenchmark_5epochs_noDataLoading",
    "nnUNetTrainerDA5",
    "nnUNetTrainerDA5ord0",
    "nnUNetTrainerDA5Segord0",
    "nnUNetTrainerDA5_10epochs",
    "nnUNetTrainerNoDA",
    "nnUNetTrainer_DASegOrd0",
    "nnUNetTrainer_DASegOrd0_NoMirroring",
    "nnUNetTrainer_noDummy2DDA",
    "nnUNetTrainerNoMirroring",
    "nnUNetTrainer_onlyMirror01",
    "nnUNetTrainer_onlyMirror01_1500ep",
    "nnUNetTrainer_onlyMirror01_DASegOrd0",
    "nnUNetTrainer_onlyMirror01_DA5",
    "nnUNetTrainer_warmup",
    "nnUNetTrainerCosAnneal",
    "nnUNetTrainerAdan",
    "nnUNetTrainerAdan1en3",
    "nnUNetTrainerAdan3en4",
    "nnUNetTrainerAdan1en1",
    "nnUNetTrainerAdanCosAnneal",
    "nnUNetTrainerAdam",
    "nnUNetTrainerVanillaAdam",
    "nnUNetTrainerVanillaAdam1en3",
    "nnUNetTrainerVanillaAdam3en4",
    "nnUNetTrainerAdam1en3",
    "nnUNetTrainerAdam3en4",
    "nnUNetTrainerDiceLoss",
    "nnUNetTrainerDiceCELoss_noSmooth",
    "nnUNetTrainerTopk10Loss",
    "nnUNetTrainerTopk10LossLS01",
    "nnUNetTrainerDiceTopK10Loss",
    "nnUNetTrainerCELoss",
    "nnUNetTrainerCELoss_5epochs",
    "nnUNetTrainerNoDeepSupervision",
    "nnUNetTrainer_probabilisticOversampling",
    "nnUNetTrainer_probabilisticOversampling_033",
    "nnUNetTrainer_probabilisticOversampling_010",
    "nnUNet_Trainer_BS8",
    "nnUNetTrainer_1epoch",
];

impl Trainer {
    /// The trainer of a name.
    pub fn named(name: &str) -> Self {
        if USUAL.contains(&name) || counts_epochs(name) {
            Self::Usual
        } else if name == "nnUNetTrainerBN" {
            Self::BatchNorm
        } else if name.contains("Primus") {
            Self::OwnNetwork
        } else {
            Self::Unknown
        }
    }
}

/// `nnUNetTrainer_250epochs`, `nnUNetTrainer_4000epochs_NoMirroring`.
fn counts_epochs(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("nnUNetTrainer_") else {
        return false;
    };
    let rest = rest.strip_suffix("_NoMirroring").unwrap_or(rest);
    rest.strip_suffix("epochs")
        .is_some_and(|count| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
}

/// The warning about an unknown trainer.
pub(super) fn unknown(name: &str) -> Warning {
    Warning::UnknownTrainer {
        trainer: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_that_leave_no_trace_in_prediction_are_known() {
        for name in [
            "nnUNetTrainer",
            "nnUNetTrainer_250epochs",
            "nnUNetTrainer_4000epochs_NoMirroring",
            "nnUNetTrainerNoMirroring",
            "nnUNetTrainer_onlyMirror01",
            "nnUNetTrainerDA5",
            "nnUNetTrainerDiceCELoss_noSmooth",
            "nnUNetTrainerNoDeepSupervision",
        ] {
            assert_eq!(Trainer::named(name), Trainer::Usual, "{name}");
        }
        assert_eq!(Trainer::named("nnUNetTrainerBN"), Trainer::BatchNorm);
        assert_eq!(
            Trainer::named("nnUNet_Primus_M_Trainer"),
            Trainer::OwnNetwork
        );
        for name in [
            "nnUNetTrainerUMambaBot",
            "nnUNetTrainer_epochs",
            "nnUNetTrainer_5epochsX",
            "",
        ] {
            assert_eq!(Trainer::named(name), Trainer::Unknown, "{name}");
        }
    }
}
