//! Whether the parameters of a user-defined network are those that its scope made: only these have names, values
//! of the run's seed, and identities that a checkpoint finds again.

use super::BuiltNetwork;
use super::erased::HIGHEST_RANK;
use crate::{Error, Result};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use std::collections::HashSet;
use vesalius_tensor::{Scope, Tensor};

/// Checks that a network's parameters and those of its scope are the same.
///
/// # Errors
/// [`Error::Custom`] with the parameter and what to do.
pub(super) fn check(name: &str, network: &BuiltNetwork, scope: &Scope) -> Result<()> {
    let mut found = Found::default();
    network.visit(&mut found);
    let refused = |problem: String| Err(Error::custom(format!("network `{name}`: {problem}")));
    let made = scope.parameters();
    let ids: HashSet<ParamId> = made.iter().map(|named| named.id).collect();
    if ids.len() != made.len() {
        let mut names = HashSet::new();
        let twice = made.iter().find(|named| !names.insert(&named.name));
        let twice = twice.map_or("", |named| &named.name);
        return refused(format!(
            "the parameter `{twice}` is made twice; make each layer at a place of its own, `scope.at(\"name\")`"
        ));
    }
    if let Some((path, _)) = found.floats.iter().find(|(_, id)| !ids.contains(id)) {
        return refused(format!(
            "the parameter `{path}` was not made by the scope; make it with `Scope::parameter`, `Scope::buffer` or a layer of `vesalius_tensor`"
        ));
    }
    if let Some(path) = found.high {
        return refused(format!(
            "the parameter `{path}` has more than {HIGHEST_RANK} axes"
        ));
    }
    let held: HashSet<ParamId> = found.floats.iter().map(|(_, id)| *id).collect();
    if let Some(lost) = made.iter().find(|named| !held.contains(&named.id)) {
        return refused(format!(
            "the parameter `{}` was made but is not in the module; keep each in a field that is not `#[module(skip)]`",
            lost.name
        ));
    }
    Ok(())
}

/// The parameters of a module, by their fields.
#[derive(Default)]
struct Found {
    path: Vec<String>,
    floats: Vec<(String, ParamId)>,
    high: Option<String>,
}

impl ModuleVisitor for Found {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        if D > HIGHEST_RANK {
            self.high.get_or_insert(path.clone());
        }
        self.floats.push((path, param.id));
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
}
