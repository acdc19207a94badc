//! What each member of a union paints and where it runs, once the labels of all members are known.

use super::{CropTo, Needs, UnionDescription, UnionMember};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use vesalius_volume::LabelScheme;

/// A union with the labels of its members.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The labels of the result.
    pub scheme: LabelScheme,
    /// One for each member of the description.
    pub members: Vec<Planned>,
}

/// What a member does.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// Whether its labels are asked for, or needed by a member whose labels are.
    pub runs: bool,
    /// The value in the result for each value of the member; 0 for those that it does not paint.
    paint: BTreeMap<u16, u16>,
    /// Around what it runs.
    pub crop: Option<(Watch, f64)>,
    /// What must be there for it to run, and how many ml of it.
    pub needs: Option<(Watch, f64)>,
}

/// Labels of an earlier member.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    /// The number of that member.
    pub member: usize,
    /// Their values there.
    pub values: BTreeSet<u16>,
}

impl Planned {
    /// The values of the result for a row of the member's.
    pub fn painted(&self, row: &[u16], canvas: &mut [u16]) -> bool {
        let mut any = false;
        let mut last = (0, 0);
        for (&found, voxel) in row.iter().zip(canvas) {
            // Labels come in runs.
            if found != last.0 {
                last = (found, self.paint.get(&found).copied().unwrap_or(0));
            }
            if last.1 != 0 {
                *voxel = last.1;
                any = true;
            }
        }
        any
    }
}

/// A label of the result, and the member and label that it is painted by.
struct Named {
    name: String,
    member: usize,
    value: u16,
}

impl Plan {
    /// The plan for members with these labels; of `only` these labels of the result, where some are named.
    ///
    /// # Errors
    /// [`Error::BadModel`] with the member and the label that is not there, is there twice, or has no value;
    /// [`Error::BadValue`] for a name in `only` that no member paints.
    pub fn new(
        union: &UnionDescription,
        schemes: &[&LabelScheme],
        only: Option<&[String]>,
    ) -> Result<Self> {
        let members: Vec<(&UnionMember, &LabelScheme)> =
            union.members.iter().zip(schemes.iter().copied()).collect();
        let mut named = Vec::new();
        for (index, &(member, scheme)) in members.iter().enumerate() {
            named.extend(painted_by(index, member, scheme)?);
        }
        let values = values(union, &named)?;
        let wanted = |name: &str| only.is_none_or(|only| only.iter().any(|other| other == name));
        if let Some(unknown) = only
            .into_iter()
            .flatten()
            .find(|name| !values.contains_key(name.as_str()))
        {
            return Err(not_painted(unknown, &values));
        }
        let mut planned = Vec::new();
        for (index, &(member, _)) in members.iter().enumerate() {
            let own = named.iter().filter(|label| label.member == index);
            let own = own.filter(|label| wanted(&label.name));
            let watch = |name: &str, labels: &[String]| watch(&members, member, name, labels);
            let crop = member.crop_to.as_ref();
            let crop = crop.map(
                |CropTo {
                     member,
                     labels,
                     margin,
                 }| { watch(member, labels).map(|watch| (watch, *margin)) },
            );
            let needs = member.needs.as_ref();
            let needs = needs.map(
                |Needs {
                     member,
                     labels,
                     millilitres,
                 }| { watch(member, labels).map(|watch| (watch, *millilitres)) },
            );
            let paint: BTreeMap<u16, u16> = own
                .map(|label| (label.value, values[label.name.as_str()]))
                .collect();
            planned.push(Planned {
                runs: !paint.is_empty(),
                paint,
                crop: crop.transpose()?,
                needs: needs.transpose()?,
            });
        }
        run_what_is_needed(&mut planned);
        let mut classes: Vec<(&str, u16)> = values
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, value)| (*name, *value))
            .collect();
        classes.sort_unstable_by_key(|(_, value)| *value);
        Ok(Self {
            scheme: LabelScheme::exclusive(&classes)?,
            members: planned,
        })
    }
}

/// Members whose labels a member that runs looks at run too.
fn run_what_is_needed(planned: &mut [Planned]) {
    // Each looks at earlier ones alone.
    for index in (0..planned.len()).rev() {
        if !planned[index].runs {
            continue;
        }
        let looked_at = [&planned[index].crop, &planned[index].needs];
        let looked_at: Vec<usize> = looked_at
            .into_iter()
            .flatten()
            .map(|(watch, _)| watch.member)
            .collect();
        for earlier in looked_at {
            planned[earlier].runs = true;
        }
    }
}

/// The labels that a member paints, in its own order.
fn painted_by(index: usize, member: &UnionMember, scheme: &LabelScheme) -> Result<Vec<Named>> {
    let own = scheme.labels().into_iter().filter(|label| label.value != 0);
    let own: Vec<_> = own.collect();
    if let Some(renamed) = &member.labels {
        let absent = renamed
            .keys()
            .find(|name| !own.iter().any(|l| l.name == name.as_str()));
        if let Some(absent) = absent {
            return Err(no_label(member, absent, scheme));
        }
    }
    let named = own.iter().filter_map(|label| {
        let name = match &member.labels {
            Some(renamed) => renamed.get(label.name)?.clone(),
            None => label.name.to_owned(),
        };
        Some(Named {
            name,
            member: index,
            value: label.value,
        })
    });
    Ok(named.collect())
}

/// The value of each label in the result.
fn values<'a>(union: &'a UnionDescription, named: &'a [Named]) -> Result<BTreeMap<&'a str, u16>> {
    let member = |index: usize| union.members[index].name.as_str();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for label in named {
        match first.insert(&label.name, label.member) {
            Some(other) if other != label.member => {
                return Err(Error::BadModel(format!(
                    "members `{}` and `{}` both paint `{}`; give one of them another name, or leave it out, by `labels` of the member",
                    member(other),
                    member(label.member),
                    label.name
                )));
            }
            _ => {}
        }
    }
    if named.is_empty() {
        return Err(Error::BadModel(
            "no member paints a label; give one of them `labels`, or leave that key out".to_owned(),
        ));
    }
    if union.labels.is_empty() {
        let mut values = BTreeMap::new();
        for label in named {
            let next = values.len() + 1;
            let value = u16::try_from(next).map_err(|_| {
                Error::BadModel("the members paint more labels than 65535".to_owned())
            })?;
            values.entry(label.name.as_str()).or_insert(value);
        }
        return Ok(values);
    }
    if let Some(label) = named.iter().find(|l| !union.labels.contains_key(&l.name)) {
        return Err(Error::BadModel(format!(
            "member `{}` paints `{}`, which has no value in `labels`",
            member(label.member),
            label.name
        )));
    }
    let unpainted = union.labels.keys();
    let mut unpainted = unpainted.filter(|name| !first.contains_key(name.as_str()));
    if let Some(name) = unpainted.next() {
        return Err(Error::BadModel(format!(
            "`labels` gives `{name}` a value, but no member paints it"
        )));
    }
    let values = union.labels.iter();
    Ok(values
        .map(|(name, value)| (name.as_str(), *value))
        .collect())
}

/// Labels of another member that a member looks at.
fn watch(
    members: &[(&UnionMember, &LabelScheme)],
    member: &UnionMember,
    name: &str,
    labels: &[String],
) -> Result<Watch> {
    // The description was checked: it stands before.
    let found = members.iter().position(|(other, _)| other.name == name);
    let index = found.ok_or_else(|| {
        Error::BadModel(format!(
            "member `{}` names `{name}`, which is no member",
            member.name
        ))
    })?;
    let (other, scheme) = members[index];
    let own = scheme.labels();
    let mut values = BTreeSet::new();
    for label in labels {
        let value = own.iter().find(|own| own.name == label);
        let value = value.ok_or_else(|| no_label(other, label, scheme))?.value;
        values.insert(value);
    }
    if labels.is_empty() {
        values.extend(own.iter().map(|own| own.value).filter(|value| *value != 0));
    }
    Ok(Watch {
        member: index,
        values,
    })
}

fn no_label(member: &UnionMember, label: &str, scheme: &LabelScheme) -> Error {
    let own = scheme.labels().into_iter().filter(|own| own.value != 0);
    let names: Vec<&str> = own.map(|own| own.name).collect();
    Error::BadModel(format!(
        "member `{}` has no label `{label}`; its labels are {}",
        member.name,
        names.join(", ")
    ))
}

fn not_painted(name: &str, values: &BTreeMap<&str, u16>) -> Error {
    let names: Vec<&str> = values.keys().copied().collect();
    Error::UnknownLabel {
        name: name.to_owned(),
        known: names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(names: &[(&str, u16)]) -> LabelScheme {
        LabelScheme::exclusive(names).unwrap()
    }

    fn plan(text: &str, schemes: &[&LabelScheme], only: &[&str]) -> Result<Plan> {
        let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
        let only = (!only.is_empty()).then_some(&only[..]);
        Plan::new(&UnionDescription::parse(text).unwrap(), schemes, only)
    }

    const TWO: &str = "members: [{name: a, model: m}, {name: b, model: n}]";

    #[test]
    fn labels_are_numbered_in_the_order_of_the_members() {
        let (a, b) = (
            scheme(&[("liver", 3), ("spleen", 1)]),
            scheme(&[("aorta", 1)]),
        );
        let plan = plan(TWO, &[&a, &b], &[]).unwrap();
        let labels = plan.scheme.labels();
        let labels: Vec<(u16, &str)> = labels.iter().map(|l| (l.value, l.name)).collect();
        let expected = [(0, "background"), (1, "liver"), (2, "spleen"), (3, "aorta")];
        assert_eq!(labels, expected);
        let mut canvas = [9, 9, 9, 9];
        assert!(plan.members[0].painted(&[0, 3, 3, 1], &mut canvas));
        assert_eq!(canvas, [9, 1, 1, 2]);
    }

    #[test]
    fn only_members_whose_labels_are_asked_for_or_looked_at_run() {
        let (a, b, c) = (
            scheme(&[("trunk", 1)]),
            scheme(&[("liver", 1), ("aorta", 2)]),
            scheme(&[("tooth", 1)]),
        );
        let text = "members: [{name: body, model: m, labels: {}}, {name: organs, model: n, crop_to: {member: body}}, {name: head, model: o}]";
        let runs = |only: &[&str]| {
            let plan = plan(text, &[&a, &b, &c], only).unwrap();
            let runs: Vec<bool> = plan.members.iter().map(|m| m.runs).collect();
            (runs, plan.scheme.labels().len())
        };
        assert_eq!(runs(&[]), (vec![true, true, true], 4));
        assert_eq!(runs(&["aorta"]), (vec![true, true, false], 2));
        assert_eq!(runs(&["tooth"]), (vec![false, false, true], 2));
        let error = plan(text, &[&a, &b, &c], &["hair"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`hair`") && error.contains("aorta, liver, tooth"),
            "{error}"
        );
    }

    #[test]
    fn labels_that_contradict_each_other_are_refused_by_name() {
        let (a, b) = (scheme(&[("liver", 1)]), scheme(&[("liver", 2)]));
        for (text, expected) in [
            (TWO, "members `a` and `b` both paint `liver`"),
            (
                "members: [{name: a, model: m, labels: {live: x}}, {name: b, model: n}]",
                "member `a` has no label `live`; its labels are liver",
            ),
            (
                "labels: {liver: 4}\nmembers: [{name: a, model: m, labels: {liver: other}}, {name: b, model: n}]",
                "paints `other`, which has no value",
            ),
            (
                "labels: {liver: 4, skin: 5}\nmembers: [{name: a, model: m, labels: {}}, {name: b, model: n}]",
                "`skin` a value, but no member paints it",
            ),
            (
                "members: [{name: a, model: m, labels: {}}, {name: b, model: n, labels: {}}]",
                "no member paints a label",
            ),
            (
                "members: [{name: a, model: m, labels: {}}, {name: b, model: n, crop_to: {member: a, labels: [skin]}}]",
                "member `a` has no label `skin`",
            ),
        ] {
            let error = plan(text, &[&a, &b], &[]).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
