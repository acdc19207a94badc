//! NumPy's arrays as nested lists: a patch size, a spacing, an array of names. Long ones are logs of training and
//! stay objects that are not understood.

use super::machine::Machine;
use super::numpy::Kind;
use super::{Id, Node};

/// The class of an array.
pub(super) const ARRAY: &str = "numpy.ndarray";

/// The most values of an array that are read one by one.
const MOST_VALUES: usize = 1 << 16;
/// The most axes of an array, as NumPy has it.
const MOST_AXES: usize = 64;

/// An array's shape, order and type.
struct Layout {
    shape: Vec<usize>,
    /// The first axis changes fastest in memory.
    fortran: bool,
}

impl Machine<'_> {
    /// The state of an array: `(version, shape, type, whether in Fortran's order, bytes or list of objects)`.
    pub(super) fn array_state(&mut self, array: Id, state: Id) -> Result<(), String> {
        let [_, shape, kind, fortran, values] = self.first(state)?[..] else {
            return Err("has a NumPy array with a state of another length than 5".to_owned());
        };
        let fortran = matches!(self.nodes[fortran], Node::Bool(true));
        if let Some(node) = self.array(shape, kind, fortran, values)? {
            self.nodes[array] = node;
        }
        Ok(())
    }

    /// The arguments of protocol 5's arrays: `(bytes, type, shape, "C" or "F")`.
    pub(super) fn buffer(&mut self, parts: &[Id]) -> Result<Option<Node>, String> {
        let [values, kind, shape, order] = *parts else {
            return Ok(None);
        };
        let fortran = matches!(&self.nodes[order], Node::Text(order) if order == "F");
        let node = self.array(shape, kind, fortran, values)?;
        Ok(Some(node.unwrap_or_else(|| Node::Object(ARRAY.to_owned()))))
    }

    /// Nested lists of the values; `None` where there are too many or their type is not understood.
    fn array(
        &mut self,
        shape: Id,
        kind: Id,
        fortran: bool,
        values: Id,
    ) -> Result<Option<Node>, String> {
        let shape = self.shape(shape)?;
        let count = shape
            .iter()
            .try_fold(1usize, |count, &n| count.checked_mul(n));
        let count = count.ok_or("has a NumPy array larger than any memory")?;
        let longest = shape.iter().max().copied().unwrap_or(0);
        if count.max(longest) > MOST_VALUES {
            return Ok(None);
        }
        let scalars = match (&self.nodes[kind], &self.nodes[values]) {
            (Node::Kind(kind), Node::Bytes(bytes)) => {
                let (kind, bytes) = (*kind, bytes.clone());
                self.copied.spend(bytes.len())?;
                self.scalars(kind, &bytes, count)?
            }
            // An array of objects lists them.
            (_, Node::List(objects)) => {
                self.copied.spend(8 * objects.len())?;
                objects.clone()
            }
            _ => return Ok(None),
        };
        if scalars.len() != count {
            return Err(format!(
                "has a NumPy array of shape {shape:?} with {} values",
                scalars.len()
            ));
        }
        let layout = Layout { shape, fortran };
        let whole = self.nested(&layout, &scalars, 0, &mut Vec::new())?;
        self.copied.spend(match &self.nodes[whole] {
            Node::Text(text) => text.len(),
            Node::List(parts) => 8 * parts.len(),
            _ => 0,
        })?;
        Ok(Some(self.nodes[whole].clone()))
    }

    fn scalars(&mut self, kind: Kind, bytes: &[u8], count: usize) -> Result<Vec<Id>, String> {
        if count == 0 {
            return Ok(Vec::new());
        }
        if !bytes.len().is_multiple_of(count) || bytes.is_empty() {
            return Err(format!(
                "has a NumPy array of {count} values in {} bytes",
                bytes.len()
            ));
        }
        let values = bytes.chunks_exact(bytes.len() / count);
        values.map(|value| self.keep(kind.scalar(value)?)).collect()
    }

    /// The list along one axis, the places along the axes before it being `at`.
    fn nested(
        &mut self,
        layout: &Layout,
        scalars: &[Id],
        axis: usize,
        at: &mut Vec<usize>,
    ) -> Result<Id, String> {
        let Some(&length) = layout.shape.get(axis) else {
            return Ok(scalars[layout.offset(at)]);
        };
        let mut parts = Vec::new();
        for place in 0..length {
            at.push(place);
            parts.push(self.nested(layout, scalars, axis + 1, at)?);
            at.pop();
        }
        self.keep(Node::List(parts))
    }

    fn shape(&self, shape: Id) -> Result<Vec<usize>, String> {
        let size = |&part: &Id| match self.nodes[part] {
            Node::Int(size) => usize::try_from(size).ok(),
            _ => None,
        };
        let sizes = match &self.nodes[shape] {
            Node::List(parts) if parts.len() <= MOST_AXES => parts.iter().map(size).collect(),
            _ => None,
        };
        sizes.ok_or_else(|| "has a NumPy array whose shape is no list of sizes".to_owned())
    }
}

impl Layout {
    /// The offset of a value in memory.
    fn offset(&self, at: &[usize]) -> usize {
        let axes = self.shape.iter().zip(at);
        let step = |offset: usize, (&length, &place): (&usize, &usize)| offset * length + place;
        if self.fortran {
            axes.rev().fold(0, step)
        } else {
            axes.fold(0, step)
        }
    }
}
