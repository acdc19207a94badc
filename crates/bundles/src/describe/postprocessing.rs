//! The chain after the network, with what stands at each place of it.

use super::{PREDICTION, chain, lambdas};
use crate::component::{Component, Work};
use crate::description::Placed;
use crate::note::Note;
use crate::resolve::Item;
use crate::step::{PostStep, Rule, Save, Step, ValueKind};
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

struct Chain<'a> {
    before: &'a Before<'a>,
    kind: ValueKind,
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
                c.ignore(&[
                    "data_type",
                    "dtype",
                    "device",
                    "wrap_sequence",
                    "track_meta",
                    "non_blocking",
                ]);
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
                self.save = Some(save(&mut c)?);
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
    fn needs(&self, c: &Component<'_, '_>, kinds: &[ValueKind]) -> Result<()> {
        match kinds.contains(&self.kind) {
            true => Ok(()),
            false => Err(c.unknown(&format!("on {:?}, which stand there", self.kind))),
        }
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
        for (name, known) in [("dim", 0), ("num_classes", 0)] {
            if c.whole(name)?.is_some_and(|value| value != known) {
                return Err(c.bad(name, "is not supported"));
            }
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

    fn keep_largest(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
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

    fn remove_small(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
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

    fn fill_holes(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        self.needs(c, &[ValueKind::Labels, ValueKind::Masks])?;
        Ok(PostStep::FillHoles {
            labels: c.wholes("applied_labels")?,
            connectivity: connectivity(c)?,
        })
    }

    fn lambda(&self, c: &mut Component<'_, '_>) -> Result<Option<PostStep>> {
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
                    "write it as a nest of `torch.where(x[[channel]] > 0, label, …)` with `Config::set(\"{id}\", …)`"
                ),
            }
        })
    }

    fn merge_classes(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
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

    fn map_labels(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
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

    fn filter(&self, c: &mut Component<'_, '_>) -> Result<PostStep> {
        self.needs(c, &[ValueKind::Labels])?;
        let labels = c.wholes("applied_labels")?;
        let labels = labels.ok_or_else(|| c.bad("applied_labels", "is not given"))?;
        Ok(PostStep::KeepLabels { labels })
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

fn save(c: &mut Component<'_, '_>) -> Result<Save> {
    let extension = c
        .text("output_ext")?
        .unwrap_or_else(|| ".nii.gz".to_owned());
    let postfix = c
        .text("output_postfix")?
        .unwrap_or_else(|| "trans".to_owned());
    let dtype = match c.node("output_dtype") {
        None => Some(crate::step::Dtype::Float32),
        Some(node) => match c.work().resolver.force_node(node)? {
            Value::Null => None,
            value => {
                let found = constant_name(&value).or(value.as_str());
                let dtype = found.and_then(crate::component::dtype);
                Some(dtype.ok_or_else(|| {
                    c.bad(
                        "output_dtype",
                        format!("is {value}, which is no known type of numbers"),
                    )
                })?)
            }
        },
    };
    if let Some(scale) = c.value("scale")? {
        return Err(c.bad(
            "scale",
            format!("is {scale}, which would change the labels"),
        ));
    }
    c.ignore(&[
        "meta_keys",
        "meta_key_postfix",
        "output_dir",
        "mode",
        "padding_mode",
        "dtype",
        "data_root_dir",
        "print_log",
        "output_format",
        "writer",
        "savepath_in_metadict",
        "output_name_formatter",
        "folder_layout",
    ]);
    Ok(Save {
        id: c.id.clone(),
        extension,
        postfix,
        dtype,
        separate_folder: c.flag("separate_folder", true)?,
        resample: c.flag("resample", false)?,
        squeeze_end_dims: c.flag("squeeze_end_dims", true)?,
    })
}
