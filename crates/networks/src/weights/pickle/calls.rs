//! What calls make: dictionaries, NumPy's scalars and arrays, and PyTorch's tensors, which are described elsewhere. Any other
//! is an object of which only the class is known, and a few are refused.

use super::arrays::ARRAY;
use super::machine::Machine;
use super::numpy::Kind;
use super::{Id, Node};

/// Modules with whose functions a pickle does harm when Python loads it. Here they would not run; that a file
/// names them is reason to read nothing of it.
const HARMFUL: [&str; 18] = [
    "os",
    "posix",
    "nt",
    "subprocess",
    "sys",
    "shutil",
    "socket",
    "pty",
    "runpy",
    "importlib",
    "ctypes",
    "codeop",
    "webbrowser",
    "pickle",
    "_pickle",
    "multiprocessing",
    "asyncio",
    "timeit",
];
/// The same of Python's own functions.
const HARMFUL_BUILTINS: [&str; 8] = [
    "eval",
    "exec",
    "compile",
    "open",
    "__import__",
    "input",
    "breakpoint",
    "execfile",
];

/// How the classes of TorchScript's modules begin. Their state is a dictionary of what they hold: parameters, buffers and further
/// modules by the names that a state dict has too.
const SCRIPTED: &str = "__torch__.";

/// What a call gives.
enum Made {
    New(Node),
    /// An object that was made before.
    Known(Id),
}

impl Machine<'_> {
    /// A call of a function with a tuple of arguments.
    pub fn call(&mut self, function: Id, arguments: Id) -> Result<(), String> {
        match self.made(function, arguments, false)? {
            Made::New(node) => self.push(node),
            Made::Known(id) => self.push_known(id),
        }
    }

    /// An instance of a class, of which nothing more is known.
    pub fn instance(&mut self, class: Id) -> Result<(), String> {
        let object = self.object(class)?;
        self.push(object)
    }

    /// An object's state: NumPy's types have the order of bytes there, its arrays and TorchScript's modules all of their content,
    /// the others nothing that counts.
    pub fn build(&mut self, object: Id, state: Id) -> Result<(), String> {
        if matches!(&self.nodes[object], Node::Object(class) if class == ARRAY) {
            return self.array_state(object, state);
        }
        if matches!(&self.nodes[object], Node::Object(class) if class.starts_with(SCRIPTED)) {
            let entries = self.entries(&[state])?;
            self.nodes[object] = Node::Dict(entries);
            return Ok(());
        }
        let order = match &self.nodes[state] {
            Node::List(parts) => parts.get(1).map(|&part| &self.nodes[part]),
            _ => None,
        };
        let big = matches!(order, Some(Node::Text(order)) if order == ">");
        if let Node::Kind(kind) = &mut self.nodes[object] {
            kind.big_endian = big;
        }
        Ok(())
    }

    fn made(&mut self, function: Id, arguments: Id, within: bool) -> Result<Made, String> {
        let parts = self.first(arguments)?;
        let Node::Global(name) = &self.nodes[function] else {
            return self.object(function).map(Made::New);
        };
        let name = name.as_str();
        let first = parts.first().copied();
        let own = name
            .strip_prefix("builtins.")
            .or(name.strip_prefix("__builtin__."));
        let new = match (own.unwrap_or(name), first) {
            (
                "collections.OrderedDict"
                | "collections.defaultdict"
                | "collections.Counter"
                | "dict",
                _,
            ) => Some(Node::Dict(self.entries(&parts)?)),
            ("set" | "frozenset" | "list" | "tuple", Some(first)) => {
                Some(Node::List(self.list(first)?))
            }
            ("set" | "frozenset" | "list" | "tuple", None) => Some(Node::List(Vec::new())),
            ("bytes" | "bytearray", None) => Some(Node::Bytes(Vec::new())),
            (
                "torch.Size"
                | "torch._utils._rebuild_parameter"
                | "torch._utils._rebuild_parameter_with_state",
                Some(first),
            ) => {
                return Ok(Made::Known(first));
            }
            ("_codecs.encode", Some(first)) => self.encoded(first)?,
            ("numpy.dtype", Some(first)) => Kind::named(self.string(first)?).map(Node::Kind),
            ("numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct", _) => {
                Some(Node::Object(ARRAY.to_owned()))
            }
            ("numpy.core.numeric._frombuffer" | "numpy._core.numeric._frombuffer", _) => {
                self.buffer(&parts)?
            }
            ("numpy.core.multiarray.scalar" | "numpy._core.multiarray.scalar", _) => {
                self.scalar(&parts)?
            }
            ("torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2", _) => {
                self.tensor(&parts, None)?
            }
            ("torch._utils._rebuild_tensor_v3", _) => {
                let kind = parts.get(6).and_then(|&kind| self.kind(kind));
                self.tensor(&parts, kind)?
            }
            ("torch._tensor._rebuild_from_type_v2", _) if !within && parts.len() > 2 => {
                return self.made(parts[0], parts[2], true);
            }
            _ => None,
        };
        match new {
            Some(node) => Ok(Made::New(node)),
            None => self.object(function).map(Made::New),
        }
    }

    /// An object of an unsupported class.
    fn object(&mut self, class: Id) -> Result<Node, String> {
        let name = match &self.nodes[class] {
            Node::Global(name) | Node::Object(name) => name.clone(),
            _ => return Err("calls what is no function".to_owned()),
        };
        self.copied.spend(name.len())?;
        let module = name.split('.').next().unwrap_or_default();
        let own = ["builtins", "__builtin__"].contains(&module);
        let last = name.rsplit('.').next().unwrap_or_default();
        if HARMFUL.contains(&module) || own && HARMFUL_BUILTINS.contains(&last) {
            return Err(format!(
                "calls `{name}`, which no file of weights does: it is made to do harm when Python loads it; nothing of it was run"
            ));
        }
        Ok(Node::Object(name))
    }

    /// The first parts of a tuple: no call that is understood has more.
    pub(super) fn first(&self, id: Id) -> Result<Vec<Id>, String> {
        match &self.nodes[id] {
            Node::List(parts) => Ok(parts.iter().take(8).copied().collect()),
            _ => Err("calls a function without a tuple of arguments".to_owned()),
        }
    }

    fn list(&mut self, id: Id) -> Result<Vec<Id>, String> {
        match &self.nodes[id] {
            Node::List(parts) => {
                self.copied.spend(8 * parts.len())?;
                Ok(parts.clone())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The entries of the first argument that has some: a dictionary, or a list of pairs.
    fn entries(&mut self, parts: &[Id]) -> Result<Vec<(Id, Id)>, String> {
        for &part in parts {
            match &self.nodes[part] {
                Node::Dict(entries) => {
                    self.copied.spend(16 * entries.len())?;
                    return Ok(entries.clone());
                }
                Node::List(pairs) => {
                    self.copied.spend(16 * pairs.len())?;
                    let pair = |pair: &Id| match &self.nodes[*pair] {
                        Node::List(pair) => Some((*pair.first()?, *pair.get(1)?)),
                        _ => None,
                    };
                    return Ok(pairs.iter().filter_map(pair).collect());
                }
                _ => {}
            }
        }
        Ok(Vec::new())
    }

    /// Bytes, as Python writes them before its third protocol: a text of `latin1`.
    fn encoded(&mut self, text: Id) -> Result<Option<Node>, String> {
        let text = self.string(text)?;
        let length = text.len();
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        self.copied.spend(length)?;
        Ok(bytes.map(Node::Bytes))
    }

    fn scalar(&mut self, parts: &[Id]) -> Result<Option<Node>, String> {
        let (Some(&kind), Some(&bytes)) = (parts.first(), parts.get(1)) else {
            return Ok(None);
        };
        let (Node::Kind(kind), Node::Bytes(bytes)) = (&self.nodes[kind], &self.nodes[bytes]) else {
            return Ok(None);
        };
        self.copied.spend(bytes.len())?;
        kind.scalar(bytes).map(Some)
    }
}
