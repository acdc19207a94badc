//! What an inferer asks of a network, so that a closure, a whole model or an ensemble can stand there.

use crate::{Error, Result};
use burn::tensor::Tensor;

/// Something that turns a batch of patches into a batch of outputs of the same spatial size.
pub trait PatchNetwork: Sync {
    /// Runs a batch.
    ///
    /// # Shapes
    /// `[N, C, Z, Y, X]` to `[N, K, Z, Y, X]`.
    fn forward(&self, patches: Tensor<5>) -> Tensor<5>;

    /// Patch sizes `[x, y, z]` must be multiples of this.
    fn divisor(&self) -> [usize; 3] {
        [1; 3]
    }

    /// 2 for a network that takes slices (Z = 1), else 3.
    fn spatial_dims(&self) -> usize {
        3
    }

    /// Nothing when the network takes patches of that many channels and size `[x, y, z]`; asked once before
    /// the first batch of a run.
    ///
    /// # Errors
    /// A size that the network cannot take, with those that it can.
    fn check_input(&self, _channels: usize, _size: [usize; 3]) -> Result<()> {
        Ok(())
    }

    /// The name of the first layer whose output is not finite on these patches, where the network knows its
    /// layers; the patches go through it once more.
    fn first_not_finite(&self, _patches: Tensor<5>) -> Option<String> {
        None
    }
}

impl<F: Fn(Tensor<5>) -> Tensor<5> + Sync> PatchNetwork for F {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        self(patches)
    }
}

/// Told of a run's progress, window by window; ends it by returning `false`.
pub trait Observer: Sync {
    /// `done` of `total` windows went through the network.
    fn advanced(&self, done: usize, total: usize) -> bool;
}

impl<F: Fn(usize, usize) -> bool + Sync> Observer for F {
    fn advanced(&self, done: usize, total: usize) -> bool {
        self(done, total)
    }
}

/// A network whose output is averaged over mirrored inputs: test-time flips.
pub struct Mirrored<'a> {
    /// The network.
    pub network: &'a dyn PatchNetwork,
    /// The axes `[x, y, z]` that are mirrored, in every combination.
    pub axes: [bool; 3],
}

impl Mirrored<'_> {
    /// The tensor's axes that are mirrored; they are n, c, z, y, x.
    fn tensor_axes(&self) -> Vec<usize> {
        (2..5).filter(|&axis| self.axes[4 - axis]).collect()
    }

    /// Every combination of mirrored axes, as bits; none first.
    fn subsets(&self) -> std::ops::Range<usize> {
        0..1 << self.tensor_axes().len()
    }

    fn flipped(&self, tensor: Tensor<5>, subset: usize) -> Tensor<5> {
        let axes = self.tensor_axes().into_iter().enumerate();
        axes.filter(|(bit, _)| subset >> bit & 1 == 1)
            .fold(tensor, |tensor, (_, axis)| tensor.flip([axis]))
    }

    fn names(&self, subset: usize) -> String {
        let axes = self.tensor_axes().into_iter().enumerate();
        let chosen = axes.filter(|(bit, _)| subset >> bit & 1 == 1);
        let mut names: Vec<&str> = chosen.map(|(_, axis)| ["x", "y", "z"][4 - axis]).collect();
        names.sort_unstable();
        names.join(" and ")
    }
}

impl PatchNetwork for Mirrored<'_> {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        // nnU-Net's order of additions: one axis after another, then two together, then all.
        let mut order: Vec<usize> = self.subsets().skip(1).collect();
        order.sort_by_key(|subset| subset.count_ones());
        let mut sum = self.network.forward(patches.clone());
        for subset in order {
            let output = self.network.forward(self.flipped(patches.clone(), subset));
            sum = sum + self.flipped(output, subset);
        }
        match self.subsets().len() {
            1 => sum,
            count => sum.div_scalar(count as f32),
        }
    }

    fn divisor(&self) -> [usize; 3] {
        self.network.divisor()
    }

    fn spatial_dims(&self) -> usize {
        self.network.spatial_dims()
    }

    fn check_input(&self, channels: usize, size: [usize; 3]) -> Result<()> {
        self.network.check_input(channels, size)
    }

    fn first_not_finite(&self, patches: Tensor<5>) -> Option<String> {
        self.subsets().find_map(|subset| {
            let found = self
                .network
                .first_not_finite(self.flipped(patches.clone(), subset))?;
            Some(match subset {
                0 => found,
                _ => format!("{found} (mirrored along {})", self.names(subset)),
            })
        })
    }
}

/// The mean of several networks' outputs: the folds of one model.
pub struct Averaged<'a> {
    /// The name and the network of each.
    members: Vec<(String, &'a dyn PatchNetwork)>,
}

impl<'a> Averaged<'a> {
    /// The mean of these networks, each with its name.
    ///
    /// # Errors
    /// [`Error::BadValue`] when there is none: the mean of no output does not exist.
    pub fn new(members: Vec<(String, &'a dyn PatchNetwork)>) -> Result<Self> {
        if members.is_empty() {
            let expected = "at least one network";
            return Err(Error::bad_value("networks", "none".to_owned(), expected));
        }
        Ok(Self { members })
    }
}

impl PatchNetwork for Averaged<'_> {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        let (rest, last) = self.members.split_at(self.members.len() - 1);
        let sum = rest
            .iter()
            .map(|(_, network)| network.forward(patches.clone()))
            .reduce(|sum, output| sum + output);
        // `new` refuses an empty list.
        let output = last[0].1.forward(patches);
        match sum {
            None => output,
            Some(sum) => (sum + output).div_scalar(self.members.len() as f32),
        }
    }

    fn divisor(&self) -> [usize; 3] {
        let mut divisor = [1; 3];
        for (_, network) in &self.members {
            let other = network.divisor();
            divisor = std::array::from_fn(|a| least_common_multiple(divisor[a], other[a]));
        }
        divisor
    }

    fn spatial_dims(&self) -> usize {
        let dims = self.members.iter().map(|(_, n)| n.spatial_dims());
        dims.max().unwrap_or(3)
    }

    fn check_input(&self, channels: usize, size: [usize; 3]) -> Result<()> {
        let mut members = self.members.iter();
        members.try_for_each(|(_, network)| network.check_input(channels, size))
    }

    fn first_not_finite(&self, patches: Tensor<5>) -> Option<String> {
        self.members.iter().find_map(|(name, network)| {
            let found = network.first_not_finite(patches.clone())?;
            Some(match self.members.len() {
                1 => found,
                _ => format!("{found} of {name}"),
            })
        })
    }
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    (1..=b)
        .map(|k| a * k)
        .find(|n| n.is_multiple_of(b))
        .unwrap_or(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_no_network_does_not_exist() {
        let refused = Averaged::new(Vec::new()).err().unwrap().to_string();
        assert!(refused.contains("networks is none"), "{refused}");
    }
}
