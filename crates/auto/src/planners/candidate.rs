//! The networks that Vesalius's own planner tries, in order of increasing cost.

use vesalius_networks::{NetworkConfig, PerStage, PlainConvUNetConfig, UNetConfig};
use vesalius_tensor::NormConfig;

/// One network, of so many channels in its first stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CandidateNetwork {
    /// MONAI's residual `UNet`, whose first convolution halves the resolution: many steps in little time.
    Halved(usize),
    /// nnU-Net's plain U-Net, whose first and last stages have full resolution: more detail at a higher cost.
    Full(usize),
}

/// All that are tried, in this order; the last is nnU-Net's own.
pub(super) const CANDIDATES: [CandidateNetwork; 5] = [
    CandidateNetwork::Halved(8),
    CandidateNetwork::Halved(16),
    CandidateNetwork::Full(16),
    CandidateNetwork::Full(24),
    CandidateNetwork::Full(32),
];

impl std::fmt::Display for CandidateNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Halved(width) => write!(
                f,
                "a residual U-Net of {width} channels that begins at half the resolution"
            ),
            Self::Full(width) => {
                write!(f, "nnU-Net's plain U-Net, {width} channels wide at the top")
            }
        }
    }
}

impl CandidateNetwork {
    /// With fewer steps than this it ends below the candidate before it with more steps. On fold 0 of hippocampus
    /// (patches of 32 × 48 × 32, batches of 2) `Halved(16)` reaches a Dice of 0.88 after 2,000 steps and stays there,
    /// `Halved(32)` 0.87 after 940; `Full(16)`, at twice the time a step, 0.88 after 600.
    pub fn enough_steps(self) -> f64 {
        match self {
            Self::Halved(_) => 2000.0,
            Self::Full(_) => 1000.0,
        }
    }

    /// The network with the kernels and strides that nnU-Net planned.
    pub fn network(self, planned: &NetworkConfig) -> NetworkConfig {
        let NetworkConfig::PlainConvUNet(plain) = planned else {
            return planned.clone();
        };
        match self {
            Self::Halved(width) => NetworkConfig::UNet(halved(plain, width)),
            Self::Full(width) => NetworkConfig::PlainConvUNet(PlainConvUNetConfig {
                features_per_stage: plain
                    .features_per_stage
                    .iter()
                    .map(|features| (features * width / 32).max(width))
                    .collect(),
                deep_supervision: false,
                ..plain.clone()
            }),
        }
    }
}

fn halved(plain: &PlainConvUNetConfig, width: usize) -> UNetConfig {
    let stages = plain.features_per_stage.len();
    let strides = match &plain.strides {
        PerStage::Each(strides) => strides.clone(),
        PerStage::Same(stride) => vec![*stride; stages],
    };
    UNetConfig {
        spatial_dims: plain.spatial_dims,
        in_channels: plain.input_channels,
        out_channels: plain.num_classes,
        channels: (0..stages)
            .map(|stage| (width << stage.min(8)).min(320))
            .collect(),
        // The first stage of nnU-Net's keeps the resolution.
        strides: strides.into_iter().skip(1).collect(),
        num_res_units: 2,
        norm: Some(NormConfig::instance_affine()),
        ..UNetConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_take_the_same_patches_and_grow() {
        let planned = NetworkConfig::PlainConvUNet(PlainConvUNetConfig {
            features_per_stage: vec![32, 64, 128, 256],
            strides: PerStage::Each(vec![1.into(), [2, 2, 1].into(), 2.into(), 2.into()]),
            ..PlainConvUNetConfig::default()
        });
        let patch = [40, 56, 40];
        let mut last = 0;
        for candidate in CANDIDATES {
            let network = candidate.network(&planned).check().unwrap();
            assert_eq!(network.architecture().divisor(), [8, 8, 4], "{candidate}");
            let flops = network.profile(patch, 2).unwrap().flops;
            assert!(flops > last, "{candidate}: {flops} after {last}");
            last = flops;
        }
        assert_eq!(CandidateNetwork::Full(32).network(&planned), planned);
    }
}
