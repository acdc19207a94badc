//! What can be wrong with a network's config, its input or its weights: one sentence each, with the remedy.

use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A config that cannot be built.
    #[error("network `{network}`: {problem}")]
    BadConfig {
        /// The network's name in a config.
        network: &'static str,
        /// What is wrong, by key, and what is allowed.
        problem: String,
    },
    /// An input that the network cannot take.
    #[error("network `{network}` cannot take an input of size {size:?}: {problem}")]
    BadInput {
        /// The network's name in a config.
        network: &'static str,
        /// Size `[x, y, z]`.
        size: [usize; 3],
        /// What is wrong, and which sizes fit.
        problem: String,
    },
    /// Weights that belong to another network.
    #[error("the weights do not fit the network: {0}")]
    WeightsMismatch(Mismatch),
    /// A file of weights that cannot be read.
    #[error("{what} cannot be read as weights: {problem}")]
    BadWeights {
        /// The file or buffer.
        what: String,
        /// What is wrong and what is understood.
        problem: String,
    },
    /// MONAI's or nnU-Net's description of a network that is not supported.
    #[error(
        "{what}: {problem}; see docs/networks.md for what is understood, or write the network in our own form (`network:` of a model.yaml)"
    )]
    UnknownArchitecture {
        /// The network or layer that was described.
        what: String,
        /// The argument, and why.
        problem: String,
    },
    /// An error of the tensor crate.
    #[error("{0}")]
    Tensor(#[from] vesalius_tensor::Error),
    /// A config names a user-defined network that cannot be made.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// An error of a user-defined network.
    #[error("{0}")]
    Custom(Box<dyn std::error::Error + Send + Sync>),
    /// The work was cancelled while the network ran.
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
}

vesalius_registry::custom_error! {
    /// An error of a user-defined network: a text, or any error.
    Error
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadWeights { .. } => ErrorKind::Corrupt,
            Self::UnknownArchitecture { .. } => ErrorKind::Unsupported,
            Self::Tensor(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::BadConfig { .. }
            | Self::BadInput { .. }
            | Self::WeightsMismatch(_)
            | Self::Custom(_) => ErrorKind::BadInput,
        }
    }
}

/// How weights and a network differ, by the parameters' names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Parameters that the weights lack.
    pub missing: Vec<String>,
    /// Tensors that the network has no use for.
    pub left_over: Vec<String>,
    /// Name, shape in the network, shape in the weights.
    pub wrong_shape: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl Mismatch {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.left_over.is_empty() && self.wrong_shape.is_empty()
    }

    /// The first differences in words, other shapes before missing and left-over names, and how many there are in all.
    ///
    /// ```
    /// use vesalius_networks::Mismatch;
    ///
    /// let mismatch = Mismatch {
    ///     missing: vec!["a.bias".to_owned()],
    ///     left_over: vec!["b.bias".to_owned()],
    ///     wrong_shape: vec![("a.weight".to_owned(), vec![2, 1], vec![3, 1])],
    /// };
    /// assert_eq!(mismatch.first(2), "3 differences: a.weight is [3, 1], not [2, 1]; a.bias is missing; …");
    /// ```
    pub fn first(&self, most: usize) -> String {
        let shapes = self
            .wrong_shape
            .iter()
            .map(|(name, network, weights)| format!("{name} is {weights:?}, not {network:?}"));
        let missing = self.missing.iter().map(|name| format!("{name} is missing"));
        let left_over = self
            .left_over
            .iter()
            .map(|name| format!("{name} is left over"));
        let all = self.wrong_shape.len() + self.missing.len() + self.left_over.len();
        let mut parts: Vec<String> = shapes.chain(missing).chain(left_over).take(most).collect();
        if parts.len() < all {
            parts.push("…".to_owned());
        }
        format!("{all} differences: {}", parts.join("; "))
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            parts.push(format!(
                "{} missing: {}",
                self.missing.len(),
                self.missing.join(", ")
            ));
        }
        if !self.left_over.is_empty() {
            parts.push(format!(
                "{} left over: {}",
                self.left_over.len(),
                self.left_over.join(", ")
            ));
        }
        if !self.wrong_shape.is_empty() {
            let shapes: Vec<String> = self
                .wrong_shape
                .iter()
                .map(|(name, network, weights)| format!("{name} is {weights:?}, not {network:?}"))
                .collect();
            parts.push(format!(
                "{} of another shape: {}",
                shapes.len(),
                shapes.join(", ")
            ));
        }
        write!(f, "{}", parts.join("; "))
    }
}
