//! nnU-Net's estimate of a network's memory: the number of output values of its convolutions for one
//! patch (dynamic_network_architectures' `compute_conv_feature_map_size`).

/// The encoder's blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocks {
    /// Convolutions one after another.
    Plain,
    /// A stem, then blocks of two convolutions with a skip connection.
    Residual,
}

/// What the estimate depends on; vectors run along the array's axes.
pub(super) struct Shape<'a> {
    pub blocks: Blocks,
    pub patch: &'a [usize],
    pub strides: &'a [Vec<usize>],
    /// Features of each stage.
    pub features: &'a [usize],
    /// Convolutions or residual blocks of each encoder stage.
    pub encoder: &'a [usize],
    /// Convolutions of each decoder stage, the deepest first.
    pub decoder: &'a [usize],
    pub classes: usize,
    pub deep_supervision: bool,
}

impl Shape<'_> {
    /// The number of values.
    pub fn values(&self) -> u64 {
        self.encoder_values() + self.decoder_values()
    }

    /// The size after each stage.
    fn sizes(&self) -> Vec<Vec<usize>> {
        let mut size = self.patch.to_vec();
        let after = |stride: &Vec<usize>| {
            size.iter_mut().zip(stride).for_each(|(n, s)| *n /= s);
            size.clone()
        };
        self.strides.iter().map(after).collect()
    }

    fn encoder_values(&self) -> u64 {
        let sizes = self.sizes();
        let stages = self.features.iter().zip(self.encoder).enumerate();
        let values = stages.map(|(stage, (&features, &blocks))| {
            let each = features as u64 * voxels(&sizes[stage]);
            match self.blocks {
                Blocks::Plain => blocks as u64 * each,
                Blocks::Residual => {
                    let (before, from) = match stage {
                        0 => (self.patch, self.features[0]),
                        _ => (&sizes[stage - 1][..], self.features[stage - 1]),
                    };
                    let projected = from != features || before != sizes[stage];
                    (2 * blocks as u64 + u64::from(projected)) * each
                }
            }
        });
        let stem = match self.blocks {
            Blocks::Plain => 0,
            Blocks::Residual => self.features[0] as u64 * voxels(self.patch),
        };
        stem + values.sum::<u64>()
    }

    fn decoder_values(&self) -> u64 {
        let sizes = self.sizes();
        let stages = self.features.len() - 1;
        let values = (0..stages).map(|stage| {
            let level = stages - 1 - stage;
            let features = self.features[level] as u64;
            // The transposed convolution counts like one more.
            let convolutions = (self.decoder[stage] as u64 + 1) * features;
            let head = match self.deep_supervision || level == 0 {
                true => self.classes as u64,
                false => 0,
            };
            (convolutions + head) * voxels(&sizes[level])
        });
        values.sum()
    }
}

fn voxels(size: &[usize]) -> u64 {
    size.iter().map(|&n| n as u64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two numbers that nnU-Net 2.8.1 states for its residual planner.
    #[test]
    fn residual_estimates_are_nnunets() {
        let estimate = |patch: &[usize], features: &[usize]| {
            let stages = features.len();
            let mut strides = vec![vec![2; patch.len()]; stages];
            strides[0] = vec![1; patch.len()];
            Shape {
                blocks: Blocks::Residual,
                patch,
                strides: &strides,
                features,
                encoder: &[1, 3, 4, 6, 6, 6, 6][..stages],
                decoder: &[1; 6][..stages - 1],
                classes: 3,
                deep_supervision: true,
            }
            .values()
        };
        let features = [32, 64, 128, 256, 320, 320];
        assert_eq!(estimate(&[128, 128, 128], &features), 558_319_104);
        let features = [32, 64, 128, 256, 512, 512, 512];
        assert_eq!(estimate(&[512, 512], &features), 129_793_792);
    }
}
