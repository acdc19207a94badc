//! What an inferer asks of a network, so that a closure, a whole model or an ensemble can stand there.

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

impl PatchNetwork for Mirrored<'_> {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        // The tensor's axes are n, c, z, y, x.
        let axes: Vec<usize> = (0..3).filter(|&a| self.axes[a]).map(|a| 4 - a).collect();
        let flip = |tensor: Tensor<5>, subset: usize| {
            let chosen = axes.iter().enumerate();
            chosen
                .filter(|(bit, _)| subset >> bit & 1 == 1)
                .fold(tensor, |tensor, (_, &axis)| tensor.flip([axis]))
        };
        let subsets = 1usize << axes.len();
        let mut sum = self.network.forward(patches.clone());
        for subset in 1..subsets {
            let output = self.network.forward(flip(patches.clone(), subset));
            sum = sum + flip(output, subset);
        }
        match subsets {
            1 => sum,
            _ => sum.div_scalar(subsets as f32),
        }
    }

    fn divisor(&self) -> [usize; 3] {
        self.network.divisor()
    }
}

/// The mean of several networks' outputs: the folds of one model.
pub struct Averaged<'a>(pub Vec<&'a dyn PatchNetwork>);

impl PatchNetwork for Averaged<'_> {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        let outputs = self
            .0
            .iter()
            .map(|network| network.forward(patches.clone()));
        match (outputs.reduce(|sum, output| sum + output), self.0.len()) {
            (Some(sum), 1) => sum,
            (Some(sum), count) => sum.div_scalar(count as f32),
            // No network changes nothing.
            (None, _) => patches,
        }
    }

    fn divisor(&self) -> [usize; 3] {
        let mut divisor = [1; 3];
        for network in &self.0 {
            let other = network.divisor();
            divisor = std::array::from_fn(|a| least_common_multiple(divisor[a], other[a]));
        }
        divisor
    }
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    (1..=b)
        .map(|k| a * k)
        .find(|n| n.is_multiple_of(b))
        .unwrap_or(a)
}
