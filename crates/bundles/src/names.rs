//! What the names in expressions mean: a config's `$import` statements, and the constants that are known.

use crate::value::constant;
use serde_json::Value;
use std::collections::BTreeMap;

/// Names that expressions may use without an import, as MONAI has it.
const GIVEN: [(&str, &str); 4] = [
    ("monai", "monai"),
    ("torch", "torch"),
    ("np", "numpy"),
    ("numpy", "numpy"),
];

/// Types of numbers that `torch` and `numpy` name, and the one that each is.
const TYPES: [(&str, &str); 19] = [
    ("bool", "bool"),
    ("bool_", "bool"),
    ("uint8", "uint8"),
    ("uint16", "uint16"),
    ("uint32", "uint32"),
    ("uint64", "uint64"),
    ("int8", "int8"),
    ("int16", "int16"),
    ("short", "int16"),
    ("int32", "int32"),
    ("int", "int32"),
    ("int64", "int64"),
    ("long", "int64"),
    ("float16", "float16"),
    ("half", "float16"),
    ("float32", "float32"),
    ("float", "float32"),
    ("float64", "float64"),
    ("double", "float64"),
];

/// Texts that MONAI's enumerations stand for.
const TEXTS: [(&str, &str); 11] = [
    ("monai.utils.CommonKeys.IMAGE", "image"),
    ("monai.utils.CommonKeys.LABEL", "label"),
    ("monai.utils.CommonKeys.PRED", "pred"),
    ("monai.utils.enums.CommonKeys.IMAGE", "image"),
    ("monai.utils.enums.CommonKeys.LABEL", "label"),
    ("monai.utils.enums.CommonKeys.PRED", "pred"),
    ("monai.utils.BlendMode.CONSTANT", "constant"),
    ("monai.utils.BlendMode.GAUSSIAN", "gaussian"),
    ("monai.utils.GridSampleMode.BILINEAR", "bilinear"),
    ("monai.utils.GridSampleMode.NEAREST", "nearest"),
    ("monai.utils.GridSamplePadMode.BORDER", "border"),
];

/// Names by what they stand for.
#[derive(Debug, Clone)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// The given names and those of the `$import` statements anywhere in a config.
    pub(crate) fn of(config: &Value) -> Self {
        let given = GIVEN.map(|(name, module)| (name.to_owned(), module.to_owned()));
        let mut names = Self(BTreeMap::from(given));
        names.collect(config);
        names
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.collect(value)),
            Value::Object(values) => values.values().for_each(|value| self.collect(value)),
            Value::String(text) => {
                if let Some((name, module)) = text.strip_prefix('$').and_then(import) {
                    self.0.insert(name, module);
                }
            }
            _ => {}
        }
    }

    /// A dotted name in full, with what its first part stands for; a name of Python itself stays as it is. `None` for a name
    /// that nothing brings in.
    pub(crate) fn full(&self, parts: &[&str]) -> Option<String> {
        let (first, rest) = parts.split_first()?;
        let mut full = match self.0.get(*first) {
            Some(module) => module.clone(),
            None if rest.is_empty() => (*first).to_owned(),
            None => return None,
        };
        for part in rest {
            full.push('.');
            full.push_str(part);
        }
        Some(full)
    }
}

/// The value of a constant's full name.
pub(crate) fn constant_of(full: &str) -> Option<Value> {
    if let Some((_, text)) = TEXTS.iter().find(|(name, _)| *name == full) {
        return Some((*text).into());
    }
    let of_numbers = full
        .strip_prefix("torch.")
        .or_else(|| full.strip_prefix("numpy."));
    match of_numbers {
        // `numpy.float` and the like are of old versions, where they were Python's own types.
        Some("float" | "int" | "bool") if full.starts_with("numpy") => None,
        Some(name) => {
            let (_, of) = TYPES.iter().find(|(known, _)| *known == name)?;
            Some(constant(of))
        }
        None => match full {
            "float" => Some(constant("float64")),
            "int" => Some(constant("int64")),
            "bool" => Some(constant("bool")),
            _ => None,
        },
    }
}

/// The name that an `import` statement brings in, and what it stands for.
fn import(statement: &str) -> Option<(String, String)> {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let first = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    match words[..] {
        // MONAI binds the name as it is written, dots and all; nothing but its first part can be named after that.
        ["import", module] => {
            let module = module.trim_end_matches(',');
            Some((first(module), first(module)))
        }
        ["import", module, "as", name] => Some((name.to_owned(), module.to_owned())),
        ["from", module, "import", name] => Some((name.to_owned(), format!("{module}.{name}"))),
        ["from", module, "import", part, "as", name] => {
            Some((name.to_owned(), format!("{module}.{part}")))
        }
        _ => None,
    }
}

/// Whether an expression's text is an `import` statement.
pub(crate) fn is_import(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("import ") || text.starts_with("from ")
}
