//! The file of the weights, as the config's `CheckpointLoader` names it.

use crate::component::{Component, Work};
use crate::description::WeightsSpec;
use crate::note::Note;
use crate::resolve::{Item, Node};
use crate::source::inside;
use crate::{Error, Result};
use serde_json::Value;

/// Where bundles have their weights; the first is where they are expected.
const BY_CONVENTION: [&str; 4] = [
    "models/model.pt",
    "models/model.pth",
    "models/model.safetensors",
    "models/model_key_metric.pt",
];

pub(super) fn read(work: &Work<'_>, has_file: &dyn Fn(&str) -> bool) -> Result<WeightsSpec> {
    let mut loaders = Vec::new();
    for (key, value) in work
        .resolver
        .config()
        .root()
        .as_object()
        .into_iter()
        .flatten()
    {
        let node = Node {
            id: key.clone(),
            value,
            is_foreign: false,
        };
        collect(node, &mut loaders);
    }
    let mut found: Vec<WeightsSpec> = Vec::new();
    let mut first = String::new();
    for node in loaders {
        let id = node.id.clone();
        let weights = of_loader(work, node, has_file)?;
        match found.first() {
            None => first = id,
            Some(other) if *other == weights => continue,
            Some(other) => {
                return Err(Error::not_understood(
                    &id,
                    &weights.path,
                    format!("while `{first}` loads other weights, `{}`", other.path),
                ));
            }
        }
        found.push(weights);
    }
    Ok(match found.pop() {
        Some(weights) => weights,
        None => {
            let found = BY_CONVENTION.into_iter().find(|path| has_file(path));
            let path = found.unwrap_or(BY_CONVENTION[0]).to_owned();
            work.note(Note::WeightsByConvention { path: path.clone() });
            WeightsSpec {
                is_present: has_file(&path),
                path,
                key: None,
                strict: true,
            }
        }
    })
}

/// The loaders anywhere in the config that are not disabled. Whether weights are there is no reason to go without them, so
/// `_disabled_` counts only where it is written as true.
fn collect<'c>(node: Node<'c>, found: &mut Vec<Node<'c>>) {
    let target = node.value.get("_target_").and_then(Value::as_str);
    let is_loader =
        target.is_some_and(|target| target.rsplit('.').next() == Some("CheckpointLoader"));
    if is_loader {
        let is_disabled = match node.value.get("_disabled_") {
            Some(Value::Bool(disabled)) => *disabled,
            Some(Value::String(text)) => text.trim().eq_ignore_ascii_case("true"),
            _ => false,
        };
        if !is_disabled {
            found.push(node);
        }
        return;
    }
    for (_, child) in node.children() {
        collect(child, found);
    }
}

fn of_loader(
    work: &Work<'_>,
    node: Node<'_>,
    has_file: &dyn Fn(&str) -> bool,
) -> Result<WeightsSpec> {
    let id = node.id.clone();
    let mut loader = Component::of(work, Item::Node(node), &id)?;
    let missing = |name: &str| Error::Missing {
        id: format!("{id}::{name}"),
        needed_by: "weights are loaded".to_owned(),
    };
    let path = loader
        .text("load_path")?
        .ok_or_else(|| missing("load_path"))?;
    let inside = inside(&path).ok_or_else(|| Error::Outside {
        id: format!("{id}::load_path"),
        path: path.clone(),
    })?;
    let key = key_of_network(&mut loader)?.ok_or_else(|| missing("load_dict"))?;
    let strict = loader.flag("strict", true)?;
    loader.ignore(&["name", "map_location", "strict_shape"]);
    loader.finish()?;
    Ok(WeightsSpec {
        is_present: has_file(&inside),
        path: inside,
        key: Some(key),
        strict,
    })
}

/// The entry of the file for the network: `load_dict` names what each entry is loaded into.
fn key_of_network(loader: &mut Component<'_, '_>) -> Result<Option<String>> {
    let work = loader.work();
    let Some(node) = loader.node("load_dict") else {
        return Ok(None);
    };
    let Item::Node(node) = work.resolver.follow(node)? else {
        return Err(loader.bad("load_dict", "is no mapping of names to what is loaded"));
    };
    let entries = node.children();
    let written = |node: &Node<'_>| node.value.as_str().unwrap_or_default().replace('#', "::");
    let of_network: Vec<&String> = entries
        .iter()
        .filter(|(_, node)| {
            let text = written(node);
            let id = text.trim_start_matches(['$', '@']);
            id.starts_with("network") || id.starts_with("evaluator::network")
        })
        .map(|(key, _)| key)
        .collect();
    match (&of_network[..], &entries[..]) {
        ([key], _) => Ok(Some((*key).clone())),
        ([], [(key, _)]) => Ok(Some(key.clone())),
        _ => Err(loader.bad("load_dict", "does not say which entry is the network's")),
    }
}
