//! What a description assumes, leaves out or chooses, so that nothing of it goes unsaid.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that the user of a description may want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Note {
    /// A class of the bundle's own Python code is taken for what it does in the bundle it is known from; the code is not read.
    ClassByName {
        /// Its id.
        id: String,
        /// The class.
        class: String,
    },
    /// A text stands where true or false is expected; Python takes any text but the empty one as true.
    TextAsTrue {
        /// The id of the component.
        id: String,
        /// The argument.
        argument: String,
        /// The text.
        text: String,
    },
    /// A component that does not touch what the network gets or gives is left out.
    LeftOut {
        /// Its id.
        id: String,
        /// Its class.
        class: String,
    },
    /// No `CheckpointLoader` names the weights; the place where bundles have them is taken.
    WeightsByConvention {
        /// The path.
        path: String,
    },
    /// The metadata does not name the channels, or as many as there are.
    ChannelNames {
        /// `inputs` or `outputs`.
        of: String,
        /// How many there are.
        channels: usize,
        /// How many names the metadata has.
        names: usize,
    },
    /// No `Invertd` takes the result back: it stays on the network's grid.
    NotInverted,
    /// A default that MONAI 1.5 changed decides; its value since then is taken.
    ChangedDefault {
        /// The id of the component.
        id: String,
        /// The argument.
        argument: String,
        /// The version that the bundle was made with.
        made_with: String,
    },
    /// A value was set, but nothing that was read uses it.
    SetWithoutUse {
        /// The id.
        id: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClassByName { id, class } => write!(
                f,
                "`{id}`: {class} is Python code of the bundle's own; it is taken for the class of that name in MONAI's model zoo"
            ),
            Self::TextAsTrue { id, argument, text } => write!(
                f,
                "`{id}`: `{argument}` is the text \"{text}\", which Python takes as true"
            ),
            Self::LeftOut { id, class } => write!(
                f,
                "`{id}`: {class} is left out, because the network's input and output do not depend on it"
            ),
            Self::WeightsByConvention { path } => write!(
                f,
                "the config does not say where the weights are; `{path}` is taken"
            ),
            Self::ChannelNames {
                of,
                channels,
                names,
            } => write!(
                f,
                "the metadata has {names} names for {channels} channels of the network's {of}; channels without one are numbered"
            ),
            Self::NotInverted => f.write_str(
                "no `Invertd` in `postprocessing` takes the result back; it stays on the grid that `preprocessing` makes",
            ),
            Self::ChangedDefault {
                id,
                argument,
                made_with,
            } => write!(
                f,
                "`{id}`: `{argument}` is not given, and the bundle was made with MONAI {made_with}, where it was true; since 1.5 it is false, which is taken"
            ),
            Self::SetWithoutUse { id } => {
                write!(f, "`{id}` was set, but nothing that is needed uses it")
            }
        }
    }
}
