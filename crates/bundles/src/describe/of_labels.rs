//! The steps after the network on masks and labels: components, holes, painting, other numbers.

use super::lambdas;
use super::postprocessing::Chain;
use crate::component::Component;
use crate::note::Note;
use crate::post_step::{PostStep, Rule, ValueKind};
use crate::resolve::Item;
use crate::{Error, Result};
use serde_json::Value;

impl Chain<'_> {
    pub(super) fn keep_largest(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        self.needs(c, &[ValueKind::Labels, ValueKind::Masks])?;
        if let Some(given) = c.value("is_onehot")? {
            let is_onehot = self.kind == ValueKind::Masks;
            if crate::value::truth(&given) != is_onehot {
                return Err(c.bad(
                    "is_onehot",
                    format!("is {given}, but {:?} stand there", self.kind),
                ));
            }
        }
        let components = c.whole("num_components")?.unwrap_or(1);
        let components = usize::try_from(components).ok().filter(|count| *count > 0);
        Ok(PostStep::KeepLargest {
            labels: c.wholes("applied_labels")?,
            independent: c.flag("independent", true)?,
            connectivity: connectivity(c)?,
            components: components.ok_or_else(|| c.bad("num_components", "is not above 0"))?,
        })
    }

    pub(super) fn remove_small(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        self.needs(c, &[ValueKind::Labels, ValueKind::Masks])?;
        let given = c.written("connectivity")?;
        let connectivity = match given {
            None => Some(1),
            Some(Value::Null) => None,
            Some(value) => Some(neighbours(c, &value)?),
        };
        c.only("pixdim", &[])?;
        Ok(PostStep::RemoveSmall {
            min_size: c.number("min_size")?.unwrap_or(64.0),
            connectivity,
            independent_channels: c.flag("independent_channels", true)?,
            by_measure: c.flag("by_measure", false)?,
        })
    }

    pub(super) fn fill_holes(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        self.needs(c, &[ValueKind::Labels, ValueKind::Masks])?;
        Ok(PostStep::FillHoles {
            labels: c.wholes("applied_labels")?,
            connectivity: connectivity(c)?,
        })
    }

    pub(super) fn merge_classes(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        self.needs(c, &[ValueKind::Masks])?;
        c.work().note(Note::ClassByName {
            id: c.id.clone(),
            class: c.class.clone(),
        });
        let outputs = self
            .before
            .outputs
            .ok_or_else(|| c.unknown("without a number of channels of the network"))?;
        let rules = (1..outputs).filter_map(|channel| {
            let label = i64::try_from(channel).ok()?;
            Some(Rule { channel, label })
        });
        Ok(PostStep::Paint {
            rules: rules.collect(),
            otherwise: 0,
        })
    }

    pub(super) fn map_labels(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        self.needs(c, &[ValueKind::Labels])?;
        c.ignore(&["dtype"]);
        let (from, to) = (c.wholes("orig_labels")?, c.wholes("target_labels")?);
        let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
        match from.len() == to.len() && !from.is_empty() {
            true => Ok(PostStep::MapLabels {
                pairs: from.into_iter().zip(to).collect(),
            }),
            false => Err(c.bad("target_labels", "has not as many labels as `orig_labels`")),
        }
    }

    pub(super) fn filter(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        self.needs(c, &[ValueKind::Labels])?;
        let labels = c.wholes("applied_labels")?;
        let labels = labels.ok_or_else(|| c.bad("applied_labels", "is not given"))?;
        Ok(PostStep::KeepLabels { labels })
    }

    pub(super) fn lambda(&self, c: &mut Component<'_, '_>) -> Result<Option<PostStep>> {
        c.ignore(&["inv_func", "track_meta"]);
        if !c.flag("overwrite", true)? {
            return Err(c.bad("overwrite", "is false, which is not supported"));
        }
        let written = c.node("func").map(|node| (node.id.clone(), node));
        let Some((id, node)) = written else {
            return Err(c.bad("func", "is not given"));
        };
        let text = node.value.as_str().unwrap_or_default().to_owned();
        let step = match c.work().resolver.follow(node)? {
            Item::Lambda(_, lambda) => lambdas::step(&lambda, self.kind),
            _ => None,
        };
        step.ok_or_else(|| {
            let reason = "a function of Python whose form is not known, and none is run";
            Error::NotUnderstood {
                id: id.clone(),
                text: crate::error::shortened(&text),
                reason: reason.to_owned(),
                instead: format!(
                    "set `{id}` to a nest of `torch.where(x[[channel]] > 0, label, …)`"
                ),
            }
        })
    }
}

fn connectivity(c: &mut Component<'_, '_>) -> Result<Option<u8>> {
    match c.value("connectivity")? {
        None => Ok(None),
        Some(value) => neighbours(c, &value).map(Some),
    }
}

fn neighbours(c: &Component<'_, '_>, value: &Value) -> Result<u8> {
    let steps = value.as_u64().and_then(|steps| u8::try_from(steps).ok());
    let steps = steps.filter(|steps| (1..=3).contains(steps));
    steps.ok_or_else(|| c.bad("connectivity", format!("is {value}; 1, 2 or 3 is expected")))
}
