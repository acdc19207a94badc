//! The steps after the network, one variant each, with every setting given.

use crate::step::Dtype;
use serde::{Deserialize, Serialize};

/// A step after the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PostStep {
    /// `Activationsd`: softmax over the channels.
    Softmax,
    /// `Activationsd`: sigmoid of each channel.
    Sigmoid,
    /// `AsDiscreted(argmax)`: the channel with the greatest value, the first of equals.
    Argmax,
    /// `AsDiscreted(to_onehot)`: a channel of 0 and 1 for each label.
    OneHot {
        /// The number of channels.
        classes: usize,
    },
    /// `AsDiscreted(threshold)`: 1 where the value is at least this, 0 elsewhere.
    Threshold {
        /// The least value of 1.
        at: f64,
    },
    /// `AsDiscreted(rounding)`: to the nearest whole number, halves to even.
    Round,
    /// `Invertd`: back to the grid of the image as it was loaded.
    Invert {
        /// What is taken back, as the steps before left it.
        of: ValueKind,
        /// Every interpolation becomes the nearest voxel, or stays as it was on the first way.
        is_nearest: bool,
        /// The input whose grid it is.
        like: String,
    },
    /// `KeepLargestConnectedComponentd`.
    KeepLargest {
        /// The labels; none means all but 0.
        labels: Option<Vec<i64>>,
        /// Each label by itself, or their union.
        independent: bool,
        /// Steps along axes between neighbours, 1 for faces; none means corners too.
        connectivity: Option<u8>,
        /// How many components are kept.
        components: usize,
    },
    /// `RemoveSmallObjectsd`.
    RemoveSmall {
        /// Components smaller than this go: voxels, or a volume with `by_measure`.
        min_size: f64,
        /// As in [`PostStep::KeepLargest`].
        connectivity: Option<u8>,
        /// Each channel by itself.
        independent_channels: bool,
        /// The size is a volume in cubic millimetres.
        by_measure: bool,
    },
    /// `FillHolesd`: what the background does not reach from the border gets the label.
    FillHoles {
        /// The labels; none means all but 0.
        labels: Option<Vec<i64>>,
        /// As in [`PostStep::KeepLargest`].
        connectivity: Option<u8>,
    },
    /// Channels of 0 and 1 into one label map: the first rule whose channel is on decides.
    Paint {
        /// The rules, the strongest first.
        rules: Vec<Rule>,
        /// The label where no channel is on.
        otherwise: i64,
    },
    /// Only these channels, from the first that is kept.
    SelectChannels {
        /// The first channel.
        from: usize,
    },
    /// `MapLabelValued`: other numbers for labels.
    MapLabels {
        /// Old and new numbers.
        pairs: Vec<(i64, i64)>,
    },
    /// `LabelFilterd`: labels that are not in the list become 0.
    KeepLabels {
        /// The labels.
        labels: Vec<i64>,
    },
}

/// What stands in a chain after the network at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ValueKind {
    /// The network's output.
    Logits,
    /// After softmax.
    Exclusive,
    /// After sigmoid.
    Independent,
    /// A channel of 0 and 1 for each output.
    Masks,
    /// One channel of labels.
    Labels,
}

/// A channel and the label that it paints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The channel.
    pub channel: usize,
    /// The label.
    pub label: i64,
}

/// `SaveImaged`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Save {
    /// The id of the component.
    pub id: String,
    /// The ending, such as `.nii.gz`.
    pub extension: String,
    /// What is added to the image's name, after a `_`; may be empty.
    pub postfix: String,
    /// The numbers in the file; none means those of the result.
    pub dtype: Option<Dtype>,
    /// A folder for each case.
    pub separate_folder: bool,
    /// The result is resampled to the grid of the file.
    pub resample: bool,
    /// Axes of length 1 at the end are left out, so that one slice is written in 2-D.
    pub squeeze_end_dims: bool,
}
