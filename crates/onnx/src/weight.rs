//! Constant tensors.

use crate::external;
use crate::proto::TensorProto;
use crate::{ElementType, Error, Limits, Result};
use bytes::Bytes;
use std::path::Path;

/// A constant tensor of a file: its bytes are checked for their number, and read when they are asked for.
#[derive(Debug, Clone)]
pub struct Weight {
    shape: Shape,
    tensor: TensorProto,
}

/// The shape of a tensor whose numbers can be addressed.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    element: ElementType,
    sizes: Vec<usize>,
    numbers: usize,
}

impl Shape {
    pub fn byte_count(&self) -> usize {
        self.numbers * self.element.bytes()
    }

    fn of(tensor: &TensorProto, limits: &Limits) -> std::result::Result<Self, String> {
        let kind = tensor.data_type;
        let element = ElementType::of(kind);
        let element = element.ok_or_else(|| format!("its element type {kind} is not supported"))?;
        let dims = &tensor.dims;
        if dims.len() > limits.axes {
            return Err(format!("it has {} axes", dims.len()));
        }
        let sizes = dims.iter().map(|&size| usize::try_from(size));
        let sizes: std::result::Result<Vec<usize>, _> = sizes.collect();
        let sizes = sizes.map_err(|_| format!("its shape is {dims:?}"))?;
        let numbers = sizes.iter().try_fold(1_usize, |all, &n| all.checked_mul(n));
        let numbers = numbers.filter(|n| n.checked_mul(element.bytes()).is_some());
        let numbers = numbers.ok_or_else(|| format!("its shape {sizes:?} overflows"))?;
        Ok(Self {
            element,
            sizes,
            numbers,
        })
    }

    /// Whether the fields of the tensor have as many numbers as the shape.
    fn check_length(&self, tensor: &TensorProto) -> std::result::Result<(), String> {
        let (found, expected, what) = match self.element {
            _ if is_external(tensor) => return Ok(()),
            _ if !tensor.raw_data.is_empty() => (tensor.raw_data.len(), self.byte_count(), "bytes"),
            ElementType::Float => (tensor.float_data.len(), self.numbers, "numbers"),
            ElementType::Int64 => (tensor.int64_data.len(), self.numbers, "numbers"),
            ElementType::Double => (tensor.double_data.len(), self.numbers, "numbers"),
            ElementType::Uint32 | ElementType::Uint64 => {
                (tensor.uint64_data.len(), self.numbers, "numbers")
            }
            _ => (tensor.int32_data.len(), self.numbers, "numbers"),
        };
        match found == expected {
            true => Ok(()),
            false => Err(format!("it has {found} {what}, its shape needs {expected}")),
        }
    }
}

fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == 1
}

impl Weight {
    pub(crate) fn of(tensor: TensorProto, limits: &Limits) -> Result<Self> {
        let shape = Self::check(&tensor, limits)?;
        Ok(Self { shape, tensor })
    }

    /// The shape of a tensor that has as many numbers as the shape says.
    pub(crate) fn check(tensor: &TensorProto, limits: &Limits) -> Result<Shape> {
        let checked =
            Shape::of(tensor, limits).and_then(|shape| shape.check_length(tensor).map(|()| shape));
        checked.map_err(|reason| Error::graph(format!("the tensor `{}`", tensor.name), reason))
    }

    /// The type of its elements.
    pub fn element(&self) -> ElementType {
        self.shape.element
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape.sizes
    }

    /// How many numbers it has.
    pub fn numbers(&self) -> usize {
        self.shape.numbers
    }

    /// Bytes of its numbers.
    pub fn byte_count(&self) -> usize {
        self.shape.byte_count()
    }

    /// Whether its numbers are in another file.
    pub fn is_external(&self) -> bool {
        is_external(&self.tensor)
    }

    /// Its numbers, little-endian, without a copy where the file has them so. `folder` is that of the model's file.
    ///
    /// # Errors
    /// [`Error::External`] for another file that is not there, too short, or outside of the folder.
    pub fn data(&self, folder: Option<&Path>) -> Result<Bytes> {
        let tensor = &self.tensor;
        if self.is_external() {
            return external::read(tensor, self.byte_count(), folder).map(Bytes::from);
        }
        if !tensor.raw_data.is_empty() {
            return Ok(tensor.raw_data.clone());
        }
        let low = |width: usize| {
            let each = tensor.int32_data.iter();
            each.flat_map(|n| n.to_le_bytes().into_iter().take(width))
                .collect::<Vec<u8>>()
        };
        Ok(Bytes::from(match self.element() {
            ElementType::Float => tensor
                .float_data
                .iter()
                .flat_map(|n| n.to_le_bytes())
                .collect(),
            ElementType::Int64 => tensor
                .int64_data
                .iter()
                .flat_map(|n| n.to_le_bytes())
                .collect(),
            ElementType::Double => tensor
                .double_data
                .iter()
                .flat_map(|n| n.to_le_bytes())
                .collect(),
            ElementType::Uint64 => tensor
                .uint64_data
                .iter()
                .flat_map(|n| n.to_le_bytes())
                .collect(),
            ElementType::Uint32 => {
                let each = tensor.uint64_data.iter();
                each.flat_map(|n| n.to_le_bytes().into_iter().take(4))
                    .collect()
            }
            narrow => low(narrow.bytes()),
        }))
    }
}
