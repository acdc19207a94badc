//! ONNX files, read with limits.
//!
//! A file comes from a stranger: its messages are counted before they are decoded, every size is checked for overflow and
//! against the bytes that are there before memory is asked for, and weights beside the file ([external data]) are read only
//! from files in its own folder. A [`Model`] has a graph whose names are defined before they are used, and defined once.
//!
//! Running a graph is not part of this crate yet; `vesalius model info FILE.onnx` describes one.
//!
//! ```
//! use vesalius_onnx::{Dimension, Model, proto};
//!
//! // A file of one node: y = Relu(x), on any number of rows of 3.
//! let value = |name: &str| proto::value_info(name, 1, &[None, Some(3)]);
//! let graph = proto::GraphProto {
//!     node: vec![proto::NodeProto {
//!         op_type: "Relu".into(),
//!         input: vec!["x".into()],
//!         output: vec!["y".into()],
//!         ..Default::default()
//!     }],
//!     input: vec![value("x")],
//!     output: vec![value("y")],
//!     ..Default::default()
//! };
//! let bytes = proto::encode(&proto::model(graph, 17));
//!
//! let model = Model::from_bytes(bytes)?;
//! assert_eq!(model.opset(), 17);
//! assert_eq!(model.operators()["Relu"], 1);
//! assert_eq!(model.inputs()[0].shape, [Dimension::Unknown, Dimension::Size(3)]);
//! # Ok::<(), vesalius_onnx::Error>(())
//! ```
//!
//! [external data]: https://onnx.ai/onnx/repo-docs/ExternalData.html
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | files | [`Model`], [`Limits`] |
//! | values | [`Value`], [`Dimension`], [`ElementType`] |
//! | weights | [`Weight`] |
//! | messages of the format | [`proto`] |
//! | errors | [`Error`](enum@Error) |

#![forbid(unsafe_code)]

mod error;
mod external;
mod graph;
mod limits;
mod model;
pub mod proto;
mod scan;
mod value;
mod weight;

pub use error::{Error, Result};
pub use limits::Limits;
pub use model::Model;
pub use value::{Dimension, ElementType, Value};
pub use weight::Weight;
