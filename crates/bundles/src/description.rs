//! What a bundle does, as plain data. Axes are those of MONAI's arrays: x, y, z.

use crate::note::Note;
use crate::post_step::{PostStep, Save};
use crate::step::Step;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A bundle's network, what is done to an image before it, how it runs, and what is done to its output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleDescription {
    /// Name, version and the MONAI version, as the metadata has them.
    pub about: About,
    /// The images that a case has, by their keys in the config, in the order in which their channels reach the network.
    pub inputs: Vec<String>,
    /// Names of the network's input channels, without those of clicks.
    pub channels: Vec<String>,
    /// The network.
    pub network: NetworkSpec,
    /// Its weights.
    pub weights: WeightsSpec,
    /// What is done to the images, in order. Steps before a [`Step::Concatenate`] are done to every input by itself.
    pub preprocessing: Vec<Placed<Step>>,
    /// How the network is applied.
    pub inferer: InfererSpec,
    /// What is done to the network's output, in order.
    pub postprocessing: Vec<Placed<PostStep>>,
    /// How the result is written.
    pub save: Option<Save>,
    /// Names of the network's output channels.
    pub outputs: Vec<String>,
    /// The values of the result and their names; the background is not among them.
    pub labels: Vec<Label>,
    /// What was assumed, left out or chosen.
    pub notes: Vec<Note>,
}

/// What the metadata says of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct About {
    /// The bundle's name.
    pub name: Option<String>,
    /// The bundle's version.
    pub version: Option<String>,
    /// The version of MONAI that it was made with.
    pub monai_version: Option<String>,
    /// The modality of the (first) image, such as `CT`.
    pub modality: Option<String>,
}

/// A step with the id of its component in the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed<T> {
    /// The id, such as `preprocessing::transforms::3`.
    pub id: String,
    /// The step.
    pub step: T,
}

/// A network by the name of its class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// The id of the component.
    pub id: String,
    /// The last part of the class's name, such as `UNet`.
    pub class: String,
    /// The class as the config has it, such as `monai.networks.nets.UNet` or `scripts.unest.UNesT`.
    pub target: String,
    /// Its arguments, looked up; a component among them is a mapping with `_target_`, what stands in another file of the bundle
    /// is as [`crate::FILE_KEY`] says.
    pub arguments: Map<String, Value>,
}

impl NetworkSpec {
    /// The network as MONAI's `_target_` form: the class and the arguments in one mapping.
    pub fn as_config(&self) -> Value {
        let mut map = Map::new();
        map.insert(crate::TARGET_KEY.to_owned(), self.target.clone().into());
        map.extend(self.arguments.clone());
        Value::Object(map)
    }

    /// A whole number among the arguments, at least 1.
    pub(crate) fn size(&self, names: &[&str]) -> Option<usize> {
        let found = names.iter().find_map(|name| self.arguments.get(*name))?;
        usize::try_from(found.as_u64()?)
            .ok()
            .filter(|size| *size > 0)
    }
}

/// The file of the weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsSpec {
    /// Its path in the bundle, such as `models/model.pt`.
    pub path: String,
    /// The entry of the file that holds the weights; where the file has none of this name, it is the weights itself.
    pub key: Option<String>,
    /// Whether every weight of the file and of the network must be in the other.
    pub strict: bool,
    /// Whether the bundle has the file.
    pub is_present: bool,
}

/// How the network is applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InfererSpec {
    /// To the whole image at once.
    Simple,
    /// To windows, whose results are averaged before any activation.
    SlidingWindow(SlidingWindow),
    /// To windows in slices, with a network for 2-D images; its two axes are the array's other two in their order.
    Slice {
        /// The array axis across the slices: 0, 1 or 2 (x, y, z).
        axis: u8,
        /// The windows in a slice.
        window: SlidingWindow,
    },
}

/// A sliding window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlidingWindow {
    /// Voxels along each axis; 0 or less is the image's whole axis.
    pub roi_size: Vec<i64>,
    /// Windows that go through the network together.
    pub batch_size: usize,
    /// The part of a window that the next one covers too, along each axis, from 0 to less than 1.
    pub overlap: Vec<f64>,
    /// The weight of a window's voxels.
    pub mode: Blending,
    /// The standard deviation of Gaussian weights as a part of the window, along each axis.
    pub sigma_scale: Vec<f64>,
    /// What surrounds an image that is smaller than the window.
    pub padding_mode: Padding,
    /// The value around it with [`Padding::Constant`].
    pub cval: f64,
}

/// The weight of a window's voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Blending {
    /// All alike.
    Constant,
    /// By a Gaussian about the middle.
    Gaussian,
}

/// What stands beyond an image's border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Padding {
    /// One value.
    Constant,
    /// Zeros.
    Zeros,
    /// The border's voxel.
    Replicate,
    /// The image mirrored about the border's voxel.
    Reflect,
    /// The image mirrored, the border's voxel twice.
    Symmetric,
    /// The image again.
    Circular,
    /// The least value of each line.
    Minimum,
    /// The greatest value of each line.
    Maximum,
    /// The mean of each line.
    Mean,
}

/// A value of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The value.
    pub value: i64,
    /// Its name.
    pub name: String,
    /// The output channel that it comes from.
    pub channel: usize,
}
