//! The types of values.

use crate::proto::ValueInfoProto;
use crate::{Error, Limits, Result};
use serde::Serialize;
use std::fmt;

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ElementType {
    /// 32-bit floating-point numbers.
    Float,
    /// 8-bit whole numbers from 0.
    Uint8,
    /// 8-bit whole numbers.
    Int8,
    /// 16-bit whole numbers from 0.
    Uint16,
    /// 16-bit whole numbers.
    Int16,
    /// 32-bit whole numbers.
    Int32,
    /// 64-bit whole numbers.
    Int64,
    /// True or false, a byte each.
    Bool,
    /// 16-bit floating-point numbers of IEEE 754.
    Float16,
    /// 64-bit floating-point numbers.
    Double,
    /// 32-bit whole numbers from 0.
    Uint32,
    /// 64-bit whole numbers from 0.
    Uint64,
    /// 16-bit floating-point numbers with the exponent of 32-bit ones.
    Bfloat16,
}

impl ElementType {
    /// The type of the format's number; `None` for texts, complex numbers and those of less than 16 bits.
    pub fn of(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Float,
            2 => Self::Uint8,
            3 => Self::Int8,
            4 => Self::Uint16,
            5 => Self::Int16,
            6 => Self::Int32,
            7 => Self::Int64,
            9 => Self::Bool,
            10 => Self::Float16,
            11 => Self::Double,
            12 => Self::Uint32,
            13 => Self::Uint64,
            16 => Self::Bfloat16,
            _ => return None,
        })
    }

    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Self::Uint8 | Self::Int8 | Self::Bool => 1,
            Self::Uint16 | Self::Int16 | Self::Float16 | Self::Bfloat16 => 2,
            Self::Float | Self::Int32 | Self::Uint32 => 4,
            Self::Int64 | Self::Double | Self::Uint64 => 8,
        }
    }
}

/// The length of an axis of an input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Dimension {
    /// It is fixed.
    Size(usize),
    /// It is free, and the same wherever it has this name.
    Named(String),
    /// It is free.
    Unknown,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => write!(f, "{size}"),
            Self::Named(name) => f.write_str(name),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// An input or output of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Value {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub element: ElementType,
    /// Its axes; empty where the file does not say how many there are.
    pub shape: Vec<Dimension>,
}

impl Value {
    pub(crate) fn of(info: &ValueInfoProto, limits: &Limits) -> Result<Self> {
        let place = || format!("the value `{}`", info.name);
        let tensor = info
            .r#type
            .as_ref()
            .and_then(|kind| kind.tensor_type.as_ref());
        let tensor = tensor.ok_or_else(|| Error::graph(place(), "it is no tensor"))?;
        let element = ElementType::of(tensor.elem_type).ok_or_else(|| {
            let number = tensor.elem_type;
            Error::graph(
                place(),
                format!("its element type {number} is not supported"),
            )
        })?;
        let dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
        let mut shape = Vec::new();
        for dim in dims {
            if shape.len() == limits.axes {
                let reason = format!("it has more than {} axes", limits.axes);
                return Err(Error::graph(place(), reason));
            }
            shape.push(match (dim.dim_value, &dim.dim_param) {
                (Some(size), _) => Dimension::Size(usize::try_from(size).map_err(|_| {
                    Error::graph(place(), format!("an axis has the length {size}"))
                })?),
                (None, Some(name)) if !name.is_empty() => Dimension::Named(name.clone()),
                _ => Dimension::Unknown,
            });
        }
        Ok(Self {
            name: info.name.clone(),
            element,
            shape,
        })
    }
}
