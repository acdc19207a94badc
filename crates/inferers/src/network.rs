//! Networks made of other networks: test-time flips and the mean of several members.

use crate::PatchNetwork;
use burn::tensor::Tensor;
use vesalius_networks::{Error, Result};

/// A network whose output is averaged over mirrored inputs: test-time flips.
pub struct Mirrored<'a> {
    network: &'a dyn PatchNetwork,
    axes: [bool; 3],
}

impl<'a> Mirrored<'a> {
    /// The mean of the outputs with every combination of the axes `[x, y, z]` mirrored.
    pub fn new(network: &'a dyn PatchNetwork, axes: [bool; 3]) -> Self {
        Self { network, axes }
    }

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
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
        // nnU-Net's order of additions: one axis after another, then two together, then all.
        let mut order: Vec<usize> = self.subsets().skip(1).collect();
        order.sort_by_key(|subset| subset.count_ones());
        let mut sum = self.network.forward(patches.clone())?;
        for subset in order {
            let output = self
                .network
                .forward(self.flipped(patches.clone(), subset))?;
            check_alike("a mirrored output", &sum, &output)?;
            sum = sum + self.flipped(output, subset);
        }
        Ok(match self.subsets().len() {
            1 => sum,
            count => sum.div_scalar(count as f32),
        })
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

    fn parameters(&self) -> Option<u64> {
        self.network.parameters()
    }

    fn memory(&self, batch: usize, channels: usize, size: [usize; 3]) -> Option<u64> {
        self.network.memory(batch, channels, size)
    }

    fn first_not_finite(&self, patches: Tensor<5>) -> Result<Option<String>> {
        for subset in self.subsets() {
            let flipped = self.flipped(patches.clone(), subset);
            if let Some(found) = self.network.first_not_finite(flipped)? {
                return Ok(Some(match subset {
                    0 => found,
                    _ => format!("{found} (mirrored along {})", self.names(subset)),
                }));
            }
        }
        Ok(None)
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
    /// [`crate::Error::BadValue`] when there is none: the mean of no output does not exist.
    pub fn new(members: Vec<(String, &'a dyn PatchNetwork)>) -> crate::Result<Self> {
        if members.is_empty() {
            let expected = "at least one network";
            return Err(crate::Error::bad_value(
                "networks",
                "none".to_owned(),
                expected,
            ));
        }
        Ok(Self { members })
    }
}

impl PatchNetwork for Averaged<'_> {
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
        let (mut sum, mut patches) = (None, Some(patches));
        for (number, (name, network)) in (1..).zip(&self.members) {
            // The patches are not kept during the last member's pass.
            let taken = match number == self.members.len() {
                true => patches.take(),
                false => patches.clone(),
            };
            let Some(taken) = taken else { break };
            let output = network.forward(taken)?;
            sum = Some(match sum {
                None => output,
                Some(sum) => {
                    check_alike(name, &sum, &output)?;
                    sum + output
                }
            });
        }
        // `new` refuses an empty list.
        let sum: Tensor<5> = sum.ok_or_else(|| Error::custom("the mean of no network"))?;
        Ok(match self.members.len() {
            0 | 1 => sum,
            count => sum.div_scalar(count as f32),
        })
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

    fn parameters(&self) -> Option<u64> {
        let mut each = self.members.iter().map(|(_, network)| network.parameters());
        each.try_fold(0u64, |sum, one| Some(sum.saturating_add(one?)))
    }

    fn memory(&self, batch: usize, channels: usize, size: [usize; 3]) -> Option<u64> {
        // One runs after the other.
        let mut members = self.members.iter();
        members.try_fold(0, |most, (_, network)| {
            Some(most.max(network.memory(batch, channels, size)?))
        })
    }

    fn first_not_finite(&self, patches: Tensor<5>) -> Result<Option<String>> {
        for (name, network) in &self.members {
            if let Some(found) = network.first_not_finite(patches.clone())? {
                return Ok(Some(match self.members.len() {
                    1 => found,
                    _ => format!("{found} of {name}"),
                }));
            }
        }
        Ok(None)
    }
}

/// A network of which some output channels count, in an order of their own.
pub struct SelectedChannels<'a> {
    /// The network.
    pub network: &'a dyn PatchNetwork,
    /// The channels; none means all in their order.
    pub channels: &'a [usize],
}

impl PatchNetwork for SelectedChannels<'_> {
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
        let output = self.network.forward(patches)?;
        if self.channels.is_empty() {
            return Ok(output);
        }
        let [_, count, ..] = output.dims();
        if let Some(channel) = self.channels.iter().find(|channel| **channel >= count) {
            return Err(Error::custom(format!(
                "channel {channel} of the network's output is asked for, but it has {count}"
            )));
        }
        let one = |&channel: &usize| output.clone().narrow(1, channel, 1);
        Ok(Tensor::cat(self.channels.iter().map(one).collect(), 1))
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

    fn first_not_finite(&self, patches: Tensor<5>) -> Result<Option<String>> {
        self.network.first_not_finite(patches)
    }
}

/// Checks that two outputs can be added.
fn check_alike(what: &str, first: &Tensor<5>, other: &Tensor<5>) -> Result<()> {
    match first.dims() == other.dims() {
        true => Ok(()),
        false => Err(vesalius_tensor::Error::WrongShape {
            what: format!("the output of {what}"),
            found: other.dims().to_vec(),
            expected: format!("the shape of the outputs before it, {:?}", first.dims()),
        }
        .into()),
    }
}

/// The least number that both divide; the largest there is where it is larger still.
fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut divisor, mut rest) = (a.max(1), b.max(1));
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a.max(1) / divisor).saturating_mul(b.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn channels_are_taken_in_their_order_and_one_that_is_not_there_is_refused() {
        let twice = |patch: Tensor<5>| Tensor::cat(vec![patch.clone(), patch + 10.0], 1);
        let run = |channels: &[usize]| {
            let network = SelectedChannels {
                network: &twice,
                channels,
            };
            let patch = TensorData::new(vec![1.0f32, 2.0], [1, 1, 1, 1, 2]);
            let patch = Tensor::from_data(patch, &Device::flex());
            network.forward(patch).map(|output| {
                let values: Vec<f32> = output.into_data().iter::<f32>().collect();
                values
            })
        };
        assert_eq!(run(&[1]).unwrap(), [11.0, 12.0]);
        assert_eq!(run(&[1, 0]).unwrap(), [11.0, 12.0, 1.0, 2.0]);
        assert_eq!(run(&[]).unwrap(), [1.0, 2.0, 11.0, 12.0]);
        let refused = run(&[0, 2]).unwrap_err().to_string();
        assert!(refused.contains("channel 2"), "{refused}");
    }

    #[test]
    fn the_mean_of_no_network_does_not_exist() {
        let refused = Averaged::new(Vec::new()).err().unwrap().to_string();
        assert!(refused.contains("networks is none"), "{refused}");
    }
}
