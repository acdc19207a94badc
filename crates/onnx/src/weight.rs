//! Constant tensors.

use crate::external;
use crate::proto::TensorProto;
use crate::{ElementType, Error, Limits, Result};
use bytes::Bytes;
use std::path::Path;

/// A constant tensor of a file: its bytes are checked for their number, and read when they are asked for.
#[derive(Debug, Clone)]
pub struct Weight {
    element: ElementType,
    shape: Vec<usize>,
    numbers: usize,
    tensor: TensorProto,
}

impl Weight {
    pub(crate) fn of(tensor: TensorProto, limits: &Limits) -> Result<Self> {
        let name = tensor.name.clone();
        let bad = |reason: String| Error::graph(format!("the tensor `{name}`"), reason);
        let element = ElementType::of(tensor.data_type);
        let element = element.ok_or_else(|| {
            bad(format!(
                "its element type {} is not supported",
                tensor.data_type
            ))
        })?;
        if tensor.dims.len() > limits.axes {
            return Err(bad(format!("it has {} axes", tensor.dims.len())));
        }
        let mut shape = Vec::new();
        for &size in &tensor.dims {
            let size = usize::try_from(size);
            shape.push(size.map_err(|_| bad(format!("its shape is {:?}", tensor.dims)))?);
        }
        let numbers = shape.iter().try_fold(1_usize, |all, &n| all.checked_mul(n));
        let numbers = numbers.filter(|n| n.checked_mul(element.bytes()).is_some());
        let numbers = numbers.ok_or_else(|| bad(format!("its shape {shape:?} overflows")))?;
        let weight = Self {
            element,
            shape,
            numbers,
            tensor,
        };
        weight.check_length().map_err(bad)?;
        Ok(weight)
    }

    /// Whether the fields of the tensor have as many numbers as its shape.
    fn check_length(&self) -> std::result::Result<(), String> {
        let tensor = &self.tensor;
        if self.is_external() {
            return Ok(());
        }
        let found = match self.element {
            _ if !tensor.raw_data.is_empty() => {
                let (found, expected) = (tensor.raw_data.len(), self.byte_count());
                return match found == expected {
                    true => Ok(()),
                    false => Err(format!("it has {found} bytes, its shape needs {expected}")),
                };
            }
            ElementType::Float => tensor.float_data.len(),
            ElementType::Int64 => tensor.int64_data.len(),
            ElementType::Double => tensor.double_data.len(),
            ElementType::Uint32 | ElementType::Uint64 => tensor.uint64_data.len(),
            _ => tensor.int32_data.len(),
        };
        match found == self.numbers {
            true => Ok(()),
            false => Err(format!(
                "it has {found} numbers, its shape needs {}",
                self.numbers
            )),
        }
    }

    /// The type of its elements.
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers it has.
    pub fn numbers(&self) -> usize {
        self.numbers
    }

    /// Bytes of its numbers.
    pub fn byte_count(&self) -> usize {
        self.numbers * self.element.bytes()
    }

    /// Whether its numbers are in another file.
    pub fn is_external(&self) -> bool {
        self.tensor.data_location == 1
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
        Ok(Bytes::from(match self.element {
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
