//! PyTorch's tensors as calls describe them: a storage outside of the pickle, and which of its numbers.

use super::super::view::View;
use super::machine::Machine;
use super::{Id, Node, Storage};
use pytorch_reader::DType;

/// The most bytes that one tensor may have.
const MOST_BYTES: usize = 10 << 30;
/// The most axes of one.
const MOST_AXES: usize = 64;

impl Machine<'_> {
    /// PyTorch's name of a storage: `("storage", class, key, device, count)`.
    pub fn persistent(&mut self, id: Id) -> Result<(), String> {
        let parts = self.first(id)?;
        let [tag, class, key, _, count, ..] = parts[..] else {
            return Err("names data beside it otherwise than PyTorch does".to_owned());
        };
        if self.string(tag)? != "storage" {
            return Err("names data beside it that are no storage".to_owned());
        }
        let Node::Global(class) = &self.nodes[class] else {
            return Err("names a storage without a type".to_owned());
        };
        let kind = match class.rsplit('.').next().unwrap_or_default() {
            "UntypedStorage" => Ok(None),
            name => of_storage(name).map(Some).ok_or(class),
        };
        let node = match kind {
            Err(class) => Node::Object(class.clone()),
            Ok(kind) => {
                let count = self.natural(count)?;
                let bytes = count.checked_mul(kind.map_or(1, DType::size));
                Node::Storage(Box::new(Storage {
                    key: self.string(key)?.to_owned(),
                    kind,
                    bytes: bytes.ok_or("names a storage larger than any memory")?,
                }))
            }
        };
        if let Node::Storage(storage) = &node {
            self.copied.spend(storage.key.len())?;
        }
        self.push(node)
    }

    /// `torch.float32` and its like.
    pub(super) fn kind(&self, id: Id) -> Option<DType> {
        match &self.nodes[id] {
            Node::Global(name) => of_name(name.strip_prefix("torch.")?),
            _ => None,
        }
    }

    /// `(storage, offset, size, strides, …)`; `None` for one of a type that no weight has.
    pub(super) fn tensor(
        &mut self,
        parts: &[Id],
        told: Option<DType>,
    ) -> Result<Option<Node>, String> {
        let [storage, offset, shape, strides, ..] = *parts else {
            return Err("builds a tensor of too few parts".to_owned());
        };
        let Node::Storage(storage) = &self.nodes[storage] else {
            return Ok(None);
        };
        let Some(kind) = told.or(storage.kind) else {
            return Ok(None);
        };
        let view = View {
            key: storage.key.clone(),
            kind,
            offset: self.natural(offset)?,
            shape: self.naturals(shape)?,
            strides: self.naturals(strides)?,
        };
        let (end, count) = view.extent()?;
        if end > storage.bytes / kind.size() || count > MOST_BYTES / kind.size() {
            return Err(format!(
                "has a tensor of the shape {:?} that reaches beyond its storage `{}`",
                view.shape, view.key
            ));
        }
        self.copied.spend(view.key.len() + 16 * view.shape.len())?;
        Ok(Some(Node::Tensor(Box::new(view))))
    }

    fn natural(&self, id: Id) -> Result<usize, String> {
        let number = match self.nodes[id] {
            Node::Int(number) => usize::try_from(number).ok(),
            _ => None,
        };
        number.ok_or_else(|| "describes a tensor by what is no size".to_owned())
    }

    fn naturals(&self, id: Id) -> Result<Vec<usize>, String> {
        match &self.nodes[id] {
            Node::List(parts) if parts.len() <= MOST_AXES => {
                parts.iter().map(|&part| self.natural(part)).collect()
            }
            _ => Err("describes a tensor by what is no shape".to_owned()),
        }
    }
}

fn of_storage(name: &str) -> Option<DType> {
    Some(match name {
        "FloatStorage" => DType::F32,
        "DoubleStorage" => DType::F64,
        "HalfStorage" => DType::F16,
        "BFloat16Storage" => DType::BF16,
        "LongStorage" => DType::I64,
        "IntStorage" => DType::I32,
        "ShortStorage" => DType::I16,
        "CharStorage" => DType::I8,
        "ByteStorage" => DType::U8,
        "BoolStorage" => DType::Bool,
        _ => return None,
    })
}

fn of_name(name: &str) -> Option<DType> {
    Some(match name {
        "float32" => DType::F32,
        "float64" => DType::F64,
        "float16" => DType::F16,
        "bfloat16" => DType::BF16,
        "int64" => DType::I64,
        "int32" => DType::I32,
        "int16" => DType::I16,
        "int8" => DType::I8,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        _ => return None,
    })
}
