//! The chain after the network, with what stands at each place of it.

use super::{PREDICTION, chain, save};
use crate::component::{Component, Work};
use crate::description::Placed;
use crate::note::Note;
use crate::post_step::{PostStep, Save, ValueKind};
use crate::resolve::Item;
use crate::step::{Dtype, Step};
use crate::value::constant_name;
use crate::{Error, Result};
use serde_json::Value;

/// The class of the CECT bundle that paints the channels from the last to the first, without channel 0.
const MERGE_CLASSES: &str = "scripts.my_transforms.MergeClassesd";

/// What the chain stands on.
pub(super) struct Before<'a> {
    pub inputs: &'a [String],
    pub steps: &'a [Placed<Step>],
    /// Channels of the network's output.
    pub outputs: Option<usize>,
}

/// The chain.
pub(super) struct After {
    pub steps: Vec<Placed<PostStep>>,
    pub save: Option<Save>,
}

pub(super) fn read(work: &Work<'_>, item: Option<Item<'_>>, before: &Before<'_>) -> Result<After> {
    let item = item.ok_or_else(|| Error::Missing {
        id: "postprocessing".to_owned(),
        needed_by: "it makes labels of the network's output".to_owned(),
    })?;
    let mut chain = Chain {
        before,
        kind: ValueKind::Logits,
        is_inverted: false,
        steps: Vec::new(),
        save: None,
    };
    for component in chain::read(work, item, "postprocessing")? {
        chain.take(component)?;
    }
    let is_moved = before.steps.iter().any(|placed| placed.step.is_spatial());
    if is_moved && !chain.is_inverted {
        work.note(Note::NotInverted);
    }
    match chain.kind {
        ValueKind::Labels | ValueKind::Masks => Ok(After {
            steps: chain.steps,
            save: chain.save,
        }),
        kind => Err(Error::NotUnderstood {
            id: "postprocessing".to_owned(),
            text: "a chain that ends".to_owned(),
            reason: format!("with {kind:?}, and not with labels"),
            instead: "add an `AsDiscreted` to it".to_owned(),
        }),
    }
}

pub(super) struct Chain<'a> {
    pub(super) before: &'a Before<'a>,
    pub(super) kind: ValueKind,
    is_inverted: bool,
    steps: Vec<Placed<PostStep>>,
    save: Option<Save>,
}

impl Chain<'_> {
    fn take(&mut self, mut c: Component<'_, '_>) -> Result<()> {
        c.ignore(&["allow_missing_keys"]);
        let keys = c.texts("keys")?;
        let keys = keys.ok_or_else(|| c.unknown("as a step after the network"))?;
        let live: Vec<usize> = (0..keys.len())
            .filter(|index| keys[*index] == PREDICTION)
            .collect();
        let (id, class) = (c.id.clone(), c.class.clone());
        if live.is_empty() {
            c.work().note(Note::LeftOut { id, class });
            return Ok(());
        }
        c.with_keys(keys.len(), live);
        if self.save.is_some() {
            return Err(c.unknown("after the result was saved"));
        }
        let made: Vec<PostStep> = match class.as_str() {
            "EnsureTyped" | "ToDeviced" | "ToTensord" | "CastToTyped" => {
                self.typed(&mut c)?;
                Vec::new()
            }
            "Activationsd" => self.activation(&mut c)?.into_iter().collect(),
            "AsDiscreted" => self.discrete(&mut c)?,
            "Invertd" => vec![self.invert(&mut c)?],
            "KeepLargestConnectedComponentd" => vec![self.keep_largest(&mut c)?],
            "RemoveSmallObjectsd" => vec![self.remove_small(&mut c)?],
            "FillHolesd" => vec![self.fill_holes(&mut c)?],
            "Lambdad" => self.lambda(&mut c)?.into_iter().collect(),
            MERGE_CLASSES => vec![self.merge_classes(&mut c)?],
            "MapLabelValued" => vec![self.map_labels(&mut c)?],
            "LabelFilterd" => vec![self.filter(&mut c)?],
            "SaveImaged" => {
                self.save = Some(save::save(&mut c)?);
                Vec::new()
            }
            _ => return Err(c.unknown("as a step after the network")),
        };
        c.finish()?;
        for step in made {
            self.kind = after(&step, self.kind);
            self.steps.push(Placed {
                id: id.clone(),
                step,
            });
        }
        Ok(())
    }

    /// A step that stands where its input is of another kind.
    pub(super) fn needs(&self, c: &Component<'_, '_>, kinds: &[ValueKind]) -> Result<()> {
        match kinds.contains(&self.kind) {
            true => Ok(()),
            false => Err(c.unknown(&format!("on {:?}, which stand there", self.kind))),
        }
    }

    /// Another type of numbers does not change labels; other values it may cut.
    fn typed(&self, c: &mut Component<'_, '_>) -> Result<()> {
        let dtype = c.dtype("dtype")?;
        let is_discrete = matches!(self.kind, ValueKind::Labels | ValueKind::Masks);
        let is_exact = matches!(dtype, None | Some(Dtype::Float32 | Dtype::Float64));
        if !is_exact && !is_discrete {
            let reason = format!(
                "changes the numbers of {:?}, which is not supported",
                self.kind
            );
            return Err(c.bad("dtype", reason));
        }
        c.ignore(&[
            "data_type",
            "device",
            "wrap_sequence",
            "track_meta",
            "non_blocking",
        ]);
        Ok(())
    }

    fn activation(&self, c: &mut Component<'_, '_>) -> Result<Option<PostStep>> {
        let (softmax, sigmoid) = (c.flag("softmax", false)?, c.flag("sigmoid", false)?);
        c.only("other", &[])?;
        let dim = c.whole("dim")?;
        if dim.is_some_and(|dim| dim != 0) {
            return Err(c.bad("dim", "is not the axis of the channels (0)"));
        }
        let step = match (softmax, sigmoid) {
            (true, true) => return Err(c.bad("sigmoid", "is true, and so is `softmax`")),
            (true, false) => PostStep::Softmax,
            (false, true) => PostStep::Sigmoid,
            (false, false) => return Ok(None),
        };
        self.needs(c, &[ValueKind::Logits])?;
        Ok(Some(step))
    }

    fn discrete(&self, c: &mut Component<'_, '_>) -> Result<Vec<PostStep>> {
        let mut steps = Vec::new();
        if c.whole("dim")?.is_some_and(|dim| dim != 0) {
            return Err(c.bad("dim", "is not the axis of the channels (0)"));
        }
        if !c.flag("keepdim", true)? {
            return Err(c.bad("keepdim", "is false, which is not supported"));
        }
        not_converted(c)?;
        if c.flag("argmax", false)? {
            self.needs(
                c,
                &[
                    ValueKind::Logits,
                    ValueKind::Exclusive,
                    ValueKind::Independent,
                    ValueKind::Masks,
                ],
            )?;
            steps.push(PostStep::Argmax);
        }
        match c.for_keys("to_onehot")? {
            None | Some(Value::Bool(false)) => {}
            Some(value) => {
                let classes = value
                    .as_u64()
                    .and_then(|classes| usize::try_from(classes).ok());
                let classes = classes.filter(|_| !value.is_boolean());
                let classes = classes.ok_or_else(|| {
                    c.bad(
                        "to_onehot",
                        format!("is {value}, which is no number of classes"),
                    )
                })?;
                steps.push(PostStep::OneHot { classes });
            }
        }
        match c.for_keys("threshold")? {
            None | Some(Value::Bool(false)) => {}
            Some(value) => {
                let at = value.as_f64().filter(|_| !value.is_boolean());
                let at = at
                    .ok_or_else(|| c.bad("threshold", format!("is {value}, which is no number")))?;
                steps.push(PostStep::Threshold { at });
            }
        }
        match c.text("rounding")?.as_deref() {
            None => {}
            Some("torchrounding") => steps.push(PostStep::Round),
            Some(other) => {
                return Err(c.bad(
                    "rounding",
                    format!("is `{other}`; torchrounding is expected"),
                ));
            }
        }
        Ok(steps)
    }

    fn invert(&mut self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        if std::mem::replace(&mut self.is_inverted, true) {
            return Err(c.unknown("after the result was taken back once"));
        }
        self.check_inverted_chain(c)?;
        let is_nearest = c.flag("nearest_interp", true)?;
        c.only("post_func", &[])?;
        c.ignore(&[
            "meta_keys",
            "orig_meta_keys",
            "meta_key_postfix",
            "to_tensor",
            "device",
        ]);
        let like = c
            .text("orig_keys")?
            .unwrap_or_else(|| PREDICTION.to_owned());
        let is_known = like == super::IMAGE || self.before.inputs.contains(&like);
        if !is_known {
            return Err(c.bad(
                "orig_keys",
                format!("is `{like}`, which is no input of the network"),
            ));
        }
        let interpolates = self
            .before
            .steps
            .iter()
            .any(|placed| placed.step.interpolates());
        let is_discrete = matches!(self.kind, ValueKind::Labels | ValueKind::Masks);
        if is_discrete && interpolates && !is_nearest {
            return Err(Error::FractionalLabels { id: c.id.clone() });
        }
        Ok(PostStep::Invert {
            of: self.kind,
            is_nearest,
            like,
        })
    }

    /// What is undone must be what was done.
    fn check_inverted_chain(&self, c: &mut Component<'_, '_>) -> Result<()> {
        let resolver = &c.work().resolver;
        let done = match resolver.find("dataset::transform")? {
            Some(item) => Some(item),
            None => resolver.find("preprocessing")?,
        };
        let undone = c.item("transform")?;
        match (done, undone) {
            (Some(Item::Node(done)), Some(Item::Node(undone))) if done.id == undone.id => Ok(()),
            _ => Err(c.bad("transform", "is not the chain before the network")),
        }
    }
}

fn after(step: &PostStep, kind: ValueKind) -> ValueKind {
    match (step, kind) {
        (PostStep::Softmax, _) => ValueKind::Exclusive,
        (PostStep::Sigmoid, _) => ValueKind::Independent,
        (PostStep::Argmax | PostStep::Paint { .. }, _) => ValueKind::Labels,
        (PostStep::OneHot { .. }, _) => ValueKind::Masks,
        (PostStep::Threshold { .. } | PostStep::Round, ValueKind::Labels) => ValueKind::Labels,
        (PostStep::Threshold { .. } | PostStep::Round, _) => ValueKind::Masks,
        (_, kind) => kind,
    }
}

/// Results are whole numbers, so the types that hold them are all alike.
fn not_converted(c: &mut Component<'_, '_>) -> Result<()> {
    let dtype = c.written("dtype")?;
    let is_known =
        |value: &Value| value.is_null() || constant_name(value).is_some() || value.is_string();
    match dtype.filter(|value| !is_known(value)) {
        Some(other) => Err(c.bad("dtype", format!("is {other}, which is no type of numbers"))),
        None => Ok(()),
    }
}
